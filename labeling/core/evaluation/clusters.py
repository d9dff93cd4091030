"""Cases that belong together, and the figures of resamples in which they are drawn together."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from labeling.core.metrics.bca import acceleration, bca_interval
from labeling.core.metrics.means import are_enough
from labeling.core.metrics.resampling import draw_clusters, percentile_interval, stream

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Whole = NDArray[np.integer]

PERCENTILE: Final = "percentile"
BCA: Final = "bca"
INTERVALS: Final = (PERCENTILE, BCA)
_STREAM: Final = "clusters"


@dataclass(frozen=True, slots=True)
class Estimates:
    """Figures of the data with their 95 % intervals, and `(resamples, ...)` of them."""

    values: Floats
    low: Floats
    high: Floats
    samples: Floats

    def with_last_a_mean(self) -> "Estimates":
        """The same; of the last figure, a mean, without interval and samples where too few of these are defined."""
        low, high, samples = (each.copy() for each in (self.low, self.high, self.samples))
        is_thin = ~are_enough(samples[..., -1])
        for each in (low, high, samples):
            each[..., is_thin, -1] = np.nan
        return replace(self, low=low, high=high, samples=samples)


@dataclass(frozen=True, slots=True)
class Drawn:
    """Counts by cluster `(clusters, ...)`, those of resamples `(resamples, ...)`, and the kind of interval."""

    by_cluster: Whole
    resamples: Ints
    interval: str

    @property
    def whole(self) -> Ints:
        """The counts of the data."""
        return np.asarray(self.by_cluster.sum(axis=0, dtype=np.int64))

    def estimated(self, figures: Callable[[Whole], Floats]) -> Estimates:
        """What `figures` makes of the counts: figures `(..., *out)` of counts `(..., *shape)`."""
        values, samples = figures(self.whole), figures(self.resamples)
        if self.interval == BCA:
            accelerations = acceleration(self.by_cluster, figures)
            low, high = bca_interval(samples, values=values, accelerations=accelerations)
        else:
            low, high = percentile_interval(samples)
        return Estimates(values, low, high, samples)


@dataclass(frozen=True, slots=True)
class Clusters:
    """Which cases belong together, `(cases,)` from 0, and how resamples of them are drawn.

    Whatever is counted, the same clusters are drawn: figures of two tables can be compared resample by resample.
    `interval` is one of `INTERVALS`.
    """

    of_case: Ints
    n_resamples: int = 1000
    seed: int = 0
    interval: str = PERCENTILE

    @classmethod
    def of(
        cls,
        case_ids: Sequence[str],
        patient_of: Mapping[str, str],
        *,
        n_resamples: int,
        seed: int,
        interval: str = PERCENTILE,
    ) -> "Clusters":
        """Cases of one patient together; a case without a known patient is one of its own."""
        names = [("patient", patient_of[each]) if each in patient_of else ("case", each) for each in case_ids]
        number = {name: index for index, name in enumerate(dict.fromkeys(names))}
        return cls(np.array([number[name] for name in names], np.int64), n_resamples, seed, interval)

    @property
    def n_clusters(self) -> int:
        """Clusters in all."""
        return int(self.of_case.max(initial=-1)) + 1

    def rng(self, row: str) -> np.random.Generator:
        """The stream of a row: the same whatever other rows there are."""
        return stream(self.seed, row)

    def sums(self, counts: Ints) -> Ints:
        """Counts `(cases, ...)` summed by cluster."""
        summed = np.zeros((self.n_clusters, *counts.shape[1:]), np.int64)
        np.add.at(summed, self.of_case, counts)
        return summed

    def tables(self, codes: NDArray[np.int8], n_codes: int) -> NDArray[np.int32]:
        """How often each of `codes` `(cases, columns)` occurs in each cluster: `(clusters, columns, n_codes)`.

        Codes are 0 to `n_codes` - 1; a negative one counts nowhere.
        """
        tables = np.zeros((self.n_clusters, codes.shape[1], n_codes), np.int32)
        for column in range(codes.shape[1]):
            tables[:, column] = self._table(codes[:, column], n_codes)
        return tables

    def pooled_table(self, codes: NDArray[np.int8], n_codes: int) -> NDArray[np.int32]:
        """As `tables`, the columns taken together: `(clusters, n_codes)`."""
        table = np.zeros((self.n_clusters, n_codes), np.int32)
        for column in range(codes.shape[1]):
            table += self._table(codes[:, column], n_codes)
        return table

    def _table(self, codes: NDArray[np.int8], n_codes: int) -> NDArray[np.int32]:
        place = self.of_case * (n_codes + 1) + 1 + codes  # the first place of each cluster is for what counts nowhere
        counts = np.bincount(place, minlength=self.n_clusters * (n_codes + 1))
        return counts.reshape(-1, n_codes + 1)[:, 1:].astype(np.int32)

    def drawn(self, by_cluster: Whole) -> Drawn:
        """Resamples of counts by cluster `(clusters, ...)`."""
        resamples = draw_clusters(by_cluster, n_resamples=self.n_resamples, rng=self.rng(_STREAM))
        return Drawn(by_cluster, resamples, self.interval)
