"""What the viewer is told of a series: docs/api.md describes it, static/src/viewer/types.ts types it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from vision.core.descriptions import clean_description
from vision.core.geometry import Grid, index_to_world, plane_name
from vision.core.headers import FrameGeometry, InstanceHeader
from vision.core.preview import default_window
from vision.core.stacks import Stack

if TYPE_CHECKING:
    from vision.services.dicom_series import Spooled


# What of a manifest has a column of its own.
ROW_FIELDS: Final = (
    *("series_uid", "number", "part", "n_parts", "description", "modality", "source", "kind", "n_bytes"),
)


def dicom_manifest(
    stack: Stack,
    spooled: Sequence["Spooled"],
    *,
    places: Mapping[int, tuple[int, int]],
    window: Mapping[str, float],
    extra: Sequence[str],
    n_bytes: int,
) -> dict[str, Any]:
    """The manifest of one part of a DICOM series; `places` says where each instance lies in its pack."""
    header = spooled[stack.images[0][0]].found.header
    return {
        "number": header.series_number,
        "part": stack.part,
        "n_parts": stack.n_parts,
        "description": describe(header, stack.grid),
        "modality": header.modality,
        "source": "dicom",
        "kind": stack.kind,
        "warnings": [*stack.warnings, *extra],
        "units": header.units,
        "window": dict(window),
        "grid": grid_payload(stack.grid),
        "images": [_image(spooled[index], frame, place=places[index]) for index, frame in stack.images],
        "n_bytes": n_bytes,
        "preview_image": middle_image(stack),
    }


def _image(spooled: "Spooled", frame: int, *, place: tuple[int, int]) -> dict[str, Any]:
    header = spooled.found.header
    where = header.frames[frame] if header.frames else _geometry(header)
    return {
        "offset": place[0],
        "length": place[1],
        "frame": frame,
        "number": header.instance_number,
        "sop_uid": spooled.sop_uid,
        "rows": header.rows,
        "columns": header.columns,
        "position": _listed(where.position_lps),
        "orientation": _listed(where.orientation),
        "spacing_mm": _listed(where.pixel_spacing_mm),
        "slope": header.slope,
        "intercept": header.intercept,
    }


def _geometry(header: InstanceHeader) -> FrameGeometry:
    return FrameGeometry(
        position_lps=header.position_lps,
        orientation=header.orientation,
        pixel_spacing_mm=header.pixel_spacing_mm,
    )


@dataclass(frozen=True, slots=True)
class VolumeFacts:
    """What a NIfTI series is, beside its grid and its window."""

    series_uid: str
    modality: str
    units: str
    warnings: Sequence[str]
    slope: float
    intercept: float
    n_bytes: int


def nifti_manifest(grid: Grid, facts: VolumeFacts, *, window: Mapping[str, float]) -> dict[str, Any]:
    """The manifest of a NIfTI volume, whose slices are images of their own for the viewer."""
    axes = grid.direction
    orientation = [float(part) for part in (*axes[:, 0], *axes[:, 1])]
    return {
        "series_uid": facts.series_uid,
        "number": None,
        "part": 1,
        "n_parts": 1,
        "description": _plane(orientation, grid.spacing_mm[2]),
        "modality": facts.modality,
        "source": "nifti",
        "kind": "volume",
        "warnings": list(facts.warnings),
        "units": facts.units,
        "window": dict(window),
        "grid": grid_payload(grid),
        "images": [_slice(k, grid, facts, orientation=orientation) for k in range(grid.shape_kji[0])],
        "n_bytes": facts.n_bytes,
        "preview_image": grid.shape_kji[0] // 2,
    }


def _slice(k: int, grid: Grid, facts: VolumeFacts, *, orientation: Sequence[float]) -> dict[str, Any]:
    _, rows, columns = grid.shape_kji
    spacing = grid.spacing_mm
    return {
        "frame": k,
        "number": None,
        "sop_uid": f"{facts.series_uid}.{k + 1}",
        "rows": rows,
        "columns": columns,
        "position": [float(part) for part in index_to_world((0, 0, k), grid.affine_lps)],
        "orientation": orientation,
        "spacing_mm": [spacing[1], spacing[0]],
        "slope": facts.slope,
        "intercept": facts.intercept,
    }


def grid_payload(grid: Grid | None) -> dict[str, Any] | None:
    """A grid as the viewer takes it."""
    if grid is None:
        return None
    n_slices, rows, columns = grid.shape_kji
    return {"dimensions": [columns, rows, n_slices], "affine_lps": [float(part) for part in grid.affine_lps.ravel()]}


def grid_of(manifest: Mapping[str, Any]) -> Grid | None:
    """The grid that a manifest describes."""
    said = manifest["grid"]
    if said is None:
        return None
    columns, rows, n_slices = said["dimensions"]
    return Grid((n_slices, rows, columns), np.array(said["affine_lps"]).reshape(4, 4))


def describe(header: InstanceHeader, grid: Grid | None) -> str:
    """What the series is: the words of its description that tell no name, else its plane and the slice distance."""
    words = clean_description(header.description)
    if words or header.orientation is None:
        return words[:200]
    distance_mm = grid.spacing_mm[2] if grid else header.slice_thickness_mm
    return _plane(header.orientation, distance_mm)


def _plane(orientation: Sequence[float], distance_mm: float | None) -> str:
    name = plane_name(orientation)
    return f"{name} {distance_mm:.3g} mm" if distance_mm else name


def middle_image(stack: Stack) -> int:
    """The image that stands for a part: the middle one of a volume, the first of a stack."""
    return len(stack.images) // 2 if stack.kind == "volume" else 0


def first_window(modality: str, pixels: NDArray[Any], *, header: InstanceHeader | None = None) -> dict[str, float]:
    """The window in which a series is first shown, from its header or its values."""
    center, width = default_window(modality, header, pixels)
    return {"center": float(center), "width": float(width)}


def _listed(values: Sequence[float] | None) -> list[float] | None:
    return None if values is None else [float(value) for value in values]
