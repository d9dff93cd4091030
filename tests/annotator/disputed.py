"""A project whose readers differ: one case for each row of answers, read blind by all, with its disputes open."""

import hashlib
import uuid
from dataclasses import dataclass
from typing import Any

from annotator.models import (
    Arm,
    Case,
    Dispute,
    LabelSchema,
    Membership,
    Project,
    Reading,
    Report,
    Role,
    StudyRules,
    User,
)
from annotator.services.settling import settle_case
from labeling.core.schema_yaml import load_preset, preset_source
from labeling.models import MachineLabel, Run
from tests.annotator.worlds import NOW

PRESET = "abdomen-ct"
TEXT = (
    "FINDINGS: The liver contains a 2.1 cm hypodense lesion. The spleen is normal.\n\nIMPRESSION: Stable hepatic cyst."
)
LESION = [10, 54]
FOCAL, SPLEEN = "liver|focal", "spleen|normal"


@dataclass
class Disputed:
    """One project with three readers, two adjudicators who read nothing, and a manager."""

    project: Project
    manager: User
    adjudicator: User
    other_adjudicator: User
    readers: list[User]
    cases: list[Case]

    def dispute(self, case: int = 0, cell: str = FOCAL) -> Dispute:
        """The stored dispute about a cell."""
        return Dispute.objects.get(case=self.cases[case], cell=cell)


def member(project: Project, name: str, role: str) -> User:
    """A member called after the project."""
    user = User.objects.create_user(f"{project.slug}-{name}", password=f"{project.slug}-{name}")
    Membership.objects.create(project=project, user=user, role=role)
    return user


def make_disputed(slug: str, rows: list[dict[str, list[str]]], **rules: Any) -> Disputed:
    """A row is a case: by cell what each of the readers says, `+1`; of other cells nobody says anything."""
    schema = load_preset(PRESET)
    stored, _ = LabelSchema.objects.get_or_create(
        hash=schema.hash, defaults={"name": schema.name, "version": schema.version, "source": preset_source(PRESET)}
    )
    project = Project.objects.create(slug=slug, name=f"Project {slug}", schema=stored)
    n_readers = max(len(said) for row in rows for said in row.values())
    StudyRules.objects.create(project=project, **{"readers_per_case": n_readers} | rules)
    people = {name: member(project, name, role) for name, role in PEOPLE.items()}
    readers = [member(project, f"reader{number}", Role.READER) for number in range(1, n_readers + 1)]
    cases = [add_case(project, position) for position, _ in enumerate(rows, start=1)]
    world = Disputed(
        project, people["manager"], people["adjudicator"], people["adjudicator2"], readers=readers, cases=cases
    )
    for case, row in zip(cases, rows, strict=True):
        for place, reader in enumerate(readers):
            read(case, reader, {cell: said[place] for cell, said in row.items()})
        settle_case(case.pk, now=NOW)
    return world


PEOPLE = {"manager": Role.MANAGER, "adjudicator": Role.ADJUDICATOR, "adjudicator2": Role.ADJUDICATOR}


def add_case(project: Project, position: int, *, text: str = TEXT) -> Case:
    """One case with a report of its own."""
    key = f"D-{position}"
    digest = hashlib.sha256(text.encode()).hexdigest()
    report = Report.objects.create(project=project, report_id=key, text=text, text_sha256=digest)
    return Case.objects.create(
        project=project, report=report, key=key, position=position, patient_key=f"{position:064x}"
    )


def vectors(said: dict[str, str]) -> dict[str, str]:
    """Values and urgencies of all cells."""
    cells = [str(cell) for cell in load_preset(PRESET).cells]
    pairs = [said.get(cell, "._") for cell in cells]
    return {"values": "".join(pair[0] for pair in pairs), "urgencies": "".join(pair[1] for pair in pairs)}


def read(case: Case, reader: User, said: dict[str, str], **more: Any) -> Reading:
    """The reader's next revision; whoever says that there is a focal lesion names its words."""
    before = Reading.objects.filter(case=case, reader=reader).order_by("-revision").first()
    evidence = {FOCAL: {"evidence": [LESION]}} if said.get(FOCAL, "._")[0] in "+?" else {}
    return Reading.objects.create(
        project=case.project,
        case=case,
        reader=reader,
        schema=case.project.schema,
        revision=before.revision + 1 if before else 1,
        supersedes=before,
        submission_id=uuid.uuid4(),
        **{"arm": Arm.BLANK, "body": {"cells": evidence}, "active_seconds": 20, "submitted_at": NOW} | more,
        **vectors(said),
    )


def add_machine(world: Disputed, said: dict[str, str]) -> Run:
    """A finished pre-filling run that says this of every case."""
    run = Run.objects.create(
        run_id=uuid.uuid4(),
        project=world.project,
        schema=world.project.schema,
        labeler="rules",
        state=Run.State.COMPLETE,
        is_prefill=True,
        started_at=NOW,
        finished_at=NOW,
    )
    for case in world.cases:
        body = {"cells": {FOCAL: {"evidence": [LESION], "reason": "sentinel reason", "probability": 0.9}}}
        MachineLabel.objects.create(run=run, report=case.report, body=body, **vectors(said))
    return run
