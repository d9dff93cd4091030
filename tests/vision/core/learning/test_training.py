"""Models learn what features show, know their thresholds, and come back from their files as they were."""

import json
from dataclasses import replace

import numpy as np
import pytest

from vision.core.features.table import FeatureTable
from vision.core.learning.models import load_model
from vision.core.learning.outcomes import Outcome, Truths
from vision.core.learning.scoring import evaluate, over_seeds
from vision.core.learning.splits import split_by_patient
from vision.core.learning.training import TrainingOptions, train
from vision.core.refusals import ImageRefused

OUTCOMES = (Outcome("liver", "diffuse"), Outcome("spleen", "size"), Outcome("liver", "device"))
N = 120


def made_up(*, missing_is_value: bool = True) -> tuple[FeatureTable, Truths]:
    """Liver diffuse shows in feature 0, spleen size in feature 1; the device is there once."""
    rng = np.random.default_rng(8)
    values = rng.normal(size=(N, 2, 5)).astype(np.float32)
    truth = rng.random((N, 3)) < 0.3
    truth[:, 2] = np.arange(N) == 0
    truth[5:10, 1] = False
    values[truth[:, 0], 0, 0] += 4
    values[truth[:, 1], 1, 1] += 4
    found = np.ones((N, 2), bool)
    found[5:10, 1] = False
    values[~found] = 0
    ids = tuple(f"c{index}" for index in range(N))
    table = FeatureTable(
        case_ids=ids,
        patient_keys=tuple(f"p{index // 2}" for index in range(N)),
        regions=("liver", "spleen"),
        names=tuple("abcde"),
        values=values,
        found=found,
        missing_is_value=missing_is_value,
        manifest={"extractor": {"name": "made up"}, "sha256": "0"},
    )
    return table, Truths(OUTCOMES, truth.astype(np.int8))


def test_a_machine_for_each_region_tells_what_was_planted_and_names_what_it_cannot_learn() -> None:
    table, truths = made_up()
    parts = split_by_patient(table.patient_keys, seed=1)
    model = train(table, truths, parts, options=TrainingOptions())
    assert model.outcomes == OUTCOMES[:2]
    n_training = int(parts[0] == "training")
    assert model.manifest["left_out"] == [["liver", "device", n_training, parts.count("training") - n_training]]
    is_test = np.array(parts) == "test"
    known = Truths(model.outcomes, truths.values[is_test, :2])
    keys = [key for key, part in zip(table.patient_keys, parts, strict=True) if part == "test"]
    for scored in evaluate(model.score(table)[is_test], model.thresholds, known, patient_keys=keys, n_resamples=200):
        assert scored.figures["auroc"].value > 0.95
        assert scored.figures["auroc"].low > 0.8
        assert scored.figures["balanced_accuracy"].value > 0.85


