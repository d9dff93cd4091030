"""Stored figures as files that say what they are of."""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.utils import timezone

from annotator.core.figure_tables import csv_lines
from annotator.models import Evaluation, Event, Project, User
from labeling.models import Run
from labeling.selectors.runs import run_name


class FileFormat(StrEnum):
    """A table of the figures, or all that is stored."""

    CSV = "csv"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class FiguresFile:
    """A file, whole."""

    name: str
    text: str


def export_figures(
    evaluation: Evaluation, *, project: Project, actor: User | None, file_format: FileFormat
) -> FiguresFile:
    """Figures that are done, and an event that they were exported: they name readers."""
    name = f"{project.slug}-figures-{evaluation.kind}-{evaluation.finished_at:%Y-%m-%d}-{evaluation.pk}.{file_format}"
    payload = {"what": "figures", "evaluation": evaluation.pk, "request": evaluation.request, "format": file_format}
    Event.objects.create(
        project=project, actor=actor, verb=Event.Verb.LABELS_EXPORTED, payload=payload, at=timezone.now()
    )
    if file_format == FileFormat.CSV:
        return FiguresFile(name, "".join(csv_lines(evaluation.result or {})))
    return FiguresFile(name, json.dumps(provenance(evaluation, project) | {"result": evaluation.result}, indent=1))


def _runs(evaluation: Evaluation, project: Project) -> dict[str, dict[str, Any]]:
    runs = Run.objects.filter(project=project, run_id__in=evaluation.inputs.get("labels", {}))
    return {
        str(run.run_id): {"name": run_name(run), "started_at": run.started_at.isoformat(), "manifest": run.manifest}
        for run in runs
    }


def provenance(evaluation: Evaluation, project: Project) -> dict[str, Any]:
    """What the figures are of and how they were made, so that they can be made again."""
    schema, finished = evaluation.schema, evaluation.finished_at
    return {
        "figures": evaluation.pk,
        "project": project.slug,
        "runs": _runs(evaluation, project),
        "schema": {"name": schema.name, "version": schema.version, "hash": schema.hash},
        "request": evaluation.request,
        "request_hash": evaluation.request_hash,
        "inputs": evaluation.inputs,
        "inputs_hash": evaluation.inputs_hash,
        "requested_at": evaluation.requested_at.isoformat(),
        "finished_at": finished.isoformat() if finished else None,
        "seconds": evaluation.seconds,
    }
