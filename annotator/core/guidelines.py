"""Words that guide readers: which version was shown, what a new one changed, and which past cells it may affect."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from annotator.core.refusals import VectorError, is_storable_text
from labeling.core.values import CODE_OF_STATE, Value

MAX_TEXT_CHARACTERS: Final = 20_000
MAX_CHANGE_CHARACTERS: Final = 500
# The guideline of the project itself stands beside those of its findings, under no name.
WHOLE_PROJECT: Final = ""
_MAX_SHOWN: Final = 500
_MAX_NAME_CHARACTERS: Final = 64
_NEGATIVE: Final = np.array([ord(CODE_OF_STATE[value]) for value in (Value.ABSENT, Value.NOT_MENTIONED)], np.uint8)

Sign = Literal[" ", "+", "-"]


@dataclass(frozen=True, slots=True)
class DiffLine:
    """A line that two versions share (` `), that the later one added (`+`) or dropped (`-`)."""

    sign: Sign
    text: str


def line_changes(before: str, after: str) -> list[DiffLine]:
    """Both versions line by line, in order; what was dropped stands before what was added in its place."""
    made: list[DiffLine] = []
    old, new = before.splitlines(), after.splitlines()
    for what, i0, i1, j0, j1 in difflib.SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes():
        if what == "equal":
            made.extend(DiffLine(" ", line) for line in old[i0:i1])
        else:
            made.extend(DiffLine("-", line) for line in old[i0:i1])
            made.extend(DiffLine("+", line) for line in new[j0:j1])
    return made


def check_text(text: str, *, what_changed: str) -> None:
    """Raise `VectorError` unless both can be stored."""
    if not is_storable_text(text, at_most=MAX_TEXT_CHARACTERS):
        raise VectorError(f"text: expected at most {MAX_TEXT_CHARACTERS:,} characters")
    if not is_storable_text(what_changed, at_most=MAX_CHANGE_CHARACTERS):
        raise VectorError(f"what changed: expected at most {MAX_CHANGE_CHARACTERS} characters")


def check_shown(shown: Any, *, where: str = "guidelines") -> None:
    """Raise `VectorError` unless `shown` is `{finding: version}`, versions from 1; `where` begins its message."""
    if not isinstance(shown, Mapping) or len(shown) > _MAX_SHOWN:
        raise VectorError(f"{where}: expected the version shown of each finding")
    for finding, version in shown.items():
        if not is_storable_text(finding, at_most=_MAX_NAME_CHARACTERS):
            raise VectorError(f"{where}: a finding is a short text")
        if type(version) is not int or version < 1:
            raise VectorError(f"{where}: {finding!r}: a version is a whole number from 1")


def check_shown_exist(shown: Mapping[str, int], *, latest: Mapping[str, int]) -> None:
    """Raise `VectorError` unless the project has written each version that is said to have been shown."""
    for finding, version in shown.items():
        if version > latest.get(finding, 0):
            raise VectorError(f"guidelines: {finding!r} has {latest.get(finding, 0)} versions, not {version}")


def news(latest: Mapping[str, int], *, last_read: Mapping[str, int] | None) -> list[str]:
    """Findings whose guideline was written since the reader's last reading; none for who has never read."""
    if last_read is None:
        return []
    return [finding for finding, version in latest.items() if version > last_read.get(finding, 0)]


@dataclass(frozen=True, slots=True)
class Read:
    """Readings that count, side by side: the case of each `(readings,)`, codes of the values `(readings, cells)` of
    the cells that a guideline is about, and whether it was made before that guideline, or under an unknown one.
    """

    case: NDArray[np.int64]
    values: NDArray[np.uint8]
    is_older: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class AffectedCell:
    """A cell of a case that a new guideline may change; `said` are the codes of all who read it, sorted."""

    case: int
    column: int
    said: str
    differs: bool


def affected_cells(read: Read) -> Iterable[AffectedCell]:
    """Cells that somebody read before the guideline, and that anybody calls present, possible or ambiguous.

    Where readers differ in more than absent or not mentioned, somebody calls it one of these. By case, then column.
    """
    order = np.argsort(read.case, kind="stable")
    case, values, is_older = read.case[order], read.values[order], read.is_older[order]
    if not case.size:
        return
    starts = np.flatnonzero(np.r_[True, case[1:] != case[:-1]])
    ends = np.r_[starts[1:], case.size]
    older = np.logical_or.reduceat(is_older, starts)
    called = np.logical_or.reduceat(~np.isin(values, _NEGATIVE), starts, axis=0)
    for group, column in np.argwhere(called & older[:, np.newaxis]).tolist():
        said = "".join(sorted(map(chr, values[starts[group] : ends[group], column].tolist())))
        yield AffectedCell(int(case[starts[group]]), column, said, differs=len(set(said)) > 1)
