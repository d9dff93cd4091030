"""Label maps: which voxels belong to which class, and the same on the grid of a series."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vision.core.geometry import Grid, Matrix, index_to_world, same_grid
from vision.core.mask_classes import (
    MAX_VALUE,
    LabelMap,
    MaskClass,
    built_in_classes,
    classes_of_extension,
    named_classes,
    read_class_table,
)
from vision.core.mask_places import ClassStatistics, centre_between, centre_of, class_statistics
from vision.core.nifti import NiftiVolume
from vision.core.refusals import ImageRefused

__all__ = [
    "TOTALSEGMENTATOR_CLASSES",
    "ClassStatistics",
    "LabelMap",
    "MaskClass",
    "built_in_classes",
    "centre_between",
    "centre_of",
    "class_statistics",
    "label_map_of",
    "merge_class_files",
    "on_grid",
    "read_class_table",
]

Labels = NDArray[Any]

TOTALSEGMENTATOR_CLASSES: Final = built_in_classes("total")
_MAX_CLASSES: Final = 2_000
# Two grids are one when no voxel is off by more than this part of the smallest spacing.
_TOLERANCE_VOXELS: Final = 0.02
_OFF_GRID_SHARE: Final = 0.005
_PLANES_LOOKED_AT: Final = 100
_VOXELS_LOOKED_AT: Final = 4_000


def label_map_of(volume: NiftiVolume, *, classes: Sequence[MaskClass] = ()) -> LabelMap:
    """The label map in a NIfTI volume. Names come from `classes`, else from the file's own label table.

    Raises `ImageRefused` for values that are no whole numbers from 0 to 65,535 and for thousands of different ones.
    """
    labels = _whole_numbers(volume)
    known = classes or next((table for content in volume.extensions if (table := classes_of_extension(content))), ())
    present = np.flatnonzero(_counts(labels))
    if present.size > _MAX_CLASSES:
        raise ImageRefused(
            f"the mask holds {present.size:,} different values, at most {_MAX_CLASSES:,} are taken for classes",
            code="mask_values",
        )
    return LabelMap(labels=labels, grid=volume.grid, classes=named_classes(present.tolist(), known))


def merge_class_files(files: Iterable[tuple[str, NiftiVolume]]) -> tuple[LabelMap, str | None]:
    """One label map of files that hold one class each, and a note where classes overlap.

    `files` are (name of the class, volume), such as a folder of TotalSegmentator; values above 0.5 belong to the
    class. Names that `total` knows keep its numbers. Where two classes overlap, the smaller one wins, whatever the
    order (a cyst lies in its kidney). Raises `ImageRefused` for no file, and for files on different grids.
    """
    numbers = {known.name: known for known in TOTALSEGMENTATOR_CLASSES}
    spare = itertools.count(len(TOTALSEGMENTATOR_CLASSES) + 1)
    merged: LabelMap | None = None
    sizes = np.zeros(MAX_VALUE + 1, dtype=np.int64)
    classes: list[MaskClass] = []
    n_overlapping = 0
    for name, volume in files:
        if merged is None:
            merged = LabelMap(np.zeros(volume.voxels.shape, dtype=np.uint16), volume.grid, ())
        if not same_grid(merged.grid, volume.grid):
            raise ImageRefused("the files of a mask lie on different grids, expected one", code="mask_grids_differ")
        known = numbers.get(name) or named_classes([next(spare)])[0]
        sizes[known.value] = _n_inside(volume)
        if sizes[known.value]:
            classes.append(replace(known, name=name))
            n_overlapping += _add_class(merged.labels, volume, value=known.value, sizes=sizes)
    if merged is None:
        raise ImageRefused("the mask has no file", code="mask_empty")
    classes.sort(key=lambda known: known.value)
    labels = _smallest_type(merged.labels)
    note = f"{n_overlapping:,} voxels lie in two classes; the smaller class has them." if n_overlapping else None
    return LabelMap(labels=labels, grid=merged.grid, classes=tuple(classes)), note


def on_grid(label_map: LabelMap, grid: Grid) -> tuple[LabelMap, str | None]:
    """The label map on the voxels and in the order of `grid`, and a note where it is not the same voxels.

    A grid that is the same up to the order and direction of its axes is reordered: no voxel changes, no note. Any other
    is sampled at its nearest voxel. Raises `ImageRefused` when nothing of the mask falls on `grid`.
    """
    steps = _index_steps(label_map.grid, grid)
    reordered = _reordered(label_map, grid, steps=steps)
    if reordered is not None:
        return replace(label_map, labels=reordered, grid=grid), None
    labels = _nearest(label_map.labels, grid.shape_kji, steps=steps)
    n_before, n_after = int(np.count_nonzero(label_map.labels)), int(np.count_nonzero(labels))
    if n_before and not n_after:
        raise ImageRefused(
            "no marked voxel of the mask lies on the series: it belongs to another", code="mask_elsewhere"
        )
    present = set(np.flatnonzero(_counts(labels)).tolist())
    classes = tuple(known for known in label_map.classes if known.value in present)
    note = _resampling_note(label_map, grid, n_lost=len(label_map.classes) - len(classes))
    return LabelMap(labels=labels, grid=grid, classes=classes), note


def _index_steps(source: Grid, target: Grid) -> Matrix:
    """4 x 4 matrix from indices (i, j, k, 1) of `target` to indices of `source`."""
    steps: Matrix = np.linalg.inv(source.affine_lps) @ target.affine_lps
    return steps


def _reordered(label_map: LabelMap, grid: Grid, *, steps: Matrix) -> Labels | None:
    """The labels with axes swapped and flipped onto `grid`, or None where the voxels are not the same."""
    signs = np.rint(steps[:3, :3])
    if (np.abs(signs).sum(axis=0) != 1).any() or (np.abs(signs).sum(axis=1) != 1).any():
        return None
    # Source axis a runs along target axis `order[a]`, both in (i, j, k).
    order = np.abs(signs).argmax(axis=1)
    source_ijk, target_ijk = label_map.grid.shape_kji[::-1], grid.shape_kji[::-1]
    if any(source_ijk[axis] != target_ijk[order[axis]] for axis in range(3)):
        return None
    exact = np.eye(4)
    exact[:3, :3] = signs
    exact[:3, 3] = [0 if signs[axis].sum() > 0 else source_ijk[axis] - 1 for axis in range(3)]
    corners = np.array(list(itertools.product(*((0, side - 1) for side in target_ijk))))
    off = index_to_world(corners, steps) - index_to_world(corners, exact)
    if np.abs(off * np.array(label_map.grid.spacing_mm)).max() > _TOLERANCE_VOXELS * min(grid.spacing_mm):
        return None
    labels_ijk = label_map.labels.transpose(2, 1, 0)
    flipped = labels_ijk[tuple(slice(None, None, int(signs[axis].sum())) for axis in range(3))]
    in_target_order = flipped.transpose([int(np.flatnonzero(order == axis)[0]) for axis in range(3)])
    return np.ascontiguousarray(in_target_order.transpose(2, 1, 0))


def _nearest(labels: Labels, shape_kji: tuple[int, int, int], *, steps: Matrix) -> Labels:
    """Labels of the nearest source voxel, 0 outside; memory is that of the result and of a few planes."""
    result = np.zeros(shape_kji, dtype=labels.dtype)
    shape_ijk = shape_kji[::-1]
    size_ijk = labels.shape[::-1]
    matrix = steps[:3, :3]
    if (np.count_nonzero(np.abs(matrix) * max(shape_ijk) > 1e-3, axis=1) <= 1).all():
        return _nearest_along_axes(labels, result, steps=steps)
    i, j = np.arange(shape_ijk[0]), np.arange(shape_ijk[1])[:, None]
    plane = [matrix[axis, 0] * i + matrix[axis, 1] * j + steps[axis, 3] for axis in range(3)]
    for k in range(shape_ijk[2]):
        index = [np.floor(plane[axis] + (matrix[axis, 2] * k + 0.5)).astype(np.int32) for axis in range(3)]
        inside = np.logical_and.reduce([(index[axis] >= 0) & (index[axis] < size_ijk[axis]) for axis in range(3)])
        result[k][inside] = labels[index[2][inside], index[1][inside], index[0][inside]]
    return result


def _nearest_along_axes(labels: Labels, result: Labels, *, steps: Matrix) -> Labels:
    """`_nearest` where each source axis follows one target axis: an index list for each axis is enough."""
    shape_ijk, size_ijk = result.shape[::-1], labels.shape[::-1]
    follows = [int(np.abs(steps[axis, :3]).argmax()) for axis in range(3)]
    taken: list[NDArray[np.intp]] = []
    filled = [slice(None)] * 3
    for axis, target_axis in enumerate(follows):
        at = np.arange(shape_ijk[target_axis])
        index = np.floor(steps[axis, target_axis] * at + steps[axis, 3] + 0.5).astype(np.intp)
        inside = np.flatnonzero((index >= 0) & (index < size_ijk[axis]))
        if not inside.size:
            return result
        taken.append(index[inside])
        filled[target_axis] = slice(int(inside[0]), int(inside[-1]) + 1)
    order = [follows.index(axis) for axis in range(3)]
    block = labels.transpose(2, 1, 0)[np.ix_(*taken)].transpose(order)
    result[filled[2], filled[1], filled[0]] = block.transpose(2, 1, 0)
    return result


def _resampling_note(label_map: LabelMap, grid: Grid, *, n_lost: int) -> str:
    spacing = " x ".join(f"{value:.3g}" for value in label_map.grid.spacing_mm)
    sentences = [f"The mask was drawn on another grid ({spacing} mm) and moved to the nearest voxels of the series."]
    outside = _share_outside(label_map, grid)
    if outside > _OFF_GRID_SHARE:
        sentences.append(f"{outside:.0%} of the marked volume lies beyond the series.")
    if n_lost:
        sentences.append(f"{n_lost} {'class has' if n_lost == 1 else 'classes have'} no voxel left.")
    return " ".join(sentences)


def _share_outside(label_map: LabelMap, grid: Grid) -> float:
    """Share of marked voxels whose centre lies outside `grid`, from up to 100 planes with up to 4,000 voxels each."""
    steps = _index_steps(grid, label_map.grid)
    upper = np.array(grid.shape_kji[::-1]) - 0.5
    n_marked = n_outside = 0.0
    for k in range(0, len(label_map.labels), 1 + len(label_map.labels) // _PLANES_LOOKED_AT):
        marked = np.flatnonzero(label_map.labels[k])
        looked_at = marked[:: 1 + marked.size // _VOXELS_LOOKED_AT]
        j, i = np.divmod(looked_at, label_map.labels.shape[2])
        at = index_to_world(np.stack([i, j, np.full_like(i, k)], axis=1), steps)
        n_marked += marked.size
        n_outside += marked.size * float(((at < -0.5) | (at >= upper)).any(axis=1).mean()) if marked.size else 0.0
    return n_outside / max(1.0, n_marked)


def _whole_numbers(volume: NiftiVolume) -> Labels:
    voxels: Labels = volume.voxels
    is_scaled = (volume.slope, volume.intercept) != (1.0, 0.0)
    if voxels.dtype.kind != "f" and not is_scaled:
        low, high = int(voxels.min()), int(voxels.max())
        if not 0 <= low <= high <= MAX_VALUE:
            raise _bad_values()
        return voxels.astype(np.uint8 if high < 256 else np.uint16, copy=False)
    labels = np.zeros(voxels.shape, dtype=np.uint16)
    for k, plane in enumerate(voxels):
        values = plane.astype(np.float64) * volume.slope + volume.intercept
        whole = np.rint(values)
        if not np.isfinite(values).all() or np.abs(values - whole).max() > 1e-3:
            raise _bad_values()
        if whole.min() < 0 or whole.max() > MAX_VALUE:
            raise _bad_values()
        labels[k] = whole
    return _smallest_type(labels)


def _bad_values() -> ImageRefused:
    return ImageRefused(
        "the mask holds values that are no whole numbers from 0 to 65,535: is it an image?", code="mask_values"
    )


def _smallest_type(labels: Labels) -> Labels:
    return labels.astype(np.uint8) if labels.max() < 256 else labels


def _counts(labels: Labels) -> NDArray[np.int64]:
    """Voxels of each value, by planes so that the copies that NumPy makes stay small."""
    counts = np.zeros(int(labels.max()) + 1, dtype=np.int64)
    for plane in labels:
        counts += np.bincount(plane.ravel(), minlength=counts.size)
    return counts


def _inside(volume: NiftiVolume, k: int) -> NDArray[np.bool_]:
    inside: NDArray[np.bool_] = volume.voxels[k].astype(np.float64) * volume.slope + volume.intercept > 0.5
    return inside


def _n_inside(volume: NiftiVolume) -> int:
    return sum(int(np.count_nonzero(_inside(volume, k))) for k in range(volume.voxels.shape[0]))


def _add_class(labels: Labels, volume: NiftiVolume, *, value: int, sizes: NDArray[np.int64]) -> int:
    """Mark the class where no smaller one is; returns how many voxels were taken already."""
    n_taken = 0
    for k in range(labels.shape[0]):
        inside = _inside(volume, k)
        before = labels[k][inside]
        n_taken += int(np.count_nonzero(before))
        is_smaller = (before == 0) | (sizes[value] < sizes[before])
        labels[k][inside] = np.where(is_smaller, value, before)
    return n_taken
