"""Files of the commands that evaluate: label tables and lists that are read whole, rows that are written."""

import argparse
import csv
import json
import math
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final, TextIO

from labeling.core.evaluation.ratings import plain_id
from labeling.core.evaluation.rows import Row
from labeling.core.schema import Group, Schema
from labeling.core.tables import LabelTable, read_labels
from labeling.core.tables.cells import csv_line, text_cell
from labeling.core.tables.files import atomic_output
from labeling.core.tables.merging import merged_findings

_LISTED: Final = 3
_COLUMNS: Final = ("row", "metric", "value", "low", "high", "n", "n_positive", "p")
_METRIC_WIDTH: Final = 18
# Of p, which has three places on screen.
_LEAST_SHOWN: Final = 0.001


class EvaluationRefused(Exception):
    """Files that cannot be evaluated as asked. The message is meant for users."""


def readable_table(path: str, schema: Schema) -> LabelTable:
    """A label table, all of it: a figure on part of a file would not say so."""
    table = read_labels(Path(path), schema=schema, filename=Path(path).name, rater="labeler")
    if table.problems:
        shown = "".join(f"\n  {problem}" for problem in table.problems[:_LISTED])
        raise EvaluationRefused(f"{path}: {len(table.problems):,} rows cannot be read, the first of them{shown}")
    return table


def told_apart(schema: Schema, tables: Sequence[LabelTable]) -> tuple[Group, ...]:
    """The findings of the schema that all the tables tell apart."""
    if all(each.schema.hash == schema.hash for each in tables):
        return tuple(Group(finding.name, (finding.name,)) for finding in schema.findings)
    return tuple(Group(each.name, each.members) for each in merged_findings(schema))


def say(notes: Iterable[str]) -> None:
    """Notes for users, on standard error."""
    for note in notes:
        sys.stderr.write(f"labeling: {note}\n")


def patients_of(path: str, case_ids: Sequence[str]) -> dict[str, str]:
    """The patient of each of `case_ids` that has one in the file, by its id or else by its plain id.

    How many have none, and so count as patients of their own, is said. Raises `EvaluationRefused` when no case has one,
    or when the file names two for a report.
    """
    named: dict[str, str] = {}
    for row in csv_rows(path, ("report_id", "patient")):
        if row["patient"]:
            _name_patient(named, row["report_id"], row["patient"], path=path)
    by_plain_id: dict[str, str] = {}
    if not all(case_id in named for case_id in case_ids):
        wanted = {plain_id(case_id) for case_id in case_ids if case_id not in named}
        for report_id, patient in named.items():
            if plain_id(report_id) in wanted:
                _name_patient(by_plain_id, plain_id(report_id), patient, path=path)
    patient_of = {case_id: named.get(case_id) or by_plain_id.get(plain_id(case_id)) for case_id in case_ids}
    found = {case_id: patient for case_id, patient in patient_of.items() if patient}
    if not found:
        raise EvaluationRefused(f"{path}: no report has a patient; the reports have ids like {case_ids[0]!r}")
    n_alone = len(patient_of) - len(found)
    if n_alone:
        say([f"{n_alone:,} of {len(patient_of):,} reports have no patient in {path}; each counts as one of its own"])
    return found


def _name_patient(patient_of: dict[str, str], report_id: str, patient: str, *, path: str) -> None:
    if patient_of.setdefault(report_id, patient) != patient:
        raise EvaluationRefused(f"{path}: report {report_id!r} has two patients, expected one")


def csv_rows(path: str, needed: Iterable[str]) -> list[dict[str, str]]:
    """Rows of a CSV file. Raises `EvaluationRefused` when it cannot be read, or lacks a column of `needed`."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            missing = [name for name in needed if name not in (reader.fieldnames or ())]
            if missing:
                raise EvaluationRefused(f"{path}: no column {missing[0]!r}")
            return list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise EvaluationRefused(f"{path}: {error}") from error


def write_rows(
    rows: Sequence[Row], options: argparse.Namespace, *, render_text: Callable[[Sequence[Row]], str] | None = None
) -> None:
    """As asked, and for people, by `render_text` or a line for each row, when nothing goes to standard output."""
    for path, render in ((options.json, _as_json), (options.csv, _as_csv)):
        if path:
            _to(path, rows, render)
    if "-" not in (options.json, options.csv):
        sys.stdout.write((render_text or by_row)(rows))


def _to(path: str, rows: Sequence[Row], render: Callable[[Sequence[Row]], str]) -> None:
    try:
        with nullcontext(sys.stdout) if path == "-" else atomic_output(path) as stream:
            _put(stream, render(rows))
    except OSError as error:
        raise EvaluationRefused(f"{path}: {error.strerror}") from error


def _put(stream: TextIO, text: str) -> None:
    stream.write(text)


def _as_json(rows: Sequence[Row]) -> str:
    return json.dumps([row.as_json() for row in rows], indent=1, ensure_ascii=False) + "\n"


def _as_csv(rows: Sequence[Row]) -> str:
    def cell(value: Any) -> str:
        return "" if value is None else text_cell(value) if isinstance(value, str) else repr(value)

    lines = [csv_line(_COLUMNS)]
    lines += [csv_line([cell(row.as_json()[name]) for name in _COLUMNS]) for row in rows]
    return "".join(lines)


def by_row(rows: Sequence[Row], *, least_p: float = 0.0) -> str:
    """A line for each row; a p below `least_p` is said to be below it."""
    width = max((len(row.row) for row in rows), default=3)
    wide = max([_METRIC_WIDTH, *(len(row.metric) for row in rows)])
    lines = [f"{'row':<{width}}  {'metric':<{wide}} {'value':>7}  {'95 % interval':^15}  {'n':>6} {'n+':>6}  p"]
    for row in rows:
        shown = ["-" if math.isnan(each) else f"{each:.3f}" for each in (row.value, row.low, row.high)]
        interval = f"{shown[1]} to {shown[2]}" if shown[1] != "-" else "-"
        n, n_positive = ("" if each is None else str(each) for each in (row.n, row.n_positive))
        p = "" if row.p is None else _p_words(row.p, least_p)
        line = f"{row.row:<{width}}  {row.metric:<{wide}} {shown[0]:>7}  {interval:^15}  {n:>6} {n_positive:>6}  {p}"
        lines.append(line.rstrip())
    return "\n".join(lines) + "\n"


def _p_words(p: float, least: float) -> str:
    shown = max(least, _LEAST_SHOWN) if least else 0.0
    return f"<{shown:.3f}" if p < shown else f"{p:.3f}"
