"""Find a reader's cases and gather what the reading screen shows of one."""

import uuid
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db.models import Count, Exists, Max, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404

from annotator.models import Arm, Case, Draft, DraftState, Project, Reading, User
from labeling.core.schema import Schema
from labeling.core.text import structure_report
from labeling.models import MachineLabel, Run
from labeling.selectors import run_name
from vision.selectors import n_series


def case_for(project: Project, case_id: int) -> Case:
    """The case of this project with this id, with its report; 404 when the project has none."""
    case = Case.objects.select_related("report").filter(project=project, pk=case_id).first()
    if case is None:
        raise Http404("no such case in this project")
    case.project = project
    return case


def unread_cases(*, project: Project, reader: User) -> QuerySet[Case]:
    """Cases of the project that the reader has still to submit, in order."""
    submitted = Draft.objects.filter(case=OuterRef("pk"), project=project, reader=reader, state=DraftState.SUBMITTED)
    return Case.objects.filter(~Exists(submitted), project=project).order_by("position")


def next_case(*, project: Project, reader: User, after: int = 0) -> Case | None:
    """The reader's next case behind position `after`, then from the start; None when all others are read.

    Cases that the reader put off come only once no other is left.
    """
    waiting = unread_cases(project=project, reader=reader).select_related("report")
    put_off = Draft.objects.filter(case=OuterRef("pk"), project=project, reader=reader, state=DraftState.SKIPPED)
    found = _first_behind(waiting.filter(~Exists(put_off)), after) or _first_behind(waiting, after)
    if found is not None:
        found.project = project
    return found


def _first_behind(cases: QuerySet[Case], position: int) -> Case | None:
    """The first case behind a position, else the first before it."""
    found = cases.filter(position__gt=position).first()
    return cases.filter(position__lt=position).first() if found is None and position else found


@dataclass(frozen=True, slots=True)
class Progress:
    """How many cases a project has, and how many of them the reader has submitted and not changed since."""

    n_cases: int
    n_submitted: int


def progress_of(*, project: Project, reader: User) -> Progress:
    """The reader's progress in the project."""
    submitted = (
        Draft.objects.filter(project=project, reader=reader, state=DraftState.SUBMITTED)
        .order_by()
        .values("project")
        .annotate(n=Count("pk"))
        .values("n")
    )
    last = Case.objects.filter(project=project).order_by("-position").values("position")[:1]
    n_cases, n_submitted = (
        Project.objects.filter(pk=project.pk)
        .order_by()
        .values_list(Coalesce(Subquery(last), 0), Coalesce(Subquery(submitted), 0))
        .get()
    )
    return Progress(n_cases=n_cases, n_submitted=n_submitted)


def n_cases(project: Project) -> int:
    """How many cases the project has; positions run from 1 without a gap."""
    return Case.objects.filter(project=project).aggregate(last=Max("position"))["last"] or 0


def prefill_of(case: Case) -> MachineLabel | None:
    """What the project's pre-filling run says about the case."""
    if case.report_id is None:
        return None
    return (
        MachineLabel.objects.select_related("run")
        .filter(run__project_id=case.project_id, run__is_prefill=True, report_id=case.report_id)
        .order_by()
        .first()
    )


def prefill_named(case: Case, run_id: uuid.UUID) -> MachineLabel | None:
    """What one finished run of the project says about the case, whether or not it pre-fills now."""
    if case.report_id is None:
        return None
    return (
        MachineLabel.objects.select_related("run")
        .filter(
            run__project_id=case.project_id,
            run__run_id=run_id,
            run__state=Run.State.COMPLETE,
            report_id=case.report_id,
        )
        .order_by()
        .first()
    )


def prefill_shown(case: Case, *, reader: User) -> MachineLabel | None:
    """The machine labels that the reader has started from, or would; None in the blank arm."""
    return _prefill_for(Draft.objects.filter(case=case, reader=reader).order_by().first(), case)


