"""Cells of a CSV file that is safe to open in a spreadsheet, and that is read back to the same characters.

A spreadsheet takes a cell that begins with one of `= + - @`, a tab or a line break for a formula. Text cells get an
apostrophe before it, also after a semicolon or a tab inside, where a spreadsheet of another language divides the cell.
A run of apostrophes that stands there already gets one more, so that taking one away gives back what was there.
Numbers that this program writes into number columns are left as they are.
"""

import math
import re
from collections.abc import Iterable
from typing import Final

from labeling.core.tables.records import TableError

# RFC 4180; a bare carriage return inside a cell is quoted as well.
LINE_END: Final = "\r\n"

_RISKY: Final = r"(?='*[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20])"
_PLACE: Final = r"(?:\A|(?<=[;\t]))"
_UNSAFE: Final = re.compile(_PLACE + _RISKY)
_MADE_SAFE: Final = re.compile(_PLACE + "'" + _RISKY)
_NEEDS_QUOTES: Final = re.compile(r'[",;\t|\r\n]|\A\s|\s\Z')


def neutralise(text: str) -> str:
    """`text` with an apostrophe wherever a spreadsheet would see a formula."""
    return _UNSAFE.sub("'", text)


def restore(text: str) -> str:
    """Exact inverse of `neutralise`."""
    return _MADE_SAFE.sub("", text) if "'" in text else text


def text_cell(text: str) -> str:
    """A text as it stands in a CSV line: safe, and quoted where it needs to be."""
    safe = neutralise(text)
    return '"' + safe.replace('"', '""') + '"' if _NEEDS_QUOTES.search(safe) else safe


def number_cell(number: float | None, *, what: str) -> str:
    """A number in the fewest digits that read back as the same number; None is an empty cell."""
    if number is None:
        return ""
    if not math.isfinite(number):
        raise TableError(f"{what} is {number}, not a finite number")
    return repr(number)


def csv_line(cells: Iterable[str]) -> str:
    """Cells that are ready to write as one line."""
    return ",".join(cells) + LINE_END
