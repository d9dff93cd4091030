"""Write text files piece by piece. A cell has few different codes, so what is written for them is made once."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

_BATCH: Final = 500


class Pieces(dict[str, str]):
    """Pieces of text for one cell by its two codes, value and urgency, each made once by `make(value, urgency)`."""

    def __init__(self, make: Callable[[str, str], str]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, codes: str) -> str:
        made = self[codes] = self._make(codes[0], codes[1])
        return made


def pieces_of_cells(n_cells: int, make: Callable[[int, str, str], str]) -> list[Pieces]:
    """Pieces for every cell in schema order, made by `make(cell index, value code, urgency code)`."""
    return [Pieces(partial(make, index)) for index in range(n_cells)]


def write_text(path: Path, pieces: Iterable[str]) -> None:
    """Write a UTF-8 file as it is said, line ends included."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8", newline="") as stream:
        stream.writelines(joined(pieces))


def joined(pieces: Iterable[str]) -> Iterator[str]:
    """`pieces` in blocks of a size worth writing."""
    waiting: list[str] = []
    for piece in pieces:
        waiting.append(piece)
        if len(waiting) == _BATCH:
            yield "".join(waiting)
            waiting = []
    yield "".join(waiting)
