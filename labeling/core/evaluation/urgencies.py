"""How raters use the levels of urgency."""

from dataclasses import dataclass

from labeling.core.evaluation.ratings import Ratings
from labeling.core.evaluation.rows import Row
from labeling.core.values import URGENCY_LEVELS


@dataclass(frozen=True, slots=True)
class UrgencyShares:
    """One rater's urgencies: how many of each level, lowest first."""

    rater: str
    counts: tuple[int, ...]

    @property
    def n(self) -> int:
        """How many it gave."""
        return sum(self.counts)

    @property
    def percent(self) -> tuple[float, ...]:
        """The percentage of each level; NaN where it gave none."""
        return tuple(100 * count / self.n if self.n else float("nan") for count in self.counts)

    def as_rows(self, row: str) -> list[Row]:
        """A row for each level, called `row`."""
        return [Row(row, f"urgency {level} %", share, n=self.n) for level, share in enumerate(self.percent)]


def urgency_shares(ratings: Ratings) -> list[UrgencyShares]:
    """For each rater the percentage of each level among all urgencies it gave, whatever the cell (LEAVS Table 5)."""
    shares = []
    for rater, urgencies in zip(ratings.raters, ratings.urgencies, strict=True):
        shares.append(UrgencyShares(rater, tuple(int((urgencies == level).sum()) for level in URGENCY_LEVELS)))
    return shares
