"""Where the classes of a label map are: counts, bounds, and the point that a viewer should move to."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vision.core.geometry import Matrix, index_to_world, world_to_index
from vision.core.mask_classes import LabelMap

Mask = NDArray[np.bool_]
IndexIjk = tuple[int, int, int]
PointLps = tuple[float, float, float]

_VERTEBRA: Final = re.compile(r"(?:vertebra[e]?[ _-]*)?[ctls]\d{1,2}", re.IGNORECASE)
_AXIS_RADIUS_MM: Final = 8.0
_END_PLATE_PERCENT: Final = 97


@dataclass(frozen=True, slots=True)
class ClassStatistics:
    """One class: `centre_index` lies inside it; `bounds_ijk` are its first and last index along each axis."""

    value: int
    n_voxels: int
    volume_ml: float
    centre_index: IndexIjk
    centre_lps_mm: PointLps
    bounds_ijk: tuple[IndexIjk, IndexIjk]


def class_statistics(label_map: LabelMap) -> list[ClassStatistics]:
    """Statistics of each class that occurs, in order of value. One pass over the planes, and small boxes after it."""
    labels = label_map.labels
    counts, first, last = _extents(labels)
    voxel_ml = float(abs(np.linalg.det(label_map.grid.affine_lps[:3, :3]))) / 1000.0
    found = []
    for value in np.flatnonzero(counts.sum(axis=0)).tolist():
        if value == 0:
            continue
        k = _fullest(counts[:, value])
        box = tuple(slice(first[axis][value], last[axis][value] + 1) for axis in (1, 0))
        index = _inner_point(labels[k][box] == value, label_map, offset_ji=(box[0].start, box[1].start), k=k)
        found.append(
            ClassStatistics(
                value=value,
                n_voxels=int(counts[:, value].sum()),
                volume_ml=float(counts[:, value].sum()) * voxel_ml,
                centre_index=index,
                centre_lps_mm=_point(label_map, index),
                bounds_ijk=(_ijk(first, value), _ijk(last, value)),
            )
        )
    return found


def centre_of(label_map: LabelMap, values: Sequence[int]) -> tuple[IndexIjk, PointLps] | None:
    """The point to move to for the classes `values`, as index and LPS mm; None when none of them occurs.

    It lies inside the classes: the innermost voxel of the plane that shows most of them. Two neighbouring vertebrae are
    a spinal level: the point lies between their bodies (`centre_between`).
    """
    names = {known.value: known.name for known in label_map.classes}
    level = [value for value in values if _VERTEBRA.fullmatch(names.get(value, ""))]
    if len(values) == 2 and len(level) == 2:
        between = centre_between(label_map, level[0], level[1])
        if between is not None:
            return between
    chosen = np.asarray(list(values))
    areas = np.array([int(np.isin(plane, chosen).sum()) for plane in label_map.labels])
    k = _fullest(areas)
    if not areas[k]:
        return None
    j, i = np.nonzero(np.isin(label_map.labels[k], chosen))
    mask = np.isin(label_map.labels[k, j.min() : j.max() + 1, i.min() : i.max() + 1], chosen)
    index = _inner_point(mask, label_map, offset_ji=(int(j.min()), int(i.min())), k=k)
    return index, _point(label_map, index)


def body_of(label_map: LabelMap, value: int) -> tuple[Matrix, Matrix] | None:
    """World points (n, 3) of the voxels of a vertebra and the middle (3,) of its body; None when it does not occur."""
    index = np.argwhere(label_map.labels == value)[:, ::-1]
    if not len(index):
        return None
    return index_to_world(index, label_map.grid.affine_lps), _body_centre(label_map, index)


def centre_between(label_map: LabelMap, upper: int, lower: int) -> tuple[IndexIjk, PointLps] | None:
    """The point halfway between the facing end plates of two vertebrae; None unless both occur.

    The body of a vertebra is what lasts longest when its mask is peeled from outside: arches and processes are thin.
    The end plates are found along the line through both bodies.
    """
    points, bodies = [], []
    for value in (upper, lower):
        found = body_of(label_map, value)
        if found is None:
            return None
        points.append(found[0])
        bodies.append(found[1])
    axis = bodies[1] - bodies[0]
    distance_mm = float(np.linalg.norm(axis))
    if distance_mm == 0:
        return None
    ends = [
        reach_mm(points[0], bodies[0], axis / distance_mm),
        reach_mm(points[1], bodies[1], -axis / distance_mm),
    ]
    halfway_mm = (ends[0] + distance_mm - ends[1]) / 2
    point = bodies[0] + axis / distance_mm * halfway_mm
    index = np.rint(world_to_index(point, label_map.grid.affine_lps)).astype(int)
    index = np.clip(index, 0, np.array(label_map.grid.shape_kji[::-1]) - 1)
    return (int(index[0]), int(index[1]), int(index[2])), (float(point[0]), float(point[1]), float(point[2]))


def reach_mm(points: Matrix, body: Matrix, axis: Matrix) -> float:
    """How far the body reaches from its centre along `axis`, in mm, within a narrow cylinder round it."""
    offsets = points - body
    along = offsets @ axis
    across = np.linalg.norm(offsets - along[:, None] * axis, axis=1)
    near = along[across <= _AXIS_RADIUS_MM]
    return float(np.percentile(near, _END_PLATE_PERCENT)) if near.size else 0.0


def _body_centre(label_map: LabelMap, index_ijk: NDArray[np.intp]) -> Matrix:
    """World point (3,) of what is left of voxels that are peeled until the next peel would leave nothing."""
    low = index_ijk.min(axis=0)
    mask = np.zeros(index_ijk.max(axis=0) - low + 1, dtype=bool)
    mask[tuple((index_ijk - low).T)] = True
    left = _peeled(mask, spacing_mm=label_map.grid.spacing_mm)
    centre: Matrix = index_to_world(np.argwhere(left).mean(axis=0) + low, label_map.grid.affine_lps)
    return centre


def _fullest(areas: NDArray[np.int64]) -> int:
    """The plane with most voxels; of several, as in a vessel that keeps its width, the middle one."""
    fullest = np.flatnonzero(areas == areas.max())
    return int(fullest[len(fullest) // 2])


def _inner_point(mask: Mask, label_map: LabelMap, *, offset_ji: tuple[int, int], k: int) -> IndexIjk:
    """The innermost voxel of a plane's mask."""
    i_mm, j_mm, _ = label_map.grid.spacing_mm
    left = np.argwhere(_peeled(mask, spacing_mm=(j_mm, i_mm)))
    nearest = left[np.abs(left - left.mean(axis=0)).sum(axis=1).argmin()]
    return int(nearest[1]) + offset_ji[1], int(nearest[0]) + offset_ji[0], k


