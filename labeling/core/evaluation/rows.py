"""One figure with its interval and what it was computed on."""

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


@dataclass(frozen=True, slots=True)
class Row:
    """A figure: what it is about, its value and 95 % interval, pairs and positives behind it, p of a comparison.

    What is undefined is NaN, and None in JSON; `n` is None where a row is a mean over rows.
    """

    row: str
    metric: str
    value: float
    low: float = math.nan
    high: float = math.nan
    n: int | None = None
    n_positive: int | None = None
    p: float | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain values; what is undefined is None."""
        return plain(self)


def plain(record: "DataclassInstance") -> dict[str, Any]:
    """The fields of a record of numbers and texts as plain JSON; what is undefined (NaN) is None."""
    values = asdict(record)
    return {name: None if isinstance(each, float) and math.isnan(each) else each for name, each in values.items()}
