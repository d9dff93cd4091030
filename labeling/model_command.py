"""`python -m labeling label` with a language model: labels, and beside them how they came about and what failed."""

import asyncio
import json
import os
import sys
from argparse import Namespace
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager, nullcontext
from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import Path
from time import monotonic
from typing import Any, Final

from labeling.core.backends import BackendError
from labeling.core.batch import FailedReport, Outcome
from labeling.core.call_files import CallFile, CallFileError
from labeling.core.intake import ReportRow, RowProblem
from labeling.core.labelers import Labeler, OptionError, labeler_called
from labeling.core.many import EngineGone, Pace
from labeling.core.model_batch import ModelBatch
from labeling.core.schema import Schema
from labeling.core.tables import FORMATS, atomic_output
from labeling.core.tables.cells import csv_line, text_cell
from labeling.label_command import USAGE, LabelCommandError, opened_output, opened_reports, progress_of
from labeling.progress import Progress

_INTERRUPTED: Final = 130
_REDRAW_S: Final = 0.25
_PATIENCE_S: Final = 3.0
_FAILURE_COLUMNS: Final = ("report_id", "kind", "message")


def label_file_with_model(options: Namespace, schema: Schema) -> Outcome:
    """Label the reports of `options.input`; raises `LabelCommandError` when that cannot be done at all."""
    labeler, config = _configured(options, schema)
    _check_files(options)
    outcome = Outcome()
    with opened_reports(options) as rows, _opened_calls(options) as calls, _ending_well(outcome, calls):
        # Whatever refuses the whole input comes up with its first row, before a model is asked.
        reading = rows()
        first = list(islice(reading, 1))
        progress = progress_of(rows, options)
        run = _Run(options, schema, labeler, config, outcome, calls, progress)
        asyncio.run(run.label(chain(first, reading)))
    return outcome


class _Run:
    """The command while its event loop is running."""

    def __init__(
        self,
        options: Namespace,
        schema: Schema,
        labeler: Labeler,
        config: Any,
        outcome: Outcome,
        calls: CallFile | None,
        progress: Progress | None,
    ) -> None:
        self._options = options
        self._schema = schema
        self._labeler = labeler
        self._config = config
        self._outcome = outcome
        self._calls = calls
        self._progress = progress

    async def label(self, rows: Iterator[ReportRow | RowProblem]) -> None:
        """Label all and write the files."""
        options, started_at, start_s = self._options, datetime.now(UTC), monotonic()
        async with _opened_backend(options) as backend:
            batch = ModelBatch(
                self._labeler, self._config, self._schema, backend, format=options.format, outcome=self._outcome
            )
            known = (self._calls.n_known, self._calls.path.name) if self._calls else None
            await self._write(batch, rows)
            times = {
                "started_at": started_at.isoformat(timespec="seconds"),
                "ended_at": datetime.now(UTC).isoformat(timespec="seconds"),
                "wall_seconds": round(monotonic() - start_s, 3),
                "concurrency": options.concurrency,
            }
            manifest = batch.manifest() | {"backend_lacks": list(backend.lacks)}
            if known and self._calls:
                more = {"file": known[1], "lines_before": known[0], "lines_damaged": self._calls.n_damaged}
                manifest["calls"] |= more
            _write_beside(options.out, manifest | times, self._outcome.failures)

    async def _write(self, batch: ModelBatch, rows: Iterator[ReportRow | RowProblem]) -> None:
        lines = batch.lines(
            rows,
            store_of=self._calls.calls_of if self._calls else lambda _: None,
            pace=Pace(concurrency=self._options.concurrency),
        )
        with opened_output(self._options.out) as out:
            out.write(FORMATS[self._options.format].header(self._schema))
            async with self._drawn(batch), aclosing(lines):
                async for text in lines:
                    out.write(text)
            out.flush()

    @asynccontextmanager
    async def _drawn(self, batch: ModelBatch) -> AsyncIterator[None]:
        """Progress is drawn while the block runs."""
        if self._progress is None:
            yield
            return
        drawing = asyncio.create_task(self._draw(self._progress, batch))
        try:
            yield
        finally:
            drawing.cancel()
            self._progress.clear()

    async def _draw(self, progress: Progress, batch: ModelBatch) -> None:
        start_s, tally = monotonic(), batch.tally
        while True:
            await asyncio.sleep(_REDRAW_S)
            n_answered = tally.n_calls - tally.waiting
            rate = n_answered / (monotonic() - start_s)
            note = f"{n_answered:,} calls, {rate:,.0f}/s" + (f", {tally.n_failed:,} failed" if tally.n_failed else "")
            progress.show(self._outcome.rows, skipped=tally.n_remembered, note=note)


@asynccontextmanager
async def _opened_backend(options: Namespace) -> AsyncIterator[Any]:
    """The engine, once it has said what it is."""
    backend, name, patience_s, note = _local(options) if _is_local(options) else _server(options)
    waiting = asyncio.get_running_loop().call_later(patience_s, _say, note, options)
    try:
        await backend.look()
        waiting.cancel()
        for lack in backend.lacks:
            _say(f"note: {lack}", options)
        yield backend
    except BackendError as error:
        raise LabelCommandError(f"{name}: {error}") from error
    finally:
        waiting.cancel()
        await backend.aclose()


