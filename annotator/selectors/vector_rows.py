"""Rows with label vectors, read as one string for many of them: a tuple for each row takes several times as long."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from django.db.models import Aggregate, BigIntegerField, F, QuerySet, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Coalesce, Concat, LPad
from numpy.typing import NDArray

from annotator.selectors.stretches import Stretch

# Rows that come as one string, by their keys; PostgreSQL makes none of more than a gigabyte.
_TOGETHER: Final = 50_000
_DIGITS: Final = len(str(2**63 - 1))
_POWERS: Final = 10 ** np.arange(_DIGITS - 1, -1, -1, dtype=np.int64)
_VECTORS: Final = ("values", "urgencies")


class _Joined(Aggregate):
    """The texts of a group, one after the other, in any order."""

    function = "STRING_AGG"
    template = "%(function)s(%(expressions)s, '')"
    output_field = TextField()

    def as_sqlite(self, compiler: Any, connection: Any, **more: Any) -> Any:
        """SQLite has another name for it."""
        return self.as_sql(compiler, connection, function="GROUP_CONCAT", **more)


@dataclass(frozen=True, slots=True)
class VectorRows:
    """`numbers` are `(numbers, rows)`, what was asked for besides the vectors; vectors are codes, `(rows, cells)`."""

    numbers: NDArray[np.int64]
    values: NDArray[np.uint8]
    urgencies: NDArray[np.uint8]

    def only(self, kept: NDArray[np.bool_]) -> "VectorRows":
        """The rows where `kept` holds."""
        return self if kept.all() else VectorRows(self.numbers[:, kept], self.values[kept], self.urgencies[kept])


def vector_rows(found: QuerySet[Any], numbers: Sequence[str | Combinable], stretch: Stretch) -> VectorRows:
    """Whole numbers that are not negative, None as 0, and the vectors of all rows of `found`, in any order."""
    columns: list[Combinable] = [_padded(number) for number in numbers]
    columns += [F(part) if isinstance(part, str) else part for part in map(stretch.of_column, _VECTORS)]
    groups = (
        found.order_by()
        .annotate(_together=F("pk") / _TOGETHER)
        .values("_together")
        .annotate(_rows=_Joined(Concat(*columns, output_field=TextField())))
        .values_list("_rows", flat=True)
    )
    width = _DIGITS * len(numbers) + len(_VECTORS) * stretch.width
    texts = [np.frombuffer(text.encode("ascii"), np.uint8).reshape(-1, width) for text in groups.iterator(chunk_size=8)]
    rows = np.concatenate([np.empty((0, width), np.uint8), *texts])
    heads, vectors = np.split(rows, [_DIGITS * len(numbers)], axis=1)
    digits = heads.reshape(len(rows), len(numbers), _DIGITS) - np.uint8(ord("0"))
    values, urgencies = (stretch.chosen(each) for each in np.split(vectors, len(_VECTORS), axis=1))
    return VectorRows((digits @ _POWERS).T, values, urgencies)


def _padded(number: str | Combinable) -> LPad:
    known = Coalesce(F(number) if isinstance(number, str) else number, 0, output_field=BigIntegerField())
    return LPad(Cast(known, TextField()), _DIGITS, Value("0"))
