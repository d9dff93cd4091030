"""Whole numbers in given proportions."""

from collections.abc import Sequence
from math import floor


def apportion(n: int, weights: Sequence[float], *, ties: Sequence[int] | None = None) -> list[int]:
    """`n` split in proportion to `weights`, each within 1 of its part (largest remainders).

    Equal remainders go by `ties`, the lowest first, and then by place.
    """
    total = sum(weights)
    parts = [n * weight / total for weight in weights]
    counts = [floor(part + 1e-9) for part in parts]
    order = ties if ties is not None else [0] * len(weights)
    by_rest = sorted(range(len(weights)), key=lambda i: (round(counts[i] - parts[i], 9), order[i], i))
    for i in by_rest[: n - sum(counts)]:
        counts[i] += 1
    return counts


def spread(n: int, of: int) -> list[bool]:
    """`of` places of which `n` are chosen, so that any stretch holds its part of them within 1."""
    return [(place + 1) * n // of > place * n // of for place in range(of)]
