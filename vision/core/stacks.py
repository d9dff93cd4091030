"""How the images of one series belong together: a regular box of voxels, or a stack to page through."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from vision.core.geometry import Grid, PlaneName, affine_from_dicom, plane_name
from vision.core.headers import InstanceHeader, Orientation
from vision.core.limits import DEFAULT_LIMITS, ImageLimits
from vision.core.spacing import Finding, judge_positions
from vision.core.splitting import Plane, split_repeats

__all__ = ["Stack", "arrange"]

# Orientations and spacings within these are one: what rounding to a few digits leaves.
_SAME_DIRECTION: Final = 1e-3
_SAME_SPACING: Final = 1e-3
_MIN_ANGLES: Final = 4
_MAX_ANGLES: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """Images that are shown together, in their order; `images` are (index of the header, frame counted from 0).

    Only a `volume` has a grid: its images are the slices k = 0, 1, ... of it, along the normal of the rows and
    columns. `warnings` are short sentences for the reader, `plane` is for a caption (empty without geometry).
    """

    kind: Literal["volume", "stack"]
    images: tuple[tuple[int, int], ...]
    grid: Grid | None = None
    warnings: tuple[str, ...] = ()
    part: int = 1
    n_parts: int = 1
    plane: PlaneName | Literal[""] = ""


def arrange(headers: Sequence[InstanceHeader], *, limits: ImageLimits = DEFAULT_LIMITS) -> list[Stack]:
    """The stacks of one series, in the order of their first image's number.

    Images are split by size, plane, spacing, frame of reference and, where several lie at one position, by what tells
    them apart (echo, phase, time point). What is then equally spaced along the normal is a volume; everything else is
    a stack that says why. A copy (the same SOP instance again) is left out. Raises `ValueError` for several series.
    """
    if len({(header.study_uid, header.series_uid) for header in headers}) > 1:
        raise ValueError("images of several series are arranged one series at a time")
    planes, n_copies = _planes(headers)
    groups = _by_angle(_by_keys(planes))
    found = [stack for group in groups for stack in _stacks(group, limits)]
    found.sort(key=lambda pair: pair[0])
    notes = _series_notes(headers, n_copies=n_copies, stacks=[stack for _, stack in found])
    return [
        replace(stack, warnings=(*notes, *stack.warnings), part=part, n_parts=len(found))
        for part, (_, stack) in enumerate(found, start=1)
    ]


def _planes(headers: Sequence[InstanceHeader]) -> tuple[list[Plane], int]:
    """Every frame as a plane, copies left out, and the number of copies."""
    planes: list[Plane] = []
    seen: set[str] = set()
    for index, header in enumerate(headers):
        if header.sop_uid in seen:
            continue
        seen.add(header.sop_uid)
        planes.extend(
            Plane(header=header, header_index=index, frame=frame, geometry=header.geometry(frame))
            for frame in range(header.n_frames)
        )
    return planes, len(headers) - len(seen)


def _by_keys(planes: Iterable[Plane]) -> list[list[Plane]]:
    """Groups that share what one box of voxels must share, directions apart."""
    groups: dict[Hashable, list[Plane]] = {}
    for plane in planes:
        header = plane.header
        sort = "localizer" if header.is_localizer else "mosaic" if header.is_mosaic else ""
        key = (
            sort,
            (header.rows, header.columns, header.bits_allocated, header.signed, header.photometric),
            header.frame_of_reference_uid,
            plane.has_geometry,
            header.sop_uid if header.n_frames > 1 and not plane.has_geometry else "",
        )
        groups.setdefault(key, []).append(plane)
    return list(groups.values())


def _by_angle(groups: Iterable[list[Plane]]) -> list[list[Plane]]:
    """Groups split further by direction and pixel spacing; scouts and turning planes stay together."""
    found: list[list[Plane]] = []
    for group in groups:
        if not group[0].has_geometry or group[0].header.is_localizer or group[0].header.is_mosaic:
            found.append(group)
            continue
        clusters = _clusters(group)
        single = [cluster[0] for cluster in clusters if len(cluster) == 1]
        if len(single) >= _MIN_ANGLES:
            clusters = [cluster for cluster in clusters if len(cluster) > 1]
            found.append(single)
        found.extend(clusters)
    return found


def _clusters(group: list[Plane]) -> list[list[Plane]]:
    """Planes by direction and pixel spacing; all in one when there are more directions than anyone would page by."""
    clusters: list[list[Plane]] = []
    for plane in group:
        same = next((cluster for cluster in reversed(clusters) if _is_same_angle(cluster[0], plane)), None)
        if same is not None:
            same.append(plane)
        elif len(clusters) == _MAX_ANGLES:
            return [group]
        else:
            clusters.append([plane])
    return clusters


def _is_same_angle(a: Plane, b: Plane) -> bool:
    one, other = a.geometry, b.geometry
    if one.orientation == other.orientation and one.pixel_spacing_mm == other.pixel_spacing_mm:
        return True
    turned = np.subtract(one.orientation or (), other.orientation or ())
    spacing, other_spacing = one.pixel_spacing_mm or (0, 0), other.pixel_spacing_mm or (0, 0)
    stretched = (abs(x - y) / y for x, y in zip(spacing, other_spacing, strict=True))
    return bool(np.abs(turned).max() <= _SAME_DIRECTION) and max(stretched) <= _SAME_SPACING


def _stacks(group: list[Plane], limits: ImageLimits) -> list[tuple[tuple[int, int], Stack]]:
    """The stacks of one group, each with what orders it among the others."""
    header = group[0].header
    if header.is_mosaic:
        return [_stack(group, "A mosaic: many slices tiled into one image. Shown image by image.")]
    if header.is_localizer:
        return [_stack(group)]
    if not group[0].has_geometry:
        return [_stack(group, *_without_geometry(group))]
    if not all(_is_same_angle(group[0], plane) for plane in group):
        return [_stack(group, "The images lie at different angles. Shown as a stack.")]
    parts = split_repeats(group)
    if len(parts) == 1:
        return [_volume_or_stack(parts[0][1], limits)]
    return [
        _volume_or_stack(planes, limits, f"Several images at each position, split by {by}.") for by, planes in parts
    ]


def _without_geometry(group: list[Plane]) -> tuple[str, ...]:
    if len(group) == 1:
        return ()
    if group[0].header.n_frames > 1:
        return ("A multi-frame image that does not say where its frames lie. Shown as a stack.",)
    return ("The images do not say where they lie. Shown as a stack in the order of their numbers.",)


def _volume_or_stack(planes: list[Plane], limits: ImageLimits, *warnings: str) -> tuple[tuple[int, int], Stack]:
    planes = sorted(planes, key=lambda plane: (plane.distance_mm, plane.order))
    first, last = planes[0].geometry, planes[-1].geometry
    if len(planes) == 1 or first.position_lps is None or last.position_lps is None:
        return _stack(planes, *warnings, is_sorted=True)
    finding = judge_positions([plane.geometry for plane in planes])
    if finding.warning or len(planes) * planes[0].header.rows * planes[0].header.columns > limits.max_voxels:
        return _stack(planes, *warnings, finding.warning or "Too large for one volume.", is_sorted=True)
    order, stack = _stack(planes, *warnings, is_sorted=True)
    return order, replace(stack, kind="volume", grid=_grid(planes, finding))


def _grid(planes: list[Plane], finding: Finding) -> Grid:
    geometry, header = planes[0].geometry, planes[0].header
    orientation, spacing = _orientation(planes[0]), geometry.pixel_spacing_mm
    if geometry.position_lps is None or spacing is None:
        raise ValueError("a plane without position or spacing is part of no volume")
    return Grid(
        shape_kji=(len(planes), header.rows, header.columns),
        affine_lps=affine_from_dicom(
            position_lps=geometry.position_lps,
            orientation=orientation,
            pixel_spacing_mm=spacing,
            step_lps=finding.step_lps,
        ),
    )


def _stack(planes: list[Plane], *warnings: str, is_sorted: bool = False) -> tuple[tuple[int, int], Stack]:
    order = min(plane.order for plane in planes)
    if not is_sorted:
        planes = sorted(planes, key=lambda plane: plane.order)
    is_one_plane = planes[0].has_geometry and _is_same_angle(planes[0], planes[-1])
    stack = Stack(
        kind="stack",
        images=tuple((plane.header_index, plane.frame) for plane in planes),
        warnings=tuple(dict.fromkeys([*(note for plane in planes for note in plane.header.notes), *warnings])),
        plane=plane_name(_orientation(planes[0])) if is_one_plane else "",
    )
    return (order[0], planes[0].header_index), stack


def _orientation(plane: Plane) -> Orientation:
    if plane.geometry.orientation is None:
        raise ValueError("a plane without orientation has no direction")
    return plane.geometry.orientation


def _series_notes(headers: Sequence[InstanceHeader], *, n_copies: int, stacks: list[Stack]) -> tuple[str, ...]:
    notes = []
    if n_copies:
        notes.append(f"{n_copies} {'copy' if n_copies == 1 else 'copies'} of images left out.")
    planes = [stack.plane for stack in stacks if stack.plane]
    if len(set(planes)) > 1:
        notes.append(f"Several planes under one series number ({', '.join(dict.fromkeys(planes))}): shown in parts.")
    elif len({(headers[stack.images[0][0]].rows, headers[stack.images[0][0]].columns) for stack in stacks}) > 1:
        notes.append("Images of several sizes under one series number: shown in parts.")
    return tuple(notes)
