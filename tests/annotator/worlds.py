"""A small world for tests: two projects that know nothing of each other, with people, cases and pre-fill."""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from annotator.core.figure_requests import FigureRequest, Kind
from annotator.core.releases.requests import ReleaseRequest
from annotator.models import Case, Evaluation, LabelSchema, Membership, Project, Release, Report, Role, User
from labeling.core.schema_yaml import load_preset, preset_source
from labeling.models import MachineLabel, Run

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PRESET = "spine-mri"  # eight cells: short vectors
TEXT = "Clinical history: back pain.\nL4-5: disc protrusion compresses the thecal sac. No spondylolisthesis."


@dataclass
class World:
    """One project with a manager, two readers and three pre-filled cases."""

    project: Project
    manager: User
    reader: User
    other_reader: User
    cases: list[Case]
    run: Run


def user(name: str, **fields: Any) -> User:
    """A user whose password is the name."""
    return User.objects.create_user(name, password=name, **fields)


def label_schema(preset: str = PRESET) -> LabelSchema:
    """The stored form of a preset."""
    schema = load_preset(preset)
    stored, _ = LabelSchema.objects.get_or_create(
        hash=schema.hash, defaults={"name": schema.name, "version": schema.version, "source": preset_source(preset)}
    )
    return stored


def add_case(project: Project, position: int, *, text: str = TEXT) -> Case:
    """One case with a report of its own."""
    key = f"{project.slug}-{position}"
    digest = hashlib.sha256(text.encode()).hexdigest()
    report = Report.objects.create(project=project, report_id=key, text=text, text_sha256=digest)
    return Case.objects.create(
        project=project, report=report, key=key, position=position, patient_key=digest[:32] + f"{position:032x}"
    )


def add_run(project: Project, cases: list[Case], *, values: str = "+.0.+.+.", is_prefill: bool = True) -> Run:
    """A finished run over `cases`, pre-filling unless said otherwise."""
    run = Run.objects.create(
        run_id=uuid.uuid4(),
        project=project,
        schema=project.schema,
        labeler="rules",
        state=Run.State.COMPLETE,
        is_prefill=is_prefill,
        started_at=NOW,
        finished_at=NOW,
    )
    body = {"cells": {"spine|stenosis": {"evidence": [[29, 78]], "reason": "compresses"}}}
    MachineLabel.objects.bulk_create(
        MachineLabel(run=run, report=case.report, values=values, urgencies="_" * len(values), body=body)
        for case in cases
    )
    return run


def stored_evaluation(project: Project, *, state: str = Evaluation.State.DONE) -> Evaluation:
    """One evaluation of readers in this state, made once; a done one has no rows."""
    found = project.evaluations.filter(state=state).first()
    if found is not None:
        return found
    is_done, is_ended = state == Evaluation.State.DONE, state in {Evaluation.State.DONE, Evaluation.State.FAILED}
    return Evaluation.objects.create(
        project=project,
        schema=project.schema,
        kind=Kind.READERS,
        request=FigureRequest(Kind.READERS).as_json(),
        request_hash="0" * 64,
        inputs={},
        inputs_hash=hashlib.sha256(state.encode()).hexdigest(),
        state=state,
        result={"rows": [], "about": {}} if is_done else None,
        reason="" if is_done else "nobody has read",
        requested_at=NOW,
        finished_at=NOW if is_ended else None,
        lease_until=NOW if state == Evaluation.State.RUNNING else None,
    )


def stored_release(project: Project) -> Release:
    """One release that failed, made once."""
    made, _ = Release.objects.get_or_create(
        project=project,
        name="v0",
        defaults={
            "schema": project.schema,
            "number": 1,
            "request": ReleaseRequest().as_json(),
            "state": Release.State.FAILED,
            "reason": "nothing is final",
            "requested_at": NOW,
            "finished_at": NOW,
        },
    )
    return made


def make_world(slug: str, *, n_cases: int = 3) -> World:
    """A project called `slug` and everything in it; people are called after it."""
    project = Project.objects.create(slug=slug, name=f"Project {slug}", schema=label_schema())
    manager, reader, other = (user(f"{slug}-{role}") for role in ("manager", "reader", "reader2"))
    Membership.objects.create(project=project, user=manager, role=Role.MANAGER)
    for person in (reader, other):
        Membership.objects.create(project=project, user=person, role=Role.READER)
    cases = [add_case(project, position) for position in range(1, n_cases + 1)]
    return World(project, manager, reader, other, cases, add_run(project, cases))


def draft_body(world: World, **changes: Any) -> dict[str, Any]:
    """What the reading screen sends to save the pre-fill as it is."""
    return {
        "version": 0,
        "values": "+.0.+.+.",
        "urgencies": "________",
        "body": {"cells": {}},
        "active_seconds_delta": 5,
        "client_id": "tab-1",
        "prefill_run": str(world.run.run_id),
        **changes,
    }


def submission_body(world: World, **changes: Any) -> dict[str, Any]:
    """What the reading screen sends to submit the pre-fill as it is."""
    return draft_body(world) | {"submission_id": str(uuid.uuid4()), "acknowledged": []} | changes
