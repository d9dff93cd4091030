"""Label many reports with a language model and without a database: rows in, rendered table lines and a manifest out."""

import json
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextlib import aclosing
from dataclasses import asdict, dataclass, field
from functools import partial
from hashlib import sha256
from typing import Any

from labeling.core.asking import CallStore
from labeling.core.backends import Backend
from labeling.core.batch import FailedReport, Outcome, reports_of
from labeling.core.intake.records import ReportRow, RowProblem
from labeling.core.labelers import Labeler
from labeling.core.many import Failure, Pace, Result, Tally, label_many
from labeling.core.records import ReportText
from labeling.core.schema import Schema
from labeling.core.tables import FORMATS, LabeledReport, LabelMeta


@dataclass(slots=True)
class ModelBatch:
    """One labeler over many reports, with what its manifest says. It is used once."""

    labeler: Labeler
    config: Any
    schema: Schema
    backend: Backend
    format: str
    outcome: Outcome
    tally: Tally = field(default_factory=Tally)
    _inputs: list[tuple[str, bytes]] = field(default_factory=list)

    async def lines(
        self,
        rows: Iterable[ReportRow | RowProblem],
        *,
        store_of: Callable[[ReportText], CallStore | None],
        pace: Pace,
    ) -> AsyncGenerator[str, None]:
        """Table lines of each labelled report in the order of `rows`; `outcome` and `tally` are kept up to date.

        Raises `EngineGone`, and what the rows raise.
        """
        method = self.method_sha256
        results = label_many(
            self._reports(rows),
            label_one=partial(self.labeler.label, schema=self.schema, config=self.config),
            backend=self.backend,
            store_of=store_of,
            tally=self.tally,
            pace=pace,
        )
        async with aclosing(results):
            async for result in results:
                if isinstance(result.labels, Failure):
                    failed = FailedReport(result.report.report_id, str(result.labels.trouble), result.labels.message)
                    self.outcome.failures.append(failed)
                else:
                    yield self._render(result, method)
                    self.outcome.labelled += 1

    @property
    def method(self) -> dict[str, Any]:
        """What decides the labels of a report, apart from its text."""
        return {
            "labeler": self.labeler.manifest(self.schema, self.config),
            "schema": {"name": self.schema.name, "version": self.schema.version, "hash": self.schema.hash},
            "backend": dict(self.backend.fingerprint),
        }

    @property
    def method_sha256(self) -> str:
        """Hash of `method`, which stands in each line of JSON Lines as well."""
        canonical = json.dumps(self.method, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
        return sha256(canonical.encode()).hexdigest()

    def manifest(self) -> dict[str, Any]:
        """How the labels came about, once all are made. The hash of the input is over ids and text hashes, sorted."""
        digest = sha256()
        for report_id, text_sha256 in sorted(self._inputs):
            digest.update(f"{report_id}\0{text_sha256.hex()}\n".encode())
        tally = self.tally
        return {
            "format": 1,
            "method": self.method,
            "method_sha256": self.method_sha256,
            "input_set": digest.hexdigest(),
            "n_in": len(self._inputs),
            "n_out": tally.n_labelled,
            "n_out_from_stored_calls": tally.n_remembered,
            "n_failed": {str(trouble): count for trouble, count in sorted(tally.failed.items())},
            "n_rows_refused": len(self.outcome.problems),
            "calls": {"asked": tally.n_calls, "failed": tally.n_calls_failed},
            "sampling": sorted((asdict(each) for each in tally.samplings), key=str),
            "tokens": {
                "prompt": tally.prompt_tokens if "prompt" in tally.counted else None,
                "prompt_cached": tally.cached_tokens if "cached" in tally.counted else None,
                "generated": tally.generated_tokens if "generated" in tally.counted else None,
            },
        }

    def _reports(self, rows: Iterable[ReportRow | RowProblem]) -> Iterator[ReportText]:
        for row in reports_of(rows, self.outcome):
            self._inputs.append((row.report_id, sha256(row.text.encode()).digest()))
            yield ReportText(row.report_id, row.text)

    def _render(self, result: Result, method: str) -> str:
        report, labels = result.report, result.labels
        assert not isinstance(labels, Failure)  # noqa: S101 - by the caller
        meta = LabelMeta(text_sha256=sha256(report.text.encode()).hexdigest(), extra={"method_sha256": method})
        labeled = LabeledReport(report.report_id, self.labeler.name, labels, meta, text=report.text)
        return FORMATS[self.format].render(labeled, self.schema)
