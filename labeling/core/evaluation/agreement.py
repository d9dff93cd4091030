"""How much raters agree, in three stages, each among those for whom the one before is settled.

Presence: is it there (present or possible) or not, among raters who say so. Certainty: present or possible, among
raters who call it positive. Urgency: its level, among raters who call it positive and gave one. In each stage a unit
(a case and a cell) counts when at least two raters have a vote in it; all figures of a stage stand on these units.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from labeling.core.evaluation.ratings import NO_URGENCY, RANK_OF_STATE, Ratings, RatingsError
from labeling.core.evaluation.rows import Row
from labeling.core.evaluation.sound import Clusters
from labeling.core.evaluation.unit_tables import NOWHERE, Estimate, Measure, Scopes, Units, estimates
from labeling.core.metrics.agreement import (
    cohen_kappa,
    fleiss_kappa,
    gwet_ac,
    krippendorff_alpha,
    ordinal_weights,
    percent_agreement,
)
from labeling.core.tables import wide
from labeling.core.tables.records import LabelTable
from labeling.core.values import URGENCY_LEVELS, Value

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Categories = NDArray[np.int8]

PRESENCE, CERTAINTY, URGENCY = "presence", "certainty", "urgency"
STAGES: Final = (PRESENCE, CERTAINTY, URGENCY)
# Votes of this category are the positive ones of a stage.
_YES: Final = 1
_N_CATEGORIES: Final[Mapping[str, int]] = {PRESENCE: 2, CERTAINTY: 2, URGENCY: len(URGENCY_LEVELS)}
_QUADRATIC: Final = ordinal_weights(len(URGENCY_LEVELS))
_NO_VOTE: Final = -1


@dataclass(frozen=True, slots=True)
class Agreed:
    """One coefficient of all raters in one scope and stage.

    `scope` is `overall`, `finding`, `target` or `cell`. `n_units` are the units that at least two judged, `n_cases` the
    cases they lie in, `n_pairs` the pairs of raters in them, `n_positive` the votes for positive (in the stage
    certainty: for present), None for urgency.
    """

    scope: str
    name: str
    stage: str
    coefficient: str
    value: float
    low: float
    high: float
    n_cases: int
    n_units: int
    n_pairs: int
    n_positive: int | None

    def as_json(self) -> dict[str, Any]:
        """Plain values; what is undefined is None."""
        return _plain(asdict(self))

    def as_row(self) -> Row:
        """The row `overall`, `finding focal`, `target liver` or `liver focal`; `n` are the units."""
        metric = f"{self.stage} {self.coefficient}"
        return Row(
            _row_name(self.scope, self.name), metric, self.value, self.low, self.high, self.n_units, self.n_positive
        )


@dataclass(frozen=True, slots=True)
class Pair:
    """Two raters in one scope (`overall` or `finding`) and stage, on the units that both judged; `n_units` may be 0.

    Cohen's kappa is weighted quadratically for urgency.
    """

    first: str
    second: str
    scope: str
    name: str
    stage: str
    cohen_kappa: Estimate
    percent_agreement: Estimate
    n_cases: int
    n_units: int

    def as_json(self) -> dict[str, Any]:
        """Plain values, each figure as three; what is undefined is None."""
        values: dict[str, Any] = {}
        for name, value in asdict(self).items():
            ends = value if isinstance(value, dict) else {"value": value}
            values |= {name if end == "value" else f"{name}_{end}": each for end, each in ends.items()}
        return _plain(values)

    def as_rows(self) -> list[Row]:
        """Both figures, in the row `human a / human b`, for one finding with ` finding focal` after it."""
        name = f"human {self.first} / human {self.second}"
        row = name if self.scope == "overall" else f"{name} {_row_name(self.scope, self.name)}"
        kappa = "cohen_kappa_quadratic" if self.stage == URGENCY else "cohen_kappa"
        figures = {"percent_agreement": self.percent_agreement, kappa: self.cohen_kappa}
        return [
            Row(row, f"{self.stage} {name}", each.value, each.low, each.high, self.n_units)
            for name, each in figures.items()
        ]


@dataclass(frozen=True, slots=True)
class Agreements:
    """Coefficients of all raters, and of each two."""

    agreed: list[Agreed]
    pairs: list[Pair]


def _row_name(scope: str, name: str) -> str:
    return f"{scope} {name}" if scope in ("finding", "target") else name


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: None if isinstance(each, float) and math.isnan(each) else each for name, each in values.items()}


def stages_of(table: LabelTable) -> tuple[str, ...]:
    """The stages that a table of its format can answer: the wide one has no word for "possible"."""
    return tuple(stage for stage in STAGES if stage != CERTAINTY or table.format != wide.FORMAT_NAME)


def agreement(ratings: Ratings, clusters: Clusters, *, stages: Collection[str] = STAGES) -> Agreements:
    """Agreement of all raters overall, in each finding, target and cell, and of each two overall and in each finding.

    `clusters` are of the cases of `ratings`. Raters who share no case have a pair without units. A stage that is not
    among `stages` has no units: what could not be said was not asked.
    """
    by_stage = {
        stage: votes if stage in stages else np.full_like(votes, _NO_VOTE)
        for stage, votes in ((stage, _categories(ratings, stage)) for stage in STAGES)
    }
    agreed = _of_all(by_stage, _scopes_of_cells(ratings), clusters)
    scopes = _scopes_of_findings(ratings)
    pairs = [
        pair
        for first, second in combinations(range(len(ratings.raters)), 2)
        for pair in _of_two(
            (ratings.raters[first], ratings.raters[second]),
            {stage: (each[first], each[second]) for stage, each in by_stage.items()},
            scopes=scopes,
            clusters=clusters,
        )
    ]
    return Agreements(agreed, pairs)


def self_agreement(first: Ratings, again: Ratings, clusters: Clusters) -> list[Pair]:
    """Each rater of both beside itself, such as before and after some weeks; both have the same cases (`aligned`).

    Raises `RatingsError` when they have not, or have different cells.
    """
    if first.case_ids != again.case_ids or first.cells != again.cells:
        raise RatingsError("the two readings are not of the same cases and cells")
    earlier, later = ({stage: _categories(each, stage) for stage in STAGES} for each in (first, again))
    scopes = _scopes_of_findings(first)
    found = []
    for rater in (name for name in first.raters if name in again.raters):
        here, there = first.raters.index(rater), again.raters.index(rater)
        both = {stage: (earlier[stage][here], later[stage][there]) for stage in STAGES}
        found += _of_two((rater, rater), both, scopes=scopes, clusters=clusters)
    return found


def _categories(ratings: Ratings, stage: str) -> Categories:
    """What each rater votes in each unit of a stage, `(raters, cells, cases)`; negative where it has no vote."""
    if stage == PRESENCE:
        votes = np.where(ratings.known, ratings.positive, _NO_VOTE)
    elif stage == CERTAINTY:
        is_present = ratings.ranks == RANK_OF_STATE[Value.PRESENT]
        votes = np.where(ratings.positive, is_present, _NO_VOTE)
    else:
        given = ratings.positive & (ratings.urgencies != NO_URGENCY)
        votes = np.where(given, ratings.urgencies, _NO_VOTE)
    return np.ascontiguousarray(votes.swapaxes(1, 2), np.int8)


def _scopes_of_cells(ratings: Ratings) -> Scopes:
    findings, targets = (
        list(dict.fromkeys(getattr(cell, kind) for cell in ratings.cells)) for kind in ("finding", "target")
    )
    names = [("overall", "overall")]
    names += [("finding", name) for name in findings] + [("target", name) for name in targets]
    rows = [[True] * len(ratings.cells)]
    rows += [[cell.finding == name for cell in ratings.cells] for name in findings]
    rows += [[cell.target == name for cell in ratings.cells] for name in targets]
    names += [("cell", f"{cell.target} {cell.finding}") for cell in ratings.cells]
    member = np.concatenate([np.array(rows, np.int64), np.eye(len(ratings.cells), dtype=np.int64)])
    return Scopes(tuple(names), tuple(np.array([index], np.intp) for index in range(len(ratings.cells))), member)


def _scopes_of_findings(ratings: Ratings) -> Scopes:
    findings = list(dict.fromkeys(cell.finding for cell in ratings.cells))
    names = [("overall", "overall"), *(("finding", name) for name in findings)]
    parts = [np.flatnonzero([cell.finding == name for cell in ratings.cells]) for name in findings]
    member = np.concatenate([np.ones((1, len(findings)), np.int64), np.eye(len(findings), dtype=np.int64)])
    return Scopes(tuple(names), tuple(parts), member)


# All raters


def _of_all(by_stage: Mapping[str, Categories], scopes: Scopes, clusters: Clusters) -> list[Agreed]:
    voted = {stage: _by_votes(each, _N_CATEGORIES[stage]) for stage, each in by_stage.items()}
    stages = [(units, _measures(stage, votes)) for stage, (units, votes) in voted.items()]
    found = estimates(stages, scopes, clusters, stream="agreement")
    agreed = []
    for (stage, (units, votes)), figures in zip(voted.items(), found, strict=True):
        counts, n_cases = units.counts(scopes), units.n_cases(scopes)
        n_pairs = percent_agreement(votes, times=counts).n_pairs
        n_yes = None if stage == URGENCY else (counts @ votes)[:, _YES]
        for coefficient, values in figures.items():
            for index, (scope, name) in enumerate(scopes.names):
                each = values[index]
                n = int(n_cases[index]), int(counts[index].sum()), int(n_pairs[index])
                n_positive = None if n_yes is None else int(n_yes[index])
                agreed.append(
                    Agreed(scope, name, stage, coefficient, each.value, each.low, each.high, *n, n_positive=n_positive)
                )
    return _in_order_of(scopes, agreed)


def _in_order_of(scopes: Scopes, agreed: Sequence[Agreed]) -> list[Agreed]:
    """All of a scope together, stages and coefficients in the order they have."""
    place = {name: index for index, name in enumerate(scopes.names)}
    return sorted(agreed, key=lambda each: place[each.scope, each.name])


def _by_votes(categories: Categories, n_categories: int) -> tuple[Units, Ints]:
    """Units that at least two judged, by how many chose each category; and these votes, `(patterns, categories)`."""
    base = len(categories) + 1
    worth = base ** np.arange(n_categories, dtype=np.int64)
    code = np.zeros(categories.shape[1:], np.int64)
    for said in categories:
        code += np.where(said >= 0, worth[said], 0)
    codes = np.unique(code)
    votes = codes[:, np.newaxis] // worth % base
    counted = votes.sum(axis=1) >= 2
    number = np.where(counted, np.cumsum(counted) - 1, NOWHERE).astype(np.int32)
    return Units(number[np.searchsorted(codes, code)], int(counted.sum())), votes[counted]


def _measures(stage: str, votes: Ints) -> dict[str, Measure]:
    """The coefficients of a stage, as figures of how often each of `votes` occurs."""

    def percent(times: Ints) -> Floats:
        return percent_agreement(votes, times=times).value

    if stage == URGENCY:
        return {
            "percent_agreement": percent,
            "krippendorff_alpha_ordinal": lambda times: krippendorff_alpha(votes, times=times, level="ordinal").value,
            "gwet_ac2": lambda times: gwet_ac(votes, times=times, weights=_QUADRATIC).value,
        }
    return {
        "percent_agreement": percent,
        "fleiss_kappa": lambda times: fleiss_kappa(votes, times=times).value,
        "krippendorff_alpha": lambda times: krippendorff_alpha(votes, times=times).value,
        "gwet_ac1": lambda times: gwet_ac(votes, times=times).value,
    }


# Two raters


def _of_two(
    names: tuple[str, str],
    by_stage: Mapping[str, tuple[Categories, Categories]],
    *,
    scopes: Scopes,
    clusters: Clusters,
) -> list[Pair]:
    joint = {stage: _jointly(first, second, _N_CATEGORIES[stage]) for stage, (first, second) in by_stage.items()}
    stages = [(units, _pair_measures(stage)) for stage, units in joint.items()]
    found = estimates(stages, scopes, clusters, stream=" / ".join(names))
    pairs = []
    for (stage, units), figures in zip(joint.items(), found, strict=True):
        n_units, n_cases = units.counts(scopes).sum(axis=1), units.n_cases(scopes)
        for index, (scope, name) in enumerate(scopes.names):
            both = figures["cohen_kappa"][index], figures["percent_agreement"][index]
            pairs.append(
                Pair(*names, scope, name, stage, *both, n_cases=int(n_cases[index]), n_units=int(n_units[index]))
            )
    return pairs


def _jointly(first: Categories, second: Categories, n_categories: int) -> Units:
    """Units that both judged, by what the first said and then the second; categories are `(cells, cases)`."""
    judged = (first >= 0) & (second >= 0)
    return Units(np.where(judged, first * np.int32(n_categories) + second, NOWHERE).astype(np.int32), n_categories**2)


def _pair_measures(stage: str) -> dict[str, Measure]:
    n_categories = _N_CATEGORIES[stage]
    weights = _QUADRATIC if stage == URGENCY else None

    def kappa(counts: Ints) -> Floats:
        return cohen_kappa(_table(counts, n_categories), weights=weights).value

    def percent(counts: Ints) -> Floats:
        return cohen_kappa(_table(counts, n_categories)).observed

    return {"cohen_kappa": kappa, "percent_agreement": percent}


def _table(counts: Ints, n_categories: int) -> Ints:
    return counts.reshape(*counts.shape[:-1], n_categories, n_categories)
