"""What readers say of the cells of cases, laid side by side, and which of it stands by the rule of a project.

Three classes of presence tell answers apart: positive (present, possible), negative (absent, not mentioned) and
ambiguous. Within a class answers may still differ in certainty: present or possible, absent or not mentioned.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from labeling.core.values import CODE_OF_STATE, URGENCY_LEVELS, Value

Codes = NDArray[np.uint8]
Classes = NDArray[np.int8]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

# Classes of presence; nobody's answer has none.
POSITIVE, NEGATIVE, AMBIGUOUS = range(3)
CLASSES: Final = (POSITIVE, NEGATIVE, AMBIGUOUS)
UNSAID: Final = -1
NO_URGENCY: Final = -1
NO_CODE: Final = 0
NO_READER: Final = -1

_CLASS_OF: Final[Mapping[Value, int]] = {
    Value.PRESENT: POSITIVE,
    Value.POSSIBLE: POSITIVE,
    Value.ABSENT: NEGATIVE,
    Value.NOT_MENTIONED: NEGATIVE,
    Value.AMBIGUOUS: AMBIGUOUS,
}
# By the ASCII code of a value or urgency; whatever has no value (unreadable, not asked, nobody) is no answer.
PRESENCE_OF_CODE: Final = np.full(128, UNSAID, np.int8)
for _value, _class in _CLASS_OF.items():
    PRESENCE_OF_CODE[ord(CODE_OF_STATE[_value])] = _class
LEVEL_OF_CODE: Final = np.full(128, NO_URGENCY, np.int8)
for _level in URGENCY_LEVELS:
    LEVEL_OF_CODE[ord(str(_level))] = _level


class Way(StrEnum):
    """When an answer stands without a person who decides."""

    UNANIMOUS = "unanimous"
    MAJORITY = "majority"
    WEIGHTED = "weighted"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How a project settles what its readers say.

    `at_least` voices make a majority, which is also more than half; `share` of all weight is enough where voices are
    `weights`, by the key of the reader (1 for others). By certainty and by urgency answers differ only where the
    project says so.
    """

    way: Way = Way.UNANIMOUS
    at_least: int = 2
    share: float = 0.5
    weights: Mapping[int, float] = field(default_factory=dict)
    by_certainty: bool = False
    by_urgency: bool = False


@dataclass(frozen=True, slots=True)
class Rows:
    """Readings that speak: place of the case, key of the reader, whether it was blind; codes `(readings, cells)`."""

    case: Ints
    reader: Ints
    is_blind: Bools
    values: Codes
    urgencies: Codes


