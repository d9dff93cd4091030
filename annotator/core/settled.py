"""Gold and disputes of cases: what voices, decisions, rules, exclusions and missing readings make of them together."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from annotator.core.disputes import MACHINE, UNDISPUTED, Kinds, find_disputes, pattern_of
from annotator.core.resolution import Decisions, Origin, Resolved, resolve
from annotator.core.voices import (
    LEVEL_OF_CODE,
    NO_CODE,
    PRESENCE_OF_CODE,
    UNSAID,
    Bools,
    Codes,
    Ints,
    Rules,
    Voices,
)


@dataclass(frozen=True, slots=True)
class Decided:
    """The last decision on a cell, by the places of case and cell, unless it was taken back.

    `basis` is that of the answers it was made on; `is_blind` when no machine label was shown. `evidence` are spans of
    the report, none when it stands on that of the voices.
    """

    pk: int
    case: int
    cell: int
    value: str
    urgency: str
    basis: str
    is_blind: bool
    evidence: Sequence[Sequence[int]] = ()

    def at(self, cell: int) -> "Decided":
        """The same where the cell has another place."""
        return replace(self, cell=cell)


@dataclass(frozen=True, slots=True)
class Settled:
    """Gold of cases, the disputes in them, `(cases, cells)` as `find_disputes` has them, and decisions that stand.

    `counts`, `(cases,)`: they are read and not excluded.
    """

    resolved: Resolved
    disputes: Kinds
    decided: tuple[Decided, ...]
    counts: Bools

    @property
    def decisions(self) -> Decisions:
        """Decisions that stand, as arrays."""
        return decisions_of(self.decided, self.resolved.values.shape)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What gold is made of. `machine` holds values and urgencies, `(cases, cells)`, where the machine is a voice.

    `is_read` and `is_excluded` are `(cases,)`: a case that still waits for readings is not read.
    """

    voices: Voices
    decided: Sequence[Decided]
    is_read: Bools
    is_excluded: Bools
    machine: tuple[Codes, Codes] | None = None


def settle(evidence: Evidence, rules: Rules) -> Settled:
    """Gold of all cases.

    A decision stands as long as readers still say of the cell what they said then. Cases that wait for readings have
    neither gold nor disputes; excluded ones no gold, whatever was decided.
    """
    voices = evidence.voices
    counts = evidence.is_read & ~evidence.is_excluded
    stand = tuple(each for each in evidence.decided if counts[each.case] and each.basis == _basis_at(voices, each))
    kinds = find_disputes(spoken(evidence), rules)
    kinds = np.where(counts[:, np.newaxis], kinds, np.int8(UNDISPUTED))
    for each in stand:
        kinds[each.case, each.cell] = UNDISPUTED
    decisions = decisions_of(stand, voices.values.shape[1:])
    resolved = resolve(voices, rules, decisions, disputes=kinds)
    resolved = resolved.only(counts)
    resolved.origins[evidence.is_excluded] = ord(Origin.EXCLUDED)
    return Settled(resolved, kinds, stand, counts)


def blind_decisions(settled: Settled) -> Decisions:
    """Decisions that stand and in whose cases neither readers nor adjudicators saw machine labels."""
    return settled.decisions.only(settled.resolved.origins == ord(Origin.ADJUDICATED_BLIND))


def settle_blind(evidence: Evidence, settled: Settled, rules: Rules) -> Resolved:
    """Gold as it would be had nobody started from machine labels, of the same cases.

    It is made of blind voices and `blind_decisions` alone: whether the others agree does not select its cells.
    """
    voices = evidence.voices
    return resolve(voices.only(voices.is_blind), rules, blind_decisions(settled)).only(settled.counts)


def spoken(evidence: Evidence) -> Voices:
    """All voices, the machine's among them where it is one."""
    voices = evidence.voices
    if evidence.machine is None:
        return voices
    values, urgencies = (each[np.newaxis] for each in evidence.machine)
    is_there = np.any(values != NO_CODE, axis=2)
    return Voices(
        np.concatenate([voices.values, values]),
        np.concatenate([voices.urgencies, urgencies]),
        np.concatenate([voices.readers, np.where(is_there, MACHINE, -1)]),
        np.concatenate([voices.is_blind, np.zeros(is_there.shape, bool)]),
    )


def machine_codes(place: Ints, values: Codes, urgencies: Codes, *, n_cases: int) -> tuple[Codes, Codes]:
    """What the machine says of cases, `(cases, cells)`, of codes `(labels, cells)` at these places; answers only."""
    is_answer, nothing = PRESENCE_OF_CODE[values] != UNSAID, np.uint8(NO_CODE)
    made = tuple(np.full((n_cases, values.shape[1]), NO_CODE, np.uint8) for _ in range(2))
    for full, given in zip(made, (values, urgencies), strict=True):
        full[place] = np.where(is_answer, given, nothing)
    return made[0], made[1]


def answers_at(voices: Voices, *, case: int, cell: int) -> list[tuple[str, str]]:
    """Value and urgency that each voice gives to a cell."""
    pairs = zip(voices.values[:, case, cell].tolist(), voices.urgencies[:, case, cell].tolist(), strict=True)
    return [(chr(value), chr(urgency)) for value, urgency in pairs if value != NO_CODE]


def basis_of(answers: Iterable[tuple[str, str]]) -> str:
    """SHA-256 of what readers say of a cell, whoever says it."""
    return hashlib.sha256(pattern_of(answers).encode()).hexdigest()


def _basis_at(voices: Voices, decided: Decided) -> str:
    return basis_of(answers_at(voices, case=decided.case, cell=decided.cell))


def decisions_of(decided: Iterable[Decided], shape: tuple[int, ...]) -> Decisions:
    """Decisions as arrays `(cases, cells)`."""
    made = Decisions.none(shape)
    for each in decided:
        place = each.case, each.cell
        made.values[place] = ord(each.value)
        made.levels[place] = LEVEL_OF_CODE[ord(each.urgency)]
        made.is_blind[place] = each.is_blind
    return made
