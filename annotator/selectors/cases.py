"""Find a reader's cases and gather what the reading screen shows of one."""

import uuid
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db.models import Exists, Max, OuterRef, QuerySet
from django.http import Http404

from annotator.core.planting import Labels, errors_of, with_errors
from annotator.models import NO_TEXT, Arm, Case, Draft, DraftState, Project, Reading, User
from annotator.selectors.exclusions import is_excluded, n_excluded
from annotator.selectors.schemas import parsed_schema
from annotator.selectors.seats import Sitting, n_decided_by, not_decided_by
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
    """Cases of a project whose cases everyone reads that the reader has still to submit, in order."""
    own = Draft.objects.filter(case=OuterRef("pk"), project=project, reader=reader, round=1)
    submitted = own.filter(state=DraftState.SUBMITTED)
    return cases_open_to(reader, project).filter(~Exists(submitted)).order_by("position")


def cases_open_to(reader: User, project: Project) -> QuerySet[Case]:
    """Cases that the reader may read, or has read, in a project whose cases everyone reads."""
    return Case.objects.filter(~is_excluded() & not_decided_by(reader, project, case="pk"), project=project)


def n_open_to(reader: User, project: Project) -> int:
    """How many those are."""
    return n_cases(project) - n_excluded(project) - n_decided_by(reader, project)


def next_case(*, project: Project, reader: User, after: int = 0) -> Case | None:
    """The reader's next case behind position `after`, then from the start; None when all others are read.

    What was sent back comes first, and what the reader put off only once no other is left.
    """
    waiting = unread_cases(project=project, reader=reader).select_related("report")
    own = Draft.objects.filter(project=project, reader=reader, round=1)
    returned = own.filter(state=DraftState.RETURNED).values("case")
    put_off = own.filter(case=OuterRef("pk"), state=DraftState.SKIPPED)
    found = (
        _first_behind(waiting.filter(pk__in=returned), after)
        or _first_behind(waiting.filter(~Exists(put_off)), after)
        or _first_behind(waiting, after)
    )
    if found is not None:
        found.project = project
    return found


def _first_behind(cases: QuerySet[Case], position: int) -> Case | None:
    """The first case behind a position, else the first before it."""
    found = cases.filter(position__gt=position).first()
    return cases.filter(position__lt=position).first() if found is None and position else found


@dataclass(frozen=True, slots=True)
class Progress:
    """How many cases the reader has to read, and how many of them they have submitted and not changed since.

    `place` is where a case stands among them, None where that is its position in the project.
    """

    n_cases: int
    n_submitted: int
    place: int | None = None


def progress_of(*, project: Project, reader: User) -> Progress:
    """The reader's progress in a project whose cases everyone reads."""
    submitted = Draft.objects.filter(
        ~is_excluded("case") & not_decided_by(reader, project),
        project=project,
        reader=reader,
        round=1,
        state=DraftState.SUBMITTED,
    )
    return Progress(n_cases=n_open_to(reader, project), n_submitted=submitted.count())


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


def prefill_shown(case: Case, *, draft: Draft | None, sitting: Sitting | None) -> MachineLabel | None:
    """The machine labels that the reader of `draft` has started from, or would; None in the blank arm.

    A draft keeps the labels it started from, though another run pre-fills by now. Who only looks sees the pre-fill.
    """
    if sitting is not None and sitting.arm == Arm.BLANK:
        return None
    if draft is not None:
        return prefill_named(case, draft.prefill_run) if draft.prefill_run else None
    run = sitting.prefill_run if sitting else None
    return prefill_named(case, run) if run else prefill_of(case)


def draft_of(case: Case, *, reader: User, sitting: Sitting | None) -> Draft | None:
    """The draft of the round in which the reader reads the case."""
    if sitting is None:
        return None
    return Draft.objects.filter(case=case, reader=reader, round=sitting.round).order_by().first()


def case_payload(case: Case, *, reader: User, progress: Progress, sitting: Sitting | None) -> dict[str, Any]:
    """The case as docs/api.md describes it, without the addresses."""
    draft = draft_of(case, reader=reader, sitting=sitting)
    prefill = prefill_shown(case, draft=draft, sitting=sitting)
    return {
        "case": {
            "id": case.pk,
            "key": case.key,
            "position": case.position if progress.place is None else progress.place,
            "total": progress.n_cases,
            "done": progress.n_submitted,
            "state": draft.state if draft else "new",
            "is_own": sitting is not None,
        },
        "report": report_payload(case),
        "round": sitting.round if sitting else 1,
        "arm": Arm.PREFILLED if prefill else Arm.BLANK,
        "prefill": _prefill_payload(_planted(prefill, case, sitting)) if prefill else None,
        "draft": draft_payload(draft) if draft else None,
        "reading": _latest_reading(draft),
        "images": _images_payload(case),
        "reservation": _reservation_payload(sitting),
    }


def _planted(label: MachineLabel, case: Case, sitting: Sitting | None) -> MachineLabel:
    """The label with the errors in it that the seat plants; not to be saved."""
    if sitting is None or not sitting.planted:
        return label
    labels = Labels(label.values, label.urgencies, label.body.get("cells", {}))
    shown = with_errors(labels, errors_of(sitting.planted), schema=parsed_schema(case.project.schema))
    label.values, label.urgencies, label.body = shown.values, shown.urgencies, {"cells": shown.cells}
    return label


def _reservation_payload(sitting: Sitting | None) -> dict[str, Any] | None:
    """Until when a case of the queue is the reader's; None where nobody else can get it."""
    if sitting is None or not sitting.is_from_queue:
        return None
    until = sitting.seat.reserved_until if sitting.seat else None
    return {"until": until.isoformat() if until else None, "is_lapsed": sitting.is_lapsed}


def _images_payload(case: Case) -> dict[str, Any] | None:
    found = n_series(case)
    return {"n_series": found} if found else None


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


def report_payload(case: Case) -> dict[str, Any]:
    """The words of the case, with their sections and sentences; why there are none where their text is missing."""
    if case.report is None or not case.report.has_text:
        missing = NO_TEXT if case.report else ""
        return {"text": "", "sha256": "", "sections": [], "sentences": [], "missing": missing}
    said = {"text": case.report.text, "sha256": case.report.text_sha256, "missing": ""}
    return _structure_payload(case.report.text) | said


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


def _latest_reading(draft: Draft | None) -> dict[str, Any] | None:
    # A reading leaves its draft behind: without one there is no reading to look for.
    if draft is None:
        return None
    of_draft = Reading.objects.filter(case=draft.case_id, reader=draft.reader_id, round=draft.round)
    reading = of_draft.order_by("-revision").first()
    return _reading_payload(reading) if reading else None


def _reading_payload(reading: Reading) -> dict[str, Any]:
    return {
        "revision": reading.revision,
        "values": reading.values,
        "urgencies": reading.urgencies,
        "body": reading.body,
        "active_seconds": reading.active_seconds,
        "submitted_at": reading.submitted_at.isoformat(),
    }
