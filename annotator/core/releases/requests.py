"""What a release is asked to be: its cases, origins, splits, formats, and whether report texts are in it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Self

from annotator.core.releases.formats import FORMATS
from annotator.core.releases.records import ReleaseError
from annotator.core.releases.splits import check_fractions
from annotator.core.releases.writing import ordered_formats
from annotator.core.resolution import ASSISTED_ORIGINS, BLIND_ORIGINS, Origin

ALL, BLIND = "all", "blind"
# The origins that are released; cells of the others are undecided there.
KEPT: Final[Mapping[str, frozenset[str]]] = {
    ALL: frozenset((*BLIND_ORIGINS, *ASSISTED_ORIGINS)),
    BLIND: frozenset(BLIND_ORIGINS),
}
ORIGIN_NAMES: Final[Mapping[str, str]] = {
    Origin.SINGLE_BLIND: "single blind",
    Origin.DOUBLE_BLIND: "double blind",
    Origin.MAJORITY: "majority",
    Origin.ASSISTED: "assisted",
    Origin.ADJUDICATED_BLIND: "adjudicated, blind",
    Origin.ADJUDICATED_ASSISTED: "adjudicated, assisted",
    Origin.UNDECIDED: "undecided",
    Origin.EXCLUDED: "excluded",
}
MOST_SEED: Final = 2**32 - 1
DEFAULT_FRACTIONS: Final = {"train": 0.7, "validation": 0.1, "test": 0.2}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRequest:
    """What is asked for. `fractions` empty: no splits; `splits_of` names a release whose patients keep their split."""

    origins: str = ALL
    only_final: bool = True
    with_texts: bool = False
    fractions: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0
    splits_of: str = ""
    formats: tuple[str, ...] = tuple(FORMATS)

    def __post_init__(self) -> None:
        """Raise `ReleaseError` for what cannot be."""
        if self.origins not in KEPT:
            raise ReleaseError(f"origins is {self.origins[:20]!r}, expected is {' or '.join(KEPT)}")
        if not 0 <= self.seed <= MOST_SEED:
            raise ReleaseError(f"the seed is {self.seed}, expected is a whole number from 0 to {MOST_SEED}")
        if self.fractions:
            check_fractions(self.fractions)
        elif self.splits_of:
            raise ReleaseError("splits are kept from an earlier release, but no shares of splits are given")
        ordered_formats(self.formats)

    @classmethod
    def of_json(cls, stored: Mapping[str, Any]) -> Self:
        """The request that was stored."""
        return cls(**{**stored, "formats": tuple(stored["formats"])})

    def as_json(self) -> dict[str, Any]:
        """Plain JSON that `of_json` reads."""
        return asdict(self) | {"fractions": dict(self.fractions), "formats": list(self.formats)}
