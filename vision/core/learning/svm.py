"""Linear support vector machines on standardised features, for single instances and for bags of them (METHODS E.3-4).

The normalised set kernel of two bags is the mean of all products of their instances, which is the product of their
means: a machine with that kernel is a linear one on the means of bags.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

# Park et al.: C = 1 for discs; C = 10, divided by the number of bags, for bags.
INSTANCE_C: Final = 1.0
BAG_C: Final = 10.0


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """score = sum(weights * (x - mean) / scale) + bias; above 0 the machine says present."""

    mean: Floats
    scale: Floats
    weights: Floats
    bias: float

    def score(self, x: Floats) -> Floats:
        """Scores (n,) of features (n, features)."""
        found: Floats = ((x - self.mean) / self.scale) @ self.weights + self.bias
        return found


def bag_means(instances: Floats, bag_of: NDArray[np.integer], n_bags: int) -> Floats:
    """Means (bags, features) of instances (n, features); `bag_of` numbers the bag of each. Empty bags are NaN."""
    sums = np.zeros((n_bags, instances.shape[1]))
    np.add.at(sums, bag_of, instances)
    counts = np.bincount(bag_of, minlength=n_bags)[:, None].astype(np.float64)
    return np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)


def set_kernel(x: Sequence[Floats], y: Sequence[Floats]) -> Floats:
    """The normalised set kernel of bags, by its definition: sum_ij <x_i, y_j> / (|X| |Y|), `(len(x), len(y))`."""
    return np.array([[float((a @ b.T).sum()) / (len(a) * len(b)) for b in y] for a in x])


def fit_instances(x: Floats, truth: Bools, *, c: float = INSTANCE_C) -> Linear:
    """A machine on instances (n, features). Raises `ValueError` unless both truths occur."""
    mean, scale = _standard(x)
    return _fit((x - mean) / scale, truth, c=c, mean=mean, scale=scale)


def fit_bags(instances: Floats, bag_of: NDArray[np.integer], truth: Bools, *, c: float = BAG_C) -> Linear:
    """A machine on bags: instances are standardised one by one, C is divided by the number of bags.

    Every bag has an instance. Its `score` takes means of bags.
    """
    mean, scale = _standard(instances)
    means = bag_means((instances - mean) / scale, bag_of, len(truth))
    return _fit(means, truth, c=c / len(truth), mean=mean, scale=scale)


def _standard(x: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation of each feature; 1 for one that never changes."""
    scale = x.std(axis=0)
    return x.mean(axis=0), np.where(scale > 1e-12 * np.maximum(1.0, np.abs(x).max(axis=0, initial=0.0)), scale, 1.0)


def _fit(standard: Floats, truth: Bools, *, c: float, mean: Floats, scale: Floats) -> Linear:
    """Both truths weigh the same, however many cases they have."""
    from sklearn.svm import SVC

    if truth.all() or not truth.any():
        raise ValueError("a classifier is trained on both truths, got one")
    machine = SVC(kernel="linear", C=c, class_weight="balanced", cache_size=500)
    machine.fit(standard, truth.astype(np.int64))
    return Linear(mean, scale, machine.coef_[0].astype(np.float64), float(machine.intercept_[0]))
