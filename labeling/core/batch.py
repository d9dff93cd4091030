"""Label many reports without a database: rows in, rendered table lines out, on one or several processor cores."""

import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice
from typing import Final

from labeling.core.intake.records import ReportRow, RowProblem
from labeling.core.records import LabelSet
from labeling.core.schema import Schema
from labeling.core.tables import FORMATS, LabeledReport, LabelMeta

_CHUNK_REPORTS: Final = 32
_CHUNKS_AHEAD: Final = 4


@dataclass(frozen=True, slots=True)
class FailedReport:
    """A report that a language model did not label. `message` holds nothing of its text."""

    report_id: str
    kind: str
    message: str


@dataclass(slots=True)
class Outcome:
    """What became of the rows so far."""

    labelled: int = 0
    problems: list[RowProblem] = field(default_factory=list)
    failures: list[FailedReport] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """Rows that are done."""
        return self.labelled + len(self.problems) + len(self.failures)


@dataclass(frozen=True, slots=True)
class LineMaker:
    """Labels one report and renders its lines. It is sent to worker processes once."""

    schema: Schema
    labeler: str
    format: str

    def __call__(self, row: ReportRow) -> str:
        labels = labeler_called(self.labeler)(row.text, self.schema)
        meta = LabelMeta(text_sha256=sha256(row.text.encode()).hexdigest())
        report = LabeledReport(row.report_id, self.labeler, labels, meta, text=row.text)
        return FORMATS[self.format].render(report, self.schema)


def labeler_called(name: str) -> Callable[[str, Schema], LabelSet]:
    """The labeler that needs no model, by name; raises KeyError for another."""
    if name != "rules":
        raise KeyError(f"no labeler {name!r}; without a model there is rules")
    from labeling.core.rules import label_report  # noqa: PLC0415 - the sentence splitter takes time to load

    return label_report


def label_lines(
    rows: Iterable[ReportRow | RowProblem], *, make_lines: LineMaker, outcome: Outcome, workers: int = 1
) -> Iterator[str]:
    """Table lines of each report in the order of `rows`; `outcome` is kept up to date.

    With several workers at most `workers` x 4 chunks of 32 reports are held at a time.
    """
    if workers == 1:
        for row in rows:
            if isinstance(row, RowProblem):
                outcome.problems.append(row)
            else:
                yield make_lines(row)
                outcome.labelled += 1
        return
    reports = reports_of(rows, outcome)
    pool = ProcessPoolExecutor(workers, initializer=_start_worker, initargs=(make_lines,))
    try:
        ahead: deque[Future[list[str]]] = deque()
        while True:
            while len(ahead) < workers * _CHUNKS_AHEAD and (chunk := list(islice(reports, _CHUNK_REPORTS))):
                ahead.append(pool.submit(_work, chunk))
            if not ahead:
                return
            for lines in ahead.popleft().result():
                yield lines
                outcome.labelled += 1
    finally:
        pool.shutdown(cancel_futures=True)


def reports_of(rows: Iterable[ReportRow | RowProblem], outcome: Outcome) -> Iterator[ReportRow]:
    """The reports among `rows`; the others are added to the problems of `outcome`."""
    for row in rows:
        if isinstance(row, RowProblem):
            outcome.problems.append(row)
        else:
            yield row


_make_lines: LineMaker | None = None


def _start_worker(make_lines: LineMaker) -> None:
    """An interrupt is for the parent, which ends its workers."""
    global _make_lines
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _make_lines = make_lines


def _work(reports: list[ReportRow]) -> list[str]:
    if _make_lines is None:
        raise RuntimeError("the worker was not started by label_lines")
    return [_make_lines(report) for report in reports]
