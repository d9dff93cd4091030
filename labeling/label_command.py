"""What `python -m labeling label` does: a file of reports in, a label table out."""

import io
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, TextIO

from labeling.core.batch import LineMaker, Outcome, label_lines
from labeling.core.intake import (
    ColumnMapping,
    IntakeError,
    ReportRow,
    RowProblem,
    inspect_file,
    read_reports,
)
from labeling.core.intake.columns import name_columns, suggest_mapping
from labeling.core.intake.reading import seekable
from labeling.core.schema import Schema
from labeling.core.tables import FORMATS, TableError, atomic_output
from labeling.progress import Progress

Rows = Callable[[], Iterator[ReportRow | RowProblem]]

USAGE: Final = 2
_USAGE_CODES: Final = frozenset({"no_such_column", "columns_not_recognised"})


class LabelCommandError(Exception):
    """The command cannot do its work; the message is for the person who gave it, `status` the exit status."""

    def __init__(self, message: str, *, status: int = 1) -> None:
        super().__init__(message)
        self.status = status


def label_file(options: Namespace, schema: Schema) -> Outcome:
    """Label the reports of `options.input`; raises `LabelCommandError` when that cannot be done at all."""
    outcome = Outcome()
    with opened_reports(options) as rows:
        progress = progress_of(rows, options)
        make_lines = LineMaker(schema, options.labeler, options.format)
        lines = label_lines(rows(), make_lines=make_lines, outcome=outcome, workers=options.workers)
        # Whatever refuses the whole input comes up with its first report, before anything is written.
        first = next(lines, "")
        with opened_output(options.out) as out:
            out.write(FORMATS[options.format].header(schema) + first)
            for text in lines:
                out.write(text)
                if progress:
                    progress.show(outcome.rows)
            out.flush()
        if progress:
            progress.clear()
    return outcome


@contextmanager
def opened_reports(options: Namespace) -> Iterator[Rows]:
    """What reads the rows of `options.input` from the start each time it is called.

    What refuses the input or the output in the block is raised as `LabelCommandError`.
    """
    shown_name = "standard input" if options.input == "-" else options.input
    try:
        with _input(options.input) as source:
            mapping = _mapping(source, shown_name, options)
            yield lambda: read_reports(source, filename=shown_name, mapping=mapping)
    except (IntakeError, TableError) as error:
        is_usage = isinstance(error, IntakeError) and error.code in _USAGE_CODES
        raise LabelCommandError(f"{shown_name}: {error}", status=USAGE if is_usage else 1) from error
    except BrokenPipeError:
        raise
    except OSError as error:
        raise LabelCommandError(f"{error.filename or options.out}: {error.strerror}") from error


def progress_of(rows: Rows, options: Namespace) -> Progress | None:
    """A progress line for as many rows as there are, if anybody would see it."""
    if options.quiet or not sys.stderr.isatty():
        return None
    return Progress(sys.stderr, total=sum(1 for _ in rows()))


def _mapping(source: str | IO[bytes], shown_name: str, options: Namespace) -> ColumnMapping | None:
    """The columns that were named on the command line, the others as they are recognised."""
    if not (options.id_column or options.text_column):
        return None
    columns = inspect_file(source, filename=shown_name).columns
    named = {column.casefold(): column for column in columns}
    report_id, text = (
        name if name is None else named.get(name.casefold(), name) for name in (options.id_column, options.text_column)
    )
    mapping, missing = suggest_mapping(columns, report_id=report_id, text=text)
    if mapping is None:
        needed = {"report_id": "--id-column", "text": "--text-column"}[missing[0]]
        raise LabelCommandError(
            f"{shown_name}: {needed} is needed; the columns are {name_columns(columns)}", status=USAGE
        )
    return mapping


@contextmanager
def _input(name: str) -> Iterator[str | IO[bytes]]:
    """The path; what comes through a pipe is copied to where it can be read more than once."""
    if name == "-":
        with seekable(sys.stdin.buffer) as source:
            yield source
    elif Path(name).is_fifo():
        with open(name, "rb") as pipe, seekable(pipe) as source:
            yield source
    else:
        yield name


@contextmanager
def opened_output(name: str) -> Iterator[TextIO]:
    """The file `name`, which is there when the block ends well, or standard output."""
    if name != "-":
        with atomic_output(name) as out:
            yield out
        return
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", newline="")
    yield sys.stdout