def _peeled(mask: Mask, *, spacing_mm: Sequence[float]) -> Mask:
    """What is left of `mask` when layers of equal thickness are taken off until another would leave nothing."""
    mask = np.pad(mask, 1)
    step_mm, depth_mm = min(spacing_mm), 0.0
    while True:
        depth_mm += step_mm
        peeled = mask
        for axis, axis_mm in enumerate(spacing_mm):
            if int(depth_mm / axis_mm + 1e-6) > int((depth_mm - step_mm) / axis_mm + 1e-6):
                peeled = peeled & np.roll(mask, 1, axis) & np.roll(mask, -1, axis)
        if not peeled.any():
            return mask[(slice(1, -1),) * mask.ndim]
        mask = peeled


def _extents(labels: NDArray[Any]) -> tuple[NDArray[np.int64], list[NDArray[np.intp]], list[NDArray[np.intp]]]:
    """Voxels by plane and value, and the first and last index of each value along i, j and k."""
    n_values = int(labels.max()) + 1
    n_k, n_j, n_i = labels.shape
    counts = np.zeros((n_k, n_values), dtype=np.int64)
    in_column, in_row = np.zeros((n_values, n_i), dtype=bool), np.zeros((n_values, n_j), dtype=bool)
    for k, plane in enumerate(labels):
        marked = np.flatnonzero(plane)
        values = plane.ravel()[marked]
        counts[k] = np.bincount(values, minlength=n_values)
        in_row[values, marked // n_i] = True
        in_column[values, marked % n_i] = True
    seen = (in_column, in_row, (counts > 0).T)
    first = [occurs.argmax(axis=1) for occurs in seen]
    last = [occurs.shape[1] - 1 - occurs[:, ::-1].argmax(axis=1) for occurs in seen]
    return counts, first, last


def _ijk(by_axis: Sequence[NDArray[np.intp]], value: int) -> IndexIjk:
    return int(by_axis[0][value]), int(by_axis[1][value]), int(by_axis[2][value])


def _point(label_map: LabelMap, index: IndexIjk) -> PointLps:
    x, y, z = index_to_world(index, label_map.grid.affine_lps)
    return float(x), float(y), float(z)
