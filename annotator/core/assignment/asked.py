"""What a manager asks for, as it is stored with a plan and sent by a form or the shell."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from annotator.core.assignment.requests import Order, Overlap, PlanReader, Repeats


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedReader:
    """A reader by user name; `quota` readings at most, `share` of the load of a full reader."""

    name: str
    quota: int | None = None
    share: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedPlan:
    """A plan without the cases and seats that exist.

    Without `readers` it makes a queue. `overlap` is readers for a case and share of the cases. `rates` are shares of
    cases to read by stratum, 1 where it says nothing; strata are told apart by modality, and by whether the pre-fill
    calls a case positive in a cell that it calls positive in less than `rare_below` of the cases. `keys` are the cases
    that may be read, all where it is None.
    """

    readers: tuple[AskedReader, ...] = ()
    overlap: tuple[tuple[int, float], ...] = ((1, 1.0),)
    by_modality: bool = False
    rare_below: float | None = None
    rates: Mapping[str, float] = field(default_factory=dict)
    keys: tuple[str, ...] | None = None
    arms: Mapping[str, float] = field(default_factory=lambda: {"prefilled": 1.0})
    mixes_arms: bool = False
    repeats_share: float = 0.0
    repeats_after_days: int = 0
    repeats_after_cases: int = 0
    order: str = Order.SHUFFLED
    keeps_patients_together: bool = False
    moves_unread: bool = False
    seed: int = 0

    @property
    def is_queue(self) -> bool:
        """Whether whoever is free takes the next case."""
        return not self.readers

    def as_json(self) -> dict[str, Any]:
        """Plain values, from which `of_json` makes it again."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return plain

    @classmethod
    def of_json(cls, stored: Mapping[str, Any]) -> "AskedPlan":
        """What `as_json` gave; what else is in there is left out."""
        known = {name: stored[name] for name in cls.__dataclass_fields__ if name in stored}
        known["readers"] = tuple(AskedReader(**reader) for reader in stored["readers"])
        known["overlap"] = tuple((int(n), float(share)) for n, share in stored["overlap"])
        known["keys"] = None if stored.get("keys") is None else tuple(stored["keys"])
        return cls(**known)

    def fingerprint(self) -> str:
        """The same for the same plan."""
        return hashlib.sha256(json.dumps(self.as_json(), sort_keys=True).encode()).hexdigest()

    @property
    def plan_readers(self) -> tuple[PlanReader, ...]:
        """The readers, by name."""
        return tuple(PlanReader(key=each.name, quota=each.quota, share=each.share) for each in self.readers)

    @property
    def plan_overlap(self) -> tuple[Overlap, ...]:
        """Readers for a case, and the share of the cases that get so many."""
        return tuple(Overlap(n, share) for n, share in self.overlap)

    @property
    def plan_repeats(self) -> Repeats | None:
        """Which cases come again; None where none do."""
        if not self.repeats_share:
            return None
        return Repeats(
            share=self.repeats_share, after_days=self.repeats_after_days, after_cases=self.repeats_after_cases
        )
