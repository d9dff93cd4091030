"""Machines for bags are linear machines on the means of bags."""

import numpy as np
import pytest

from vision.core.learning.svm import bag_means, fit_bags, fit_instances, set_kernel


def bags(seed: int, n: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(int(rng.integers(1, 6)), 4)) + index % 2 for index in range(n)]


def flat(of: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    return np.concatenate(of), np.repeat(np.arange(len(of)), [len(bag) for bag in of])


def test_the_kernel_of_bags_is_the_gram_matrix_of_their_means() -> None:
    x, y = bags(1, 7), bags(2, 5)
    # METHODS I: the kernel matrix by its definition against the products of bag means.
    of_x, of_y = bag_means(*flat(x), len(x)), bag_means(*flat(y), len(y))
    assert set_kernel(x, y) == pytest.approx(of_x @ of_y.T)


def test_a_machine_on_bags_decides_as_scikit_learn_does_with_that_kernel() -> None:
    from sklearn.svm import SVC

    x = bags(3, 40)
    truth = np.arange(40) % 2 == 1
    instances, bag_of = flat(x)
    standard = [(bag - instances.mean(axis=0)) / instances.std(axis=0) for bag in x]
    kernel = set_kernel(standard, standard)
    machine = SVC(kernel="precomputed", C=10 / 40, class_weight="balanced", tol=1e-6).fit(kernel, truth)
    ours = fit_bags(instances, bag_of, truth)
    assert ours.score(bag_means(instances, bag_of, 40)) == pytest.approx(machine.decision_function(kernel), abs=5e-3)


def test_rare_positives_weigh_as_much_as_they_would_if_repeated() -> None:
    rng = np.random.default_rng(4)
    x = np.concatenate([rng.normal(size=(90, 3)), rng.normal(size=(10, 3)) + 0.7])
    truth = np.arange(100) >= 90
    balanced = fit_instances(x, truth).score(x) > 0
    assert balanced[truth].mean() > 0.6  # without weights hardly any is called: the rare class is given up
    assert balanced[~truth].mean() < 0.4


def test_a_feature_that_never_changes_and_one_truth_are_handled() -> None:
    x = np.column_stack([np.arange(10.0), np.full(10, 1e6)])
    machine = fit_instances(x, np.arange(10) > 4)
    assert np.isfinite(machine.score(x)).all()
    assert machine.scale[1] == 1
    with pytest.raises(ValueError, match="both truths"):
        fit_instances(x, np.ones(10, bool))
