"""Units (a case and a cell) counted by what was said of them, and figures of those counts with intervals.

What raters say of a unit is one of a few patterns, so that a scope (some cells) is a short row of counts. Clusters of
cases are drawn as wholes, and in each resample every scope is made of the same clusters.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from labeling.core.evaluation.sound import Clusters
from labeling.core.metrics.resampling import draw_weights, percentile_interval

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Places = NDArray[np.int32]
# A figure of counts `(..., patterns)`.
Measure = Callable[[Ints], Floats]

NOWHERE: Final = -1
# Weights (resamples x clusters) and counts (resamples x scopes x patterns) held at a time: 400 and 160 MB.
_MOST_WEIGHTS: Final = 100_000_000
_MOST_COUNTS: Final = 20_000_000
# Whole numbers up to this are exact in single precision, whose products take half the time.
_EXACT_IN_SINGLE: Final = 2**24
# Parts are taken together up to so many patterns in one product.
_COLUMNS: Final = 64


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval; NaN where undefined."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Scopes:
    """Parts of the cells by kind and name. `parts` are cells never told apart; `member` is `(scopes, parts)`."""

    names: tuple[tuple[str, str], ...]
    parts: tuple[NDArray[np.intp], ...]
    member: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Units:
    """The pattern of each unit, `(cells, cases)`, or `NOWHERE` for one that does not count."""

    place: Places
    n_patterns: int

    def counts(self, scopes: Scopes) -> Ints:
        """Units with each pattern, `(scopes, patterns)`."""
        by_part = [_counted(self.place[part], self.n_patterns) for part in scopes.parts]
        return np.asarray(scopes.member @ np.array(by_part, np.int64).reshape(len(by_part), self.n_patterns))

    def n_cases(self, scopes: Scopes) -> Ints:
        """Cases with a unit that counts, `(scopes,)`."""
        by_part = np.array([(self.place[part] != NOWHERE).any(axis=0) for part in scopes.parts])
        return np.array([by_part[row > 0].any(axis=0).sum() for row in scopes.member], np.int64)


def _counted(place: Places, n_patterns: int) -> Ints:
    return np.bincount(place[place != NOWHERE], minlength=n_patterns)


@dataclass(frozen=True, slots=True)
class _Drawn:
    """Clusters that have a unit, numbered from 0; NOWHERE for a case of none of them."""

    of_case: Ints
    n_clusters: int

    @classmethod
    def of(cls, clusters: Clusters, stages: Sequence[Units]) -> "_Drawn":
        has_unit = np.zeros(len(clusters.of_case), bool)
        for units in stages:
            has_unit |= (units.place != NOWHERE).any(axis=0)
        kept, number = np.unique(clusters.of_case[has_unit], return_inverse=True)
        of_case = np.full(len(has_unit), NOWHERE, np.int64)
        of_case[has_unit] = number
        return cls(of_case, len(kept))

    def counts(self, units: Units, parts: Sequence[NDArray[np.intp]]) -> tuple[Ints, Ints]:
        """Clusters that have a unit in one of the parts, and their counts `(clusters, parts, patterns)`.

        All clusters when most have one: leaving some out costs more than it saves.
        """
        is_there = np.zeros(self.n_clusters, bool)
        for part in parts:
            is_there[self.of_case[(units.place[part] != NOWHERE).any(axis=0)]] = True
        is_there |= 2 * is_there.sum() > self.n_clusters
        number = np.cumsum(is_there) - 1
        n_rows = int(is_there.sum())
        counts = np.empty((n_rows, len(parts), units.n_patterns), np.int64)
        for index, part in enumerate(parts):
            place = units.place[part]
            cell, case = np.nonzero(place != NOWHERE)
            code = number[self.of_case[case]] * units.n_patterns + place[cell, case]
            counts[:, index] = np.bincount(code, minlength=n_rows * units.n_patterns).reshape(n_rows, units.n_patterns)
        return np.flatnonzero(is_there), counts


def estimates(
    stages: Sequence[tuple[Units, Mapping[str, Measure]]], scopes: Scopes, clusters: Clusters, *, stream: str
) -> list[dict[str, list[Estimate]]]:
    """The measures of each stage in each scope, from the units themselves and from resamples of clusters.

    Clusters without any unit of any stage are not drawn. `stream` names the random numbers.
    """
    samples: list[dict[str, list[Floats]]] = [{name: [] for name in measures} for _, measures in stages]
    for drawn in _resamples([units for units, _ in stages], scopes, clusters, rng=clusters.rng(stream)):
        for (_, measures), found, counts in zip(stages, samples, drawn, strict=True):
            for name, measure in measures.items():
                found[name].append(measure(counts))
    whole = [units.counts(scopes) for units, _ in stages]
    return [
        {name: _estimated(measure(counts), found[name]) for name, measure in measures.items()}
        for counts, (_, measures), found in zip(whole, stages, samples, strict=True)
    ]


def _estimated(values: Floats, samples: Sequence[Floats]) -> list[Estimate]:
    drawn = np.concatenate(samples, axis=0) if samples else np.zeros((0, len(values)))
    low, high = percentile_interval(drawn)
    return [Estimate(float(value), float(a), float(b)) for value, a, b in zip(values, low, high, strict=True)]


def _resamples(
    stages: Sequence[Units], scopes: Scopes, clusters: Clusters, *, rng: np.random.Generator
) -> Iterator[list[Ints]]:
    """Counts `(resamples, scopes, patterns)` of each stage, some resamples at a time."""
    drawn = _Drawn.of(clusters, stages)
    wide = len(scopes.names) * max((units.n_patterns for units in stages), default=1)
    step = max(1, min(_MOST_WEIGHTS // max(1, drawn.n_clusters), _MOST_COUNTS // max(1, wide)))
    for weights in _weights(drawn.n_clusters, step=step, n_resamples=clusters.n_resamples, rng=rng):
        yield [_summed(units, scopes, drawn, weights) for units in stages]


def _weights(
    n_clusters: int, *, step: int, n_resamples: int, rng: np.random.Generator
) -> Iterator[NDArray[np.float32]]:
    """How often each cluster is drawn, `(resamples, n_clusters)`, at most `step` resamples at a time."""
    for start in range(0, n_resamples if n_clusters else 0, step):
        weights = np.empty((min(step, n_resamples - start), n_clusters), np.float32)
        for rows, block in draw_weights(n_clusters, n_resamples=len(weights), rng=rng):
            weights[rows] = block
        yield weights


def _summed(units: Units, scopes: Scopes, drawn: _Drawn, weights: NDArray[np.float32]) -> Ints:
    """Counts of resamples, `(resamples, scopes, patterns)`: drawn for each part, summed for each scope."""
    by_part = np.zeros((len(scopes.parts), len(weights), units.n_patterns))
    step = max(1, _COLUMNS // max(1, units.n_patterns))
    for start in range(0, len(scopes.parts), step):
        rows, counts = drawn.counts(units, scopes.parts[start : start + step])
        if counts.size:
            here = weights if rows.size == drawn.n_clusters else weights[:, rows]
            exact = np.float32 if drawn.n_clusters * int(counts.max()) < _EXACT_IN_SINGLE else np.float64
            sums = here.astype(exact, copy=False) @ counts.reshape(len(counts), -1).astype(exact)
            by_part[start : start + step] = sums.reshape(len(sums), *counts.shape[1:]).swapaxes(0, 1)
    summed = np.tensordot(scopes.member.astype(np.float64), by_part, axes=1)
    return np.ascontiguousarray(summed.swapaxes(0, 1)).astype(np.int64)
