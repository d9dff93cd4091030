"""Decide disputed cells, take decisions back, and decide many cells alike. Decisions are only ever added."""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from annotator.core.refusals import is_storable_text
from annotator.core.vectors import MAX_COMMENT_CHARACTERS, VectorError, check_body
from annotator.exceptions import BasisChangedError, DecidedError, UserError
from annotator.models import Case, Decision, Dispute, DisputeKind, Event, Project, Reason, User
from annotator.selectors.disputed_cells import CaseVoices, sealed, voices_in, voices_of
from annotator.selectors.disputes import MOST_AT_ONCE, decidable, may_decide
from annotator.selectors.schemas import parsed_schema
from annotator.services.settling import lock_case, lock_cases, settle_case, settle_cases
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
    """What became of cells that were decided, or taken back, together.

    `left_out` are those that had changed, and those about which the adjudicator decides nothing.
    """

    batch: uuid.UUID
    decided: list[Decision]
    left_out: list[Dispute]


def decide(*, case: Case, seen: Seen, adjudicator: User, verdict: Verdict, now: datetime) -> Decision:
    """Store a decision about a cell of a case; the same one sent again returns the stored one.

    Raises `VectorError` for what does not fit, `PermissionDenied` for a case that is the adjudicator's to read,
    `DecidedError` when the last decision is not the one that was on the screen, `BasisChangedError` when the readings
    are not.
    """
    _check(verdict, seen.cell, case=case)
    with _race(case, seen.cell), transaction.atomic():
        _hold(case, adjudicator)
        dispute = _dispute(case, seen.cell)
        latest = _latest(case.pk, seen.cell)
        if latest is not None and _is_same(latest, seen, verdict, adjudicator):
            return latest
        _check_seen(dispute, latest, seen)
        _check_reason(verdict, dispute)
        decision = _decided(dispute, voices_of(case), verdict, revision=seen.revision + 1)
        [stored] = _store([(decision, None)], by=adjudicator, now=now)
        settle_case(case.pk, now=now)
    return stored


def undo(*, case: Case, seen: Seen, adjudicator: User, now: datetime) -> Decision:
    """Take the standing decision about a cell back, so that the cell is open again; under the rules of `decide`."""
    with _race(case, seen.cell), transaction.atomic():
        _hold(case, adjudicator)
        _dispute(case, seen.cell)
        latest = _latest(case.pk, seen.cell)
        if latest is None or latest.is_undo or latest.revision != seen.revision:
            raise DecidedError(latest)
        [undone] = _store([(_taken_back(latest), latest)], by=adjudicator, now=now)
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
    with transaction.atomic():
        held = _held(Dispute.objects.filter(project=project, pk__in=seen_of), project, adjudicator)
        fits = [dispute for dispute in held.mine if _is_as_seen(dispute, held.latest_of(dispute), seen_of[dispute.pk])]
        for dispute in fits:
            _check(verdict, dispute.cell, case=dispute.case)
            _check_reason(verdict, dispute)
        voices = voices_in(project, list({dispute.case_id: dispute.case for dispute in fits}.values()))
        made = (
            (_decided(dispute, voices[dispute.case_id], verdict, revision=seen_of[dispute.pk].revision + 1), None)
            for dispute in fits
        )
        decided = _store(made, by=adjudicator, now=now, batch=batch)
        settle_cases(project, {dispute.case_id for dispute in fits}, now=now)
    return Bulk(batch, decided, held.but(fits))


def undo_batch(*, project: Project, batch: uuid.UUID, adjudicator: User, now: datetime) -> Bulk:
    """Take back every decision of a batch that still stands and that `adjudicator` may take back.

    Those that were decided again since are left out.
    """
    made = Decision.objects.filter(project=project, batch=batch, is_undo=False)
    with transaction.atomic():
        held = _held(Dispute.objects.filter(project=project, decision__in=made), project, adjudicator)
        latest_of = {dispute.pk: held.latest_of(dispute) for dispute in held.mine}
        standing = {pk: each for pk, each in latest_of.items() if each and each.batch == batch and not each.is_undo}
        fits = [dispute for dispute in held.mine if dispute.pk in standing]
        taken_back = ((_taken_back(each), each) for each in standing.values())
        undone = _store(taken_back, by=adjudicator, now=now, batch=batch)
        settle_cases(project, {dispute.case_id for dispute in fits}, now=now)
    return Bulk(batch, undone, held.but(fits))


