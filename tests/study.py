"""A made-up study: cases with an invented truth, readers and runs that err at stated rates. Seeded."""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from annotator.models import Arm, Case, LabelSchema, Membership, Project, Reading, Report, Role, User
from labeling.core.schema_yaml import load_preset, preset_source
from labeling.core.values import NO_URGENCY_CODE
from labeling.models import MachineLabel, Run

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NORMAL_TEXT = "Made-up report {number}. Nothing to add."


@dataclass
class Study:
    """What was made; `truth` is `(cases, cells)`."""

    project: Project
    manager: User
    readers: list[User]
    cases: list[Case]
    runs: list[Run]
    truth: NDArray[np.bool_]


def make_study(
    slug: str,
    *,
    preset: str = "spine-mri",
    n_cases: int = 60,
    n_readers: int = 3,
    n_runs: int = 2,
    n_per_case: int = 3,
    seed: int = 0,
    arm: Arm = Arm.BLANK,
) -> Study:
    """A project with everything that figures need. Two cases out of three belong to a patient with one other case.

    Each case is read by `n_per_case` of the readers, in turn. The first run errs in 6 of 100 cells and gives logit
    differences, the next in twice as many.
    """
    rng = np.random.default_rng(seed)
    schema = load_preset(preset)
    stored, _ = LabelSchema.objects.get_or_create(
        hash=schema.hash, defaults={"name": schema.name, "version": schema.version, "source": preset_source(preset)}
    )
    project = Project.objects.create(slug=slug, name=f"Study {slug}", schema=stored)
    manager = User.objects.create_user(f"{slug}-manager", password=f"{slug}-manager")
    Membership.objects.create(project=project, user=manager, role=Role.MANAGER)
    readers = [_reader(project, f"{slug}-reader{number}") for number in range(1, n_readers + 1)]
    cases = _cases(project, n_cases)
    prevalence = rng.uniform(0.05, 0.4, size=len(schema.cells))
    truth = rng.random((n_cases, len(schema.cells))) < prevalence
    runs = [_run(project, cases, truth, rng=rng, number=number) for number in range(n_runs)]
    prefill = runs[0].run_id if arm == Arm.PREFILLED else None
    readings = []
    for index, case in enumerate(cases):
        for turn in range(min(n_per_case, n_readers)):
            values, urgencies = _said(truth[index], rng=rng, error=0.05)
            readings.append(
                Reading(
                    project=project,
                    case=case,
                    reader=readers[(index + turn) % n_readers],
                    schema=stored,
                    revision=1,
                    submission_id=made_up_id(project, "reading", index, turn),
                    arm=arm,
                    prefill_run=prefill,
                    values=values,
                    urgencies=urgencies,
                    active_seconds=60,
                    submitted_at=NOW + timedelta(minutes=3 * index + turn),
                )
            )
    Reading.objects.bulk_create(readings, batch_size=2000)
    return Study(project, manager, readers, cases, runs, truth)


def made_up_id(project: Project, *of: object) -> uuid.UUID:
    """An identifier of something in a project: the same each time, and another one in every other project."""
    return uuid.uuid5(uuid.NAMESPACE_URL, "/".join(map(str, (project.slug, *of))))


def _reader(project: Project, name: str) -> User:
    user = User.objects.create_user(name, password=name)
    Membership.objects.create(project=project, user=user, role=Role.READER)
    return user


def _cases(project: Project, n_cases: int) -> list[Case]:
    keys = [f"S{number:05}" for number in range(1, n_cases + 1)]
    texts = [NORMAL_TEXT.format(number=number) for number in range(1, n_cases + 1)]
    reports = Report.objects.bulk_create(
        [
            Report(project=project, report_id=key, text=text, text_sha256=hashlib.sha256(text.encode()).hexdigest())
            for key, text in zip(keys, texts, strict=True)
        ],
        batch_size=2000,
    )
    patients = [hashlib.sha256(f"patient {number - number % 3 // 2}".encode()).hexdigest() for number in range(n_cases)]
    return Case.objects.bulk_create(
        [
            Case(project=project, report=report, key=report.report_id, patient_key=patient, position=position)
            for position, (report, patient) in enumerate(zip(reports, patients, strict=True), start=1)
        ],
        batch_size=2000,
    )


def _run(
    project: Project, cases: list[Case], truth: NDArray[np.bool_], *, rng: np.random.Generator, number: int
) -> Run:
    schema = load_preset(project.schema.name)
    run = Run.objects.create(
        run_id=made_up_id(project, "run", number),
        project=project,
        schema=project.schema,
        labeler="rules" if number == 0 else "direct-query",
        state=Run.State.COMPLETE,
        is_prefill=number == 0,
        n_reports=len(cases),
        started_at=NOW + timedelta(hours=number),
        finished_at=NOW + timedelta(hours=number, minutes=5),
    )
    labels = []
    for index, case in enumerate(cases):
        values, urgencies = _said(truth[index], rng=rng, error=0.06 * (number + 1))
        cells = {}
        if number == 0:
            shift = np.where(np.array([code in "+?" for code in values]), 2.0, -2.0)
            scores = shift + rng.normal(0, 1.5, len(values))
            cells = {
                str(cell): {"logit_difference": round(float(score), 3)}
                for cell, score in zip(schema.cells, scores, strict=True)
            }
        labels.append(
            MachineLabel(run=run, report=case.report, values=values, urgencies=urgencies, body={"cells": cells})
        )
    MachineLabel.objects.bulk_create(labels, batch_size=2000)
    return run


def _said(truth: NDArray[np.bool_], *, rng: np.random.Generator, error: float) -> tuple[str, str]:
    positive = truth ^ (rng.random(truth.shape) < error)
    doubt = rng.random(truth.shape) < 0.15
    values = "".join(("?" if unsure else "+") if yes else "." for yes, unsure in zip(positive, doubt, strict=True))
    levels = rng.integers(4, size=truth.shape)
    urgencies = "".join(str(level) if yes else NO_URGENCY_CODE for yes, level in zip(positive, levels, strict=True))
    return values, urgencies
