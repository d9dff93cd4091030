"""Figures about arms as a page shows them: what each asks, and lines with intervals."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from annotator.core.arms.questions import ANCHORED, INFLATION, MACHINE_AGREEMENT, POSITIVE_RATE, SCORE
from annotator.core.shown_figures import FEW, UNDEFINED, Shown, interval_of, number, plain_cell
from labeling.core.tables.cells import csv_line


@dataclass(frozen=True, slots=True)
class Asked:
    """What a metric is called, what it asks, which answers it needs that may be few, and why it may be undefined."""

    question: str
    name: str
    asks: str
    scarce: str
    why: str


_NO_BOTH: Final = "no reader has answers of one stratum in both arms"
_NO_JUDGE: Final = "no reader has answers in both arms that a blind reading of somebody else can judge"
_TRUE: Final = "answers that others call positive"
ASKED: Final[Mapping[str, Asked]] = {
    "positive_rate": Asked(POSITIVE_RATE, "Called positive", "share of cells", "positive answers", _NO_BOTH),
    "machine_agreement": Asked(
        MACHINE_AGREEMENT, "Same as the machine", "share of cells that it labeled", "answers", _NO_BOTH
    ),
    "anchored": Asked(
        ANCHORED, "Same as the machine where it is wrong", "share of its wrong cells", "wrong cells", _NO_JUDGE
    ),
    "accuracy": Asked(SCORE, "Right", "share of cells", _TRUE, _NO_JUDGE),
    "f1": Asked(SCORE, "F1", "by others’ blind readings", _TRUE, _NO_JUDGE),
    "recall": Asked(SCORE, "Recall", "of what others call positive", _TRUE, _NO_JUDGE),
    "specificity": Asked(SCORE, "Specificity", "of what others call negative", _TRUE, _NO_JUDGE),
    "machine_f1": Asked(
        INFLATION, "F1 of the machine", "if these readings were the truth", "positive answers", _NO_BOTH
    ),
    "machine_recall": Asked(
        INFLATION, "Recall of the machine", "if these readings were the truth", "positive answers", _NO_BOTH
    ),
    "machine_specificity": Asked(
        INFLATION, "Specificity of the machine", "if these readings were the truth", "positive answers", _NO_BOTH
    ),
}
SAVED_COLUMNS: Final = (
    *("prefilled_mean", "blank_mean", "difference", "difference_low", "difference_high"),
    *("prefilled_median", "blank_median", "ratio", "ratio_low", "ratio_high"),
    *("n_prefilled", "n_blank", "n_unmeasured", "n_left_open"),
)
_COLUMNS: Final = (
    *("scope", "row", "metric", "prefilled", "blank", "difference", "low", "high"),
    *("n_prefilled", "n_blank", "n_scarce", "n_patients"),
)


@dataclass(frozen=True, slots=True)
class Line:
    """One row in one metric. `few` says what there is too little of, empty where there is enough."""

    record: Mapping[str, Any]
    asked: Asked
    prefilled: Shown
    blank: Shown
    difference: Shown
    n_prefilled: float
    n_blank: float
    few: str

    @property
    def row(self) -> str:
        """What it is about."""
        return str(self.record["row"])


def lines(result: Mapping[str, Any], metric: str, *, scopes: tuple[str, ...]) -> list[Line]:
    """The rows of `metric` (one of `ASKED`) in these scopes."""
    asked = ASKED[metric]
    rows = result["contrasts"][asked.question]
    return [_line(row, asked) for row in rows if row["metric"] == metric and row["scope"] in scopes]


def _line(row: Mapping[str, Any], asked: Asked) -> Line:
    few = asked.scarce if row["n_scarce"] < FEW else ""
    if row["low"] is None:
        few = "patients, no interval"
    sides = (_shown(row["prefilled"], asked), _shown(row["blank"], asked))
    return Line(row, asked, *sides, _difference(row, asked), row["n_prefilled"], row["n_blank"], few)


def _shown(value: float | None, asked: Asked) -> Shown:
    return Shown(UNDEFINED, why=asked.why) if value is None else Shown(number(value), key=repr(value))


def _difference(row: Mapping[str, Any], asked: Asked) -> Shown:
    if row["difference"] is None:
        return Shown(UNDEFINED, why=asked.why)
    return Shown(number(row["difference"], signed=True), interval_of(row, signed=True), repr(row["difference"]))


def arms_csv(result: Mapping[str, Any]) -> Iterator[str]:
    """All figures, those of time in columns of their own; what is undefined is empty."""
    columns = (*_COLUMNS, "value", "n_counted", "n", *(name for name in SAVED_COLUMNS if name not in _COLUMNS))
    yield csv_line(columns)
    timed = ({**row, "metric": row["measure"]} for row in result["saved"])
    for row in (*(row for rows in result["contrasts"].values() for row in rows), *result["errors"], *timed):
        yield csv_line([plain_cell(row.get(name)) for name in columns])
