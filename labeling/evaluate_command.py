"""The commands `evaluate` and `calibrate`: read tables, let a protocol make its rows, write them."""

import argparse
import csv
import json
import math
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final, TextIO

from labeling.core.evaluation import calibration, published, sound
from labeling.core.evaluation.columns import columns, joined_targets, single_targets
from labeling.core.evaluation.ratings import Ratings, RatingsError, aligned, merged, ratings_of
from labeling.core.evaluation.rows import Row
from labeling.core.intake import IntakeError
from labeling.core.schema import Group, Schema
from labeling.core.tables import LabelTable, TableError, read_labels
from labeling.core.tables.cells import csv_line, text_cell
from labeling.core.tables.files import atomic_output
from labeling.core.tables.wide import merged_findings

_LISTED: Final = 3
_COLUMNS: Final = ("row", "metric", "value", "low", "high", "n", "n_positive", "p")


class EvaluationRefused(Exception):
    """Files that cannot be evaluated as asked. The message is meant for users."""


def evaluate(options: argparse.Namespace, schema: Schema) -> None:
    """Rows of the table that `options` ask for. Raises `EvaluationRefused`."""
    try:
        tables = [_table(path, schema) for path in (options.reference, options.labels)]
        reference, labeler = _side_by_side(tables, schema, protocol=options.protocol, table=options.table)
        rows = _rows(options, reference, labeler)
    except (IntakeError, TableError, RatingsError) as error:
        raise EvaluationRefused(str(error)) from error
    _write(rows, options)


def _table(path: str, schema: Schema) -> LabelTable:
    """A label table, all of it: a figure on part of a file would not say so."""
    table = read_labels(Path(path), schema=schema, filename=Path(path).name, rater="labeler")
    if table.problems:
        shown = "".join(f"\n  {problem}" for problem in table.problems[:_LISTED])
        raise EvaluationRefused(f"{path}: {len(table.problems):,} rows cannot be read, the first of them{shown}")
    return table


def _side_by_side(
    tables: Sequence[LabelTable], schema: Schema, *, protocol: str, table: str
) -> tuple[Ratings, Ratings]:
    targets = single_targets(schema) if table in ("labels", "urgency-prevalence") else joined_targets(schema)
    findings = _findings(schema, tables, protocol=protocol, table=table)
    wanted = [columns(each, schema, targets=targets, findings=findings) for each in tables]
    shared = {(cell.target, cell.finding) for cell in wanted[0]} & {(cell.target, cell.finding) for cell in wanted[1]}
    if not shared:
        raise EvaluationRefused("the two files have no cell in common")
    made = [
        merged(ratings_of(each.reports, each.schema.cells), [c for c in cells if (c.target, c.finding) in shared])
        for each, cells in zip(tables, wanted, strict=True)
    ]
    if len(made[1].raters) != 1:
        raise EvaluationRefused(f"the labels are of {len(made[1].raters)} raters, expected is one labeler")
    return aligned(made[0], made[1])


def _findings(schema: Schema, tables: Sequence[LabelTable], *, protocol: str, table: str) -> tuple[Group, ...]:
    """The columns of a table of results: the published four types, or what the schema says."""
    if protocol == "published":
        _require_published(schema)
        return {"labels": published.TYPES, "urgency-prevalence": published.TYPES[:3]}.get(table, published.ANY)
    if table in ("any-abnormality", "urgency"):
        found = tuple(group for group in schema.finding_groups if group.name == published.ANY[0].name)
        if not found:
            raise EvaluationRefused(f"schema {schema.name} has no group of findings {published.ANY[0].name!r}")
        return found
    if all(each.schema.hash == schema.hash for each in tables):
        return tuple(Group(finding.name, (finding.name,)) for finding in schema.findings)
    return tuple(Group(each.name, each.members) for each in merged_findings(schema))


def _require_published(schema: Schema) -> None:
    missing = [name for name in published.ANY[0].members if name not in schema.finding_by_name]
    if missing:
        raise EvaluationRefused(
            f"the published protocol needs the finding {missing[0]!r}, schema {schema.name} has none"
        )


