"""Parts of stored label vectors: only the codes of the cells that are asked for leave the database."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.db.models.functions import Substr
from numpy.typing import NDArray

from labeling.core.schema import Cell, Schema


@dataclass(frozen=True, slots=True)
class Stretch:
    """Places of cells in the order of the schema, which has `n_cells`. Read is from the first of them to the last."""

    places: tuple[int, ...]
    n_cells: int

    @classmethod
    def of(cls, schema: Schema, cells: Sequence[Cell] | None) -> "Stretch":
        """The places of `cells`, at least one, or of all. Raises KeyError for one that the schema does not have."""
        chosen = schema.cells if cells is None else cells
        return cls(tuple(sorted({schema.index_of_cell[cell] for cell in chosen})), len(schema.cells))

    @property
    def width(self) -> int:
        """How many codes are read."""
        return self.places[-1] + 1 - self.places[0]

    def of_column(self, name: str) -> str | Substr:
        """What to ask the database for of a column of vectors."""
        return name if self.width == self.n_cells else Substr(name, self.places[0] + 1, self.width)

    def cells(self, schema: Schema) -> tuple[Cell, ...]:
        """The cells at these places, in the order of the schema."""
        return tuple(schema.cells[place] for place in self.places)

    def chosen(self, codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Of what `of_column` gave, `(rows, width)`, the codes at the places, `(rows, places)`."""
        return codes if self.width == len(self.places) else codes[:, np.array(self.places) - self.places[0]]
