"""The error of what a browser or a file sends, and the text that both databases can store."""

from typing import Any


class VectorError(ValueError):
    """A label vector or body does not fit the schema; the message names the cell, never patient text."""


def is_storable_text(text: Any, *, at_most: int) -> bool:
    """Whether it is text that both databases can store: no NUL, and no half of a surrogate pair."""
    if not isinstance(text, str) or len(text) > at_most or "\x00" in text:
        return False
    return not any("\ud800" <= character <= "\udfff" for character in text)
