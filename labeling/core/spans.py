"""Ranges of characters in a report."""

from typing import NamedTuple


class Span(NamedTuple):
    """Half-open range of Unicode code points in the untouched report."""

    start: int
    end: int