@dataclass(frozen=True, slots=True)
class _Held:
    """Disputes whose cases are locked, those of them that the adjudicator may decide, and the last decisions there."""

    every: list[Dispute]
    mine: list[Dispute]
    latest: dict[tuple[int, str], Decision]

    def latest_of(self, dispute: Dispute) -> Decision | None:
        return self.latest.get((dispute.case_id, dispute.cell))

    def but(self, done: Iterable[Dispute]) -> list[Dispute]:
        """All but these."""
        pks = {dispute.pk for dispute in done}
        return [dispute for dispute in self.every if dispute.pk not in pks]


def _held(disputes: QuerySet[Dispute], project: Project, adjudicator: User) -> _Held:
    """Their cases are locked before they are looked at: nobody decides them in between."""
    pks = list(disputes.values_list("pk", flat=True))
    lock_cases(list(Dispute.objects.filter(pk__in=pks).values_list("case", flat=True)))
    every = list(Dispute.objects.filter(pk__in=pks).select_related("case__report").order_by("case", "pk"))
    for dispute in every:
        dispute.case.project = project
    may = set(decidable(project, adjudicator).filter(pk__in=pks).values_list("pk", flat=True))
    rows = Decision.objects.filter(case__in={dispute.case_id for dispute in every}).order_by("revision")
    latest = {(decision.case_id, decision.cell): decision for decision in rows}
    return _Held(every, [dispute for dispute in every if dispute.pk in may], latest)


@contextmanager
def _race(case: Case, cell: str) -> Iterator[None]:
    """Tell the loser of two decisions at once who won; enclose the transaction."""
    try:
        yield
    except IntegrityError as error:
        if not any(sign in str(error) for sign in _TAKEN):
            raise
        raise DecidedError(_latest(case.pk, cell)) from error


def _hold(case: Case, adjudicator: User) -> None:
    """Lock the case; it may have become one to read for the adjudicator since somebody looked."""
    lock_case(case.pk)
    if not may_decide(case, adjudicator):
        raise PermissionDenied(f"case {case.key} is one that {adjudicator} reads")


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


def _decided(dispute: Dispute, voices: CaseVoices, verdict: Verdict, *, revision: int) -> Decision:
    """The next decision about a cell, with what its voices said."""
    spoken = voices.of(dispute.cell)
    return Decision(
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
    )


def _taken_back(latest: Decision) -> Decision:
    """The next decision about a cell: that the latest one no longer stands."""
    return Decision(
        project_id=latest.project_id,
        case_id=latest.case_id,
        schema_id=latest.schema_id,
        cell=latest.cell,
        revision=latest.revision + 1,
        is_undo=True,
        basis=latest.basis,
    )


def _store(
    made: Iterable[tuple[Decision, Decision | None]], *, by: User, now: datetime, batch: uuid.UUID | None = None
) -> list[Decision]:
    """Store decisions, each with the one that it takes back, and their events.

    What becomes of their disputes follows when their cases are settled.
    """
    pairs = list(made)
    for decision, _ in pairs:
        decision.decided_by, decision.decided_at, decision.batch = by, now, batch
    Decision.objects.bulk_create(decision for decision, _ in pairs)
    Event.objects.bulk_create(_event(*pair) for pair in pairs)
    return [decision for decision, _ in pairs]


def _event(decision: Decision, before: Decision | None) -> Event:
    if before is None:
        said = {"value": decision.value, "urgency": decision.urgency, "reason": decision.reason}
    else:
        said = {"before": before.value + before.urgency}
    payload = {"cell": decision.cell, "revision": decision.revision, **said}
    if decision.batch:
        payload["batch"] = str(decision.batch)
    return Event(
        project_id=decision.project_id,
        case_id=decision.case_id,
        actor_id=decision.decided_by_id,
        verb=Event.Verb.DECISION_UNDONE if before else Event.Verb.CELL_DECIDED,
        payload=payload,
        at=decision.decided_at,
    )