def test_the_same_inputs_give_the_same_bytes_and_a_model_comes_back_as_it_was(tmp_path) -> None:
    table, truths = made_up()
    parts = split_by_patient(table.patient_keys, seed=1)
    for name in ("one", "two"):
        train(table, truths, parts, options=TrainingOptions()).save(tmp_path / name)
    for name in ("model.npz", "model.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    model, back = train(table, truths, parts, options=TrainingOptions()), load_model(tmp_path / "one")
    assert (back.score(table) == model.score(table)).all()
    assert (back.thresholds == model.thresholds).all()


def test_changed_files_and_other_features_are_refused(tmp_path) -> None:
    table, truths = made_up()
    train(table, truths, split_by_patient(table.patient_keys, seed=1), options=TrainingOptions()).save(tmp_path)
    about = json.loads((tmp_path / "model.json").read_text())
    back = load_model(tmp_path)
    other = replace(table, names=tuple("abcdx"))
    with pytest.raises(ImageRefused, match=r"differ .* in their names"):
        back.score(other)
    (tmp_path / "model.json").write_text(json.dumps(about | {"sha256": "0" * 64}))
    with pytest.raises(ImageRefused, match="one of them was changed"):
        load_model(tmp_path)


def test_a_level_that_is_not_seen_has_no_score_and_a_missing_organ_has_one() -> None:
    for missing_is_value in (True, False):
        table, truths = made_up(missing_is_value=missing_is_value)
        model = train(table, truths, split_by_patient(table.patient_keys, seed=1), options=TrainingOptions())
        assert np.isfinite(model.score(table)[5:10, 1]).all() == missing_is_value
        assert np.isfinite(model.score(table)[:, 0]).all()


def test_one_machine_for_all_regions_learns_from_each_and_a_bag_from_all() -> None:
    rng = np.random.default_rng(2)
    values = rng.normal(size=(N, 3, 4)).astype(np.float32)
    at_level = rng.random((N, 3)) < 0.25
    values[at_level, 2] += 4
    outcomes = (*(Outcome(name, "stenosis") for name in ("L3-L4", "L4-L5", "L5-S1")), Outcome("spine", "stenosis"))
    truths = Truths(outcomes, np.column_stack([at_level, at_level.any(axis=1)]).astype(np.int8))
    ids = tuple(f"c{index}" for index in range(N))
    regions = ("L3-L4", "L4-L5", "L5-S1")
    table = FeatureTable(ids, ids, regions, tuple("abcd"), values, np.ones((N, 3), bool), False, {})
    parts = split_by_patient(ids, seed=0)
    model = train(table, truths, parts, options=TrainingOptions(shared=True))
    is_test = np.array(parts) == "test"
    scored = evaluate(
        model.score(table)[is_test],
        model.thresholds,
        Truths(outcomes, truths.values[is_test]),
        patient_keys=[case for case, part in zip(ids, parts, strict=True) if part == "test"],
        n_resamples=100,
        pooled=regions,
    )
    by_target = {each.outcome.target: each.figures["auroc"].value for each in scored}
    assert min(by_target[level] for level in regions) > 0.95
    assert by_target["spine"] > 0.85
    # Levels share one machine, so that all discs can be scored together; the bag's scores are on another scale.
    assert scored[-1].outcome == Outcome("*", "stenosis")
    assert scored[-1].n == 3 * is_test.sum()


def test_a_patient_in_two_parts_stops_training() -> None:
    table, truths = made_up()
    parts = ["training", "test"] * (N // 2)
    with pytest.raises(ImageRefused, match="of one patient"):
        train(table, truths, parts, options=TrainingOptions())


def test_figures_are_those_of_a_calculation_by_hand() -> None:
    scores = np.array([[0.9], [0.8], [0.3], [0.6], [0.2], [0.1], [np.nan], [0.5]])
    truth = np.array([[1], [1], [1], [0], [0], [0], [1], [-1]], np.int8)
    [scored] = evaluate(
        scores,
        np.array([0.5]),
        Truths((Outcome("liver", "focal"),), truth),
        patient_keys=tuple("abcdefgh"),
        n_resamples=500,
    )
    assert (scored.n, scored.n_positive) == (6, 3)  # one score is NaN, one truth unknown
    values = {name: each.value for name, each in scored.figures.items()}
    # Of 9 pairs of present and absent 8 are in order. Above 0.5: 2 of 3 present, 1 of 3 absent.
    assert values["auroc"] == pytest.approx(8 / 9)
    assert values["balanced_accuracy"] == pytest.approx(2 / 3)
    assert values["f1"] == pytest.approx(4 / 6)
    assert values["eer"] == pytest.approx(1 / 3)
    assert scored.figures["auroc"].low < 8 / 9 <= scored.figures["auroc"].high
    [row] = [row for row in scored.rows() if row[3] == "auroc"]
    assert row[:3] == ("liver", "focal", 0)


def test_the_spread_over_seeds_is_that_of_students_t_and_one_seed_has_none() -> None:
    truth = np.array([[1], [1], [0], [0]], np.int8)
    scored = []
    for seed, order in enumerate([[4, 3, 2, 1], [4, 1, 2, 3], [4, 2, 3, 1]]):
        scored += evaluate(
            np.array(order, float)[:, None],
            np.array([2.5]),
            Truths((Outcome("liver", "focal"),), truth),
            patient_keys=tuple("abcd"),
            seed=seed,
            n_resamples=50,
        )
    # AUCs 1, 1/2 and 3/4: mean 3/4, standard deviation 1/4, t(2; 97.5 %) = 4.3027 (any table).
    [auc] = [each for each in over_seeds(scored) if each.figure == "auroc"]
    assert (auc.mean, auc.standard_deviation, auc.n_seeds) == (0.75, 0.25, 3)
    assert auc.high - auc.mean == pytest.approx(4.3027 * 0.25 / 3**0.5, rel=1e-4)
    [alone] = [each for each in over_seeds(scored[:1]) if each.figure == "auroc"]
    assert np.isnan(alone.low)
