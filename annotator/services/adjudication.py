"""Decide disputed cells, take decisions back, and decide many cells alike. Decisions are only ever added."""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

from django.db import IntegrityError, transaction

from annotator.core.refusals import is_storable_text
from annotator.core.vectors import MAX_COMMENT_CHARACTERS, VectorError, check_body
from annotator.exceptions import BasisChangedError, DecidedError, UserError
from annotator.models import Case, Decision, Dispute, DisputeKind, Event, Project, Reason, User
from annotator.selectors.disputed_cells import CaseVoices, sealed, voices_of
from annotator.selectors.disputes import MOST_AT_ONCE, decidable
from annotator.selectors.schemas import parsed_schema
from annotator.services.settling import lock_case, settle_case
from labeling.core.values import CODE_OF_STATE, NO_URGENCY_CODE, POSITIVE_VALUES, URGENCY_CODES, VALUE_CODES

_POSITIVE: Final = frozenset(CODE_OF_STATE[value] for value in POSITIVE_VALUES)
# How PostgreSQL and SQLite name the constraint that only one decision can be revision n of a cell.
_TAKEN: Final = ("decision_revision_once", "annotator_decision.case_id")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an adjudicator says of a cell. Without `evidence` that of the voices stands."""

    value: str
    urgency: str
    reason: str
    note: str = ""
    evidence: list[list[int]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Seen:
    """A cell as it was on the screen: the seal of its readings, and the number of its last decision, 0 for none."""

    cell: str
    basis: str
    revision: int


@dataclass(frozen=True, slots=True)
class Bulk:
    """What became of cells that were decided, or taken back, together; `left_out` are those that had changed."""

    batch: uuid.UUID
    decided: list[Decision]
    left_out: list[Dispute]


def decide(*, case: Case, seen: Seen, adjudicator: User, verdict: Verdict, now: datetime) -> Decision:
    """Store a decision about a cell of a case; the same one sent again returns the stored one.

    Raises `VectorError` for what does not fit, `DecidedError` when the last decision is not the one that was on the
    screen, and `BasisChangedError` when the readings are not.
    """
    _check(verdict, seen.cell, case=case)
    with _race(case, seen.cell), transaction.atomic():
        lock_case(case.pk)
        dispute = _dispute(case, seen.cell)
        latest = _latest(case.pk, seen.cell)
        if latest is not None and _is_same(latest, seen, verdict, adjudicator):
            return latest
        _check_seen(dispute, latest, seen)
        _check_reason(verdict, dispute)
        decision = _store(dispute, voices_of(case), verdict, revision=seen.revision + 1, by=adjudicator, now=now)
        settle_case(case.pk, now=now)
    return decision


def undo(*, case: Case, seen: Seen, adjudicator: User, now: datetime) -> Decision:
    """Take the standing decision about a cell back, so that the cell is open again; under the rules of `decide`."""
    with _race(case, seen.cell), transaction.atomic():
        lock_case(case.pk)
        dispute = _dispute(case, seen.cell)
        latest = _latest(case.pk, seen.cell)
        if latest is None or latest.is_undo or latest.revision != seen.revision:
            raise DecidedError(latest)
        undone = _take_back(dispute, latest, by=adjudicator, batch=None, now=now)
        settle_case(case.pk, now=now)
    return undone


def decide_alike(
    *, project: Project, chosen: Sequence[tuple[int, Seen]], adjudicator: User, verdict: Verdict, now: datetime
) -> Bulk:
    """Decide the chosen cells (primary keys of disputes, as they were seen) in one way, with one batch for all.

    Cells that changed since, or that `adjudicator` may not decide, are left out. Raises `UserError`, or `VectorError`.
    """
    if not 0 < len(chosen) <= MOST_AT_ONCE:
        raise UserError(f"{len(chosen):,} cells were chosen; choose 1 to {MOST_AT_ONCE} at a time")
    seen_of, batch = dict(chosen), uuid.uuid4()
    decided, left_out = [], []
    with transaction.atomic():
        # Locked before they are looked at, all in the same order: nobody decides them in between.
        cases = list(Dispute.objects.filter(project=project, pk__in=seen_of).values_list("case", flat=True))
        _lock(cases)
        disputes = _with_cases(decidable(project, adjudicator).filter(pk__in=seen_of), project)
        for case, group in _by_case(disputes):
            voices = voices_of(case)
            for dispute in group:
                latest, seen = _latest(case.pk, dispute.cell), seen_of[dispute.pk]
                if not _is_as_seen(dispute, latest, seen):
                    left_out.append(dispute)
                    continue
                _check(verdict, dispute.cell, case=case)
                _check_reason(verdict, dispute)
                revision = seen.revision + 1
                decided.append(
                    _store(dispute, voices, verdict, revision=revision, by=adjudicator, now=now, batch=batch)
                )
            settle_case(case.pk, now=now)
    return Bulk(batch, decided, left_out)


def undo_batch(*, project: Project, batch: uuid.UUID, adjudicator: User, now: datetime) -> Bulk:
    """Take back every decision of a batch that still stands; those that were decided again since are left out."""
    undone, left_out = [], []
    made = Decision.objects.filter(project=project, batch=batch, is_undo=False)
    with transaction.atomic():
        _lock(made.values_list("case", flat=True))
        touched = Dispute.objects.filter(decision__in=made)
        for case, group in _by_case(_with_cases(touched, project)):
            for dispute in group:
                latest = _latest(case.pk, dispute.cell)
                if latest is None or latest.batch != batch or latest.is_undo:
                    left_out.append(dispute)
                else:
                    undone.append(_take_back(dispute, latest, by=adjudicator, batch=batch, now=now))
            settle_case(case.pk, now=now)
    return Bulk(batch, undone, left_out)


@contextmanager
def _race(case: Case, cell: str) -> Iterator[None]:
    """Tell the loser of two decisions at once who won; enclose the transaction."""
    try:
        yield
    except IntegrityError as error:
        if not any(sign in str(error) for sign in _TAKEN):
            raise
        raise DecidedError(_latest(case.pk, cell)) from error


def _lock(cases: Iterable[int]) -> None:
    """Hold cases until the end of the transaction, in one order; rows that point to them can still be inserted."""
    list(Case.objects.select_for_update(no_key=True).filter(pk__in=set(cases)).order_by("pk").values_list("pk"))


def _dispute(case: Case, cell: str) -> Dispute:
    found = Dispute.objects.filter(case=case, cell=cell).first()
    if found is None:
        raise VectorError(f"case {case.key!r} has no dispute about cell {cell!r}")
    return found


def _latest(case_id: int, cell: str) -> Decision | None:
    return Decision.objects.filter(case=case_id, cell=cell).order_by("-revision").first()


def _is_same(latest: Decision, seen: Seen, verdict: Verdict, adjudicator: User) -> bool:
    """Whether this decision has arrived before."""
    stored = Verdict(latest.value, latest.urgency, latest.reason, latest.note, latest.evidence)
    is_next = latest.revision == seen.revision + 1 and latest.decided_by_id == adjudicator.pk and not latest.is_undo
    return is_next and stored == verdict and sealed(latest) == seen.basis


def _check_seen(dispute: Dispute, latest: Decision | None, seen: Seen) -> None:
    if (latest.revision if latest else 0) != seen.revision:
        raise DecidedError(latest)
    if not _is_as_seen(dispute, latest, seen):
        raise BasisChangedError


def _is_as_seen(dispute: Dispute, latest: Decision | None, seen: Seen) -> bool:
    same_revision = (latest.revision if latest else 0) == seen.revision
    return same_revision and sealed(dispute) == seen.basis and dispute.state != Dispute.State.WITHDRAWN


def _check(verdict: Verdict, cell: str, *, case: Case) -> None:
    """Raise `VectorError` unless the verdict fits the schema and the report."""
    schema = parsed_schema(case.project.schema)
    if verdict.value not in VALUE_CODES or len(verdict.value) != 1:
        raise VectorError(f"value: {verdict.value!r} is not one of {VALUE_CODES}")
    if verdict.urgency not in URGENCY_CODES or len(verdict.urgency) != 1:
        raise VectorError(f"urgency: {verdict.urgency!r} is not one of {URGENCY_CODES}")
    if verdict.reason not in Reason.values:
        raise VectorError(f"reason: {verdict.reason!r} is not one of {', '.join(Reason.values)}")
    if not is_storable_text(verdict.note, at_most=MAX_COMMENT_CHARACTERS):
        raise VectorError(f"note: expected text of at most {MAX_COMMENT_CHARACTERS} characters")
    body = {"cells": {cell: {"evidence": verdict.evidence}}}
    check_body(body, schema=schema, text_length=len(case.report.text) if case.report else 0)
    if verdict.urgency == NO_URGENCY_CODE:
        return
    if verdict.value not in _POSITIVE or not schema.has_urgency(schema.cell_of(cell).finding):
        raise VectorError(f"urgency: cell {cell!r} decided as {verdict.value!r} has none")


def _check_reason(verdict: Verdict, dispute: Dispute) -> None:
    if verdict.reason == Reason.AGREED and dispute.kind != DisputeKind.RULE:
        raise VectorError(f"reason: the voices of cell {dispute.cell!r} do not agree")


def _store(
    dispute: Dispute,
    voices: CaseVoices,
    verdict: Verdict,
    *,
    revision: int,
    by: User,
    now: datetime,
    batch: uuid.UUID | None = None,
) -> Decision:
    """The next decision about a cell, with what its voices said; the dispute is decided by it."""
    spoken = voices.of(dispute.cell)
    decision = Decision.objects.create(
        project_id=dispute.project_id,
        case_id=dispute.case_id,
        schema_id=voices.case.project.schema_id,
        cell=dispute.cell,
        revision=revision,
        value=verdict.value,
        urgency=verdict.urgency,
        reason=verdict.reason,
        note=verdict.note,
        evidence=verdict.evidence,
        basis=dispute.basis,
        voices={letter: [voice.key, voice.value, voice.urgency] for letter, voice in spoken.items()},
        batch=batch,
        decided_by=by,
        decided_at=now,
    )
    _mark(dispute, decision, state=Dispute.State.DECIDED, now=now)
    said = {"value": verdict.value, "urgency": verdict.urgency, "reason": verdict.reason}
    _log(Event.Verb.CELL_DECIDED, decision, said)
    return decision


def _take_back(dispute: Dispute, latest: Decision, *, by: User, batch: uuid.UUID | None, now: datetime) -> Decision:
    undone = Decision.objects.create(
        project_id=dispute.project_id,
        case_id=dispute.case_id,
        schema_id=latest.schema_id,
        cell=dispute.cell,
        revision=latest.revision + 1,
        is_undo=True,
        basis=latest.basis,
        batch=batch,
        decided_by=by,
        decided_at=now,
    )
    # A withdrawn dispute stays withdrawn: its voices agree by now.
    if dispute.state == Dispute.State.DECIDED:
        _mark(dispute, None, state=Dispute.State.OPEN, now=now)
    _log(Event.Verb.DECISION_UNDONE, undone, {"before": latest.value + latest.urgency})
    return undone


def _mark(dispute: Dispute, decision: Decision | None, *, state: str, now: datetime) -> None:
    Dispute.objects.filter(pk=dispute.pk).update(state=state, decision=decision, changed_at=now)


def _log(verb: str, decision: Decision, said: dict[str, Any]) -> None:
    payload = {"cell": decision.cell, "revision": decision.revision, **said}
    if decision.batch:
        payload["batch"] = str(decision.batch)
    Event.objects.create(
        project_id=decision.project_id,
        case_id=decision.case_id,
        actor_id=decision.decided_by_id,
        verb=verb,
        payload=payload,
        at=decision.decided_at,
    )


def _with_cases(disputes: Any, project: Project) -> list[Dispute]:
    """The disputes with their cases and reports, case by case."""
    found: list[Dispute] = list(disputes.select_related("case__report").order_by("case", "pk"))
    for dispute in found:
        dispute.case.project = project
    return found


def _by_case(disputes: Sequence[Dispute]) -> Iterator[tuple[Case, list[Dispute]]]:
    """Disputes that stand case by case, in groups."""
    for _, group in groupby(disputes, key=attrgetter("case_id")):
        listed = list(group)
        yield listed[0].case, listed
