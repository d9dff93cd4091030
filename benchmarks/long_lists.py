"""The long lists of a study on PostgreSQL: its cases, and the disputed cells as adjudicators and managers see them.

    python scripts/with_postgres.py python -m benchmarks.long_lists [--cases 100000]

Three readers a case; eight of ten cases are read by all, with two disputed cells each, of which every fourth is
decided. One adjudicator reads too, every tenth case. Pages are asked for in one process, without a network.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from typing import Any, Final

from benchmarks.evaluation_database import fill_cases

SLUG: Final = "lists"
PEOPLE: Final = {
    "manager": "manager",
    "reader1": "reader",
    "reader2": "reader",
    "reader3": "reader",
    "adjudicator": "adjudicator",
    "both": "adjudicator",
}
ROUNDS: Final = 30
BUDGET_MS: Final = 200
# Who asks for which page, with what in its address; POSITION is that of a case in the middle.
PAGES: Final = (
    ("adjudicator", "adjudicate", ""),
    ("adjudicator", "adjudicate", "?finding=focal"),
    ("adjudicator", "adjudicate", "?after=POSITION"),
    ("both", "adjudicate", ""),
    ("both", "adjudicate", "?kind=certainty&after=POSITION"),
    ("manager", "adjudicate", ""),
    ("manager", "cases", ""),
    ("manager", "cases", "?state=in_adjudication"),
    ("manager", "cases", "?after=POSITION"),
    ("manager", "cases", "?q=000"),
)

# Every statement has the names of `_names`. The cases are numbered by their position.
FILLING: Final = (
    """
    INSERT INTO annotator_seat (project_id, case_id, slot, reader_id, is_pulled, arm, round, place, stratum, planted,
      state, submitted_at, withdrawn_because)
    SELECT c.project_id, c.id, slot, CASE WHEN slot = 3 AND position %% 10 = 0 AND position <= %(read)s THEN %(both)s
        ELSE (ARRAY[%(reader1)s, %(reader2)s, %(reader3)s])[slot] END,
      false, 'blank', 1, position, '', '{}', CASE WHEN position <= %(read)s THEN 'submitted' ELSE 'open' END,
      CASE WHEN position <= %(read)s THEN now() END, ''
    FROM annotator_case c, generate_series(1, 3) slot WHERE c.project_id = %(project)s
    """,
    """
    INSERT INTO annotator_reading (project_id, case_id, reader_id, schema_id, round, revision, submission_id, arm,
      values, urgencies, body, active_seconds, submitted_at)
    SELECT project_id, case_id, reader_id, %(schema)s, 1, 1, gen_random_uuid(), arm, %(values)s, %(urgencies)s, '{}',
      60, submitted_at
    FROM annotator_seat WHERE project_id = %(project)s AND state = 'submitted'
    """,
    """
    INSERT INTO annotator_draft (project_id, case_id, reader_id, round, state, version, values, urgencies, body,
      flagged, active_seconds, client_id, saved_at)
    SELECT project_id, case_id, reader_id, 1, 'submitted', 1, values, urgencies, '{}', false, 60, '', submitted_at
    FROM annotator_reading WHERE project_id = %(project)s
    """,
    """
    INSERT INTO annotator_decision (project_id, case_id, schema_id, cell, revision, is_undo, value, urgency, reason,
      note, evidence, basis, voices, decided_by_id, decided_at)
    SELECT project_id, id, %(schema)s, (%(cells)s::text[])[1 + position %% %(n_cells)s], 1, false, '0', '_',
      (ARRAY['reader_slip', 'ambiguous_report'])[1 + position %% 2], '', '[]', 'made up', '{}', %(adjudicator)s, now()
    FROM annotator_case WHERE project_id = %(project)s AND position <= %(read)s AND position %% 2 = 0
    """,
    """
    INSERT INTO annotator_dispute (project_id, case_id, cell, finding, kind, pattern, basis, state, decision_id,
      opened_at, changed_at)
    SELECT c.project_id, c.id, n.cell, split_part(n.cell, '|', 2),
      CASE WHEN position %% 5 = 0 THEN 'certainty' ELSE 'presence' END,
      (ARRAY['+2,+2,0_', '+1,0_,0_', '+_,?_,._', '?1,._,._'])[1 + position %% 4], 'made up',
      CASE WHEN d.id IS NULL THEN 'open' ELSE 'decided' END, d.id, now(), now()
    FROM annotator_case c
      CROSS JOIN LATERAL (
        SELECT (%(cells)s::text[])[1 + (position + 7 * number) %% %(n_cells)s] AS cell FROM generate_series(0, 1) number
      ) n
      LEFT JOIN annotator_decision d ON d.case_id = c.id AND d.cell = n.cell
    WHERE c.project_id = %(project)s AND position <= %(read)s
    """,
    """
    INSERT INTO annotator_gold (case_id, project_id, schema_id, state, values, urgencies, origins, n_voices,
      n_agreeing, n_readings, n_open, body, basis, rules_version, version, settled_at)
    SELECT c.id, c.project_id, %(schema)s, CASE WHEN n.n_open > 0 THEN 'in_adjudication' ELSE 'final' END,
      %(values)s, %(urgencies)s, %(urgencies)s, %(urgencies)s, %(urgencies)s, 3, n.n_open, '{}', '{}', 1, 1, now()
    FROM annotator_case c CROSS JOIN LATERAL (
      SELECT count(*) AS n_open FROM annotator_dispute WHERE case_id = c.id AND state = 'open') n
    WHERE c.project_id = %(project)s AND position <= %(read)s
    """,
    "VACUUM ANALYZE",
)


def fill(n_cases: int) -> None:
    """A study of which most is read and part is decided."""
    from django.db import connection

    from annotator.models import Membership, User
    from annotator.services.projects import create_project
    from labeling.core.schema_yaml import load_preset, preset_source

    users = {name: User.objects.create_user(name) for name in PEOPLE}
    manager = users["manager"]
    project = create_project(name=SLUG, slug=SLUG, schema_source=preset_source("abdomen-ct"), actor=manager)
    others = [Membership(project=project, user=users[name], role=role) for name, role in PEOPLE.items()][1:]
    Membership.objects.bulk_create(others)
    fill_cases(project.pk, n_cases)
    cells = [str(cell) for cell in load_preset("abdomen-ct").cells]
    names: dict[str, Any] = {name: user.pk for name, user in users.items()}
    names |= {"project": project.pk, "schema": project.schema_id, "read": n_cases * 8 // 10}
    names |= {"cells": cells, "n_cells": len(cells), "values": "." * len(cells), "urgencies": "_" * len(cells)}
    with connection.cursor() as cursor:
        for statement in FILLING:
            cursor.execute(statement, names if "%(" in statement else None)


def milliseconds_of(name: str, url: str) -> list[float]:
    """Of each of some requests by a member for a page."""
    from django.test import Client

    from annotator.models import User

    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(User.objects.get(username=name), backend="django.contrib.auth.backends.ModelBackend")
    taken = []
    for _ in range(ROUNDS + 1):
        started = time.perf_counter()
        answer = client.get(url)
        taken.append(1000 * (time.perf_counter() - started))
        if answer.status_code != 200 or b"<tbody>" not in answer.content:
            raise RuntimeError(f"{url}: {answer.status_code}, or no list")
    return taken[1:]  # the first request loads templates


def measure(n_cases: int) -> int:
    """Fill, ask for every page, and say which keep to the budget."""
    from django.core.management import call_command
    from django.urls import reverse

    from annotator.models import Project

    call_command("migrate", verbosity=0)
    started = time.perf_counter()
    if not Project.objects.filter(slug=SLUG).exists():
        fill(n_cases)
    print(f"{n_cases:,} cases; filled in {time.perf_counter() - started:.0f} s; budget {BUDGET_MS} ms at the median")
    n_missed = 0
    for name, page, query in PAGES:
        query = query.replace("POSITION", str(n_cases // 2))
        ms = milliseconds_of(name, reverse(page, args=[SLUG]) + query)
        is_missed = statistics.median(ms) > BUDGET_MS
        n_missed += is_missed
        p95 = statistics.quantiles(ms, n=20)[-1]
        told = f"{name:<12} {page + query:<44} median {statistics.median(ms):6.0f} ms   p95 {p95:6.0f} ms"
        print(told + ("   MISSED" if is_missed else ""), flush=True)
    return 1 if n_missed else 0


def main() -> int:
    """Measure on the database of DATABASE_URL; what an earlier run filled there is used again."""
    import django

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cases", type=int, default=100_000)
    options = parser.parse_args()
    os.environ["DJANGO_SETTINGS_MODULE"] = "annotator.settings.dev"
    with tempfile.TemporaryDirectory() as folder:
        os.environ["OVERREAD_DATA"] = folder
        django.setup()
        return measure(options.cases)


if __name__ == "__main__":
    sys.exit(main())
