"""Coarse pictures of disc volumes: grey values of blocks, which need no weights and keep what lies where."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from vision.core.discs import SHAPE

VERSION: Final = "1"
_BLOCK: Final = 8
_MIDDLE: Final = slice(3, 6)
_ROWS, _COLUMNS = SHAPE[1] // _BLOCK, SHAPE[2] // _BLOCK
NAMES: Final = tuple(f"block_{row:02d}_{column:02d}" for row in range(_ROWS) for column in range(_COLUMNS))


def picture(disc: NDArray[np.float32]) -> NDArray[np.float64]:
    """Means of blocks of 8 x 8 pixels of the three middle slices of a 9 x 112 x 224 volume, row by row.

    Raises `ValueError` for another shape.
    """
    if disc.shape != SHAPE:
        raise ValueError(f"a disc volume is {SHAPE}, got {disc.shape}")
    blocks = disc[_MIDDLE].reshape(-1, _ROWS, _BLOCK, _COLUMNS, _BLOCK)
    means: NDArray[np.float64] = blocks.mean(axis=(0, 2, 4), dtype=np.float64).ravel()
    return means
