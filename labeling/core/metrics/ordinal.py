"""How well an order is told: Kendall's tau-b, of tables of counts so that thousands of resamples cost one call."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def tau_b(tables: NDArray[np.int64], *, undefined: float = np.nan) -> Floats:
    """Kendall's tau-b of tables `(..., rows, columns)` of pairs, whose rows and columns stand in ascending order.

    Undefined when all pairs lie in one row or in one column. Source: Kendall 1945, as `scipy.stats.kendalltau`.
    """
    counts = tables.astype(np.float64)
    n = counts.sum(axis=(-2, -1))
    above = np.zeros_like(counts)  # pairs in lower rows and lower columns
    cumulative = counts.cumsum(axis=-2).cumsum(axis=-1)
    above[..., 1:, 1:] = cumulative[..., :-1, :-1]
    concordant = (counts * above).sum(axis=(-2, -1))
    rows, columns = counts.sum(axis=-1), counts.sum(axis=-2)
    all_pairs = n * (n - 1) / 2
    tied_rows = (rows * (rows - 1) / 2).sum(axis=-1)
    tied_columns = (columns * (columns - 1) / 2).sum(axis=-1)
    tied_both = (counts * (counts - 1) / 2).sum(axis=(-2, -1))
    discordant = all_pairs - tied_rows - tied_columns + tied_both - concordant
    scale = np.sqrt(all_pairs - tied_rows) * np.sqrt(all_pairs - tied_columns)
    return np.asarray(np.divide(concordant - discordant, scale, out=np.full(n.shape, undefined), where=scale != 0))
