"""Small volumes along each disc: 9 sagittal slices of 112 x 224 that lie level with it (METHODS E.1).

A disc is found between two vertebrae of a mask, as a class of its own in a mask, or between two landmarks. Whatever
finds it, the volume is centred on it, its rows run down from the upper vertebra, its columns from front to back, and
its slices from the patient's left to the right.
"""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vision.core.geometry import Grid, Matrix, index_to_world, world_to_index
from vision.core.mask_classes import LabelMap
from vision.core.mask_places import body_of, reach_mm
from vision.core.refusals import ImageRefused
from vision.core.regions import Region
from vision.core.volumes import Volume, resampled

SHAPE: Final = (9, 112, 224)
# Columns cover twice the depth of the disc: the disc, and as much behind it as the canal needs.
_DEPTHS: Final = 2.0
_USUAL_DEPTH_MM: Final = 35.0
_DEPTHS_MM: Final = (20.0, 60.0)
# The sacrum tilts by some 50 degrees at most.
_APART_MM, _LEAST_COSINE = (10.0, 60.0), 0.4
_LEAST_SLICE_MM: Final = 3.0
_BODY_RADIUS_MM: Final = 8.0
_BODY_FROM_DISC_MM: Final = 18.0
_VERTEBRA: Final = re.compile(r"([CTLS])(\d{1,2})", re.IGNORECASE)


@dataclass(frozen=True, slots=True, eq=False)
class DiscPlace:
    """Where a disc lies, in LPS mm: its middle, the way up, its depth, and the middles (2, 3) of its two bodies."""

    centre: Matrix
    up: Matrix
    depth_mm: float
    bodies: Matrix


def level_of(region: Region) -> tuple[str, str] | None:
    """The two vertebrae of a region, upper first, such as (L4, L5); None when its masks are not two vertebrae."""
    found = [match for name in region.masks if (match := _VERTEBRA.search(name))]
    if len(region.masks) != 2 or len(found) != 2:
        return None
    return _name(found[0]), _name(found[1])


def places_in_mask(label_map: LabelMap, regions: Sequence[Region]) -> dict[str, DiscPlace]:
    """The discs of those regions that a mask shows: between its vertebrae, else as classes named after two of them.

    Bodies that do not lie one above the other as in a spine (a vertebra cut off by the edge of the image) have no disc.
    """
    vertebrae, discs = _classes_of(label_map)
    bodies = {name: body_of(label_map, value) for name, value in vertebrae.items()}
    found = {}
    for region in regions:
        level = level_of(region)
        if level is None:
            continue
        upper, lower = bodies.get(level[0]), bodies.get(level[1])
        if upper is not None and lower is not None:
            if _are_neighbours(upper[1], lower[1]):
                found[region.name] = _between(upper, lower)
        elif level in discs:
            found[region.name] = _of_disc(label_map, discs[level])
    return found


def read_landmarks(data: bytes) -> dict[str, Matrix]:
    """Points (3,) in LPS mm by vertebra, from CSV with columns vertebra, x_mm, y_mm and z_mm.

    Raises `ImageRefused` for other columns, names that are no vertebra, and places that are no finite numbers.
    """
    try:
        rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
    except (UnicodeDecodeError, csv.Error) as error:
        raise _bad_landmarks("it is no CSV in UTF-8") from error
    found: dict[str, Matrix] = {}
    for number, row in enumerate(rows, start=2):
        match = _VERTEBRA.fullmatch((row.get("vertebra") or "").strip())
        try:
            point = np.array([float(row[column]) for column in ("x_mm", "y_mm", "z_mm")])
        except (KeyError, TypeError, ValueError) as error:
            raise _bad_landmarks(f"line {number} has no numbers x_mm, y_mm and z_mm") from error
        if match is None or not np.isfinite(point).all():
            raise _bad_landmarks(f"line {number} names no vertebra such as L4, or no finite place")
        found[_name(match)] = point
    return found


def places_of_landmarks(points: Mapping[str, Matrix], regions: Sequence[Region]) -> dict[str, DiscPlace]:
    """Discs halfway between the landmarks (middles of bodies); their depth is the usual 35 mm."""
    found = {}
    for region in regions:
        level = level_of(region)
        if level is None or level[0] not in points or level[1] not in points:
            continue
        bodies = np.stack([points[level[0]], points[level[1]]])
        found[region.name] = DiscPlace(bodies.mean(axis=0), _unit(bodies[0] - bodies[1]), _USUAL_DEPTH_MM, bodies)
    return found


def disc_grid(place: DiscPlace, *, slice_mm: float) -> Grid:
    """The grid of the volume of a disc."""
    columns_mm = _DEPTHS * place.depth_mm / SHAPE[2]
    right = _unit(_across(np.array([-1.0, 0.0, 0.0]), place.up))
    back = np.cross(-place.up, right)
    affine = np.eye(4)
    affine[:3, :3] = np.stack([back * columns_mm, -place.up * columns_mm, right * slice_mm], axis=1)
    middle_ijk = (np.array(SHAPE[::-1]) - 1) / 2
    affine[:3, 3] = place.centre - affine[:3, :3] @ middle_ijk
    return Grid(SHAPE, affine)


