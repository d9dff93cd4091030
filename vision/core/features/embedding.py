"""Dense embedding maps of a CT, pooled inside organs by mean, maximum and minimum (METHODS F).

A network is anything that turns a volume of 2 mm voxels into maps of features; `torch_networks.of_module` adapts one of
torch or MONAI.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vision.core.features.extraction import Measured, Study
from vision.core.features.extractors import organs_of
from vision.core.geometry import Grid
from vision.core.regions import Region
from vision.core.volumes import Volume, both_on, isotropic

Floats32 = NDArray[np.float32]
# Prepared voxels (k, j, i) to maps (channels, k, j, i), the finest first.
Network = Callable[[Floats32], Sequence[Floats32]]

VERSION: Final = "1"
POOLS: Final = ("mean", "maximum", "minimum")
_SPACING_MM: Final = 2.0
_LOWEST_HU, _HIGHEST_HU = -1024.0, 3071.0
_SUBTRACTED: Final = 50.0


@dataclass(frozen=True, slots=True)
class OrganEmbedding:
    """Pooled maps of each organ: mean, maximum and minimum of every channel, zeros for an organ that is missing.

    `weights_sha256` names the checkpoint: it is part of the key of the cache.
    """

    network: Network
    n_channels: int
    weights_sha256: str
    name: str = "embedding"
    missing_is_value: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"{pool}_{channel:03d}" for pool in POOLS for channel in range(self.n_channels))

    @property
    def options(self) -> dict[str, Any]:
        return {"version": VERSION, "weights_sha256": self.weights_sha256, "n_channels": self.n_channels}

    def measure(self, study: Study, regions: Sequence[Region]) -> Measured:
        """Features of the organs. Raises `ValueError` when the network gives another number of channels."""
        volume, organs = organs_of(study, regions)
        # Along the patient's axes: to the left, to the back, upwards (LPS).
        grid = isotropic(_upright(volume.grid), _SPACING_MM)
        volume, organs = both_on(volume, organs, grid, outside=_LOWEST_HU)
        maps = joined(self.network(prepared(volume)))
        if maps.shape[0] != self.n_channels:
            raise ValueError(f"the network gives {maps.shape[0]} channels, expected {self.n_channels}")
        return pooled(maps, nearest(organs.labels, maps.shape[1:]), n_regions=len(regions))


def prepared(volume: Volume) -> Floats32:
    """HU from -1024 to 3071 become 0 to 255, less 50, as UAE's networks take them."""
    clipped = np.clip(volume.voxels, _LOWEST_HU, _HIGHEST_HU)
    scaled: Floats32 = ((clipped - _LOWEST_HU) / (_HIGHEST_HU - _LOWEST_HU) * 255 - _SUBTRACTED).astype(np.float32)
    return scaled


def pooled(maps: Floats32, labels: NDArray[Any], *, n_regions: int) -> Measured:
    """Mean, maximum and minimum `(regions, 3 x channels)` of maps inside each region, and which regions occur.

    Maps are (channels, k, j, i), labels (k, j, i) with r + 1 for region r. Zeros where a region does not occur.
    """
    n_channels = maps.shape[0]
    values, found = np.zeros((n_regions, 3 * n_channels)), np.zeros(n_regions, bool)
    for region in range(n_regions):
        inside = maps[:, labels == region + 1]
        if inside.shape[1]:
            found[region] = True
            values[region] = np.concatenate(
                [inside.mean(axis=1, dtype=np.float64), inside.max(axis=1), inside.min(axis=1)]
            )
    return values, found


def joined(maps: Sequence[Floats32]) -> Floats32:
    """All channels on the grid of the first map; coarser ones are enlarged linearly between voxel centres."""
    finest = maps[0].shape[1:]
    return np.concatenate([each if each.shape[1:] == finest else _enlarged(each, finest) for each in maps])


def nearest(labels: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Labels on a grid of another shape over the same box, each from the voxel nearest to its centre."""
    taken = [
        np.minimum(((np.arange(side) + 0.5) * old / side).astype(int), old - 1)
        for side, old in zip(shape, labels.shape, strict=True)
    ]
    return labels[np.ix_(*taken)]


def _enlarged(maps: Floats32, shape: tuple[int, ...]) -> Floats32:
    for axis, side in enumerate(shape, start=1):
        old = maps.shape[axis]
        at = np.clip((np.arange(side) + 0.5) * old / side - 0.5, 0, old - 1)
        low = np.floor(at).astype(int)
        high = np.minimum(low + 1, old - 1)
        part = (at - low).astype(np.float32).reshape([-1 if axis == other else 1 for other in range(maps.ndim)])
        maps = np.take(maps, low, axis) * (1 - part) + np.take(maps, high, axis) * part
    return maps


def _upright(grid: Grid) -> Grid:
    """A grid along the patient's axes round the same box, with the finest spacing in all directions."""
    corners = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)]) * (
        np.array(grid.shape_kji[::-1]) - 1
    )
    points = corners @ grid.affine_lps[:3, :3].T + grid.origin_lps
    step = min(grid.spacing_mm)
    sides = np.ceil((points.max(axis=0) - points.min(axis=0)) / step - 1e-6).astype(int) + 1
    affine = np.diag([step, step, step, 1.0])
    affine[:3, 3] = points.min(axis=0)
    return Grid((int(sides[2]), int(sides[1]), int(sides[0])), affine)
