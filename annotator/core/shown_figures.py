"""One figure as people read it: three decimals, its interval, and why it is undefined where it is."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from labeling.core.metrics.resampling import holm
from labeling.core.tables.cells import text_cell

# With fewer positives, or fewer negatives, than this a figure says little.
FEW: Final = 10
SIGNIFICANT: Final = 0.05
UNDEFINED: Final = "–"
METRIC_WORDS: Final[Mapping[str, str]] = {
    "f1": "F1",
    "recall": "Recall",
    "precision": "Precision",
    "specificity": "Specificity",
    "mcc": "MCC",
    "balanced_accuracy": "Balanced accuracy",
    "accuracy": "Accuracy",
    "coverage": "Coverage",
}
_ONE_CLASS: Final = "truth or labeler has one class only"
_WHY: Final[Mapping[str, str]] = {
    "f1": "nothing is positive, and nothing is called so",
    "recall": "nothing is positive",
    "precision": "nothing is called positive",
    "specificity": "nothing is negative",
    "mcc": _ONE_CLASS,
    "balanced_accuracy": "the truth has one class only",
    "coverage": "no case has a truth",
}
NO_PAIR: Final = "no case has both a truth and an answer"


def scarce_words(n: int | None, n_positive: int | None) -> str:
    """What there is too little of to trust figures, "positives" or "negatives"; empty where there is enough of both.

    >>> scarce_words(200, 9), scarce_words(200, 195), scarce_words(12, 6), scarce_words(200, 10)
    ('positives', 'negatives', 'positives or negatives', '')
    """
    if n is None or n_positive is None:
        return ""
    scarce = (("positives", n_positive), ("negatives", n - n_positive))
    return " or ".join(words for words, count in scarce if count < FEW)


class Shown(NamedTuple):
    """A figure in words. `key` sorts it, empty where it is undefined; `why` says why it is."""

    text: str
    interval: str = ""
    key: str = ""
    why: str = ""


def shown(row: Mapping[str, Any] | None, metric: str) -> Shown:
    """A row of figures; None is one that there is not."""
    if row is None or row["value"] is None:
        no_pair = row is not None and row["n"] == 0 and metric != "coverage"
        return Shown(UNDEFINED, why=NO_PAIR if no_pair else _WHY.get(metric, "it cannot be computed"))
    return Shown(number(row["value"]), interval_of(row), repr(row["value"]))


def number(value: float, *, signed: bool = False) -> str:
    """Three decimals; 1 and 0 stand only for all and none.

    >>> number(0.99999), number(-0.5), number(0.25, signed=True)
    ('> 0.999', '−0.500', '+0.250')
    """
    text = f"{abs(value):.3f}"
    if not signed and text == "1.000" and 0 < value < 1:
        return "> 0.999"
    if text == "0.000" and value != 0:
        return "> −0.001" if value < 0 else "< 0.001"
    sign = "−" if value < 0 else "+" if signed and value > 0 else ""
    return sign + text


def plain_cell(value: Any) -> str:
    """A figure, a count or a name in a CSV; what is undefined is empty."""
    return "" if value is None else text_cell(value) if isinstance(value, str) else repr(value)


def interval_of(row: Mapping[str, Any], *, signed: bool = False) -> str:
    """ "0.371 to 0.787"; empty where there is none."""
    if row["low"] is None or row["high"] is None:
        return ""
    return " to ".join(number(row[end], signed=signed) for end in ("low", "high"))


def p_words(p: float | None, *, least: float = 0.001) -> str:
    """A p value; one below 0.001, or below `least`, which resampling cannot tell from 0, is said to be below it.

    >>> p_words(0.0, least=0.002), p_words(0.0494), p_words(None)
    ('< 0.002', '0.049', '–')
    """
    if p is None:
        return UNDEFINED
    least = max(least, 0.001)
    return f"< {least:.3f}" if p < least else "> 0.999" if 0.9995 <= p < 1 else f"{p:.3f}"


def least_p(n_resamples: int) -> float:
    """The smallest two-sided p that so many resamples can tell from 0."""
    return 2 / n_resamples


def corrected(p_values: Sequence[float | None], *, least: float) -> list[float | None]:
    """p values corrected for their number after Holm; those below `least` count as `least`. None stays."""
    raised = [float("nan") if p is None else max(p, least) for p in p_values]
    return [None if p is None else each for p, each in zip(p_values, holm(raised), strict=True)]
