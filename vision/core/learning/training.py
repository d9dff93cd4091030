"""Train classifiers on features and truths, with thresholds from the validation cases."""

import importlib.metadata
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from labeling.core.metrics.scores import equal_error
from vision.core.features.table import FeatureTable
from vision.core.learning.head import HeadData, HeadOptions, train_head
from vision.core.learning.models import HeadScorer, LinearScorer, Model, inputs_of, region_numbers
from vision.core.learning.outcomes import Truths
from vision.core.learning.splits import TRAINING, VALIDATION, require_no_leak
from vision.core.learning.svm import BAG_C, INSTANCE_C, Linear, fit_bags, fit_instances
from vision.core.refusals import ImageRefused

Bools = NDArray[np.bool_]

KINDS: Final = ("svm", "head")


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """`shared`: one machine for a finding in all regions (discs), else one for each region (organs).

    An outcome needs `least_of_each` positive and negative training cases (shared: instances).
    """

    kind: str = "svm"
    shared: bool = False
    instance_c: float = INSTANCE_C
    bag_c: float = BAG_C
    least_of_each: int = 3
    seed: int = 0
    device: str = "cpu"
    head: HeadOptions = field(default_factory=HeadOptions)


def train(table: FeatureTable, truths: Truths, parts: Sequence[str], *, options: TrainingOptions) -> Model:
    """Train on the training cases; outcomes that cannot be learned are left out and named in the manifest.

    A target that is no region is learned from the bag of all regions. The same inputs give the same arrays. Raises
    `ImageRefused` when a patient is in two parts, and when no outcome can be learned.
    """
    require_no_leak(table.patient_keys, parts, table.case_ids)
    if options.kind not in KINDS:
        raise ImageRefused(f"the kind {options.kind!r} is not one of {', '.join(KINDS)}", code="unknown_kind")
    in_training, in_validation = (np.array([part == name for part in parts], bool) for name in (TRAINING, VALIDATION))
    learned, left_out = _learnable(table, truths, in_training, options)
    if not learned:
        raise ImageRefused(
            f"no outcome has {options.least_of_each} positive and negative training cases, expected one that has",
            code="nothing_to_learn",
        )
    outcomes = tuple(truths.outcomes[index] for index in learned)
    chosen = Truths(outcomes, truths.values[:, learned])
    about: dict[str, Any] = {}
    scorer: LinearScorer | HeadScorer
    if options.kind == "svm":
        scorer = _train_linear(table, chosen, in_training, options)
    else:
        scorer, about["curve"] = _train_head(table, chosen, in_training, in_validation, options=options)
    thresholds, errors = _thresholds(scorer.score(table), chosen, in_validation)
    about |= {
        "left_out": left_out,
        "validation_eer": [None if np.isnan(error) else error for error in errors],
        "n_cases": {name: int(np.sum([part == name for part in parts])) for name in sorted(set(parts))},
    }
    return Model(scorer, outcomes, thresholds, about | _manifest(table, options))


def _manifest(table: FeatureTable, options: TrainingOptions) -> dict[str, Any]:
    library = "torch" if options.kind == "head" else "scikit-learn"
    return {
        "options": asdict(options),
        "libraries": {library: importlib.metadata.version(library)},
        "names": list(table.names),
        "regions": list(table.regions),
        "extractor": table.manifest.get("extractor"),
        "features_sha256": table.manifest.get("sha256"),
    }


def _learnable(
    table: FeatureTable, truths: Truths, in_training: Bools, options: TrainingOptions
) -> tuple[list[int], list[list[Any]]]:
    """Outcomes with enough training cases of either truth, and those without: target, finding, positives, negatives."""
    regions = region_numbers(truths.outcomes, table.regions)
    counts = np.zeros((len(truths.outcomes), 2), int)
    for index, region in enumerate(regions.tolist()):
        used = in_training & inputs_of(table, region)[1]
        counts[index] = [int((truths.values[used, index] == value).sum()) for value in (1, 0)]
    if options.shared:
        groups = [(outcome.finding, region >= 0) for outcome, region in zip(truths.outcomes, regions, strict=True)]
        pooled = {group: counts[[each == group for each in groups]].sum(axis=0) for group in groups}
        enough = np.array([pooled[group] for group in groups])
    else:
        enough = counts
    learned = np.flatnonzero((enough >= options.least_of_each).all(axis=1)).tolist()
    rest = sorted(set(range(len(counts))) - set(learned))
    left_out = [[*truths.outcomes[index], *counts[index].tolist()] for index in rest]
    return learned, left_out


