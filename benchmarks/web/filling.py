"""Fill a database with many pre-filled cases, made from the demo reports."""

import hashlib
import itertools
import uuid
from collections.abc import Iterator
from pathlib import Path

from django.db import connection
from django.utils import timezone

from annotator.models import Case, Membership, Project, Report, Role, User
from annotator.services.projects import create_project
from labeling.core.records import StoredLabels
from labeling.core.rules import label_report
from labeling.core.schema_yaml import load_preset, preset_source
from labeling.models import MachineLabel, Run

BATCH = 5000
PASSWORD = "bench-" + uuid.uuid4().hex


def readers(count: int) -> list[str]:
    """Names of `count` readers, made when they do not exist."""
    names = [f"bench{number}" for number in range(count)]
    for name in names:
        if not User.objects.filter(username=name).exists():
            User.objects.create_user(name, password=PASSWORD)
    return names


def fill_project(slug: str, *, n_cases: int, names: list[str]) -> Project:
    """A project of `n_cases` abdominal cases, each with its own text and machine labels, and all readers in it."""
    schema = load_preset("abdomen-ct")
    manager = User.objects.get(username=names[0])
    project = create_project(name=slug, slug=slug, schema_source=preset_source("abdomen-ct"), actor=manager)
    for name in names:
        Membership.objects.create(project=project, user=User.objects.get(username=name), role=Role.READER)
    texts = [path.read_text(encoding="utf-8") for path in sorted(Path("annotator/demo/abdomen-ct").glob("*.txt"))]
    labels = [StoredLabels.encode(label_report(text, schema), schema) for text in texts]
    run = Run.objects.create(
        project=project, schema=project.schema, labeler="rules", started_at=timezone.now(), is_prefill=True
    )
    for batch in _batches(range(1, n_cases + 1)):
        rows = [
            Report(project=project, report_id=f"{slug}-{number:06d}", **_text(texts[number % len(texts)], number))
            for number in batch
        ]
        reports = Report.objects.bulk_create(rows)
        Case.objects.bulk_create(
            Case(project=project, report=report, key=report.report_id, position=number, patient_key=f"{number:064x}")
            for number, report in zip(batch, reports, strict=True)
        )
        MachineLabel.objects.bulk_create(
            MachineLabel(
                run=run,
                report=report,
                values=labels[number % len(labels)].values,
                urgencies=labels[number % len(labels)].urgencies,
                body=labels[number % len(labels)].body,
            )
            for number, report in zip(batch, reports, strict=True)
        )
    run.state, run.finished_at = Run.State.COMPLETE, timezone.now()
    run.save(update_fields=["state", "finished_at"])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return project


def _text(text: str, number: int) -> dict[str, str]:
    own = f"{text}\nReport number {number}."
    return {"text": own, "text_sha256": hashlib.sha256(own.encode()).hexdigest()}


def _batches(numbers: range) -> Iterator[list[int]]:
    iterator = iter(numbers)
    while batch := list(itertools.islice(iterator, BATCH)):
        yield batch
