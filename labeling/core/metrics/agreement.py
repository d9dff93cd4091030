"""How much raters agree, beyond chance: of tables of votes, so that resamples of thousands of cases cost one call.

The input is `votes`: arrays `(..., cases, categories)` with the number of raters who chose each category. Cases that
fewer than two raters judged say nothing of agreement; Fleiss' and Gwet's chance terms take in those that one judged.
Every coefficient is undefined (NaN) when no case was judged twice, and when chance alone would agree everywhere.
With few raters the same votes come again and again: `votes` may be the distinct ones `(patterns, categories)`, beside
`times` `(..., patterns)`, how many cases have each. A table of resamples is then one small matrix product.
`weights` are `(categories, categories)`, 1 on the diagonal: what a pair of categories agrees; None for equal or not.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Agreement:
    """A coefficient, the share of agreeing pairs, and what both were computed on."""

    value: Floats
    observed: Floats
    n_cases: Ints
    n_pairs: Ints


def votes_of(ranks: NDArray[np.int8], n_categories: int) -> Ints:
    """Votes `(cases, ..., categories)` of categories `(raters, cases, ...)`; a negative one is no vote."""
    return np.stack([(ranks == category).sum(axis=0) for category in range(n_categories)], axis=-1)


def ordinal_weights(n_categories: int, *, power: int = 2) -> Floats:
    """Weights that fall with the distance of two ranks: linear (1) or quadratic (2). One category: 1."""
    rank = np.arange(n_categories)
    widest = max(1, n_categories - 1)
    return np.asarray(1 - (np.abs(rank[:, np.newaxis] - rank) / widest) ** power)


def percent_agreement(votes: Ints, *, times: Ints | None = None, weights: Floats | None = None) -> Agreement:
    """Share of agreeing pairs of raters, each case counting the same."""
    observed, n_cases, n_pairs = _observed(votes, times, weights)
    return Agreement(observed, observed, n_cases, n_pairs)


def fleiss_kappa(votes: Ints, *, times: Ints | None = None, weights: Floats | None = None) -> Agreement:
    """Fleiss' kappa (1971), for any number of raters per case; with weights its weighted form (Gwet 2014, 3.3).

    Chance is what the shares of the categories give, each case counting the same.
    """
    observed, n_cases, n_pairs = _observed(votes, times, weights)
    chance = _chance(_shares(votes, times), weights)
    return Agreement(_beyond(observed, chance), observed, n_cases, n_pairs)


def gwet_ac(votes: Ints, *, times: Ints | None = None, weights: Floats | None = None) -> Agreement:
    """Gwet's AC1, with weights AC2 (Gwet 2008; 2014, ch. 5): chance is the share of cases hard to judge.

    One category: undefined.
    """
    observed, n_cases, n_pairs = _observed(votes, times, weights)
    n_categories = votes.shape[-1]
    shares = _shares(votes, times)
    total = n_categories if weights is None else float(weights.sum())
    spread = (shares * (1 - shares)).sum(axis=-1)
    chance = total * spread / (n_categories * (n_categories - 1)) if n_categories > 1 else np.ones(spread.shape)
    return Agreement(_beyond(observed, chance), observed, n_cases, n_pairs)


def krippendorff_alpha(votes: Ints, *, times: Ints | None = None, level: str = "nominal") -> Agreement:
    """Krippendorff's alpha (2011), `level` nominal or ordinal; pairs of a case weigh by its number of raters.

    Raises ValueError for another level.
    """
    n_raters = votes.sum(axis=-1, keepdims=True)
    kept = np.where(n_raters >= 2, votes, 0).astype(np.float64)
    scaled = kept * np.where(n_raters >= 2, 1 / np.maximum(n_raters - 1, 1), 0.0)
    if times is None:
        both = np.einsum("...ic,...id->...cd", scaled, kept)
    else:
        both = np.tensordot(times, scaled[:, :, np.newaxis] * kept[:, np.newaxis, :], axes=1)
    coincidence = both - _total(scaled, times)[..., np.newaxis] * np.eye(votes.shape[-1])
    margins = coincidence.sum(axis=-1)
    n = margins.sum(axis=-1)
    distance = _distance(margins, level)
    seen = (coincidence * distance).sum(axis=(-2, -1))
    outer = margins[..., :, np.newaxis] * margins[..., np.newaxis, :]
    by_chance = (outer * distance).sum(axis=(-2, -1))
    ratio = np.divide((n - 1) * seen, by_chance, out=np.full(np.shape(n), np.nan), where=by_chance > 0)
    observed, n_cases, n_pairs = _observed(votes, times, None)
    return Agreement(1 - ratio, observed, n_cases, n_pairs)


def cohen_kappa(tables: Ints, *, weights: Floats | None = None) -> Agreement:
    """Cohen's kappa (1960; weighted 1968) of tables `(..., categories, categories)` of two raters' pairs."""
    counts = tables.astype(np.float64)
    n = counts.sum(axis=(-2, -1))
    agree = np.eye(tables.shape[-1]) if weights is None else weights
    shares = np.divide(counts, n[..., np.newaxis, np.newaxis], out=np.zeros_like(counts), where=n[..., None, None] > 0)
    observed = np.where(n > 0, (shares * agree).sum(axis=(-2, -1)), np.nan)
    outer = shares.sum(axis=-1)[..., :, np.newaxis] * shares.sum(axis=-2)[..., np.newaxis, :]
    chance = (outer * agree).sum(axis=(-2, -1))
    cases = n.astype(np.int64)
    return Agreement(_beyond(observed, chance), observed, cases, cases)


def _total(values: NDArray[Any], times: Ints | None) -> NDArray[Any]:
    """Sums over cases of `(..., cases, categories)`; each counts as often as `times` says."""
    return np.asarray(values.sum(axis=-2) if times is None else times @ values)


def _observed(votes: Ints, times: Ints | None, weights: Floats | None) -> tuple[Floats, Ints, Ints]:
    """Mean over cases of the share of agreeing pairs, the cases judged twice, and the pairs of raters in them."""
    n_raters = votes.sum(axis=-1)
    alike = votes if weights is None else votes @ weights
    pairs = n_raters * (n_raters - 1)
    agreeing = (votes * (alike - 1)).sum(axis=-1)
    judged = n_raters >= 2
    share = np.divide(agreeing, pairs, out=np.zeros(pairs.shape), where=judged)
    n_cases = _total(judged[..., np.newaxis].astype(np.int64), times)[..., 0]
    total = _total(share[..., np.newaxis], times)[..., 0]
    mean = np.divide(total, n_cases, out=np.full(np.shape(n_cases), np.nan), where=n_cases > 0)
    return np.asarray(mean), n_cases, _total(np.where(judged, pairs, 0)[..., np.newaxis], times)[..., 0] // 2


def _shares(votes: Ints, times: Ints | None) -> Floats:
    """Shares of the categories, each case that anybody judged counting the same."""
    n_raters = votes.sum(axis=-1, keepdims=True)
    kept = n_raters > 0
    share = np.divide(votes, n_raters, out=np.zeros(votes.shape), where=kept)
    total, n_cases = _total(share, times), _total(kept.astype(np.int64), times)
    return np.asarray(np.divide(total, n_cases, out=np.zeros(total.shape), where=n_cases > 0))


def _chance(shares: Floats, weights: Floats | None) -> Floats:
    alike = shares if weights is None else shares @ weights
    return np.asarray((shares * alike).sum(axis=-1))


def _beyond(observed: Floats, chance: Floats) -> Floats:
    """(observed - chance) / (1 - chance); undefined when chance agrees everywhere, but for rounding."""
    room = 1 - np.asarray(chance)
    return np.asarray(np.divide(observed - chance, room, out=np.full(np.shape(room), np.nan), where=room > 1e-12))


def _distance(margins: Floats, level: str) -> Floats:
    n_categories = margins.shape[-1]
    if level == "nominal":
        return 1 - np.eye(n_categories)
    if level != "ordinal":
        raise ValueError(f"level {level!r} is neither nominal nor ordinal")
    cumulative = margins.cumsum(axis=-1)
    middle = cumulative - margins / 2
    return np.asarray((middle[..., :, np.newaxis] - middle[..., np.newaxis, :]) ** 2)