@dataclass(frozen=True, slots=True)
class Voices:
    """What is said: codes `(voices, cases, cells)`, `NO_CODE` where a case has fewer voices than others.

    `readers` (`NO_READER` for nobody) and `is_blind` are `(voices, cases)`. The order of voices means nothing.
    """

    values: Codes
    urgencies: Codes
    readers: Ints
    is_blind: Bools

    @property
    def is_there(self) -> Bools:
        """Where somebody speaks, `(voices, cases)`."""
        return np.asarray(self.readers != NO_READER)

    @property
    def presence(self) -> Classes:
        """The class of each answer."""
        return np.asarray(PRESENCE_OF_CODE[self.values])

    @property
    def levels(self) -> Classes:
        """Urgencies of positive answers, `NO_URGENCY` elsewhere."""
        return np.where(self.presence == POSITIVE, LEVEL_OF_CODE[self.urgencies], np.int8(NO_URGENCY))

    @classmethod
    def of_rows(cls, rows: Rows, *, n_cases: int) -> "Voices":
        """The voices of `rows`, those of one case behind each other."""
        order = np.argsort(rows.case, kind="stable")
        case = rows.case[order]
        slot = np.arange(len(case)) - np.searchsorted(case, case)
        n_slots = int(slot.max(initial=-1)) + 1
        shape = (n_slots, n_cases)
        values, urgencies = (np.full((*shape, rows.values.shape[1]), NO_CODE, np.uint8) for _ in range(2))
        readers, is_blind = np.full(shape, NO_READER, np.int64), np.zeros(shape, bool)
        values[slot, case], urgencies[slot, case] = rows.values[order], rows.urgencies[order]
        readers[slot, case], is_blind[slot, case] = rows.reader[order], rows.is_blind[order]
        return cls(values, urgencies, readers, is_blind)

    def weights(self, rules: Rules) -> Floats:
        """`(voices, cases)`."""
        found = np.ones(self.readers.shape)
        for reader, weight in rules.weights.items():
            found[self.readers == reader] = weight
        return np.where(self.readers == NO_READER, 0.0, found)

    def of_cases(self, places: NDArray[np.intp]) -> "Voices":
        """Those of these cases, in this order."""
        values, urgencies = (codes[:, places] for codes in (self.values, self.urgencies))
        return Voices(values, urgencies, self.readers[:, places], self.is_blind[:, places])

    def only(self, kept: Bools) -> "Voices":
        """The same as if the others, `(voices, cases)`, had said nothing."""
        cells = kept[:, :, np.newaxis]
        return Voices(
            np.where(cells, self.values, np.uint8(NO_CODE)),
            np.where(cells, self.urgencies, np.uint8(NO_CODE)),
            np.where(kept, self.readers, NO_READER),
            self.is_blind & kept,
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands without a person, `(cases, cells)`.

    `presence` is `UNSAID` where no class stands (in cells that nobody answered too); `values` is `NO_CODE` there, and
    where answers of the class that stands differ in certainty and the project says that this matters. `levels` is
    `NO_URGENCY` where none stands; `is_urgency_open` where that is because levels differ and this matters.
    """

    presence: Classes
    values: Codes
    levels: Classes
    is_urgency_open: Bools


def standing(voices: Voices, rules: Rules) -> Standing:
    """What stands by the rules, in each cell alone.

    A class of presence stands, unanimous, when all who answered say it; by majority, when more than half and at least
    `at_least` do; weighted, when those who do have more than half of the weight and at least `share` of it; always,
    when all say that it is not there: whatever somebody calls positive or ambiguous needs a person.
    Among those who say the class that stands, the value is the most frequent, possible before present and not mentioned
    before absent when they are level; the urgency is the middle of those given, the higher of two, when more than half
    give one; voices that are weighted have their weight in all of this. Where certainty or urgency matter they stand as
    presence does, among these voices; of those only who gave one for urgency.
    """
    said, weights = voices.presence, voices.weights(rules)
    presence = _standing_presence(said, weights, rules)
    within = (said == presence) & (said != UNSAID)
    values = _standing_values(np.where(within, voices.values, np.uint8(NO_CODE)), weights, rules)
    levels, is_open = _standing_levels(np.where(within, voices.levels, np.int8(NO_URGENCY)), within, weights, rules)
    return Standing(presence, values, levels, is_open)


def _support(says: Bools, weights: Floats, rules: Rules) -> Floats:
    """How many voices say it, or their weight, `(cases, cells)`."""
    counted = says if rules.way != Way.WEIGHTED else np.where(says, weights[:, :, np.newaxis], 0.0)
    return np.asarray(counted.sum(axis=0, dtype=np.float64))


def _is_enough(own: Floats, whole: Floats, rules: Rules) -> Bools:
    """Whether `own` of the `whole` support is enough."""
    if rules.way == Way.MAJORITY:
        return np.asarray(2 * own > whole)
    if rules.way == Way.WEIGHTED:
        return np.asarray((own > whole / 2 + _EPSILON) & (own >= rules.share * whole - _EPSILON))
    return np.asarray((own == whole) & (whole > 0))


# Weights are sums of decimals: three times a tenth is not three tenths.
_EPSILON: Final = 1e-9


def _standing_presence(said: Classes, weights: Floats, rules: Rules) -> Classes:
    stands = np.full(said.shape[1:], UNSAID, np.int8)
    whole = _support(said != UNSAID, weights, rules)
    for each in (NEGATIVE,) if rules.way == Way.ALWAYS else CLASSES:
        own = _support(said == each, weights, rules)
        wins = _is_enough(own, whole, rules)
        stands[wins & (own >= rules.at_least) if rules.way == Way.MAJORITY else wins] = each
    return stands


# The more cautious of a class later: it has the tie.
_BY_CAUTION: Final = (Value.PRESENT, Value.POSSIBLE, Value.ABSENT, Value.NOT_MENTIONED, Value.AMBIGUOUS)


def _standing_values(within: Codes, weights: Floats, rules: Rules) -> Codes:
    """The value of each cell of the codes of voices of one class, `NO_CODE` for others."""
    values = np.full(within.shape[1:], NO_CODE, np.uint8)
    whole, best = _support(within != NO_CODE, weights, rules), np.zeros(within.shape[1:])
    for value in _BY_CAUTION:
        code = np.uint8(ord(CODE_OF_STATE[value]))
        own = _support(within == code, weights, rules)
        wins = (own > 0) & (own >= best)
        values[wins & _is_enough(own, whole, rules) if rules.by_certainty else wins] = code
        best = np.maximum(best, own)
    return values


def _standing_levels(levels: Classes, within: Bools, weights: Floats, rules: Rules) -> tuple[Classes, Bools]:
    """The urgency of each cell of `levels` of voices of one class, and where it is open."""
    whole = _support(levels != NO_URGENCY, weights, rules)
    is_given = whole > _support(within, weights, rules) / 2 + _EPSILON
    stands = np.full(is_given.shape, NO_URGENCY, np.int8)
    for level in sorted(URGENCY_LEVELS):
        if rules.by_urgency:
            wins = _is_enough(_support(levels == level, weights, rules), whole, rules)
        else:  # half of those who gave one, or more, say this or higher
            wins = _support(levels >= level, weights, rules) >= whole / 2 - _EPSILON
        stands[is_given & wins] = level
    is_open = is_given & (stands == NO_URGENCY)
    return stands, is_open
