"""What the event loop has for the database: answered calls and results, handed over in batches.

The loop runs in a thread of its own and never waits for the database; the thread that started it does all the writing.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.utils import timezone

from labeling.core.asking import CallRecord
from labeling.core.many import Failure
from labeling.core.records import StoredLabels


@dataclass(frozen=True, slots=True)
class ReportResult:
    """What became of a report: its labels, or the kind of failure and a message without its text."""

    report_pk: int
    labels: StoredLabels | None
    kind: str = ""
    message: str = ""

    @classmethod
    def failed(cls, report_pk: int, failure: Failure) -> "ReportResult":
        """Of a report that the engine has no answer for."""
        return cls(report_pk, None, str(failure.trouble), failure.message)


@dataclass(slots=True)
class Batch:
    """What is to be written in one transaction: new calls by report and key, what was read anew, and results."""

    calls: dict[tuple[int, str], tuple[CallRecord, datetime]] = field(default_factory=dict)
    readings: dict[tuple[int, str], str] = field(default_factory=dict)
    results: list[ReportResult] = field(default_factory=list)

    def add(self, later: "Batch") -> None:
        """Take in what came after it."""
        self.calls.update(later.calls)
        self.readings.update(later.readings)
        self.results.extend(later.results)


class Outbox:
    """Filled by the event loop, emptied by the thread that writes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._batch = Batch()
        self._written: set[tuple[int, str]] = set()

    def store_of(self, report_pk: int, known: Sequence[CallRecord]) -> "ReportStore":
        """The store for the calls of one report, of which some are in the database already."""
        with self._lock:
            self._written.update((report_pk, record.key) for record in known)
        return ReportStore(self, report_pk, {record.key: record for record in known})

    def put_call(self, report_pk: int, record: CallRecord) -> None:
        """Hand over a call; one that is known is only read anew."""
        place = (report_pk, record.key)
        with self._lock:
            if place in self._written:
                self._batch.readings[place] = record.read
            else:
                before = self._batch.calls.get(place)
                self._batch.calls[place] = (record, before[1] if before else timezone.now())

    def put_result(self, result: ReportResult) -> None:
        """Hand over what became of a report, after its calls."""
        with self._lock:
            self._batch.results.append(result)

    def take(self) -> Batch:
        """All that was handed over, which the caller then writes."""
        with self._lock:
            batch, self._batch = self._batch, Batch()
            self._written.update(batch.calls)
            return batch


class ReportStore:
    """The answered calls of one report: a `labeling.core.asking.CallStore`."""

    def __init__(self, outbox: Outbox, report_pk: int, records: Mapping[str, CallRecord]) -> None:
        self._outbox = outbox
        self._report_pk = report_pk
        self._records = dict(records)

    def find(self, key: str) -> CallRecord | None:
        """The call with this key."""
        return self._records.get(key)

    def keep(self, record: CallRecord) -> None:
        """Keep it. The answer that came first stays; what was read in it may change."""
        known = self._records.get(record.key)
        if known is not None and known.answer != record.answer:
            record = replace(known, read=record.read)
        self._records[record.key] = record
        self._outbox.put_call(self._report_pk, record)