def _rows(options: argparse.Namespace, reference: Ratings, labeler: Ratings) -> list[Row]:
    if options.table == "urgency-prevalence":
        return published.prevalence_rows(reference, labeler)
    if options.protocol == "published":
        if options.truth or options.patients:
            raise EvaluationRefused("--truth and --patients are not for the published protocol")
        how = published.Resampling(options.resamples, options.seed)
        make = published.urgency_rows if options.table == "urgency" else published.presence_rows
        return make(reference, labeler, how)
    patient_of = _patients(options.patients) if options.patients else {}
    clusters = sound.Clusters.of(reference.case_ids, patient_of, n_resamples=options.resamples, seed=options.seed)
    if options.table == "urgency":
        return sound.urgency_rows(reference, labeler, clusters)
    try:
        truth = sound.of_rater(reference, options.truth) if options.truth else sound.majority(reference)
    except KeyError as error:
        raise EvaluationRefused(str(error.args[0])) from error
    return sound.presence_rows(reference, labeler, truth, clusters)


def _patients(path: str) -> dict[str, str]:
    """Report id to patient; a report without one is left out, and so a patient of its own."""
    return {row["report_id"]: row["patient"] for row in _csv_rows(path, ("report_id", "patient")) if row["patient"]}


def _csv_rows(path: str, needed: Iterable[str]) -> list[dict[str, str]]:
    try:
        with open(path, encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            missing = [name for name in needed if name not in (reader.fieldnames or ())]
            if missing:
                raise EvaluationRefused(f"{path}: no column {missing[0]!r}")
            return list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise EvaluationRefused(f"{path}: {error}") from error


def calibrate(options: argparse.Namespace) -> None:
    """Rows for each condition of the test file. Raises `EvaluationRefused`."""
    fitted, tested = (_scores(path) for path in (options.calibration, options.test))
    missing = sorted(set(tested) - set(fitted))
    if missing:
        raise EvaluationRefused(f"{options.calibration}: no scores of {missing[0]!r}, which {options.test} has")
    try:
        rows = [
            row
            for condition, test in tested.items()
            for row in calibration.rows(
                condition, fitted[condition], test, n_resamples=options.resamples, seed=options.seed
            )
        ]
    except ValueError as error:
        raise EvaluationRefused(str(error)) from error
    _write(rows, options)


def _scores(path: str) -> dict[str, calibration.Scored]:
    found: dict[str, list[tuple[bool, float]]] = {}
    for number, row in enumerate(_csv_rows(path, ("report_id", "finding", "truth", "score")), start=2):
        name = " ".join(part for part in (row.get("target") or "", row["finding"]) if part)
        if row["truth"] not in ("0", "1"):
            said = (row["truth"] or "")[:20]
            raise EvaluationRefused(f"{path}, line {number}: truth is {said!r}, expected is 0 or 1")
        try:
            score = float(row["score"])
        except (TypeError, ValueError) as error:
            raise EvaluationRefused(f"{path}, line {number}: score is no number") from error
        found.setdefault(name, []).append((row["truth"] == "1", score))
    return {name: calibration.Scored.of(pairs) for name, pairs in found.items()}


def _write(rows: Sequence[Row], options: argparse.Namespace) -> None:
    """As asked, and as a table for people when nothing goes to standard output."""
    for path, render in ((options.json, _as_json), (options.csv, _as_csv)):
        if path:
            _to(path, rows, render)
    if "-" not in (options.json, options.csv):
        sys.stdout.write(_as_text(rows))


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


def _as_text(rows: Sequence[Row]) -> str:
    """A line for each row."""
    width = max((len(row.row) for row in rows), default=3)
    lines = [f"{'row':<{width}}  {'metric':<18} {'value':>7}  {'95 % interval':^15}  {'n':>6} {'n+':>6}  p"]
    for row in rows:
        shown = ["-" if math.isnan(each) else f"{each:.3f}" for each in (row.value, row.low, row.high)]
        interval = f"{shown[1]} to {shown[2]}" if shown[1] != "-" else "-"
        n, n_positive = ("" if each is None else str(each) for each in (row.n, row.n_positive))
        p = "" if row.p is None else f"{row.p:.3f}"
        lines.append(
            f"{row.row:<{width}}  {row.metric:<18} {shown[0]:>7}  {interval:^15}  {n:>6} {n_positive:>6}  {p}".rstrip()
        )
    return "\n".join(lines) + "\n"
