"""Two labelers against the same truth as tables for people: A is the first of them, B the second."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from annotator.core.shown_figures import (
    METRIC_WORDS,
    SIGNIFICANT,
    UNDEFINED,
    Shown,
    interval_of,
    least_p,
    number,
    p_words,
    scarce_words,
    shown,
)

METRICS: Final = ("f1", "recall", "precision", "specificity", "mcc", "balanced_accuracy", "accuracy")
_BOTH_WANTED: Final = "one of the two is undefined"


@dataclass(frozen=True, slots=True)
class ComparedLine:
    """A cell, or all of them together. p values are in words; the keys sort by them.

    `differs` is "A" or "B", whichever is higher, where the corrected p of the permutation test says that they differ.
    """

    row: str
    target: str
    finding: str
    n: int | None
    n_positive: int | None
    first: Shown
    second: Shown
    difference: Shown
    p_permutation: str
    raw_key: str
    holm: str
    holm_key: str
    p_bootstrap: str
    p_mcnemar: str
    holm_mcnemar: str
    first_only: int | None
    second_only: int | None
    differs: str

    @property
    def scarce(self) -> str:
        """What there is too little of to trust the figures, as `scarce_words` says it."""
        return scarce_words(self.n, self.n_positive)

    @property
    def n_words(self) -> str:
        """Pairs; empty for a mean over cells."""
        return "" if self.n is None else f"{self.n:,}"

    @property
    def n_positive_words(self) -> str:
        """Positive pairs; empty for a mean over cells."""
        return "" if self.n_positive is None else f"{self.n_positive:,}"


@dataclass(frozen=True, slots=True)
class ComparedTables:
    """A comparison in one metric. `can_tell` says whether so many resamples can show a difference after correction."""

    metric: str
    words: str
    micro: ComparedLine | None
    macro: ComparedLine | None
    cells: tuple[ComparedLine, ...]
    can_tell: bool

    @property
    def n_tested(self) -> int:
        """Cells in which both figures are defined."""
        return sum(not line.difference.why for line in self.cells)

    @property
    def n_first(self) -> int:
        """Cells in which A is higher after correction."""
        return sum(line.differs == "A" for line in self.cells)

    @property
    def n_second(self) -> int:
        """Cells in which B is higher after correction."""
        return sum(line.differs == "B" for line in self.cells)

    @property
    def n_differ(self) -> int:
        """Cells in which they differ after correction."""
        return self.n_first + self.n_second


def compared_tables(result: Mapping[str, Any], *, metric: str, n_resamples: int) -> ComparedTables:
    """The tables of a stored comparison in one of `METRICS`."""
    rows = {(row["row"], row["metric"]): row for row in result["compared"]}
    counts = {each["row"]: each for each in result["counts"]}

    def line(name: str) -> ComparedLine | None:
        row = rows.get((name, metric))
        right = rows.get((name, "accuracy"))
        return None if row is None else _line(row, right=right, counts=counts.get(name, {}), least=least_p(n_resamples))

    cells = [line(each["row"]) for each in result["counts"] if each["scope"] == "cell"]
    found = tuple(each for each in cells if each is not None)
    n_tested = sum(not each.difference.why for each in found)
    return ComparedTables(
        metric=metric,
        words=METRIC_WORDS[metric],
        micro=line("micro"),
        macro=line("macro"),
        cells=found,
        can_tell=n_tested / (n_resamples + 1) < SIGNIFICANT,
    )


def _line(
    row: Mapping[str, Any], *, right: Mapping[str, Any] | None, counts: Mapping[str, Any], least: float
) -> ComparedLine:
    tests = right or {"p_mcnemar": None, "holm_mcnemar": None}
    return ComparedLine(
        row=row["row"],
        target=counts.get("target", ""),
        finding=counts.get("finding", ""),
        n=row["n"],
        n_positive=row["n_positive"],
        first=_side(row, "first"),
        second=_side(row, "second"),
        difference=_difference(row),
        p_permutation=p_words(row["p_permutation"]),
        raw_key=_key(row["p_permutation"]),
        holm=p_words(row["holm_permutation"]),
        holm_key=_key(row["holm_permutation"]),
        p_bootstrap=p_words(row["p_bootstrap"], least=least),
        p_mcnemar=p_words(tests["p_mcnemar"]),
        holm_mcnemar=p_words(tests["holm_mcnemar"]),
        first_only=counts.get("first_only"),
        second_only=counts.get("second_only"),
        differs=_differs(row),
    )


def _key(p: float | None) -> str:
    return "" if p is None else repr(p)


def _side(row: Mapping[str, Any], side: str) -> Shown:
    ends = {"value": row[side], "low": row[f"{side}_low"], "high": row[f"{side}_high"]}
    return shown(ends | {"n": row["n"]}, row["metric"])


def _difference(row: Mapping[str, Any]) -> Shown:
    value = row["difference"]
    if value is None:
        return Shown(UNDEFINED, why=_BOTH_WANTED)
    return Shown(number(value, signed=True), interval_of(row, signed=True), repr(value))


def _differs(row: Mapping[str, Any]) -> str:
    p, difference = row["holm_permutation"], row["difference"]
    if p is None or p >= SIGNIFICANT or not difference:
        return ""
    return "A" if difference > 0 else "B"
