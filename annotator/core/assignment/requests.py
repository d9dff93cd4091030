"""What a plan is asked for, and the seats that it is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

_SHARES_ADD_UP: Final = 1e-9


class PlanError(ValueError):
    """No plan can meet the request. The message is meant for users: what is short, of what is asked."""


class Order(StrEnum):
    """In which order readers get their cases: as the cases were imported, or each in a random order of their own."""

    GIVEN = "given"
    SHUFFLED = "shuffled"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanCase:
    """A case that may be read. `patient` groups cases; `batch` names the frame that it was sampled from.

    `n_readers` is how many readers an earlier plan gave it, None where none did: it does not fall below.
    """

    key: str
    patient: str
    stratum: str = ""
    batch: str = ""
    n_readers: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanReader:
    """A reader: `quota` readings at most (repeats and those done included), `share` of the load of a full reader.

    `is_available` is False for who gets no new case and keeps those that they have.
    """

    key: str
    quota: int | None = None
    share: float = 1.0
    is_available: bool = True


@dataclass(frozen=True, slots=True)
class Overlap:
    """So many readers for each of a share of the cases."""

    n_readers: int
    share: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeats:
    """A share of each reader's cases again: at least so many days, and so many other cases, after the first time."""

    share: float
    after_days: int
    after_cases: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedSeat:
    """One reading to come. `reader` is None in a queue; `place` counts from 1 in the reader's list, or in the queue."""

    case: str
    reader: str | None
    arm: str
    round: int
    place: int
    stratum: str
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldSeat:
    """A seat that exists. One that `can_move` (nothing was read) may go to another reader if the request says so."""

    case: str
    reader: str | None
    arm: str
    round: int = 1
    place: int = 1
    stratum: str = ""
    can_move: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRequest:
    """Everything that decides a plan. Without `readers` the seats are a queue from which whoever is free pulls.

    `wanted` is the number of cases to read by stratum, those of earlier plans included; all where it says nothing.
    `arms` are shares by arm; `mixes_arms` gives each case at least one blank and one pre-filled reader. `barred` are
    cases and readers who never get them.
    """

    cases: tuple[PlanCase, ...]
    readers: tuple[PlanReader, ...] = ()
    overlap: tuple[Overlap, ...] = (Overlap(1),)
    wanted: Mapping[str, int] = field(default_factory=dict)
    arms: Mapping[str, float] = field(default_factory=lambda: {"prefilled": 1.0})
    mixes_arms: bool = False
    repeats: Repeats | None = None
    order: Order = Order.SHUFFLED
    keeps_patients_together: bool = False
    moves_unread: bool = False
    held: tuple[HeldSeat, ...] = ()
    barred: frozenset[tuple[str, str]] = frozenset()
    seed: int = 0

    @property
    def is_queue(self) -> bool:
        """Whether the seats name no reader."""
        return not self.readers


def check_request(request: PlanRequest) -> None:
    """Raise `PlanError` for what no plan can be made of."""
    if not request.cases:
        raise PlanError("There are no cases to plan for: expected at least one.")
    _check_twice("case", [case.key for case in request.cases])
    _check_twice("reader", [reader.key for reader in request.readers])
    unknown = {seat.case for seat in request.held} - {case.key for case in request.cases}
    if unknown:
        raise PlanError(f"There are seats of the case {min(unknown)}, which is not among the cases.")
    _check_shares("cases by number of readers", [part.share for part in request.overlap])
    _check_shares("arms", list(request.arms.values()))
    _check_readers(request)
    _check_repeats(request)


def _check_twice(noun: str, keys: list[str]) -> None:
    if len(set(keys)) < len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        raise PlanError(f"The {noun} {twice} is there twice: expected each {noun} once.")


def _check_shares(noun: str, shares: list[float]) -> None:
    if not all(0 <= share <= 1 for share in shares) or abs(sum(shares) - 1) > _SHARES_ADD_UP:
        said = ", ".join(f"{100 * share:g} %" for share in shares) or "none"
        raise PlanError(f"The shares of {noun} are {said}: expected shares from 0 to 100 % that add up to 100 %.")


def _check_readers(request: PlanRequest) -> None:
    most = max(part.n_readers for part in request.overlap)
    if min(part.n_readers for part in request.overlap) < 1:
        raise PlanError("A case with no reader: expected at least 1 reader for each case that is read.")
    can_read = [reader for reader in request.readers if reader.is_available]
    if not request.is_queue and len(can_read) < most and not request.held:
        raise PlanError(f"{most} readers for one case are asked for, and there are {len(can_read)}.")
    for reader in request.readers:
        if reader.share <= 0 or (reader.quota is not None and reader.quota < 0):
            raise PlanError(f"Reader {reader.key}: expected a share above 0 and a quota of 0 or more.")
    if request.mixes_arms and set(request.arms.values()) != {0.5}:
        raise PlanError(
            "A blank and a pre-filled reader for each case needs both arms at 50 %: "
            + ", ".join(f"{arm} is at {100 * share:g} %" for arm, share in request.arms.items())
            + "."
        )
    if request.mixes_arms and most < 2:
        raise PlanError("A blank and a pre-filled reader for each case needs 2 readers for a case: 1 is asked for.")


def _check_repeats(request: PlanRequest) -> None:
    repeats = request.repeats
    if repeats is None:
        return
    if request.is_queue:
        raise PlanError("Repeats need named readers: in a queue nobody knows who reads a case first.")
    if not 0 < repeats.share <= 1 or repeats.after_days < 0 or repeats.after_cases < 0:
        raise PlanError("Repeats: expected a share above 0 % and up to 100 %, and days and cases of 0 or more.")
