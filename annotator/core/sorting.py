"""Tables that are sorted by a column of the reader's choice, by the server."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

_Line = TypeVar("_Line")


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a column: its title, the words that sort by it on a click, and how it is sorted now."""

    column: str
    title: str
    sort: str
    aria_sort: str


@dataclass(frozen=True, slots=True)
class Order:
    """By which column lines are sorted, and which end comes first. No column is the order of the schema."""

    column: str = ""
    is_ascending: bool = False

    @classmethod
    def of(cls, words: str, columns: Sequence[str]) -> "Order":
        """`auroc` is from the highest, `-auroc` from the lowest; words that name no column sort nothing."""
        column = words.removeprefix("-")
        return cls(column, words.startswith("-")) if column in columns else cls()

    def sorted(self, lines: Iterable[_Line], value_of: Callable[[_Line, str], Any]) -> list[_Line]:
        """`lines` in this order; those whose value is None come last."""
        listed = list(lines)
        if not self.column:
            return listed
        known = [line for line in listed if value_of(line, self.column) is not None]
        rest = [line for line in listed if value_of(line, self.column) is None]
        known.sort(key=lambda line: value_of(line, self.column), reverse=not self.is_ascending)
        return known + rest

    def heads(self, titles: Mapping[str, str]) -> list[Head]:
        """A head for each column; a click turns the order round."""
        made = []
        for column, title in titles.items():
            is_sorted = column == self.column
            sort = f"-{column}" if is_sorted and not self.is_ascending else column
            now = ("ascending" if self.is_ascending else "descending") if is_sorted else ""
            made.append(Head(column, title, sort, now))
        return made
