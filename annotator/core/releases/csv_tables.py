"""Gold as CSV that is safe to open in a spreadsheet: the long table, written and read, and the wide one of LEAVS."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from annotator.core.releases.records import UNDECIDED_CODE, Contents, ReleaseError, Spans
from annotator.core.releases.texts import pieces_of_cells
from labeling.core.schema import Cell, Schema
from labeling.core.tables.cells import LINE_END, csv_line, restore, text_cell
from labeling.core.tables.leavs import LABELS, URGENCY, doubled_id
from labeling.core.tables.merging import merged_findings
from labeling.core.tables.wide import header as wide_header
from labeling.core.values import (
    CODE_OF_STATE,
    NO_URGENCY_CODE,
    POSITIVE_VALUES,
    STATE_OF_CODE,
    value_of_name,
)

LONG_COLUMNS: Final = (
    *("report_id", "target", "finding", "value", "urgency", "evidence"),
    *("split", "patient_key", "origin", "n_voices", "n_agreeing"),
)
# What the human readers' table calls whoever said it.
GOLD_RATER: Final = "gold"
_POSITIVE_CODES: Final = frozenset(CODE_OF_STATE[value] for value in POSITIVE_VALUES)


def value_text(code: str) -> str:
    """The name of a value; an undecided cell is empty."""
    return "" if code == UNDECIDED_CODE else str(STATE_OF_CODE[code])


def urgency_text(code: str) -> str:
    """The number of an urgency; empty where there is none."""
    return "" if code == NO_URGENCY_CODE else code


def long_lines(contents: Contents) -> Iterator[str]:
    """The long table: a line per case and cell, also for undecided ones, whose value is empty."""
    cells = contents.schema.cells
    keys = [str(cell) for cell in cells]
    named = [f"{text_cell(cell.target)},{text_cell(cell.finding)}," for cell in cells]
    pieces = pieces_of_cells(
        len(cells), lambda index, value, urgency: f"{named[index]}{value_text(value)},{urgency_text(urgency)},"
    )
    ends = _Ends(contents.origin_names)
    yield csv_line(LONG_COLUMNS)
    for case in contents.cases:
        before = text_cell(case.key) + ","
        middle = f",{case.split},{text_cell(case.patient_key)},"
        shown = [_spans_cell(case.evidence[key]) if key in case.evidence else "" for key in keys]
        vectors = (case.values, case.urgencies, case.origins, case.n_voices, case.n_agreeing)
        yield "".join(
            [
                f"{before}{made[value + urgency]}{spans}{middle}{ends[origin + voices + agreeing]}"
                for made, spans, value, urgency, origin, voices, agreeing in zip(pieces, shown, *vectors, strict=True)
            ]
        )


def _spans_cell(spans: Spans) -> str:
    return text_cell(";".join(f"{start}-{end}" for start, end in spans))


class _Ends(dict[str, str]):
    """The last three fields of a line by their codes, each made once."""

    def __init__(self, origin_names: Mapping[str, str]) -> None:
        super().__init__()
        self._names = {code: text_cell(name) for code, name in origin_names.items()}

    def __missing__(self, codes: str) -> str:
        origin, voices, agreeing = codes[0], codes[1], codes[2]
        made = self[codes] = f"{self._names[origin]},{voices},{agreeing}{LINE_END}"
        return made


@dataclass(frozen=True, slots=True, kw_only=True)
class LongRow:
    """One line of the long table as it was before it was written; None where a field is empty."""

    report_id: str
    cell: Cell
    value: str | None
    urgency: int | None
    evidence: tuple[tuple[int, int], ...]
    split: str
    patient_key: str
    origin: str
    n_voices: int
    n_agreeing: int


def read_long(path: Path) -> Iterator[LongRow]:
    """The lines of a long table of a release; raises `ReleaseError` when it is none."""
    with path.open(encoding="utf-8", newline="") as stream:
        rows = csv.reader(stream, strict=True)
        if tuple(next(rows, ())) != LONG_COLUMNS:
            raise ReleaseError(f"{path.name} is no long table of a release: its columns are others")
        for number, row in enumerate(rows, start=2):
            if len(row) != len(LONG_COLUMNS):
                raise ReleaseError(f"{path.name}, row {number}: {len(row)} fields, expected are {len(LONG_COLUMNS)}")
            yield _long_row([restore(field) for field in row])


def _long_row(row: list[str]) -> LongRow:
    report_id, target, finding, value, urgency, evidence, split, patient, origin, voices, agreeing = row
    spans = (pair.partition("-") for pair in evidence.split(";")) if evidence else ()
    return LongRow(
        report_id=report_id,
        cell=Cell(target, finding),
        value=str(value_of_name(value)) if value else None,
        urgency=int(urgency) if urgency else None,
        evidence=tuple((int(start), int(end)) for start, _, end in spans),
        split=split,
        patient_key=patient,
        origin=origin,
        n_voices=int(voices),
        n_agreeing=int(agreeing),
    )


def wide_lines(contents: Contents) -> Iterator[str]:
    """The wide table of the LEAVS readers: two lines per case. See `_label` for what it cannot say."""
    columns = list(_wide_columns(contents.schema))
    yield wide_header(contents.schema)
    for case in contents.cases:
        ids = f"{text_cell(case.key)},{text_cell(doubled_id(case.key))}"
        said = [column[column.codes_in(case.values) + column.codes_in(case.urgencies)] for column in columns]
        labels, urgencies = ",".join([label for label, _ in said]), ",".join([urgency for _, urgency in said])
        yield f"{ids},{LABELS},{GOLD_RATER},{labels}{LINE_END}{ids},{URGENCY},{GOLD_RATER},{urgencies}{LINE_END}"


class _WideColumn(dict[str, tuple[str, str]]):
    """What a column says, label and urgency, by the values and urgencies of its cells; each made once."""

    def __init__(self, members: tuple[int, ...], *, has_urgency: bool) -> None:
        super().__init__()
        self._members = members
        self._has_urgency = has_urgency

    def codes_in(self, vector: str) -> str:
        """The codes of its cells."""
        return "".join([vector[member] for member in self._members])

    def __missing__(self, codes: str) -> tuple[str, str]:
        n_members = len(self._members)
        values, urgencies = codes[:n_members], codes[n_members:]
        made = self[codes] = _label(values), _urgency(values, urgencies) if self._has_urgency else ""
        return made


def _wide_columns(schema: Schema) -> Iterator[_WideColumn]:
    """Columns in the order of the header."""
    for target in schema.targets:
        for merged in merged_findings(schema):
            cells = [Cell(target.name, member) for member in merged.members]
            members = tuple(schema.index_of_cell[cell] for cell in cells if cell in schema.index_of_cell)
            if members:
                yield _WideColumn(members, has_urgency=merged.has_urgency)


def _label(values: str) -> str:
    """1 when a member is positive; 0 when all are decided and none is; empty when an undecided one leaves it open."""
    if any(value in _POSITIVE_CODES for value in values):
        return "1"
    return "" if UNDECIDED_CODE in values else "0"


def _urgency(values: str, urgencies: str) -> str:
    """Highest urgency of the positive members."""
    pairs = zip(values, urgencies, strict=True)
    known = (code for value, code in pairs if value in _POSITIVE_CODES and code != NO_URGENCY_CODE)
    return max(known, default="")
