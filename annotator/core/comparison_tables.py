"""The counts of a comparison as a page shows them: a grid with a picture of agreement, and tables. No figure without n.

Shares are raw percent agreement. A share of nothing is no number.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from labeling.core.comparison import KINDS, Counts, Kind, Tally
from labeling.core.schema import Cell, Schema
from labeling.core.values import NO_URGENCY_CODE, STATE_CODES, STATE_OF_CODE, URGENCY_CODES, VALUE_CODES

NO_DATA: Final = "no data"
# Share of different values up to which a cell gets its shade; 0 is for none, and the last for more.
SHADE_LIMITS: Final = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2)
SIGNS: Final = {"+": "●", "?": "◐", "0": "○", "~": "≈", ".": "·", "!": "!", "_": "▫"}
KIND_WORDS: Final = {
    Kind.SAME: "same value",
    Kind.A_ONLY: "present or possible in A only",
    Kind.B_ONLY: "present or possible in B only",
    Kind.CERTAINTY: "present against possible",
    Kind.NEGATIVE: "other values, neither present nor possible",
    Kind.URGENCY: "urgency only",
    Kind.UNREADABLE: "unreadable in A or B",
    Kind.NOT_ASKED: "not asked in A or B",
}


def share(n: int, total: int) -> str:
    """`n` of `total` in percent; 100 and 0 stand only for all and none, and "no data" for a share of nothing."""
    if not total:
        return NO_DATA
    percent = f"{100 * n / total:.1f}"
    if percent == "100.0" and n < total:
        return "> 99.9 %"
    if percent == "0.0" and n:
        return "< 0.1 %"
    return f"{percent.removesuffix('.0')} %" if n in (0, total) else f"{percent} %"


def state_words(code: str) -> str:
    """What a code of a cell says, in words."""
    return str(STATE_OF_CODE[code]).replace("_", " ")


def shade(counts: Counts) -> int | None:
    """0 to 6: how much differs; None where nothing was compared."""
    if not counts.n_compared:
        return None
    different = counts.n_other / counts.n_compared
    return next((level for level, limit in enumerate(SHADE_LIMITS) if different <= limit), len(SHADE_LIMITS))


@dataclass(frozen=True, slots=True)
class CountLine:
    """The counts of a cell, of a finding, of a target or of all cells. `key` is that of a cell, else empty."""

    title: str
    counts: Counts
    key: str = ""

    @property
    def n(self) -> str:
        """Pairs in which both gave a value."""
        return f"{self.counts.n_compared:,}"

    @property
    def is_compared(self) -> bool:
        """Whether there is anything to give a share of."""
        return self.counts.n_compared > 0

    @property
    def percent(self) -> str:
        """Share of pairs with the same value."""
        return share(self.counts.n_same, self.counts.n_compared)

    @property
    def shade(self) -> int | None:
        """See `shade`."""
        return shade(self.counts)

    @property
    def n_same(self) -> str:
        """Pairs with the same value."""
        return f"{self.counts.n_same:,}"

    @property
    def n_other(self) -> str:
        """Pairs with different values."""
        return f"{self.counts.n_other:,}"

    @property
    def n_both_positive(self) -> str:
        """Pairs that are present or possible in both."""
        return f"{self.counts.n_both_positive:,}"

    @property
    def n_either_positive(self) -> str:
        """Pairs that are present or possible in A or B or both."""
        return f"{self.counts.n_either_positive:,}"

    @property
    def percent_positive(self) -> str:
        """Share of these that are so in both."""
        return share(self.counts.n_both_positive, self.counts.n_either_positive)

    @property
    def n_of(self) -> dict[str, str]:
        """Pairs by kind."""
        return {str(kind): f"{self.counts.of(kind):,}" for kind in KINDS}

    @property
    def some(self) -> dict[str, str]:
        """Pairs by kind, of those kinds that there are."""
        return {kind: n for kind, n in self.n_of.items() if n != "0"}

    @property
    def sentence(self) -> str:
        """All of it in words."""
        said = f"{self.percent} the same, n = {self.n}" if self.is_compared else "no report where both gave a value"
        parts = [f"{self.counts.of(kind):,} {KIND_WORDS[kind]}" for kind in KINDS[1:] if self.counts.of(kind)]
        return "; ".join([f"{self.title}: {said}", *parts])


@dataclass(frozen=True, slots=True)
class HeatRow:
    """A target: its cells in the order of the findings (None: the schema has no such cell), and their sum."""

    title: str
    cells: tuple[CountLine | None, ...]
    together: CountLine


@dataclass(frozen=True, slots=True)
class HeatMap:
    """The grid of a schema with what was counted in each cell, and sums at its right, at its foot and of all."""

    findings: tuple[str, ...]
    rows: tuple[HeatRow, ...]
    by_finding: tuple[CountLine, ...]
    together: CountLine

    @property
    def by_target(self) -> tuple[CountLine, ...]:
        """The sums at its right."""
        return tuple(row.together for row in self.rows)


def heat_map(tally: Tally, schema: Schema) -> HeatMap:
    """Every cell of the schema, with sums."""
    titles = {target.name: target.title for target in schema.targets}

    def line(target: str, finding: str) -> CountLine | None:
        place = schema.index_of_cell.get(Cell(target, finding))
        if place is None:
            return None
        return CountLine(f"{titles[target]}, {finding}", tally.counts([place]), f"{target}|{finding}")

    def together(title: str, cells: Iterable[Cell]) -> CountLine:
        return CountLine(title, tally.counts([schema.index_of_cell[cell] for cell in cells]))

    rows = tuple(
        HeatRow(
            target.title,
            tuple(line(target.name, finding.name) for finding in schema.findings),
            together(target.title, (cell for cell in schema.cells if cell.target == target.name)),
        )
        for target in schema.targets
    )
    by_finding = tuple(
        together(finding.name, (cell for cell in schema.cells if cell.finding == finding.name))
        for finding in schema.findings
    )
    short = tuple(finding.short_name for finding in schema.findings)
    return HeatMap(short, rows, by_finding, CountLine("all cells", tally.counts()))


class CrossNumber(NamedTuple):
    """A number of a cross table, and whether it counts pairs that agree."""

    n: str
    is_same: bool


@dataclass(frozen=True, slots=True)
class CrossRow:
    """What A says, how often B says what with it, and how often A says it at all."""

    title: str
    numbers: tuple[CrossNumber, ...]
    total: str


@dataclass(frozen=True, slots=True)
class CrossTable:
    """What A says by what B says, with sums. `heads` are those of the columns, short and in words."""

    heads: tuple[tuple[str, str], ...]
    rows: tuple[CrossRow, ...]
    totals: tuple[str, ...]
    n: str


def states_table(counts: Counts) -> CrossTable:
    """Values of A by values of B; also the two states that are no value, which never count as agreement."""
    agree = [code in VALUE_CODES for code in STATE_CODES]
    titles = [state_words(code) for code in STATE_CODES]
    return _cross_table(counts.states, titles, titles, agree)


def urgencies_table(counts: Counts, schema: Schema) -> CrossTable | None:
    """Urgency of A by urgency of B where both say present or possible; None when the schema has no urgency."""
    if schema.urgency is None:
        return None
    levels = schema.urgency.levels
    titles = ["not given" if code == NO_URGENCY_CODE else f"{code} {levels[int(code)]}" for code in URGENCY_CODES]
    short = ["not given" if code == NO_URGENCY_CODE else code for code in URGENCY_CODES]
    return _cross_table(counts.urgencies, titles, short, [code != NO_URGENCY_CODE for code in URGENCY_CODES])


def _cross_table(numbers: np.ndarray, titles: list[str], short: list[str], agree: list[bool]) -> CrossTable:
    rows = tuple(
        CrossRow(
            title,
            tuple(CrossNumber(f"{n:,}", is_same=row == column and agree[row]) for column, n in enumerate(numbers[row])),
            f"{numbers[row].sum():,}",
        )
        for row, title in enumerate(titles)
    )
    return CrossTable(
        tuple(zip(short, titles, strict=True)),
        rows,
        tuple(f"{total:,}" for total in numbers.sum(axis=0)),
        f"{numbers.sum():,}",
    )
