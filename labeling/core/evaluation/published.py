"""Tables 1, 2, 4 and 5 as LEAVS computed them, with every rule and quirk (PROTOCOL 1 to 8).

The sound variant is `labeling.core.evaluation.sound`. Here undefined figures are 0, printed values are medians of
resamples of single pairs, and each labeler is judged on cells of its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from labeling.core.evaluation.ratings import NO_URGENCY, Ratings
from labeling.core.evaluation.rows import Row
from labeling.core.evaluation.urgencies import urgency_shares
from labeling.core.metrics.ordinal import tau_b
from labeling.core.metrics.presence import FIGURES, Counts
from labeling.core.metrics.resampling import bootstrap_p, draw_pairs, stream
from labeling.core.schema import Group

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

TYPES: Final = (
    Group("size", ("enlarged", "atrophy")),
    Group("diffuse", ("diffuse",)),
    Group("focal", ("focal",)),
    Group("ps", ("postsurgical", "absent")),
)
ANY: Final = (Group("any abnormality", tuple(member for group in TYPES for member in group.members)),)
NAMES: Final = ("f1", "precision", "recall", "specificity", "mcc")
# A cell counts with more positives than this; an organ with more cases away from the commonest urgency.
LEAST: Final = 10


@dataclass(frozen=True, slots=True)
class Resampling:
    """How often resamples are drawn, and from which seed; each row draws from a stream of its own."""

    n_resamples: int = 2000
    seed: int = 0

    def rng(self, row: str) -> np.random.Generator:
        """The stream of a row: the same whatever other rows there are."""
        return stream(self.seed, row)


def presence_rows(reference: Ratings, labeler: Ratings, how: Resampling) -> list[Row]:
    """Tables 1 and 2: the labeler in each cell and pooled, each human pooled, and the labeler on the human's pairs.

    `reference` has the humans, `labeler` one rater; both have the same cases and merged cells. A cell counts with more
    than ten positives among the pairs of the labeler that is judged (PROTOCOL 4).
    """
    truth, said = majority(reference), labeler.positive[0]
    counting = truth.sum(axis=0) > LEAST
    rows = [
        row
        for index in np.flatnonzero(counting)
        for row in _scored(_name(reference, int(index)), _joint(truth[:, index], said[:, index]), how)
    ]
    if counting.any():
        rows += _scored("micro", _joint(truth[:, counting], said[:, counting]), how)
    rows += _human_rows(reference, said, how)
    return rows


def majority(reference: Ratings) -> Bools:
    """Positive for at least half of those who read the case, `(cases, cells)`: a tie is positive (PROTOCOL 3)."""
    votes = reference.positive.sum(axis=0)
    return np.asarray(2 * votes >= reference.rated.sum(axis=0)[:, np.newaxis])


def others_agree(reference: Ratings, rater: int) -> tuple[Bools, Bools]:
    """What the other raters say of each case that this one read, and where they all say the same; `(cases, cells)`."""
    own, read = reference.positive[rater], reference.rated[rater]
    votes = reference.positive.sum(axis=0) - own
    n_others = (reference.rated.sum(axis=0) - read)[:, np.newaxis]
    all_same = ((votes == 0) | (votes == n_others)) & (n_others > 0) & read[:, np.newaxis]
    return votes > 0, all_same


def _name(ratings: Ratings, index: int) -> str:
    cell = ratings.cells[index]
    return f"{cell.target} {cell.finding}"


def _joint(*vectors: Bools) -> NDArray[np.int64]:
    """How often each combination of the vectors' values occurs: an array of two entries per axis."""
    code = np.zeros(vectors[0].shape, np.int64)
    for vector in vectors:
        code = code * 2 + vector
    return np.bincount(code.ravel(), minlength=2 ** len(vectors)).reshape((2,) * len(vectors))


def _counts(joint: NDArray[Any]) -> Counts:
    """Counts of tables `(..., truth, prediction)`."""
    return Counts(joint[..., 1, 1], joint[..., 0, 1], joint[..., 1, 0], joint[..., 0, 0])


