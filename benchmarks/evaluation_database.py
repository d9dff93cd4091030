"""Figures of a large project on PostgreSQL: load, compute and store them, and open the dashboard.

    python scripts/with_postgres.py python -m benchmarks.evaluation_database [--cases 100000]

Three readers read every case of 99 cells, one run labeled it. Readings are loaded and figures computed in a process of
its own, whose peak memory is shown; pages are asked for in one process, without a network.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any, Final

SLUG: Final = "large"
N_READERS: Final = 3
ROUNDS: Final = 30
SEED: Final = 0
BUDGETS: Final = {"load": 5.0, "table": 60.0, "memory": 4.0, "page": 0.2}
_COPIED: Final = 2000


def fill(n_cases: int) -> None:
    """A project with a manager, readers, cases of patients with two of them on average, a run, and readings."""
    from django.db import connection
    from django.utils import timezone

    from annotator.models import Membership, Project, Role, User
    from annotator.services.projects import create_project
    from labeling.core.schema_yaml import preset_source
    from labeling.models import Run

    manager = User.objects.create_user("manager")
    project: Project = create_project(name=SLUG, slug=SLUG, schema_source=preset_source("abdomen-ct"), actor=manager)
    readers = [User.objects.create_user(f"reader{number}") for number in range(1, N_READERS + 1)]
    Membership.objects.bulk_create(Membership(project=project, user=user, role=Role.READER) for user in readers)
    run = Run.objects.create(
        project=project,
        schema=project.schema,
        labeler="rules",
        started_at=timezone.now(),
        finished_at=timezone.now(),
        state=Run.State.COMPLETE,
        is_prefill=True,
    )
    fill_cases(project.pk, n_cases)
    _fill_labels(project, run.pk, [user.pk for user in readers], n_cases)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def fill_cases(project: int, n_cases: int) -> None:
    """Cases with a report each, two of a patient on average; positions from 1."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO annotator_report (project_id, report_id, text, text_sha256, extra, created_at)"
            " SELECT %s, 'R' || n, 'Made-up report ' || n, lpad(n::text, 64, '0'), '{}', now()"
            " FROM generate_series(1, %s) n",
            [project, n_cases],
        )
        cursor.execute(
            "INSERT INTO annotator_case (project_id, report_id, key, patient_key, position, created_at)"
            " SELECT project_id, id, report_id, lpad((hashint8(id) %% %s)::text, 64, '0'),"
            " row_number() OVER (ORDER BY id), now() FROM annotator_report WHERE project_id = %s",
            [n_cases // 2, project],
        )


def _fill_labels(project: Any, run: int, readers: list[int], n_cases: int) -> None:
    from django.db import connection

    reading = "project_id, case_id, reader_id, schema_id, round, revision, submission_id, arm, values, urgencies, body"
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, report_id FROM annotator_case WHERE project_id = %s ORDER BY id", [project.pk])
        cases = cursor.fetchall()
        with cursor.copy(f"COPY annotator_reading ({reading}, active_seconds, submitted_at) FROM STDIN") as copy:
            number = 0
            for (case, _), said in zip(cases, _said(n_cases, n_raters=len(readers)), strict=True):
                for reader, (values, urgencies) in zip(readers, said, strict=True):
                    number += 1
                    uuid = f"00000000-0000-4000-8000-{number:012d}"
                    row = (project.pk, case, reader, project.schema_id, 1, 1, uuid, "blank", values, urgencies, "{}")
                    copy.write_row((*row, 60, "2026-01-01T00:00:00Z"))
        body = json.dumps({"cells": {"liver|focal": {"evidence": [[0, 14]], "reason": "made up"}}})
        with cursor.copy("COPY labeling_machinelabel (run_id, report_id, values, urgencies, body) FROM STDIN") as copy:
            for (_, report), [(values, urgencies)] in zip(cases, _said(n_cases, n_raters=1, error=0.06), strict=True):
                copy.write_row((run, report, values, urgencies, body))


def _said(n_cases: int, *, n_raters: int, error: float = 0.05) -> Iterator[list[tuple[str, str]]]:
    """Values and urgencies of each rater for each case; the truth is the same for all who call this."""
    import numpy as np

    from labeling.core.schema_yaml import load_preset

    n_cells = len(load_preset("abdomen-ct").cells)
    truths, errors = np.random.default_rng(SEED), np.random.default_rng(SEED + n_raters)
    prevalence = truths.uniform(0.01, 0.3, n_cells)
    for start in range(0, n_cases, _COPIED):
        shape = (min(_COPIED, n_cases - start), n_raters, n_cells)
        truth = truths.random((shape[0], 1, n_cells)) < prevalence
        positive = truth ^ (errors.random(shape) < error)
        values = np.where(positive, np.where(errors.random(shape) < 0.15, "?", "+"), ".")
        urgencies = np.where(positive, errors.integers(4, size=shape).astype("<U1"), "_")
        texts = [each.astype("<U1").copy().view(f"<U{n_cells}")[..., 0].tolist() for each in (values, urgencies)]
        for said in zip(*texts, strict=True):
            yield list(zip(*said, strict=True))


def request_of(kind: str) -> Any:
    """What a page asks for first."""
    from annotator.core.figure_requests import FigureRequest, Kind
    from labeling.models import Run

    run = str(Run.objects.get().run_id)
    return FigureRequest(Kind(kind), run=run if kind != Kind.READERS else "")


def load() -> dict[str, float]:
    """Readings and labels as arrays."""
    from annotator.models import Project
    from annotator.selectors.matrices import inputs_of, label_matrix, read_matrix
    from annotator.selectors.schemas import parsed_schema

    project = Project.objects.get()
    request, schema = request_of("labeler"), parsed_schema(project.schema)
    started = time.perf_counter()
    inputs = inputs_of(project, request)
    matrix = read_matrix(project, schema=schema, request=request, inputs=inputs)
    label_matrix(project, schema=schema, run=request.run, axis=matrix.axis, inputs=inputs)
    return {"seconds": time.perf_counter() - started}


def compute(kind: str) -> dict[str, float]:
    """Figures of one kind, as a worker computes and stores them."""
    from annotator.models import Project
    from annotator.services.figures import ask
    from annotator.services.figures import compute as compute_figures

    pending = ask(project=Project.objects.get(), actor=None, request=request_of(kind), send=lambda _: None).pending
    if pending is None:
        raise RuntimeError("there are figures already")
    started = time.perf_counter()
    ended = compute_figures(pending.pk)
    if ended is None or ended.result is None:
        raise RuntimeError(ended.reason if ended else "another process computed them")
    return {"seconds": time.perf_counter() - started}


def pages() -> dict[str, list[float]]:
    """Seconds of each of some requests for the pages that show stored figures."""
    from django.test import Client
    from django.urls import reverse

    from annotator.models import User

    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(User.objects.get(username="manager"), backend="django.contrib.auth.backends.ModelBackend")
    taken: dict[str, list[float]] = {}
    for name in ("dashboard", "dashboard_urgency"):
        url = reverse(name, args=[SLUG])
        for number in range(ROUNDS + 1):
            started = time.perf_counter()
            answer = client.get(url)
            if answer.status_code != 200 or b"figures-about" not in answer.content:
                raise RuntimeError(f"{name}: {answer.status_code}, or no figures")
            if number:  # the first request loads templates
                taken.setdefault(name, []).append(time.perf_counter() - started)
    return taken


CHILDREN: Final = {
    "load": load,
    "labeler": lambda: compute("labeler"),
    "readers": lambda: compute("readers"),
    "pages": pages,
}


def in_process(part: str) -> dict[str, Any]:
    """What a part found, measured in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.evaluation_database", "--part", part]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return found


def show(what: str, figure: float, *, unit: str = "s", budget: str | None = None) -> bool:
    """A line of the table; whether the budget holds."""
    holds = budget is None or figure <= BUDGETS[budget]
    limit = f"   budget {BUDGETS[budget]:g} {unit}" if budget else ""
    print(f"{what:<46} {figure:8.2f} {unit}{limit}{'' if holds else '   MISSED'}", flush=True)
    return holds


def measure(n_cases: int) -> int:
    """Fill, measure every part, and say which budgets hold."""
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    started = time.perf_counter()
    fill(n_cases)
    print(f"{n_cases:,} cases, 99 cells, {N_READERS} readers; filled in {time.perf_counter() - started:.0f} s")
    holds = [*_measured("load", what="load readings and labels", budget="load")]
    holds += _measured("labeler", what="compute and store, labeler", budget="table")
    for name, seconds in in_process("pages")["found"].items():
        holds.append(show(f"{name}, median", statistics.median(seconds), budget="page"))
        holds.append(show("  p95", statistics.quantiles(seconds, n=20)[-1], budget="page"))
    holds += _measured("readers", what="compute and store, readers", budget="table")
    return 0 if all(holds) else 1


def _measured(part: str, *, what: str, budget: str) -> list[bool]:
    told = in_process(part)
    in_time = show(what, told["found"]["seconds"], budget=budget)
    show("  processor, with loading of the program", told["processor"])
    return [in_time, show("  peak memory", told["memory_gib"], unit="GiB", budget="memory")]


def main() -> int:
    """Measure all on the database of DATABASE_URL; with `--part` one part, on what is there."""
    import django

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--part", choices=CHILDREN, help=argparse.SUPPRESS)
    options = parser.parse_args()
    os.environ["DJANGO_SETTINGS_MODULE"] = "annotator.settings.dev"
    if options.part:
        django.setup()
        found: Any = CHILDREN[options.part]()
        used = resource.getrusage(resource.RUSAGE_SELF)
        about = {"memory_gib": used.ru_maxrss / 2**20, "processor": used.ru_utime + used.ru_stime}
        print(json.dumps({"found": found} | about))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        os.environ["OVERREAD_DATA"] = folder
        django.setup()
        return measure(options.cases)


if __name__ == "__main__":
    sys.exit(main())
