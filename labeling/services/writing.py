"""Write what a worker has for a chunk, as long as it holds it."""

from dataclasses import asdict
from typing import Any, Final

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from labeling.core.asking import CallRecord
from labeling.core.many import Tally
from labeling.models import MachineLabel, ReportFailure, StoredCall
from labeling.selectors.answers import record_of
from labeling.services.chunks import Claim, renew
from labeling.services.outbox import Batch, ReportResult

_TALLIED: Final = ("n_calls", "n_calls_failed", "prompt_tokens", "cached_tokens", "generated_tokens")


class ChunkWriter:
    """Writes batches of one claim, and of the counts of its tally what is new.

    What a database error kept from being written goes with the next batch.
    """

    def __init__(self, claim: Claim, tally: Tally) -> None:
        self.claim = claim
        self.tally = tally
        self._counted = dict.fromkeys(_TALLIED, 0)
        self._unwritten = Batch()

    def write(self, batch: Batch) -> None:
        """Write it all and hold the chunk longer. Raises `LeaseLost`, and nothing is written then."""
        self._unwritten.add(batch)
        seen = {name: getattr(self.tally, name) for name in _TALLIED}
        # A call without an end may be lost with the worker, and nobody would take it out again.
        seen["n_calls"] = max(self._counted["n_calls"], self.tally.n_calls - self.tally.waiting)
        with transaction.atomic():
            renew(self.claim)
            self._write_calls(self._unwritten)
            self._write_results(self._unwritten.results)
            self._count(self._unwritten.results, seen)
        self._unwritten, self._counted = Batch(), seen

    def _write_calls(self, batch: Batch) -> None:
        run = self.claim.run
        StoredCall.objects.bulk_create(
            _row(run.pk, report_pk, record, at) for (report_pk, _), (record, at) in batch.calls.items()
        )
        for (report_pk, key), read in batch.readings.items():
            StoredCall.objects.filter(run=run, report=report_pk, key=key).update(read=storable(read))

    def _write_results(self, results: list[ReportResult]) -> None:
        run, now = self.claim.run, timezone.now()
        MachineLabel.objects.bulk_create(
            MachineLabel(
                run=run,
                report_id=each.report_pk,
                values=each.labels.values,
                urgencies=each.labels.urgencies,
                body=storable(each.labels.body),
            )
            for each in results
            if each.labels is not None
        )
        ReportFailure.objects.bulk_create(
            ReportFailure(
                run=run,
                report_id=each.report_pk,
                attempt=run.attempt,
                kind=each.kind,
                message=storable(each.message)[:500],
                at=now,
            )
            for each in results
            if each.labels is None
        )

    def _count(self, results: list[ReportResult], seen: dict[str, int]) -> None:
        n_labeled = sum(each.labels is not None for each in results)
        more: dict[str, Any] = {"n_labeled": n_labeled, "n_failed": len(results) - n_labeled}
        more |= {name: count - self._counted[name] for name, count in seen.items()}
        changes: dict[str, Any] = {name: F(name) + count for name, count in more.items() if count}
        drawn = [asdict(each) for each in tuple(self.tally.samplings)]
        if drawn:
            known = self.claim.chunk.samplings
            self.claim.chunk.samplings = known + [each for each in drawn if each not in known]
            changes["samplings"] = self.claim.chunk.samplings
        if changes:
            self.claim.held().update(**changes)


def known_calls(claim: Claim, report_pks: list[int]) -> dict[int, list[CallRecord]]:
    """The calls that were answered before, by report."""
    known: dict[int, list[CallRecord]] = {}
    for call in StoredCall.objects.filter(run=claim.run, report__in=report_pks).order_by("pk").iterator():
        known.setdefault(call.report_id, []).append(record_of(call))
    return known


def _row(run_pk: int, report_pk: int, record: CallRecord, at: Any) -> StoredCall:
    purpose, usage = record.purpose, record.usage
    return StoredCall(
        run_id=run_pk,
        report_id=report_pk,
        key=record.key,
        stage=purpose.stage[:60],
        target=storable(purpose.target)[:255],
        finding=storable(purpose.finding)[:255],
        sentence=purpose.sentence,
        attempt=purpose.attempt,
        answer=storable(record.answer),
        is_cut=record.is_cut,
        prompt_tokens=usage.prompt,
        generated_tokens=usage.generated,
        cached_tokens=usage.cached,
        read=storable(record.read),
        answered_at=at,
    )


def storable(value: Any) -> Any:
    """The value with U+FFFD for characters that PostgreSQL does not store: NUL and halves of surrogate pairs."""
    if isinstance(value, str):
        return "".join("\ufffd" if each == "\0" or "\ud800" <= each <= "\udfff" else each for each in value)
    if isinstance(value, dict):
        return {storable(key): storable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [storable(each) for each in value]
    return value
