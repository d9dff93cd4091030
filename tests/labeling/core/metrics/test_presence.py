"""Figures of presence: by hand, against scikit-learn, and where they are undefined."""

import math

import numpy as np
import pytest
from sklearn import metrics as peer

from labeling.core.metrics.presence import FIGURES, Counts, balanced_accuracy, count, f1, macro, mcc, precision, recall

PEERS = {
    "f1": peer.f1_score,
    "precision": peer.precision_score,
    "recall": peer.recall_score,
    "specificity": lambda truth, said: peer.recall_score(~truth, ~said),
    "mcc": peer.matthews_corrcoef,
    "balanced_accuracy": peer.balanced_accuracy_score,
}


def bools(text):
    return np.array([each == "1" for each in text], bool)


def test_the_four_counts_by_hand():
    counts = count(bools("110100"), bools("101100"))
    assert [int(part) for part in (counts.tp, counts.fp, counts.fn, counts.tn)] == [2, 1, 1, 2]
    assert (int(counts.n), int(counts.n_positive)) == (6, 3)
    assert float(precision(counts)) == float(recall(counts)) == float(f1(counts)) == pytest.approx(2 / 3)
    assert float(mcc(counts)) == pytest.approx((2 * 2 - 1 * 1) / 9)  # all margins are 3: the root of 3^4


def test_pairs_that_are_not_known_count_nowhere():
    known = bools("111000")
    assert int(count(bools("110100"), bools("101100"), known=known).n) == 3


def test_cells_are_counted_each_by_itself_and_pooled_together():
    truth = np.stack([bools("1100"), bools("0001")], axis=-1)
    said = np.stack([bools("1000"), bools("0011")], axis=-1)
    counts = count(truth, said)
    assert counts.tp.tolist() == [1, 1]
    assert counts.fp.tolist() == [0, 1]
    assert counts.fn.tolist() == [1, 0]
    assert float(f1(counts.pooled())) == pytest.approx(2 * 2 / (2 * 2 + 1 + 1))


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("name", FIGURES)
def test_figures_are_those_of_scikit_learn(name, seed):
    rng = np.random.default_rng(seed)
    truth = rng.random(60) < 0.4
    said = np.where(rng.random(60) < 0.7, truth, rng.random(60) < 0.5)
    assert float(FIGURES[name](count(truth, said))) == pytest.approx(PEERS[name](truth, said))


@pytest.mark.parametrize(
    ("truth", "said", "defined"),
    [
        ("", "", {}),
        ("0000", "0000", {"specificity": 1.0}),
        ("1111", "1111", {"f1": 1.0, "precision": 1.0, "recall": 1.0}),
        ("1100", "1111", {"f1": 2 / 3, "precision": 0.5, "recall": 1.0, "specificity": 0.0, "balanced_accuracy": 0.5}),
        ("1100", "0000", {"f1": 0.0, "recall": 0.0, "specificity": 1.0, "balanced_accuracy": 0.5}),
        ("1100", "1100", dict.fromkeys(FIGURES, 1.0)),
        ("1100", "0011", dict.fromkeys(FIGURES, 0.0) | {"mcc": -1.0}),
    ],
)
def test_what_is_undefined_is_nan_and_never_0(truth, said, defined):
    counts = count(bools(truth), bools(said))
    for name, figure in FIGURES.items():
        value = float(figure(counts))
        assert value == pytest.approx(defined[name]) if name in defined else math.isnan(value), name


def test_a_caller_may_put_something_else_for_undefined():
    nothing = count(bools(""), bools(""))
    assert [float(figure(nothing, undefined=0.0)) for figure in FIGURES.values()] == [0.0] * len(FIGURES)


def test_mcc_of_a_million_pairs_does_not_overflow():
    # Margins of 500,000: their product, 6.25e22, is more than 64 bits hold. (450k^2 - 50k^2) / 500k^2
    counts = Counts(*(np.array(part) for part in (450_000, 50_000, 50_000, 450_000)))
    assert float(mcc(counts)) == pytest.approx(0.8)
    assert float(balanced_accuracy(counts)) == pytest.approx(0.9)


def test_a_macro_figure_says_how_many_cells_it_is_the_mean_of():
    value, n_cells = macro(np.array([0.5, np.nan, 1.0]))
    assert (float(value), int(n_cells)) == (0.75, 2)
    value, n_cells = macro(np.array([np.nan, np.nan]))
    assert (math.isnan(float(value)), int(n_cells)) == (True, 0)


def test_arrays_of_different_shape_are_refused():
    with pytest.raises(ValueError, match="one shape"):
        count(bools("110"), bools("11"))
