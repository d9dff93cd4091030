"""Figures of weighted cases: those of the cases written out as often, and those of scikit-learn with weights."""

import numpy as np
import pytest
from sklearn import metrics as peer

from labeling.core.metrics.score_resamples import FIGURES, Ranking, Scores, resampled
from labeling.core.metrics.scores import probability_of


def case(seed, *, n=40, decimals=1):
    """Cases with tied scores, each of a cluster of its own."""
    rng = np.random.default_rng(seed)
    truth = rng.random(n) < 0.4
    truth[:2] = True, False
    scores = np.round(rng.normal(size=n) + truth, decimals)
    return Scores(truth, scores, probability_of(scores), np.arange(n))


def figures(cases, weights):
    """`FIGURES` by name of one weight for each cluster."""
    ranking = Ranking.of(cases, n_clusters=len(weights))
    column = np.array(weights, np.int32)[:, np.newaxis]
    found = [*ranking.by_rank(column)[:, 0], *ranking.by_probability(column.T.astype(float))[:, 0]]
    return dict(zip(FIGURES, found, strict=True))


def written_out(cases, weights):
    return Scores(*(np.repeat(getattr(cases, name), weights) for name in Scores.__dataclass_fields__))


@pytest.mark.parametrize("decimals", [0, 1, 9])
@pytest.mark.parametrize("seed", range(12))
def test_a_weight_counts_as_a_case_written_out_as_often(seed, decimals):
    cases = case(seed, decimals=decimals)
    weights = np.random.default_rng(seed).poisson(0.7, cases.truth.size)
    expected = dict(zip(FIGURES, written_out(cases, weights).figures(), strict=True))
    assert figures(cases, weights) == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("seed", range(12))
def test_weighted_figures_are_those_of_scikit_learn(seed):
    cases = case(seed)
    weights = np.random.default_rng(seed).poisson(1, cases.truth.size)
    found = figures(cases, weights)
    assert found["auroc"] == pytest.approx(peer.roc_auc_score(cases.truth, cases.scores, sample_weight=weights))
    assert found["average_precision"] == pytest.approx(
        peer.average_precision_score(cases.truth, cases.scores, sample_weight=weights)
    )
    assert found["brier"] == pytest.approx(peer.brier_score_loss(cases.truth, cases.probability, sample_weight=weights))


@pytest.mark.parametrize("kept", ["positive", "negative", "none", "one score"])
def test_a_resample_without_both_classes_or_scores_is_as_undefined_as_such_cases_are(kept):
    cases = case(0)
    of_score = np.isin(cases.scores, np.intersect1d(cases.scores[cases.truth], cases.scores[~cases.truth])[:1])
    weights = {"positive": cases.truth, "negative": ~cases.truth, "none": cases.truth & False, "one score": of_score}
    found = figures(cases, weights[kept].astype(int))
    expected = dict(zip(FIGURES, written_out(cases, weights[kept].astype(int)).figures(), strict=True))
    assert found == pytest.approx(expected, nan_ok=True)
    assert np.isnan(found["threshold"])


def test_no_cases_have_no_figures():
    nothing = Scores(np.zeros(0, bool), np.zeros(0), np.zeros(0), np.zeros(0, np.int64))
    assert all(np.isnan(each) for each in figures(nothing, [1, 2]).values())


def test_cases_of_one_cluster_are_drawn_together():
    cases = case(1)
    of_case = np.arange(cases.truth.size) // 4
    together = Scores(cases.truth, cases.scores, cases.probability, of_case)
    weights = np.random.default_rng(1).poisson(1, 10)
    assert figures(together, weights) == pytest.approx(figures(cases, weights[of_case]))


def test_all_rankings_see_the_same_resamples_in_any_blocks(monkeypatch):
    rankings = [Ranking.of(case(seed), n_clusters=40) for seed in range(3)]

    def drawn(rankings):
        return resampled(rankings, n_clusters=40, n_resamples=30, rng=np.random.default_rng(5))

    together, alone = drawn(rankings), drawn(rankings[2:])
    assert np.array_equal(together[2], alone[0], equal_nan=True)
    monkeypatch.setattr("labeling.core.metrics.score_resamples._BLOCK", 90)  # two resamples at a time
    monkeypatch.setattr("labeling.core.metrics.resampling._BLOCK", 280)  # seven resamples at a time
    assert np.allclose(drawn(rankings), together, rtol=1e-12, atol=0, equal_nan=True)


def test_scores_that_cannot_be_are_refused():
    of_case = np.arange(2)
    with pytest.raises(ValueError, match="1 scores are no finite numbers"):
        Scores(np.array([True, False]), np.array([1.0, np.inf]), np.array([0.5, 1.0]), of_case).figures()
    with pytest.raises(ValueError, match="0 to 1"):
        Scores(np.array([True, False]), np.array([1.0, 2.0]), np.array([1.0, 2.0]), of_case).figures()