def _scored(name: str, joint: NDArray[np.int64], how: Resampling) -> Iterator[Row]:
    counts = _counts(draw_pairs(joint, n_resamples=how.n_resamples, rng=how.rng(name)))
    n, n_positive = int(joint.sum()), int(joint[1].sum())
    for metric in NAMES:
        yield _row(name, metric, FIGURES[metric](counts, undefined=0.0), n=n, n_positive=n_positive)


def _row(
    name: str,
    metric: str,
    samples: Floats,
    *,
    n: int | None = None,
    n_positive: int | None = None,
    p: float | None = None,
) -> Row:
    """Median and interval as the published program takes them: the 1,001st, 51st and 1,951st of 2,000 (PROTOCOL 7)."""
    ordered, size = np.sort(samples), len(samples)
    value, low, high = (float(ordered[index]) for index in (size // 2, size // 40, size - 1 - (size - 1) // 40))
    return Row(name, metric, value, low, high, n=n, n_positive=n_positive, p=p)


def _human_rows(reference: Ratings, said: Bools, how: Resampling) -> list[Row]:
    """Each human and the labeler on the same pairs, and both averaged over the humans within each resample."""
    rows: list[Row] = []
    figures: list[tuple[dict[str, Floats], dict[str, Floats]]] = []
    for rater, human in enumerate(reference.raters):
        truth, kept = others_agree(reference, rater)
        kept = kept & ((truth & kept).sum(axis=0) > LEAST)
        if not kept.any():
            continue
        joint = _joint(truth[kept], reference.positive[rater][kept], said[kept])
        name = f"human {human}"
        drawn = draw_pairs(joint, n_resamples=how.n_resamples, rng=how.rng(name))
        both = _counts(drawn.sum(axis=-1)), _counts(drawn.sum(axis=-2))
        own, other = ({each: FIGURES[each](counts, undefined=0.0) for each in NAMES} for counts in both)
        figures.append((own, other))
        rows += _pair_rows(name, own, other, n=int(joint.sum()), n_positive=int(joint[1].sum()))
    if figures:
        means = [{each: np.mean([pair[side][each] for pair in figures], axis=0) for each in NAMES} for side in (0, 1)]
        rows += _pair_rows("human average", means[0], means[1])
    return rows


def _pair_rows(
    name: str,
    own: dict[str, Floats],
    other: dict[str, Floats],
    *,
    n: int | None = None,
    n_positive: int | None = None,
) -> Iterator[Row]:
    """A human with the p of "no difference from the labeler", then the labeler on the same pairs."""
    for metric, samples in own.items():
        p = float(bootstrap_p(samples - other[metric]))
        yield _row(name, metric, samples, n=n, n_positive=n_positive, p=p)
    for metric, samples in other.items():
        yield _row(f"{name} / labeler", metric, samples, n=n, n_positive=n_positive)


# Urgency


@dataclass(frozen=True, slots=True)
class _Urgencies:
    """Pairs of one organ: what is true and what is said, each `(cases,)`, by itself or beside a second pair."""

    organ: str
    columns: tuple[Floats, ...]

    @property
    def counts(self) -> bool:
        """Whether enough cases are away from the commonest truth (PROTOCOL 4)."""
        truth = self.columns[0]
        return bool(len(truth)) and len(truth) - int(np.unique(truth, return_counts=True)[1].max()) > LEAST


def urgency_rows(reference: Ratings, labeler: Ratings, how: Resampling) -> list[Row]:
    """Table 4: tau-b of the labeler for each organ and their mean, and the means of humans and of the labeler there.

    Both have the merged cells of `ANY` over joined targets. What a blank urgency of a positive organ counts as differs
    between joined and single organs (PROTOCOL 3).
    """
    said = labeler.urgencies[0].astype(np.float64)
    organs = [each for index in range(len(reference.cells)) if (each := _for_labeler(reference, said, index)).counts]
    samples = [_tau_samples(organ.organ, organ.columns, how)[0] for organ in organs]
    rows = [
        _row(organ.organ, "tau_b", drawn, n=len(organ.columns[0])) for organ, drawn in zip(organs, samples, strict=True)
    ]
    if samples:
        rows.append(_row("macro", "tau_b", np.mean(samples, axis=0), n=sum(len(organ.columns[0]) for organ in organs)))
    return rows + _human_urgency_rows(reference, said, how)


def _for_labeler(reference: Ratings, said: Floats, index: int) -> _Urgencies:
    """Cases that all their raters call abnormal, with the mean of the raters' urgencies, and the labeler's."""
    cell = reference.cells[index]
    n_raters = reference.rated.sum(axis=0)
    all_positive = (reference.positive[:, :, index].sum(axis=0) == n_raters) & (n_raters > 0)
    urgencies = reference.urgencies[:, :, index].astype(np.float64)
    blank = -1.0 if cell.target in _JOINED else 0.0
    filled = np.where(urgencies == NO_URGENCY, blank, urgencies) * reference.rated
    truth = filled.sum(axis=0) / np.maximum(n_raters, 1)
    kept = all_positive & (truth >= 0) & (said[:, index] != NO_URGENCY)
    return _Urgencies(cell.target, (truth[kept], said[kept, index]))


_JOINED: Final = frozenset({"kidneys", "bowel"})


def _for_human(reference: Ratings, said: Floats, *, rater: int, index: int) -> _Urgencies:
    """The human beside the mean of the others, and the labeler beside the mean of all, where everybody has one."""
    rated = reference.rated
    urgencies = reference.urgencies[:, :, index].astype(np.float64)
    n_with = ((urgencies != NO_URGENCY) & rated).sum(axis=0)
    kept = rated[rater] & (n_with == rated.sum(axis=0)) & (n_with > 1) & (said[:, index] != NO_URGENCY)
    total, own, n = (urgencies * rated).sum(axis=0)[kept], urgencies[rater, kept], n_with[kept]
    return _Urgencies(reference.cells[index].target, ((total - own) / (n - 1), own, total / n, said[kept, index]))


def _human_urgency_rows(reference: Ratings, said: Floats, how: Resampling) -> list[Row]:
    rows: list[Row] = []
    means: list[tuple[dict[str, Floats], dict[str, Floats]]] = []
    for rater, human in enumerate(reference.raters):
        found = (_for_human(reference, said, rater=rater, index=index) for index in range(len(reference.cells)))
        organs = [organ for organ in found if organ.counts]
        if not organs:
            continue
        name = f"human {human}"
        samples = [_tau_samples(f"{name} {organ.organ}", organ.columns, how) for organ in organs]
        own, other = ({"tau_b": np.mean([drawn[side] for drawn in samples], axis=0)} for side in (0, 1))
        means.append((own, other))
        rows += _pair_rows(name, own, other, n=sum(len(organ.columns[0]) for organ in organs))
    if means:
        average = [{"tau_b": np.mean([pair[side]["tau_b"] for pair in means], axis=0)} for side in (0, 1)]
        rows += _pair_rows("human average", average[0], average[1])
    return rows


def _tau_samples(name: str, columns: tuple[Floats, ...], how: Resampling) -> list[Floats]:
    """tau-b of each pair of columns (first and second, third and fourth) in the same resamples."""
    levels = [np.unique(column, return_inverse=True) for column in columns]
    combinations, counts = np.unique(np.stack([inverse for _, inverse in levels]), axis=1, return_counts=True)
    drawn = draw_pairs(counts, n_resamples=how.n_resamples, rng=how.rng(name))
    found = []
    for first in range(0, len(columns), 2):
        shape = len(levels[first][0]), len(levels[first + 1][0])
        place = np.zeros((counts.size, *shape), np.int64)
        place[np.arange(counts.size), combinations[first], combinations[first + 1]] = 1
        found.append(tau_b(np.tensordot(drawn, place, axes=1), undefined=0.0))
    return found


def prevalence_rows(reference: Ratings, labeler: Ratings) -> list[Row]:
    """Table 5: the percentage of each level among a rater's urgencies in the cells that are given.

    The published row of the labeler cannot be made from the released files (PROTOCOL 8); this is the humans' rule.
    """
    rows = [row for shares in urgency_shares(reference) for row in shares.as_rows(f"human {shares.rater}")]
    return rows + [row for shares in urgency_shares(labeler)[:1] for row in shares.as_rows("labeler")]
