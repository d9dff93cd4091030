"""The published LEAVS study as a project: 200 cases, five readers, 600 readings, LEAVS as a machine run.

The words of the reports were not released, so its cases have labels and readings and no text.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Max

from annotator.core.identifiers import patient_key
from annotator.core.published_design import Design, design_of
from annotator.exceptions import UserError
from annotator.models import (
    NO_TEXT,
    Arm,
    AssignmentPlan,
    Case,
    Event,
    NeedsPerson,
    Project,
    Reads,
    Report,
    Role,
    Seat,
    User,
)
from annotator.selectors.schemas import parsed_schema
from annotator.services.exports import MACHINE, READINGS
from annotator.services.label_imports import LabelImportOptions, import_labels
from annotator.services.outcomes import LabelOutcome
from annotator.services.projects import create_project, set_roles
from annotator.services.rules import set_rules
from annotator.services.settling import settle_project
from labeling.core.evaluation.ratings import plain_id
from labeling.core.intake import IntakeError
from labeling.core.schema import Schema
from labeling.core.schema_yaml import load_preset, preset_source
from labeling.core.tables import TableError, read_labels

PRESET: Final = "abdomen-ct-wide"
READINGS_FILE: Final = "leavs/amos_test_annotations.csv"
LABELS_FILE: Final = "leavs/parsing_results_llm_test_amos.csv"
LABELER: Final = "LEAVS (Qwen2-72B)"
SOURCE: Final = "rsummers11/LEAVS on GitHub (public domain)"
# The file numbers its readers from 0, the paper from 1.
READERS: Final = {str(number): f"leavs-h{number + 1}" for number in range(5)}
RULES: Final = {
    "reads": Reads.ASSIGNED,
    "readers_per_case": 3,
    "needs_person": NeedsPerson.MAJORITY,
    "majority_of": 2,
}
DESCRIPTION: Final = (
    "The published LEAVS study: 200 abdominal CT reports of AMOS, each read by three of five readers, and what LEAVS "
    "said of them. The texts were not released. Truth is what most of the three readers say. F1, precision, recall, "
    "specificity and MCC of each cell on the dashboard are those of Table 1 on the data; the paper prints medians of "
    "2,000 resamples, and pools the ten cells with more than ten positives; docs/migration.md says which is where."
)


@dataclass(frozen=True, slots=True)
class LeavsStudy:
    """What there is now, and what came of the two files this time."""

    project: Project
    n_cases: int
    n_seats: int
    readings: LabelOutcome
    labels: LabelOutcome
    n_settled: int


@dataclass(frozen=True, slots=True)
class _Files:
    """The two published files, and who read which case."""

    readings: Path
    labels: Path
    design: Design
    keys: Sequence[str]


def make_leavs_study(*, data: Path, slug: str, manager: User, now: datetime) -> LeavsStudy:
    """Make what is missing of the study; what is there stays. Raises `UserError` when the files are not there."""
    schema = load_preset(PRESET)
    files = _published(data, schema)
    project = _project(slug, manager=manager, schema=schema)
    _add_cases(project, files.keys, actor=manager, now=now)
    labels = _imported(project, files.labels, LabelImportOptions(what=MACHINE, rater=LABELER), actor=manager)
    _set_up(project, files.design, actor=manager, now=now)
    wanted = LabelImportOptions(what=READINGS, arm=Arm.BLANK, readers=READERS)
    readings = _imported(project, files.readings, wanted, actor=manager)
    return LeavsStudy(
        project=project,
        n_cases=project.cases.count(),
        n_seats=project.seats.count(),
        readings=readings,
        labels=labels,
        n_settled=settle_project(project, now=now),
    )


def _published(data: Path, schema: Schema) -> _Files:
    readings, labels = data / READINGS_FILE, data / LABELS_FILE
    for path in (readings, labels):
        if not path.is_file():
            raise UserError(f"there is no file {str(path)!r}; it comes from {SOURCE}")
    try:
        human = read_labels(readings, schema=schema, filename=readings.name)
        machine = read_labels(labels, schema=schema, filename=labels.name)
    except (IntakeError, TableError) as error:
        raise UserError(f"the published files cannot be read: {error}") from error
    unknown = sorted({each.rater for each in human.reports} - READERS.keys())
    if unknown:
        raise UserError(f"{readings.name}: a reader {unknown[0]!r}, expected is one of {', '.join(READERS)}")
    design = design_of({(plain_id(each.report_id), READERS[each.rater]) for each in human.reports})
    keys = {plain_id(each.report_id) for each in machine.reports} | design.readers_of.keys()
    return _Files(readings, labels, design, sorted(keys))


def _project(slug: str, *, manager: User, schema: Schema) -> Project:
    project = Project.objects.select_related("schema").filter(slug=slug).first()
    if project is None:
        return create_project(
            name="LEAVS", slug=slug, schema_source=preset_source(PRESET), actor=manager, description=DESCRIPTION
        )
    if parsed_schema(project.schema).hash != schema.hash:
        raise UserError(
            f"the project {slug!r} has the schema {project.schema}, expected is {schema.name}; choose another address"
        )
    return project


@transaction.atomic
def _add_cases(project: Project, keys: Sequence[str], *, actor: User, now: datetime) -> None:
    """Cases without a text, for the keys that the project lacks. No patient is known: each is one of its own."""
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    here = set(Case.objects.filter(project=project, key__in=keys).values_list("key", flat=True))
    new = [key for key in keys if key not in here]
    if not new:
        return
    last = Case.objects.filter(project=project).aggregate(last=Max("position"))["last"] or 0
    reports = Report.objects.bulk_create(
        Report(project=project, report_id=key, has_text=False, text=NO_TEXT, text_sha256="") for key in new
    )
    Case.objects.bulk_create(
        Case(
            project=project,
            report=report,
            key=report.report_id,
            patient_key=patient_key(
                secret=settings.PATIENT_KEY_SECRET,
                scope=str(project.pk),
                patient_id=None,
                report_id=report.report_id,
            ),
            position=position,
        )
        for position, report in enumerate(reports, start=last + 1)
    )
    payload = {"created": len(new), "without_text": len(new)}
    Event.objects.create(project=project, actor=actor, verb=Event.Verb.REPORTS_IMPORTED, payload=payload, at=now)


def _imported(project: Project, path: Path, options: LabelImportOptions, *, actor: User) -> LabelOutcome:
    outcome = import_labels(project=project, path=path, actor=actor, options=options)
    if outcome.refused:
        raise UserError(f"{path.name}: {outcome.refused:,} label sets were refused: {outcome.problems[0].reason}")
    return outcome


@transaction.atomic
def _set_up(project: Project, design: Design, *, actor: User, now: datetime) -> None:
    """The readers, the rules, and a seat for each reading that was made."""
    readers = {name: _reader(name) for name in design.readers}
    for reader in readers.values():
        if not project.memberships.filter(user=reader).exists():
            set_roles(project=project, user=reader, roles={Role.READER}, actor=actor)
    if AssignmentPlan.objects.filter(project=project).exists():
        return
    set_rules(project=project, actor=actor, changes=RULES, now=now)
    plan = AssignmentPlan.objects.create(
        project=project,
        number=1,
        seed=0,
        request=design.request(),
        summary=design.summary(),
        method_version=1,
        applied_by=actor,
        applied_at=now,
    )
    _add_seats(plan, design, readers)
    payload = {"plan": plan.number, "seats": design.n_seats}
    Event.objects.create(project=project, actor=actor, verb=Event.Verb.SEATS_PLANNED, payload=payload, at=now)


def _add_seats(plan: AssignmentPlan, design: Design, readers: Mapping[str, User]) -> None:
    cases = {case.key: case for case in Case.objects.filter(project=plan.project)}
    Seat.objects.bulk_create(
        Seat(
            project=plan.project,
            plan=plan,
            case=cases[key],
            slot=slot,
            reader=readers[name],
            arm=Arm.BLANK,
            place=cases[key].position,
        )
        for key, names in design.readers_of.items()
        for slot, name in enumerate(names, start=1)
    )


def _reader(name: str) -> User:
    """A closed account: nobody signs in as somebody of a published study."""
    reader = User.objects.filter(username=name).first()
    if reader is None:
        reader = User(username=name, is_active=False)
        reader.set_unusable_password()
        reader.save()
    return reader
