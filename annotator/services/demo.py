"""Fill an instance with made-up reports, people and readings, through the same services that users call."""

import csv
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import yaml
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from annotator.core.contradictions import find_contradictions
from annotator.exceptions import UserError
from annotator.models import Case, Draft, Project, Role, User
from annotator.selectors.cases import prefill_of
from annotator.selectors.schemas import parsed_schema
from annotator.services import demo_study
from annotator.services.demo_images import add_images, planned_images
from annotator.services.demo_readers import simulate_readings
from annotator.services.drafts import DraftContent, save_draft
from annotator.services.projects import create_project, set_member
from annotator.services.readings import Submission, submit_reading
from annotator.services.reports import ImportOutcome, import_reports
from labeling.core.schema import Cell, Contradiction, Schema
from labeling.core.schema_yaml import preset_source
from labeling.core.values import (
    CODE_OF_STATE,
    NO_URGENCY_CODE,
    POSITIVE_VALUES,
    CellState,
    Value,
    state_of_name,
    urgency_code,
)
from labeling.models import MachineLabel, Run
from labeling.services import run_rules
from vision.core.phantoms.plans import StudyPlan

FOLDER = Path(__file__).resolve().parent.parent / "demo"
MANAGER = "manager"
WORKING_READER = "reader2"
WAITING_READER = "reader1"
ADJUDICATOR = "adjudicator"
ROLES = {
    MANAGER: Role.MANAGER,
    WAITING_READER: Role.READER,
    WORKING_READER: Role.READER,
    ADJUDICATOR: Role.ADJUDICATOR,
}
# No 0, 1, i, l or o: they are mistaken for each other on paper.
LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"
_SUBMISSIONS = uuid.UUID("6f0c6b7e-3f57-4a5e-9d0e-0d1f6a3a9b11")

MADE_UP = "Made up; what simulated-a, -b and -c read was drawn at random."


class DemoProject(NamedTuple):
    """One project of the demo; its reports lie in the folder named like the preset."""

    slug: str
    name: str
    preset: str
    description: str


PROJECTS = (
    DemoProject(
        "abdomen-ct-demo",
        "Abdominal CT demo",
        "abdomen-ct",
        "Nine organs, eleven types of finding. Made up; what simulated-a, -b and -c read was drawn at random.",
    ),
    DemoProject(
        "spine-mri-demo",
        "Lumbar MRI demo",
        "spine-mri",
        "Five conditions, three levels. Made up; what simulated-a, -b and -c read was drawn at random.",
    ),
)
STUDY = DemoProject(
    demo_study.SLUG,
    "Reader study demo",
    "abdomen-ct",
    "Three of five readers a case, half of them blank; disputes, gold and a release. Made up; what study-a, -b and -c "
    "and reader2 read was drawn at random.",
)
# Images of the study: some, for it shows other things.
_N_STUDY_IMAGES = 3


@dataclass(frozen=True, slots=True)
class Demo:
    """What the instance holds now. `new_passwords` are known only here: the database keeps their hashes."""

    projects: list[Project]
    n_reports: int
    new_passwords: dict[str, str]


def make_demo(*, reset_passwords: bool = False, images: str = "some", with_study: bool = True) -> Demo:
    """Make what is missing of the demo; what is there already stays, also what people did to it.

    Raises `UserError` on a hospital server, and on an instance that holds other projects but no demo.
    """
    slugs = [wanted.slug for wanted in (*PROJECTS, STUDY)]
    if not settings.DEMO_IS_ALLOWED:
        raise UserError("the demo brings accounts along, so it runs on local settings only (annotator.settings.dev)")
    if Project.objects.exists() and not Project.objects.filter(slug__in=slugs).exists():
        raise UserError("this instance holds projects of its own; give the demo another folder: OVERREAD_DATA=var/demo")
    new_passwords = _make_users(reset_passwords=reset_passwords)
    people = {user.get_username(): user for user in User.objects.filter(username__in=ROLES)}
    projects = [_make_project(wanted, people) for wanted in PROJECTS]
    plans = planned_images(images)
    for project in projects:
        add_images(project, plans, actor=people[MANAGER])
    if with_study:
        projects.append(_make_study(people, plans))
    return Demo(
        projects=projects,
        n_reports=sum(project.reports.count() for project in projects),
        new_passwords=new_passwords,
    )


@transaction.atomic
def _make_users(*, reset_passwords: bool) -> dict[str, str]:
    """New passwords by name: of users made now, and of all that `reset_passwords` or DEMO_PASSWORD gives another."""
    new_passwords = {}
    given = settings.DEMO_PASSWORD
    for name in ROLES:
        user = User.objects.filter(username=name).first()
        if user is None:
            user = User(username=name, is_staff=name == MANAGER)
        elif given is not None:
            if user.check_password(given):
                continue
        elif not reset_passwords:
            continue
        new_passwords[name] = given or _draw_password()
        user.set_password(new_passwords[name])
        user.save()
    return new_passwords


def _draw_password() -> str:
    """Three groups of five letters and digits: 74 bits."""
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(5)) for _ in range(3))


def _make_study(people: Mapping[str, User], plans: Mapping[str, StudyPlan]) -> Project:
    """The project with seats, disputes, gold and a release."""
    project = _prefilled_project(STUDY, people)
    demo_study.make_study(project, people=people, reading=WORKING_READER, waiting=WAITING_READER)
    few = dict(sorted(plans.items())[:_N_STUDY_IMAGES])
    add_images(project, few, actor=people[MANAGER])
    return project


