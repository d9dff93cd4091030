"""Volumes as numbers on a grid, moved to other grids together with their masks so that both stay on one place."""

import itertools
import math
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vision.core.geometry import Grid, index_to_world
from vision.core.mask_classes import LabelMap
from vision.core.masks import on_grid
from vision.core.nifti import NiftiVolume
from vision.core.refusals import ImageRefused

Floats32 = NDArray[np.float32]
Bounds = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]

# Cosines of axes that SimpleITK takes as perpendicular.
_SHEAR: Final = 1e-4


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """`voxels[k, j, i]` (float32: HU, or stored values of an MR) on a grid."""

    voxels: Floats32
    grid: Grid


def volume_of(nifti: NiftiVolume) -> Volume:
    """The numbers of a NIfTI volume, scaled. Raises `ImageRefused` when some are not finite."""
    if nifti.n_not_finite:
        raise ImageRefused(
            f"the image holds {nifti.n_not_finite:,} voxels that are no finite numbers, expected none",
            code="image_not_finite",
        )
    voxels = nifti.voxels.astype(np.float32)
    if (nifti.slope, nifti.intercept) != (1.0, 0.0):
        voxels = voxels * np.float32(nifti.slope) + np.float32(nifti.intercept)
    return Volume(voxels, nifti.grid)


def isotropic(grid: Grid, spacing_mm: float) -> Grid:
    """A grid along the same axes with voxels of `spacing_mm` that covers the same box; the box keeps its corner."""
    sides_ijk = [
        max(1, math.ceil(side * step / spacing_mm - 1e-6))
        for side, step in zip(grid.shape_kji[::-1], grid.spacing_mm, strict=True)
    ]
    corner = index_to_world((-0.5, -0.5, -0.5), grid.affine_lps)
    affine = np.eye(4)
    affine[:3, :3] = grid.direction * spacing_mm
    affine[:3, 3] = corner + affine[:3, :3] @ np.full(3, 0.5)
    return Grid((sides_ijk[2], sides_ijk[1], sides_ijk[0]), affine)


def bounds_of(labels: NDArray[Any], *, margin: int = 0) -> Bounds | None:
    """First and last-plus-one index (k, j, i) of what is marked, with a margin inside the array; None of nothing."""
    found = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        at = np.flatnonzero((labels != 0).any(axis=others))
        if not at.size:
            return None
        found.append((max(0, int(at[0]) - margin), min(labels.shape[axis], int(at[-1]) + 1 + margin)))
    return found[0], found[1], found[2]


def cropped_grid(grid: Grid, bounds: Bounds) -> Grid:
    """The grid of the box `bounds` of a grid."""
    (k, k_end), (j, j_end), (i, i_end) = bounds
    affine = grid.affine_lps.copy()
    affine[:3, 3] = index_to_world((i, j, k), grid.affine_lps)
    return Grid((k_end - k, j_end - j, i_end - i), affine)


def cropped(volume: Volume, label_map: LabelMap, *, margin_mm: float) -> tuple[Volume, LabelMap]:
    """Both cut to the box of what is marked, with a margin; both must lie on one grid. Nothing marked: as they are."""
    if label_map.labels.shape != volume.voxels.shape:
        raise ValueError(f"image {volume.voxels.shape} and mask {label_map.labels.shape} have one shape")
    margin = math.ceil(margin_mm / min(volume.grid.spacing_mm))
    bounds = bounds_of(label_map.labels, margin=margin)
    if bounds is None:
        return volume, label_map
    box = tuple(slice(*ends) for ends in bounds)
    grid = cropped_grid(volume.grid, bounds)
    labels = np.ascontiguousarray(label_map.labels[box])
    return Volume(np.ascontiguousarray(volume.voxels[box]), grid), replace(label_map, labels=labels, grid=grid)


def resampled(volume: Volume, grid: Grid, *, outside: float) -> Volume:
    """The volume on another grid, linear between voxel centres; `outside` is taken beyond them.

    A point within half a voxel of the outermost centres takes the value of the nearest one.
    """
    itk = simple_itk()
    image = to_itk(_padded(volume))
    onto = itk.ResampleImageFilter()
    onto.SetReferenceImage(_empty(grid))
    onto.SetInterpolator(itk.sitkLinear)
    onto.SetDefaultPixelValue(outside)
    return Volume(itk.GetArrayFromImage(onto.Execute(image)), grid)


def both_on(volume: Volume, label_map: LabelMap, grid: Grid, *, outside: float) -> tuple[Volume, LabelMap]:
    """Volume (linear) and mask (nearest voxel) on one grid."""
    return resampled(volume, grid, outside=outside), on_grid(label_map, grid)[0]


def simple_itk() -> Any:
    """SimpleITK: large and without types, loaded where it is used."""
    import SimpleITK

    return SimpleITK


def to_itk(volume: Volume) -> Any:
    """A SimpleITK image at the same place. Raises `ImageRefused` for axes that are not perpendicular."""
    return _itk_image(volume.voxels, volume.grid)


def labels_to_itk(label_map: LabelMap) -> Any:
    """The label map as a SimpleITK image at the same place."""
    return _itk_image(label_map.labels, label_map.grid)


def _itk_image(voxels: NDArray[Any], grid: Grid) -> Any:
    _require_perpendicular(grid)
    image = simple_itk().GetImageFromArray(voxels)
    _place(image, grid)
    return image


def _padded(volume: Volume) -> Volume:
    """One voxel more on every side with the value of its neighbour: interpolation ends at the outermost centres."""
    affine = volume.grid.affine_lps.copy()
    affine[:3, 3] = index_to_world((-1, -1, -1), volume.grid.affine_lps)
    k, j, i = (side + 2 for side in volume.grid.shape_kji)
    return Volume(np.pad(volume.voxels, 1, mode="edge"), Grid((k, j, i), affine))


def _empty(grid: Grid) -> Any:
    itk = simple_itk()
    _require_perpendicular(grid)
    image = itk.Image([int(side) for side in grid.shape_kji[::-1]], itk.sitkUInt8)
    _place(image, grid)
    return image


def _place(image: Any, grid: Grid) -> None:
    image.SetSpacing([float(step) for step in grid.spacing_mm])
    image.SetOrigin([float(part) for part in grid.origin_lps])
    image.SetDirection([float(cosine) for cosine in _orthonormal(grid).ravel()])


def _orthonormal(grid: Grid) -> NDArray[np.float64]:
    """The nearest rotation to the axes: rounding in files leaves them a little off."""
    left, _, right = np.linalg.svd(grid.direction)
    nearest: NDArray[np.float64] = left @ right
    return nearest


def _require_perpendicular(grid: Grid) -> None:
    for a, b in itertools.combinations(range(3), 2):
        cosine = abs(float(grid.direction[:, a] @ grid.direction[:, b]))
        if cosine > _SHEAR:
            raise ImageRefused(
                f"axes {a} and {b} of the grid are not perpendicular (cosine {cosine:.3g}), expected a straight box",
                code="grid_sheared",
            )
