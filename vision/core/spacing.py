"""Whether parallel planes are the slices of a regular box, and if not, what keeps them from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vision.core.geometry import plane_normal
from vision.core.headers import FrameGeometry
from vision.core.splitting import SAME_POSITION_MM

# How far a slice may be off the regular grid: what rounding of positions to a tenth of a millimetre leaves, but no more
# than a part of a thin slice.
_OFF_MM: Final = 0.1
_OFF_OF_THIN_GAP: Final = 0.15
_OFF_OF_GAP: Final = 0.01
_OFF_SIDEWAYS_MM: Final = 0.05
_SHEAR_MM_PER_MM: Final = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """`step_lps` leads from each slice to the next; `warning` says why there is no such step, and is else empty."""

    step_lps: NDArray[np.float64] | None
    warning: str = ""


def judge_positions(planes: Sequence[FrameGeometry]) -> Finding:
    """Judge two or more parallel planes, sorted along their normal; slices are counted from 1 in what is said."""
    normal = plane_normal(planes[0].orientation or (1, 0, 0, 0, 1, 0))
    positions = np.array([plane.position_lps for plane in planes], dtype=np.float64)
    distances = positions @ normal
    gaps = np.diff(distances)
    if (gaps <= SAME_POSITION_MM).any():
        return Finding(None, _repeated(gaps))
    if warning := _off_the_normal(positions, distances, normal):
        return Finding(None, warning)
    if warning := _unequal(distances, gaps):
        return Finding(None, warning)
    return Finding(normal * (distances[-1] - distances[0]) / len(gaps))


def _repeated(gaps: NDArray[np.float64]) -> str:
    at = int(np.argmax(gaps <= SAME_POSITION_MM)) + 1
    n_repeats = int((gaps <= SAME_POSITION_MM).sum())
    return (
        f"{n_repeats} {'image lies' if n_repeats == 1 else 'images lie'} where another one does, first images {at} and "
        f"{at + 1}, and nothing tells them apart. Shown as a stack."
    )


def _off_the_normal(positions: NDArray[np.float64], distances: NDArray[np.float64], normal: NDArray[np.float64]) -> str:
    along = distances - distances[0]
    sideways = positions - positions[0] - along[:, None] * normal
    off_mm = np.linalg.norm(sideways, axis=1)
    allowed_mm = _OFF_SIDEWAYS_MM + _SHEAR_MM_PER_MM * along[-1]
    if off_mm.max() <= allowed_mm:
        return ""
    sheared = np.linalg.norm(sideways - along[:, None] / along[-1] * sideways[-1], axis=1)
    if sheared.max() <= allowed_mm:
        tilt = np.degrees(np.arctan2(off_mm[-1], along[-1]))
        return f"The slices are sheared by {tilt:.1f} degrees (gantry tilt). Shown as a stack."
    return f"The slices are shifted sideways against each other by up to {off_mm.max():.1f} mm. Shown as a stack."


def _unequal(distances: NDArray[np.float64], gaps: NDArray[np.float64]) -> str:
    gap_mm = float(np.median(gaps))
    allowed_mm = max(_OFF_OF_GAP * gap_mm, min(_OFF_MM, _OFF_OF_THIN_GAP * gap_mm))
    fitted = np.linspace(distances[0], distances[-1], len(distances))
    if np.abs(distances - fitted).max() <= allowed_mm:
        return ""
    n_steps = np.round(gaps / gap_mm)
    if (np.abs(gaps - n_steps * gap_mm) <= 2 * allowed_mm).all() and n_steps.min() >= 1:
        where = np.flatnonzero(n_steps > 1)
        n_missing = int((n_steps - 1).sum())
        if n_missing:
            places = ", ".join(f"{at + 1} and {at + 2}" for at in where[:3]) + (" and more" if len(where) > 3 else "")
            return (
                f"{n_missing} {'slice is' if n_missing == 1 else 'slices are'} missing between images {places} (gap "
                f"{gaps[where[0]]:.2f} mm, otherwise {gap_mm:.2f} mm). Shown as a stack."
            )
    return f"The slices are not equally spaced (gaps of {gaps.min():.2f} to {gaps.max():.2f} mm). Shown as a stack."