def _server(options: Namespace) -> tuple[Any, str, float, str]:
    """A backend, what it is called, and what is said when it has not been looked at after so many seconds."""
    from labeling.core.backends.openai_http import OpenAIBackend  # noqa: PLC0415 - takes time to load

    key = _api_key(options.api_key_file)
    try:
        backend = OpenAIBackend(options.url, options.model, api_key=key, concurrency=options.concurrency)
    except ValueError as error:
        raise LabelCommandError(f"--url: {error}", status=USAGE) from error
    return backend, backend.url, _PATIENCE_S, f"waiting for {backend.url}"


def _local(options: Namespace) -> tuple[Any, str, float, str]:
    """The same for an engine in this process."""
    from labeling.core.backends.local_engines import engine_of, open_engine  # noqa: PLC0415 - takes time to load

    engine = engine_of(options.backend, options.model, device=options.device or "")
    note = f"loading {engine.path} by {engine.kind}; nothing is downloaded"
    return open_engine(engine, concurrency=options.concurrency), engine.address, 0.0, note


def _is_local(options: Namespace) -> bool:
    return bool(options.backend != "openai")


def _say(message: str, options: Namespace) -> None:
    if not options.quiet:
        sys.stderr.write(f"labeling: {message}\n")


def _configured(options: Namespace, schema: Schema) -> tuple[Labeler, Any]:
    labeler = labeler_called(options.labeler)
    try:
        config = labeler.configure(options.config, schema)
    except OptionError as error:
        raise LabelCommandError(str(error), status=USAGE) from error
    _check_engine(options)
    return labeler, config


def _check_engine(options: Namespace) -> None:
    """Refuse options that the backend does not look at, and ask for those that it needs."""
    backend = options.backend
    needed, others = (["model"], ["url", "api_key_file"]) if _is_local(options) else (["url", "model"], [])
    for name in needed:
        if not getattr(options, name):
            raise LabelCommandError(f"--{name} is needed for the labeler {options.labeler}", status=USAGE)
    for name in others if backend == "transformers" else [*others, "device"]:
        if getattr(options, name):
            raise LabelCommandError(f"--{name.replace('_', '-')} is not for --backend {backend}", status=USAGE)
    if backend == "vllm" and options.out == "-":
        raise LabelCommandError("vLLM writes to standard output as well: name a file with --out", status=USAGE)


def _check_files(options: Namespace) -> None:
    """No two of the files are the same one."""
    named = {"--in": options.input, "--out": options.out, "--calls": options.calls}
    paths = {option: os.path.realpath(name) for option, name in named.items() if name and name != "-"}
    if len(set(paths.values())) < len(paths):
        raise LabelCommandError(f"{', '.join(paths)} are different files", status=USAGE)
    if options.resume and not (options.calls or options.out != "-"):
        raise LabelCommandError("--resume goes on with a file of calls; name it with --calls", status=USAGE)


def _api_key(name: str | None) -> str | None:
    return Path(name).read_text(encoding="utf-8").strip() if name else None


@contextmanager
def _opened_calls(options: Namespace) -> Iterator[CallFile | None]:
    """The file of answered calls; none when labels go to standard output and it is not named."""
    name = options.calls or (f"{options.out}.calls.jsonl" if _is_file(options.out) else None)
    try:
        with CallFile(name, resume=options.resume) if name else nullcontext() as calls:
            yield calls
    except CallFileError as error:
        raise LabelCommandError(str(error)) from error


@contextmanager
def _ending_well(outcome: Outcome, calls: CallFile | None) -> Iterator[None]:
    """Whatever ends the block early says what was kept and how to go on."""
    kept = f"the answers are kept in {calls.path}: the same command with --resume goes on" if calls else ""
    kept = kept or "no answers were kept: --calls names a file for them"
    try:
        yield
    except EngineGone as error:
        raise LabelCommandError(f"stopped after {outcome.rows:,} reports: {error}\n{kept}") from error
    except KeyboardInterrupt as error:
        message = f"interrupted after {outcome.rows:,} reports; no labels were written\n{kept}"
        raise LabelCommandError(message, status=_INTERRUPTED) from error


def _is_file(name: str) -> bool:
    return name != "-" and (Path(name).is_file() or not Path(name).exists())


def _write_beside(out: str, manifest: dict[str, Any], failures: list[FailedReport]) -> None:
    """The manifest and, if there are any, the reports that failed, in files that are named after the labels."""
    if not _is_file(out):
        return
    with atomic_output(f"{out}.manifest.json") as file:
        json.dump(manifest, file, indent=1, ensure_ascii=False, default=str)
        file.write("\n")
    if not failures:
        Path(f"{out}.failures.csv").unlink(missing_ok=True)
        return
    with atomic_output(f"{out}.failures.csv") as file:
        file.write(csv_line(_FAILURE_COLUMNS))
        for failed in failures:
            file.write(csv_line(map(text_cell, (failed.report_id, failed.kind, failed.message))))