def _make_project(wanted: DemoProject, people: Mapping[str, User]) -> Project:
    """A project in which everyone reads every case."""
    project = _prefilled_project(wanted, people)
    _make_readings(project, reader=people[WORKING_READER])
    simulate_readings(project, actor=people[MANAGER])
    return project


def _prefilled_project(wanted: DemoProject, people: Mapping[str, User]) -> Project:
    """Members, reports and what the rules say of them."""
    manager = people[MANAGER]
    project = Project.objects.filter(slug=wanted.slug).first()
    if project is None:
        project = create_project(
            name=wanted.name,
            slug=wanted.slug,
            schema_source=preset_source(wanted.preset),
            actor=manager,
            description=wanted.description,
        )
        for name, role in ROLES.items():
            set_member(project=project, user=people[name], role=role, actor=manager)
    imported = _import_folder(wanted.preset, project=project, actor=manager)
    if imported.created or not Run.objects.filter(project=project, is_prefill=True).exists():
        run_rules(project=project, actor=manager)
    return project


def _import_folder(preset: str, *, project: Project, actor: User) -> ImportOutcome:
    """Import the text files of the folder as the CSV file that a user would have; none may be refused."""
    with TemporaryDirectory(prefix="overread-demo-") as folder:
        path = Path(folder) / f"{preset}.csv"
        _write_csv(path, preset=preset)
        outcome = import_reports(project=project, source=path, file_name=path.name, actor=actor)
    if outcome.refused:
        raise UserError(f"{outcome.refused} reports of the demo were refused: {outcome.problems[0].reason}")
    return outcome


def _write_csv(path: Path, *, preset: str) -> None:
    with (FOLDER / "studies.csv").open(encoding="utf-8", newline="") as file:
        studies = {row["report_id"]: row for row in csv.DictReader(file)}
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["report_id", "patient_id", "study_id", "text"])
        for report in sorted((FOLDER / preset).glob("*.txt")):
            study = studies[report.stem]
            text = report.read_text(encoding="utf-8").rstrip("\n")
            writer.writerow([report.stem, study["patient_id"], study["study_id"], text])


def _make_readings(project: Project, *, reader: User) -> None:
    """What readings.yaml says, on cases that the reader has not touched."""
    planned: dict[str, Any] = yaml.safe_load((FOLDER / "readings.yaml").read_text(encoding="utf-8"))
    touched = Draft.objects.filter(project=project, reader=reader).values("case")
    cases = Case.objects.select_related("report").filter(project=project, key__in=planned).exclude(pk__in=touched)
    for case in cases:
        case.project = project
        _make_reading(case, reader=reader, plan=planned[case.key])


def _make_reading(case: Case, *, reader: User, plan: Mapping[str, Any]) -> None:
    schema = parsed_schema(case.project.schema)
    prefill = prefill_of(case)
    content = _content(plan, schema=schema, prefill=prefill)
    if plan["state"] == "draft":
        save_draft(case=case, reader=reader, content=content, now=timezone.now())
        return
    contradictions = find_contradictions(content.values, content.urgencies, schema=schema)
    submission = Submission(
        content=content,
        submission_id=uuid.uuid5(_SUBMISSIONS, f"{case.project.slug}/{case.key}"),
        acknowledged=frozenset(found.key for found in contradictions),
    )
    submit_reading(case=case, reader=reader, submission=submission, now=timezone.now())


def _content(plan: Mapping[str, Any], *, schema: Schema, prefill: MachineLabel | None) -> DraftContent:
    """The planned cells; in a draft on top of the machine's labels, in a reading on top of nothing being mentioned."""
    n_cells = len(schema.cells)
    start = prefill if plan["state"] == "draft" else None
    values = list(start.values if start else CODE_OF_STATE[Value.NOT_MENTIONED] * n_cells)
    urgencies = list(start.urgencies if start else NO_URGENCY_CODE * n_cells)
    for cell, (value, urgency) in _planned_cells(plan["cells"], schema=schema).items():
        index = schema.index_of_cell[cell]
        values[index] = CODE_OF_STATE[value]
        urgencies[index] = urgency_code(urgency)
    comments = plan.get("comments", {})
    return DraftContent(
        version=0,
        values="".join(values),
        urgencies="".join(urgencies),
        body={"cells": {key: {"comment": comment} for key, comment in comments.items()}},
        active_seconds_delta=plan["active_seconds"],
        client_id="demo",
        prefill_run=prefill.run.run_id if prefill else None,
    )


def _planned_cells(
    said: Mapping[str, Mapping[str, Any]], *, schema: Schema
) -> dict[Cell, tuple[CellState, int | None]]:
    """Value and urgency of the cells that are listed; what a listed positive cell excludes is absent."""
    listed: dict[Cell, tuple[CellState, int | None]] = {}
    for target, answers in said.items():
        for finding, answer in answers.items():
            name, urgency = answer if isinstance(answer, list) else (answer, None)
            listed[Cell(target, finding)] = (state_of_name(name), urgency)
    excluded = {
        Cell(cell.target, other)
        for cell, (value, _) in listed.items()
        if value in POSITIVE_VALUES
        for rule in schema.contradictions
        for other in _excluded_by(cell.finding, rule)
    }
    return dict.fromkeys(excluded & set(schema.cells), (Value.ABSENT, None)) | listed


def _excluded_by(finding: str, rule: Contradiction) -> tuple[str, ...]:
    if finding == rule.finding:
        return rule.forbids
    return (rule.finding,) if finding in rule.forbids else ()
