"""Which cells need a person to decide, in what their voices differ, and which of them look alike."""

import hashlib
import hmac
from collections.abc import Iterable
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from annotator.core.voices import NO_CODE, UNSAID, Bools, Classes, Rules, Voices, Way, standing
from labeling.core.values import URGENCY_CODES, VALUE_CODES

Kinds = NDArray[np.int8]

# Whose voice the machine's is, where it is one: no user has this key.
MACHINE: Final = -2
_BETWEEN: Final = ","
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Kind(StrEnum):
    """In what the voices of a cell differ; `rule` where they do not, and the rules ask for a person all the same."""

    PRESENCE = "presence"
    CERTAINTY = "certainty"
    URGENCY = "urgency"
    RULE = "rule"


# Codes of `find_disputes`: 0 where nothing is disputed, else the place of the kind, from 1.
KINDS: Final = tuple(Kind)
UNDISPUTED: Final = 0
URGENCY_DISPUTED: Final = KINDS.index(Kind.URGENCY) + 1


def kind_of(code: int) -> Kind | None:
    """The kind that a code of `find_disputes` stands for; None where nothing is disputed."""
    return None if code == UNDISPUTED else KINDS[code - 1]


def find_disputes(voices: Voices, rules: Rules) -> Kinds:
    """What needs a person, `(cases, cells)`: codes of `Kind`, 0 for nothing.

    A cell is disputed once: in presence, else in certainty, else in urgency. What answers a cell has is
    `voices.standing`; where too few voices agree, further voices are needed, not a person. Where the machine is a voice
    (its reader is `MACHINE`), a cell also needs a person whenever it would without that voice: the machine never
    outvotes readers who differ.
    """
    found = _disputes(voices, rules)
    is_machine = voices.readers == MACHINE
    if not is_machine.any():
        return found
    without = _disputes(voices.only(~is_machine), rules)
    return np.where(without != UNDISPUTED, without, found)


def _disputes(voices: Voices, rules: Rules) -> Kinds:
    presence, stands = voices.presence, standing(voices, rules)
    is_open = (presence != UNSAID).any(axis=0) & (stands.presence == UNSAID)
    differs = _differ(presence)
    found = np.full(is_open.shape, UNDISPUTED, np.int8)
    found[stands.is_urgency_open] = _code(Kind.URGENCY)
    found[(stands.presence != UNSAID) & (stands.values == NO_CODE)] = _code(Kind.CERTAINTY)
    found[is_open & differs] = _code(Kind.PRESENCE)
    if rules.way == Way.ALWAYS:
        found[is_open & ~differs] = _code(Kind.RULE)
    return found


def _code(kind: Kind) -> int:
    return KINDS.index(kind) + 1


def _differ(presence: Classes) -> Bools:
    """Whether voices say different classes of presence, `(cases, cells)`."""
    least = np.where(presence == UNSAID, np.int8(127), presence).min(axis=0, initial=127)
    return np.asarray((presence.max(axis=0, initial=UNSAID) > least) & (least < 127))


def pattern_of(answers: Iterable[tuple[str, str]]) -> str:
    """What the voices of a cell say, whoever says it: pairs of value and urgency in one order, `+2,0_,0_`.

    Whatever has no value is left out: it is no voice.
    """
    said = [value + urgency for value, urgency in answers if value in VALUE_CODES]
    said.sort(key=lambda pair: (VALUE_CODES.index(pair[0]), URGENCY_CODES.index(pair[1])))
    return _BETWEEN.join(said)


def answers_of(pattern: str) -> list[tuple[str, str]]:
    """The pairs of value and urgency of a pattern."""
    return [(pair[0], pair[1]) for pair in pattern.split(_BETWEEN)] if pattern else []


def lettered(voices: Iterable[str], *, secret: str, place: str) -> dict[str, str]:
    """Voice by letter, shuffled anew in each `place` (a cell of a case) and the same each time there.

    Without `secret` nobody can tell which letter stands for whom, and a letter of one cell says nothing of another.
    """

    def mixed(voice: str) -> bytes:
        return hmac.new(secret.encode(), f"voice|{place}|{voice}".encode(), hashlib.sha256).digest()

    return {letter(position): voice for position, voice in enumerate(sorted(voices, key=mixed))}


def letter(position: int) -> str:
    """A to Z, then A2, B2 and on."""
    turn, place = divmod(position, len(_LETTERS))
    return _LETTERS[place] + (str(turn + 1) if turn else "")