def disc_volume(volume: Volume, place: DiscPlace) -> Volume:
    """The volume of a disc: 9 x 112 x 224 from 0 to 1; the median of the two bodies is a quarter, twice four times it.

    Slices keep the distance of a sagittal scan. Beyond the image it is 0. Raises `ImageRefused` when the bodies lie
    outside the image or have no signal.
    """
    grid = disc_grid(place, slice_mm=_slice_mm(volume.grid))
    raw = resampled(volume, grid, outside=0.0)
    reference = _signal_of_bodies(volume, place)
    level = np.clip(raw.voxels / np.float32(reference) * np.float32(0.5), 0, 2) / 2
    return Volume(level.astype(np.float32), grid)


def _classes_of(label_map: LabelMap) -> tuple[dict[str, int], dict[tuple[str, str], int]]:
    """Values of the classes that are one vertebra, and of those that are named after two: discs."""
    vertebrae, discs = {}, {}
    for known in label_map.classes:
        names = [_name(match) for match in _VERTEBRA.finditer(known.name)]
        if len(names) == 1 and "disc" not in known.name.lower():
            vertebrae[names[0]] = known.value
        elif len(names) == 2:
            discs[(names[0], names[1])] = known.value
    return vertebrae, discs


def _are_neighbours(upper: Matrix, lower: Matrix) -> bool:
    """Whether the middles of two bodies are as far apart as bodies are, and roughly above each other."""
    apart = upper - lower
    distance_mm = float(np.linalg.norm(apart))
    return _APART_MM[0] <= distance_mm <= _APART_MM[1] and apart[2] >= _LEAST_COSINE * distance_mm


def _between(upper: tuple[Matrix, Matrix], lower: tuple[Matrix, Matrix]) -> DiscPlace:
    """Halfway between the end plates, as deep as the bodies: twice their reach to the front, where no arch is."""
    bodies = np.stack([upper[1], lower[1]])
    distance_mm = float(np.linalg.norm(bodies[0] - bodies[1]))
    up = _unit(bodies[0] - bodies[1])
    down_mm, up_mm = reach_mm(upper[0], bodies[0], -up), reach_mm(lower[0], bodies[1], up)
    centre = bodies[0] - up * (down_mm + distance_mm - up_mm) / 2
    front = _unit(_across(np.array([0.0, -1.0, 0.0]), up))
    depth_mm = float(np.mean([2 * reach_mm(points, body, front) for points, body in (upper, lower)]))
    return DiscPlace(centre, up, float(np.clip(depth_mm, *_DEPTHS_MM)), bodies)


def _of_disc(label_map: LabelMap, value: int) -> DiscPlace:
    """A disc is flat: the way up is the direction in which its voxels spread least."""
    index = np.argwhere(label_map.labels == value)[:, ::-1]
    points = index_to_world(index, label_map.grid.affine_lps)
    centre = points.mean(axis=0)
    _, _, axes = np.linalg.svd(points - centre, full_matrices=False)
    up = axes[2] if axes[2][2] > 0 else -axes[2]
    front = _unit(_across(np.array([0.0, -1.0, 0.0]), up))
    depth_mm = float(np.ptp((points - centre) @ front))
    bodies = np.stack([centre + up * _BODY_FROM_DISC_MM, centre - up * _BODY_FROM_DISC_MM])
    return DiscPlace(centre, up, float(np.clip(depth_mm, *_DEPTHS_MM)), bodies)


def _signal_of_bodies(volume: Volume, place: DiscPlace) -> float:
    """Median over two spheres of 8 mm radius round the middles of the bodies."""
    inside: list[NDArray[np.float32]] = []
    for body in place.bodies:
        steps = np.array(volume.grid.spacing_mm)
        middle = world_to_index(body, volume.grid.affine_lps)
        reach = np.ceil(_BODY_RADIUS_MM / steps).astype(int)
        low = np.maximum(np.rint(middle).astype(int) - reach, 0)
        high = np.minimum(np.rint(middle).astype(int) + reach + 1, volume.grid.shape_kji[::-1])
        if (high <= low).any():
            continue
        box = tuple(slice(low[axis], high[axis]) for axis in (2, 1, 0))
        k, j, i = np.ogrid[box]
        away = sum(((at - middle[axis]) * steps[axis]) ** 2 for axis, at in ((0, i), (1, j), (2, k)))
        inside.append(volume.voxels[box][np.asarray(away) <= _BODY_RADIUS_MM**2])
    signal = float(np.median(np.concatenate(inside))) if inside and sum(map(len, inside)) else 0.0
    if signal <= 0:
        raise ImageRefused("the bodies beside a disc lie outside the image or have no signal", code="disc_no_signal")
    return signal


def _slice_mm(grid: Grid) -> float:
    """The distance of slices of a sagittal scan, at least 3 mm."""
    sideways = int(np.abs(grid.direction[0]).argmax())
    return max(_LEAST_SLICE_MM, grid.spacing_mm[sideways])


def _across(vector: Matrix, axis: Matrix) -> Matrix:
    """The part of a vector that is perpendicular to a unit vector."""
    return vector - axis * float(vector @ axis)


def _unit(vector: Matrix) -> Matrix:
    unit: Matrix = vector / np.linalg.norm(vector)
    return unit


def _name(match: re.Match[str]) -> str:
    return f"{match[1].upper()}{int(match[2])}"


def _bad_landmarks(what: str) -> ImageRefused:
    return ImageRefused(
        f"the landmarks cannot be read: {what}; expected columns vertebra, x_mm, y_mm, z_mm", code="bad_landmarks"
    )
