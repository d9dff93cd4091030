"""Train on made-up patients with planted findings: AUC over seeds with true and with shuffled labels, and the time.

python -m benchmarks.phantom_training --patients 200 --seeds 5
"""

import argparse
import time
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from labeling.core.rules import label_report
from labeling.core.schema import Schema
from labeling.core.schema_yaml import load_preset
from vision.core.features.extraction import Extractor, Study
from vision.core.features.extractors import OrganRadiomics, disc_pictures
from vision.core.features.table import FeatureTable
from vision.core.geometry import Grid
from vision.core.learning.outcomes import Truths, outcomes_of, truths_of
from vision.core.learning.scoring import Scored, evaluate, over_seeds
from vision.core.learning.splits import TEST, split_by_patient
from vision.core.learning.training import TrainingOptions, train
from vision.core.mask_classes import LabelMap, make_classes
from vision.core.phantoms.cohort import Patient, abdomens, spines
from vision.core.regions import regions_of
from vision.core.volumes import Volume


def main() -> None:
    """Both kinds of body."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    organs = abdomens(options.patients, seed=1), OrganRadiomics(spacing_mm=6.0), "abdomen-ct", (96, 43)
    discs = spines(options.patients, seed=2), disc_pictures(), "spine-mri", (160, 12)
    for (patients, extractor, preset, (size, n_images)), findings, shared in (
        (organs, ("size", "diffuse", "focal", "absent"), False),
        (discs, ("stenosis",), True),
    ):
        schema = load_preset(preset)
        table, truths = measured(patients, extractor, schema, findings, size=size, n_images=n_images)
        rng = np.random.default_rng(7)
        shuffled = Truths(truths.outcomes, truths.values[rng.permutation(len(truths.values))])
        for name, said in (("true", truths), ("shuffled", shuffled)):
            show(f"{preset}, {name} labels", scored(table, said, range(options.seeds), shared=shared))


def measured(
    patients: Iterable[Patient],
    extractor: Extractor,
    schema: Schema,
    findings: Sequence[str],
    *,
    size: int,
    n_images: int,
) -> tuple[FeatureTable, Truths]:
    """Features of the patients, and what the rules read in their reports."""
    regions, labels, values, found, seconds = regions_of(schema), {}, [], [], 0.0
    for patient in patients:
        canvas = patient.paint(size=size, n_images=n_images)
        grid = Grid(canvas.voxels.shape, canvas.affine_lps())
        classes = make_classes([(value, name, None) for name, value in patient.classes.items()])
        start = time.perf_counter()
        numbers = extractor.measure(Study(Volume(canvas.voxels, grid), LabelMap(canvas.labels, grid, classes)), regions)
        seconds += time.perf_counter() - start
        values.append(numbers[0])
        found.append(numbers[1])
        labels[patient.case_id] = label_report(patient.report, schema)
    ids, names = tuple(labels), tuple(region.name for region in regions)
    print(f"{schema.name}: {len(ids)} patients, {len(ids) / seconds:.1f} a second measured by {extractor.name}")
    array = np.array(values, np.float32)
    table = FeatureTable(ids, ids, names, extractor.names, array, np.array(found), extractor.missing_is_value, {})
    return table, truths_of(labels, ids, outcomes_of(schema, findings), schema=schema)


def scored(table: FeatureTable, truths: Truths, seeds: Iterable[int], *, shared: bool) -> list[Scored]:
    """Figures of the test cases of each seed."""
    found: list[Scored] = []
    for seed in seeds:
        parts = split_by_patient(table.patient_keys, seed=seed)
        model = train(table, truths, parts, options=TrainingOptions(seed=seed, shared=shared))
        used = np.array([part == TEST for part in parts])
        columns = [truths.outcomes.index(outcome) for outcome in model.outcomes]
        found += evaluate(
            model.score(table)[used],
            model.thresholds,
            Truths(model.outcomes, truths.values[used][:, columns]),
            patient_keys=[key for key, is_used in zip(table.patient_keys, used, strict=True) if is_used],
            seed=seed,
            pooled=table.regions if shared else (),
        )
    return found


def show(title: str, found: Sequence[Scored], say: Callable[[str], None] = print) -> None:
    """Mean AUC over seeds with its interval, and the interval over patients of the first seed."""
    say(f"\n{title}\n{'target':<14}{'finding':<10}{'AUC, mean over seeds':<26}{'over patients, first seed'}")
    first = {each.outcome: each.figures["auroc"] for each in reversed(found)}
    for each in over_seeds(found):
        if each.figure == "auroc":
            of_cases = first[each.outcome]
            seeds = f"{each.mean:.3f} ({each.low:.3f} to {each.high:.3f})"
            over_cases = f"{of_cases.low:.3f} to {of_cases.high:.3f}"
            say(f"{each.outcome.target:<14}{each.outcome.finding:<10}{seeds:<26}{over_cases}")


if __name__ == "__main__":
    main()
