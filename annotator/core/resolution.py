"""What gold says of each cell: made of voices, of the rule of the project and of what adjudicators decided."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from annotator.core.disputes import UNDISPUTED, URGENCY_DISPUTED, Kinds
from annotator.core.voices import (
    NO_CODE,
    NO_URGENCY,
    PRESENCE_OF_CODE,
    UNSAID,
    Bools,
    Classes,
    Codes,
    Rules,
    Standing,
    Voices,
    standing,
)


class Origin(StrEnum):
    """How gold of a cell came about, in one character.

    Blind: what stands without the voices that started from machine labels. Double blind: two or more such agree.
    Majority: most of them do. Assisted: it would not stand, or not so, without voices that started from labels.
    Adjudicated: a person decided; blind where no voice of the case and no adjudicator saw machine labels.
    """

    SINGLE_BLIND = "s"
    DOUBLE_BLIND = "d"
    MAJORITY = "m"
    ASSISTED = "a"
    ADJUDICATED_BLIND = "j"
    ADJUDICATED_ASSISTED = "k"
    UNDECIDED = "u"
    EXCLUDED = "x"


BLIND_ORIGINS: Final = (Origin.SINGLE_BLIND, Origin.DOUBLE_BLIND, Origin.MAJORITY, Origin.ADJUDICATED_BLIND)
ASSISTED_ORIGINS: Final = (Origin.ASSISTED, Origin.ADJUDICATED_ASSISTED)
ADJUDICATED_ORIGINS: Final = (Origin.ADJUDICATED_BLIND, Origin.ADJUDICATED_ASSISTED)
SETTLED_ORIGINS: Final = (*BLIND_ORIGINS, *ASSISTED_ORIGINS)
ORIGIN_CODES: Final = "".join(Origin)


@dataclass(frozen=True, slots=True)
class Decisions:
    """What adjudicators decided, `(cases, cells)`: `NO_CODE` where nobody did. `is_blind`: without machine labels."""

    values: Codes
    levels: Classes
    is_blind: Bools

    @classmethod
    def none(cls, shape: tuple[int, ...]) -> "Decisions":
        """Nobody decided anything."""
        return cls(np.full(shape, NO_CODE, np.uint8), np.full(shape, NO_URGENCY, np.int8), np.zeros(shape, bool))

    def of_cases(self, places: NDArray[np.intp]) -> "Decisions":
        """Those on these cases, in this order."""
        return Decisions(self.values[places], self.levels[places], self.is_blind[places])

    def only(self, kept: Bools) -> "Decisions":
        """Those where `kept`, `(cases, cells)`, holds."""
        values, levels = np.where(kept, self.values, np.uint8(NO_CODE)), np.where(kept, self.levels, NO_URGENCY)
        return Decisions(values, levels.astype(np.int8), self.is_blind & kept)


@dataclass(frozen=True, slots=True)
class Resolved:
    """Gold, `(cases, cells)`: codes of values (`NO_CODE` where undecided), urgencies, codes of `Origin`.

    `n_voices` are those that count towards a cell, `n_agree` those of them that say its class of presence; `agrees`,
    `(voices, cases, cells)`, which these are. `is_urgency_open` where a person has yet to decide the urgency.
    """

    values: Codes
    levels: Classes
    origins: Codes
    n_voices: NDArray[np.int64]
    n_agree: NDArray[np.int64]
    agrees: Bools
    is_urgency_open: Bools

    def spread(self, places: NDArray[np.intp], *, n_cases: int) -> "Resolved":
        """The same as of `n_cases` cases, among which these have `places`; nothing is decided of the others."""

        def over(small: NDArray[Any], nothing: int) -> NDArray[Any]:
            full = np.full((*small.shape[:-2], n_cases, small.shape[-1]), nothing, small.dtype)
            full[..., places, :] = small
            return full

        return Resolved(
            values=over(self.values, NO_CODE),
            levels=over(self.levels, NO_URGENCY),
            origins=over(self.origins, ord(Origin.UNDECIDED)),
            n_voices=over(self.n_voices, 0),
            n_agree=over(self.n_agree, 0),
            agrees=over(self.agrees, 0),
            is_urgency_open=over(self.is_urgency_open, 0),
        )

    def only(self, kept: Bools) -> "Resolved":
        """The same where `kept`, `(cases,)`, holds, and nothing decided elsewhere."""

        def picked(full: NDArray[Any]) -> NDArray[Any]:
            return full[..., kept, :]

        parts = (picked(getattr(self, name)) for name in self.__slots__)
        return Resolved(*parts).spread(np.flatnonzero(kept), n_cases=len(kept))

    def but(self, places: NDArray[np.intp], others: "Resolved") -> "Resolved":
        """The same, but of cases with these places what `others` say of them."""

        def mixed(name: str) -> NDArray[Any]:
            full: NDArray[Any] = getattr(self, name).copy()
            full[..., places, :] = getattr(others, name)
            return full

        return Resolved(*map(mixed, self.__slots__))


def resolve(voices: Voices, rules: Rules, decisions: Decisions, *, disputes: Kinds | None = None) -> Resolved:
    """Gold of all cells of all cases.

    The rule runs over all voices. Where it gives the same value over the blind ones alone, and their urgencies do not
    differ where the others settle that, the cell is made of these: its origin is blind, and the others count neither in
    its urgency nor in its numbers. What is in `disputes`, `(cases, cells)`, for another reason is undecided until
    somebody decides; in urgency alone where only that is disputed.
    """
    together = _but_for(disputes, standing(voices, rules))
    alone = together if _is_all_blind(voices) else standing(voices.only(voices.is_blind), rules)
    is_blind = (alone.values != NO_CODE) & (alone.values == together.values)
    is_blind &= together.is_urgency_open | ~alone.is_urgency_open
    is_decided = decisions.values != NO_CODE
    values = np.where(is_decided, decisions.values, together.values)
    levels = np.where(is_blind, alone.levels, together.levels)
    levels = np.where(is_decided, decisions.levels, np.where(together.is_urgency_open, NO_URGENCY, levels))
    levels = np.where(values == NO_CODE, NO_URGENCY, levels)
    said = voices.presence
    counts = (said != UNSAID) & (voices.is_blind[:, :, np.newaxis] | ~(is_blind & ~is_decided))
    agrees = counts & (said == PRESENCE_OF_CODE[values]) & (values != NO_CODE)
    n_voices, n_agree = counts.sum(axis=0), agrees.sum(axis=0)
    return Resolved(
        values=values,
        levels=levels.astype(np.int8),
        origins=_origins(voices, decisions, values=values, is_blind=is_blind, n_voices=n_voices, n_agree=n_agree),
        n_voices=n_voices,
        n_agree=n_agree,
        agrees=agrees,
        is_urgency_open=together.is_urgency_open & ~is_decided,
    )


def _but_for(disputes: Kinds | None, stands: Standing) -> Standing:
    """What stands where nothing is disputed."""
    if disputes is None:
        return stands
    is_urgency = disputes == URGENCY_DISPUTED
    needs_person = (disputes != UNDISPUTED) & ~is_urgency
    return replace(
        stands,
        values=np.where(needs_person, np.uint8(NO_CODE), stands.values),
        is_urgency_open=(stands.is_urgency_open | is_urgency) & ~needs_person,
    )


def _is_all_blind(voices: Voices) -> bool:
    return bool((voices.is_blind | ~voices.is_there).all())


def _origins(
    voices: Voices,
    decisions: Decisions,
    *,
    values: Codes,
    is_blind: Bools,
    n_voices: NDArray[np.int64],
    n_agree: NDArray[np.int64],
) -> Codes:
    saw_labels = np.any(voices.is_there & ~voices.is_blind, axis=0, keepdims=True).T
    found = np.full(values.shape, ord(Origin.ASSISTED), np.uint8)
    found[is_blind] = ord(Origin.MAJORITY)
    found[is_blind & (n_agree == n_voices)] = ord(Origin.DOUBLE_BLIND)
    found[is_blind & (n_voices == 1)] = ord(Origin.SINGLE_BLIND)
    found[values == NO_CODE] = ord(Origin.UNDECIDED)
    is_decided = decisions.values != NO_CODE
    found[is_decided] = ord(Origin.ADJUDICATED_ASSISTED)
    found[is_decided & decisions.is_blind & ~saw_labels] = ord(Origin.ADJUDICATED_BLIND)
    return found


def joined_evidence(bodies: Iterable[Mapping[str, Any]], cell: str) -> list[list[int]]:
    """Spans of the report that any of the bodies gives for a cell, each once, in the order of the report."""
    spans = (tuple(span) for body in bodies for span in body.get("cells", {}).get(cell, {}).get("evidence", []))
    return [list(span) for span in sorted(set(spans))]


def evidence_of(
    resolved: Resolved,
    bodies: Sequence[Mapping[str, Any]],
    *,
    case: int,
    cells: Sequence[str],
    decided: Mapping[str, Sequence[Sequence[int]]],
) -> dict[str, list[list[int]]]:
    """Evidence of the cells of one case that have any; `bodies` are those of its voices, in their order.

    It is what the deciding adjudicator gave, by the key of a cell; else what the voices that agree gave.
    """
    found: dict[str, list[list[int]]] = {}
    for place, cell in enumerate(cells):
        agreeing = (body for voice, body in enumerate(bodies) if resolved.agrees[voice, case, place])
        spans = [list(span) for span in decided[cell]] if cell in decided else joined_evidence(agreeing, cell)
        if spans:
            found[cell] = spans
    return found
