"""Several images at one position: echoes, phases or time points that one series number holds."""

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Final

import numpy as np

from vision.core.geometry import plane_normal
from vision.core.headers import FrameGeometry, InstanceHeader

SAME_POSITION_MM: Final = 0.01
_INSTANCE: Final = "file"


@dataclass(frozen=True, kw_only=True)
class Plane:
    """One frame of one image. `header_index` counts the headers that were given."""

    header: InstanceHeader
    header_index: int
    frame: int
    geometry: FrameGeometry

    @property
    def has_geometry(self) -> bool:
        """Whether position, orientation and spacing are all known."""
        geometry = self.geometry
        return None not in (geometry.position_lps, geometry.orientation, geometry.pixel_spacing_mm)

    @cached_property
    def distance_mm(self) -> float:
        """Position along the plane's normal; 0 without geometry."""
        if self.geometry.position_lps is None or self.geometry.orientation is None:
            return 0.0
        return float(np.dot(plane_normal(self.geometry.orientation), self.geometry.position_lps))

    @property
    def order(self) -> tuple[int, int, int]:
        """What orders planes that have no positions: the image's number, then its place, then the frame."""
        number = self.header.instance_number
        return (2**31 if number is None else number, self.header_index, self.frame)

    @cached_property
    def splitters(self) -> dict[str, Hashable]:
        """What may tell the plane from others at its position."""
        found = dict(self.geometry.splitters)
        if self.header.n_frames > 1:
            found[_INSTANCE] = self.header.sop_uid
        return found


def split_repeats(planes: Sequence[Plane]) -> list[tuple[str, list[Plane]]]:
    """Parallel planes as (what split them, planes of one part); one part when nothing repeats or nothing splits them.

    A split is taken when it leaves one plane at each position, and as many parts as planes share a position.
    """
    places = _places(planes)
    n_repeats = max(Counter(places).values())
    if n_repeats > 1:
        names = list(dict.fromkeys(name for plane in planes for name in plane.splitters))
        for n_names in (1, 2, 3):
            for chosen in combinations(names, n_names):
                if parts := _split(planes, places, chosen, n_repeats):
                    return [(" and ".join(chosen), part) for part in parts]
    return [("", list(planes))]


def _places(planes: Sequence[Plane]) -> list[int]:
    """For each plane the number of its position along the normal; equal positions have equal numbers.

    All are measured along the first one's normal, so that rounding in the others' directions does not part them.
    """
    first = planes[0].geometry.orientation
    if first is None:
        return [0] * len(planes)
    positions = np.array([plane.geometry.position_lps for plane in planes], dtype=np.float64)
    distances = positions @ plane_normal(first)
    order = np.argsort(distances, kind="stable")
    steps = np.diff(distances[order], prepend=distances[order[0]]) > SAME_POSITION_MM
    places = np.empty(len(planes), dtype=int)
    places[order] = np.cumsum(steps)
    return [int(place) for place in places]


def _split(
    planes: Sequence[Plane], places: Sequence[int], names: tuple[str, ...], n_parts: int
) -> list[list[Plane]] | None:
    parts: dict[Hashable, list[Plane]] = {}
    taken: set[tuple[Hashable, int]] = set()
    for plane, place in zip(planes, places, strict=True):
        key = tuple(plane.splitters.get(name) for name in names)
        if (key, place) in taken or (key not in parts and len(parts) == n_parts):
            return None
        taken.add((key, place))
        parts.setdefault(key, []).append(plane)
    return list(parts.values()) if len(parts) == n_parts else None
