"""Where a prompt quotes a report: the other direction of `prompts.quoted`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_OPENING: Final = re.compile(r"<report(\d*)>\n")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a turn: words of the program or of the schema, or text that came out of a report."""

    text: str
    is_report: bool


def pieces_of(content: str) -> tuple[Piece, ...]:
    """`content` in parts that together are all of it; the marks around a quotation count as the program's words."""
    return tuple(piece for piece in _pieces(content) if piece.text)


def _pieces(content: str) -> Iterator[Piece]:
    done = 0
    while opening := _OPENING.search(content, done):
        end = content.find(f"\n</report{opening[1]}>", opening.end())
        if end < 0:
            break
        yield Piece(content[done : opening.end()], is_report=False)
        yield Piece(content[opening.end() : end], is_report=True)
        done = end
    yield Piece(content[done:], is_report=False)
