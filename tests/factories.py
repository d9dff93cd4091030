"""Rows for tests, each valid on its own: `ProjectFactory()`, `CaseFactory(project=...)`, ..."""

import csv
import hashlib
import io
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import factory
from factory.django import DjangoModelFactory

from annotator.models import (
    Arm,
    Case,
    Draft,
    DraftState,
    LabelSchema,
    Membership,
    Project,
    Reading,
    Report,
    ReportImport,
    Role,
    User,
)
from labeling.core.schema_yaml import load_preset, preset_source
from labeling.models import MachineLabel, Run

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SPINE = "spine-mri"  # eight cells
NORMAL, POSITIVE = "0" * 8, "+.0.+.+."
NO_URGENCY = "_" * 8


class UserFactory(DjangoModelFactory):
    """A user whose password is `pw-` and the name."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"user{n}")
    password = factory.django.Password(factory.LazyAttribute(lambda user: f"pw-{user.username}"))


class LabelSchemaFactory(DjangoModelFactory):
    """The stored form of a preset, once."""

    class Meta:
        model = LabelSchema
        django_get_or_create = ("hash",)

    class Params:
        preset = SPINE

    name = factory.LazyAttribute(lambda made: load_preset(made.preset).name)
    version = factory.LazyAttribute(lambda made: load_preset(made.preset).version)
    hash = factory.LazyAttribute(lambda made: load_preset(made.preset).hash)
    source = factory.LazyAttribute(lambda made: preset_source(made.preset))


class ProjectFactory(DjangoModelFactory):
    """An empty project under the spine preset, with a manager when `manager` is given."""

    class Meta:
        model = Project
        skip_postgeneration_save = True

    slug = factory.Sequence(lambda n: f"project-{n}")
    name = factory.LazyAttribute(lambda project: project.slug.capitalize())
    schema = factory.SubFactory(LabelSchemaFactory)

    @factory.post_generation
    def manager(self, create: bool, given: User | None, **_: Any) -> None:
        """Make `given` a manager."""
        if create and given is not None:
            MembershipFactory(project=self, user=given, role=Role.MANAGER)


class MembershipFactory(DjangoModelFactory):
    """A reader of a project."""

    class Meta:
        model = Membership

    project = factory.SubFactory(ProjectFactory)
    user = factory.SubFactory(UserFactory)
    role = Role.READER


class ReportFactory(DjangoModelFactory):
    """A report of its own."""

    class Meta:
        model = Report

    project = factory.SubFactory(ProjectFactory)
    report_id = factory.Sequence(lambda n: f"R{n:05}")
    text = factory.LazyAttribute(lambda report: f"Report {report.report_id}. L4-5: disc protrusion. No fracture.")
    text_sha256 = factory.LazyAttribute(lambda report: hashlib.sha256(report.text.encode()).hexdigest())


class CaseFactory(DjangoModelFactory):
    """The next case of a project, with a report."""

    class Meta:
        model = Case

    project = factory.SubFactory(ProjectFactory)
    report = factory.SubFactory(ReportFactory, project=factory.SelfAttribute("..project"))
    key = factory.LazyAttribute(lambda case: case.report.report_id)
    patient_key = factory.LazyAttribute(lambda case: hashlib.sha256(case.key.encode()).hexdigest())
    position = factory.LazyAttribute(lambda case: Case.objects.filter(project=case.project).count() + 1)


class RunFactory(DjangoModelFactory):
    """A finished run that readers start from."""

    class Meta:
        model = Run

    project = factory.SubFactory(ProjectFactory)
    schema = factory.LazyAttribute(lambda run: run.project.schema)
    labeler = "rules"
    state = Run.State.COMPLETE
    is_prefill = True
    started_at = NOW
    finished_at = NOW


class MachineLabelFactory(DjangoModelFactory):
    """What a run says of a report."""

    class Meta:
        model = MachineLabel

    run = factory.SubFactory(RunFactory)
    report = factory.SubFactory(ReportFactory, project=factory.SelfAttribute("..run.project"))
    values = POSITIVE
    urgencies = NO_URGENCY
    body = factory.LazyFunction(lambda: {"cells": {}})


class DraftFactory(DjangoModelFactory):
    """A case that a reader has begun."""

    class Meta:
        model = Draft

    case = factory.SubFactory(CaseFactory)
    project = factory.LazyAttribute(lambda draft: draft.case.project)
    reader = factory.SubFactory(UserFactory)
    state = DraftState.OPEN
    version = 1
    values = POSITIVE
    urgencies = NO_URGENCY
    saved_at = NOW


class ReadingFactory(DjangoModelFactory):
    """A first revision."""

    class Meta:
        model = Reading

    case = factory.SubFactory(CaseFactory)
    project = factory.LazyAttribute(lambda reading: reading.case.project)
    reader = factory.SubFactory(UserFactory)
    schema = factory.LazyAttribute(lambda reading: reading.case.project.schema)
    revision = 1
    submission_id = factory.LazyFunction(uuid.uuid4)
    arm = Arm.BLANK
    values = POSITIVE
    urgencies = NO_URGENCY
    body = factory.LazyFunction(lambda: {"cells": {}})
    active_seconds = 61
    submitted_at = NOW


class ReportImportFactory(DjangoModelFactory):
    """An import of one report."""

    class Meta:
        model = ReportImport

    project = factory.SubFactory(ProjectFactory)
    file_name = "reports.csv"
    file_sha256 = "0" * 64
    created = 1
    unchanged = 0
    refused = 0


def csv_bytes(rows: Iterable[Mapping[str, str]]) -> bytes:
    """A CSV file with the keys of the first row as header."""
    listed = list(rows)
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, fieldnames=list(listed[0]))
    writer.writeheader()
    writer.writerows(listed)
    return out.getvalue().encode()


def report_rows(n: int, *, start: int = 1) -> list[dict[str, str]]:
    """Rows of a file of reports, two of each patient."""
    return [
        {
            "report_id": f"R{number:05}",
            "text": f"Findings: report {number}. L4-5: disc protrusion. No spondylolisthesis.",
            "patient_id": f"MRN{(number + 1) // 2:05}",
            "study_id": f"S{number:05}",
        }
        for number in range(start, start + n)
    ]