def case_payload(case: Case, *, reader: User, progress: Progress) -> dict[str, Any]:
    """The case as docs/api.md describes it, without the addresses."""
    draft = Draft.objects.filter(case=case, reader=reader).order_by().first()
    # A reading leaves its draft behind: without one there is no reading to look for.
    reading = Reading.objects.filter(case=case, reader=reader).order_by("-revision").first() if draft else None
    prefill = _prefill_for(draft, case)
    return {
        "case": {
            "id": case.pk,
            "key": case.key,
            "position": case.position,
            "total": progress.n_cases,
            "done": progress.n_submitted,
            "state": draft.state if draft else "new",
        },
        "report": _report_payload(case),
        "arm": Arm.PREFILLED if prefill else Arm.BLANK,
        "prefill": _prefill_payload(prefill) if prefill else None,
        "draft": draft_payload(draft) if draft else None,
        "reading": _reading_payload(reading) if reading else None,
        "images": _images_payload(case),
    }


def _images_payload(case: Case) -> dict[str, Any] | None:
    found = n_series(case)
    return {"n_series": found} if found else None


def _prefill_for(draft: Draft | None, case: Case) -> MachineLabel | None:
    """A draft keeps the labels it started from, though another run pre-fills by now."""
    if draft is None:
        return prefill_of(case)
    return prefill_named(case, draft.prefill_run) if draft.prefill_run else None


def draft_payload(draft: Draft) -> dict[str, Any]:
    """A stored draft as JSON."""
    return {
        "version": draft.version,
        "values": draft.values,
        "urgencies": draft.urgencies,
        "body": draft.body,
        "active_seconds": draft.active_seconds,
        "client_id": draft.client_id,
        "saved_at": draft.saved_at.isoformat(),
    }


def schema_payload(schema: Schema) -> dict[str, Any]:
    """A schema as the reading screen needs it."""
    return {
        "name": schema.name,
        "version": schema.version,
        "hash": schema.hash,
        "title": schema.title,
        "targets": [{"name": target.name, "title": target.title} for target in schema.targets],
        "findings": [
            {
                "name": finding.name,
                "short_name": finding.short_name,
                "definition": finding.long_definition,
                "urgency": schema.has_urgency(finding.name),
            }
            for finding in schema.findings
        ],
        "cells": [str(cell) for cell in schema.cells],
        "urgency_levels": list(schema.urgency.levels) if schema.urgency else [],
        "contradictions": [
            {"finding": rule.finding, "forbids": list(rule.forbids), "because": rule.because}
            for rule in schema.contradictions
        ],
    }


def _report_payload(case: Case) -> dict[str, Any]:
    if case.report is None:
        return {"text": "", "sha256": "", "sections": [], "sentences": []}
    return _structure_payload(case.report.text) | {"text": case.report.text, "sha256": case.report.text_sha256}


@lru_cache(maxsize=512)
def _structure_payload(text: str) -> dict[str, Any]:
    """Sections and sentences; a case is asked for when it is loaded ahead and again when its page is opened."""
    structure = structure_report(text)
    return {
        "sections": [
            {
                "kind": section.kind,
                "start": section.span.start,
                "end": section.span.end,
                "title": list(section.title_span) if section.title_span else None,
            }
            for section in structure.sections
        ],
        "sentences": [list(sentence.span) for sentence in structure.sentences],
    }


def _prefill_payload(label: MachineLabel) -> dict[str, Any]:
    return {
        "run": str(label.run.run_id),
        "labeler": label.run.labeler,
        "name": run_name(label.run),
        "values": label.values,
        "urgencies": label.urgencies,
        "cells": label.body.get("cells", {}),
    }


def _reading_payload(reading: Reading) -> dict[str, Any]:
    return {
        "revision": reading.revision,
        "values": reading.values,
        "urgencies": reading.urgencies,
        "body": reading.body,
        "active_seconds": reading.active_seconds,
        "submitted_at": reading.submitted_at.isoformat(),
    }
