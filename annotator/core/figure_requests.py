"""What figures are asked for: of whom, against which truth, from which readings."""

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

# Goes up when the same inputs give other figures, so that stored ones are made anew.
METHOD_VERSION: Final = 3
N_RESAMPLES: Final = 1000
# The least p of n permutations is 1 / (n + 1): corrected for a hundred cells it must stay below 0.05.
N_COMPARED: Final = 5000
SEED: Final = 0
# Stands for what most readers say, where the name of a reader is the truth of one.
MAJORITY: Final = ""
# Stand for gold of blind origin, with assisted gold apart; for all gold; for what adjudicators decided; for assisted
# gold alone. No name of a user holds a colon.
GOLD: Final = ":gold"
GOLD_ANY: Final = ":gold-any"
GOLD_ADJUDICATED: Final = ":gold-adjudicated"
GOLD_ASSISTED: Final = ":gold-assisted"
GOLDS: Final = (GOLD, GOLD_ANY, GOLD_ADJUDICATED, GOLD_ASSISTED)


class Kind(StrEnum):
    """What is judged."""

    LABELER = "labeler"
    COMPARISON = "comparison"
    READERS = "readers"
    SCORES = "scores"
    ARMS = "arms"


class Origin(StrEnum):
    """Which readings count: those made without machine labels where there are any, only those, or all."""

    BLIND_FIRST = "blind-first"
    BLIND = "blind"
    ALL = "all"


class Level(StrEnum):
    """Whether cells are judged as the schema has them, or joined in its groups, or in its groups of groups.

    Groups of groups (any abnormality) have figures of their own: pooled with what they are made of, a finding would
    count twice.
    """

    CELLS = "cells"
    GROUPS = "groups"
    WIDE = "wide"


class RequestError(ValueError):
    """Figures that cannot be asked for. The message is meant for users."""


@dataclass(frozen=True, slots=True)
class FigureRequest:
    """One set of figures. `run` and `other` are ids of runs, as text.

    `truth` is `MAJORITY`, one of `GOLDS` or the name of a reader.
    """

    kind: Kind
    run: str = ""
    other: str = ""
    truth: str = MAJORITY
    origin: Origin = Origin.BLIND_FIRST
    level: Level = Level.CELLS
    n_resamples: int = N_RESAMPLES
    seed: int = SEED

    @classmethod
    def of(cls, kind: Kind, query: Mapping[str, str]) -> "FigureRequest":
        """What an address asks for. Raises `RequestError` for words that it cannot hold."""
        try:
            return cls(
                kind=kind,
                run=_run_id(query.get("run", "")) if kind != Kind.READERS else "",
                other=_run_id(query.get("other", "")) if kind == Kind.COMPARISON else "",
                truth=query.get("truth", MAJORITY) if kind not in {Kind.READERS, Kind.ARMS} else MAJORITY,
                # Arms are compared over all readings, each judged by the blind ones of others.
                origin=Origin(query.get("origin", Origin.BLIND_FIRST)) if kind != Kind.ARMS else Origin.ALL,
                # Scores and arms are of single cells.
                level=Level(query.get("level", Level.CELLS)) if kind not in {Kind.SCORES, Kind.ARMS} else Level.CELLS,
                n_resamples=N_COMPARED if kind == Kind.COMPARISON else N_RESAMPLES,
            )
        except ValueError as error:
            raise RequestError(str(error)) from error

    @classmethod
    def of_json(cls, stored: Mapping[str, Any]) -> "FigureRequest":
        """What `as_json` stored."""
        words = {"kind": Kind(stored["kind"]), "origin": Origin(stored["origin"]), "level": Level(stored["level"])}
        return cls(**(dict(stored) | words))

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @property
    def can_be_computed(self) -> bool:
        """Whether it names the runs that it takes, two different ones for a comparison."""
        if self.kind == Kind.COMPARISON:
            return bool(self.run and self.other) and self.run != self.other
        return bool(self.run) or self.kind == Kind.READERS

    @property
    def is_of_gold(self) -> bool:
        """Whether gold is the truth."""
        return self.truth in GOLDS

    @property
    def reader(self) -> str:
        """The reader whose word is the truth; empty where none is."""
        return "" if self.is_of_gold else self.truth

    @property
    def runs(self) -> tuple[str, ...]:
        """The runs whose labels count."""
        return tuple(run for run in (self.run, self.other) if run)


def fingerprint(parts: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON of `parts`."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _run_id(text: str) -> str:
    return str(uuid.UUID(text)) if text else ""