def _train_linear(table: FeatureTable, truths: Truths, in_training: Bools, options: TrainingOptions) -> LinearScorer:
    regions = region_numbers(truths.outcomes, table.regions)
    of_finding: dict[str, Linear] = {}
    machines = []
    for index, region in enumerate(regions.tolist()):
        finding = truths.outcomes[index].finding
        if region < 0:
            machines.append(_bag_machine(table, truths.values[:, index], in_training, options))
        elif not options.shared:
            machines.append(_machine(table, truths, in_training, [index], c=options.instance_c))
        else:
            alike = [
                other
                for other, outcome in enumerate(truths.outcomes)
                if outcome.finding == finding and regions[other] >= 0
            ]
            if finding not in of_finding:
                of_finding[finding] = _machine(table, truths, in_training, alike, c=options.instance_c)
            machines.append(of_finding[finding])
    return LinearScorer(tuple(machines), regions)


def _machine(table: FeatureTable, truths: Truths, in_training: Bools, indices: Sequence[int], *, c: float) -> Linear:
    """A machine on the instances of these outcomes: one of each case, in one region each."""
    regions = region_numbers([truths.outcomes[index] for index in indices], table.regions)
    xs, labels = [], []
    for index, region in zip(indices, regions.tolist(), strict=True):
        x, known = inputs_of(table, region)
        used = in_training & known & (truths.values[:, index] >= 0)
        xs.append(x[used])
        labels.append(truths.values[used, index] == 1)
    return fit_instances(np.concatenate(xs), np.concatenate(labels), c=c)


def _bag_machine(table: FeatureTable, truth: NDArray[np.int8], in_training: Bools, options: TrainingOptions) -> Linear:
    used = in_training & table.found.any(axis=1) & (truth >= 0)
    case, region = np.nonzero(table.found & used[:, None])
    number = np.cumsum(used) - 1
    instances = table.values[case, region].astype(np.float64)
    return fit_bags(instances, number[case], truth[used] == 1, c=options.bag_c)


def _train_head(
    table: FeatureTable, truths: Truths, in_training: Bools, in_validation: Bools, *, options: TrainingOptions
) -> tuple[HeadScorer, list[dict[str, float | None]]]:
    """One head for all regions: its outputs are the findings; what is not learned or not seen is masked."""
    regions = region_numbers(truths.outcomes, table.regions)
    if (regions < 0).any():
        without = truths.outcomes[int(np.flatnonzero(regions < 0)[0])]
        raise ImageRefused(
            f"the head learns regions, and {without.target} ({without.finding}) is none; choose other findings, or svm",
            code="head_without_region",
        )
    findings = list(dict.fromkeys(outcome.finding for outcome in truths.outcomes))
    outputs = np.array([findings.index(outcome.finding) for outcome in truths.outcomes], np.int64)
    cube = np.full((len(table.case_ids), len(table.regions), len(findings)), -1, np.int8)
    cube[:, regions, outputs] = truths.values
    cube[~table.known] = -1
    data = [HeadData(table.values[part], cube[part]) for part in (in_training, in_validation)]
    head, curve = train_head(data[0], data[1], seed=options.seed, options=options.head, device=options.device)
    plain = [{name: value if np.isfinite(value) else None for name, value in point.items()} for point in curve]
    return HeadScorer(head, regions, outputs), plain


def _thresholds(
    scores: NDArray[np.float64], truths: Truths, in_validation: Bools
) -> tuple[NDArray[np.float64], list[float]]:
    """Threshold and rate at equal errors of the validation cases; NaN where they are of one truth."""
    thresholds, errors = np.full(len(truths.outcomes), np.nan), []
    for index in range(len(truths.outcomes)):
        used = in_validation & (truths.values[:, index] != -1) & np.isfinite(scores[:, index])
        equal = equal_error(truths.values[used, index] == 1, scores[used, index])
        thresholds[index] = equal.threshold
        errors.append(equal.rate)
    return thresholds, errors
