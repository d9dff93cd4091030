"""Where voxels lie in the patient. World points are millimetres in LPS: +x to the left, +y to the back, +z upwards.

Indices are (i, j, k) = column, row, slice, 0 being the centre of the first voxel; arrays are `voxels[k, j, i]`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Matrix = NDArray[np.float64]
PlaneName = Literal["axial", "coronal", "sagittal", "oblique"]

_RAS_TO_LPS: Final = np.diag([-1.0, -1.0, 1.0, 1.0])
_LETTERS: Final = (("R", "L"), ("A", "P"), ("I", "S"))
_LETTER_MIN: Final = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """A regular box of voxels: extents (slices, rows, columns) and the 4 x 4 matrix from (i, j, k, 1) to LPS mm.

    Raises `ValueError` for an empty extent and for a matrix that is not finite or cannot be inverted.
    """

    shape_kji: tuple[int, int, int]
    affine_lps: Matrix

    def __post_init__(self) -> None:
        affine = np.array(self.affine_lps, dtype=np.float64)
        if affine.shape != (4, 4) or not np.isfinite(affine).all() or not np.allclose(affine[3], (0, 0, 0, 1)):
            raise ValueError("the affine is not a finite 4 x 4 matrix with 0 0 0 1 as its last row")
        steps = np.linalg.norm(affine[:3, :3], axis=0)
        if steps.min() <= 0 or abs(np.linalg.det(affine[:3, :3] / steps)) < 1e-6:
            raise ValueError("the affine cannot be inverted: its axes are zero or lie in one plane")
        if min(self.shape_kji) < 1:
            raise ValueError(f"the extents are {self.shape_kji}, expected three positive numbers")
        affine.setflags(write=False)
        object.__setattr__(self, "affine_lps", affine)

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance of neighbouring voxel centres along i, j, k."""
        i_mm, j_mm, k_mm = np.linalg.norm(self.affine_lps[:3, :3], axis=0)
        return float(i_mm), float(j_mm), float(k_mm)

    @property
    def origin_lps(self) -> Matrix:
        """World point (3,) of the centre of voxel (0, 0, 0)."""
        return self.affine_lps[:3, 3]

    @property
    def direction(self) -> Matrix:
        """3 x 3 matrix whose columns are the unit vectors of the i, j, k axes in LPS."""
        axes: Matrix = self.affine_lps[:3, :3] / np.linalg.norm(self.affine_lps[:3, :3], axis=0)
        return axes


def index_to_world(index_ijk: ArrayLike, affine_lps: ArrayLike) -> Matrix:
    """World points (..., 3) in LPS mm of indices (..., 3); fractions of a voxel are meant."""
    affine = np.asarray(affine_lps, dtype=np.float64)
    points: Matrix = np.asarray(index_ijk, dtype=np.float64) @ affine[:3, :3].T + affine[:3, 3]
    return points


def world_to_index(points_lps: ArrayLike, affine_lps: ArrayLike) -> Matrix:
    """Indices (..., 3) as (i, j, k), not rounded, of world points (..., 3) in LPS mm."""
    affine = np.asarray(affine_lps, dtype=np.float64)
    offsets = np.asarray(points_lps, dtype=np.float64) - affine[:3, 3]
    indices: Matrix = offsets @ np.linalg.inv(affine[:3, :3]).T
    return indices


def lps_from_ras(affine_ras: ArrayLike) -> Matrix:
    """The matrix to LPS of one to RAS (NIfTI, nibabel), and the other way round: x and y change sign."""
    affine: Matrix = _RAS_TO_LPS @ np.asarray(affine_ras, dtype=np.float64)
    return affine


def plane_normal(orientation: Sequence[float]) -> Matrix:
    """Unit vector (3,) across a DICOM plane: row cosines x column cosines, so that i, j, k are right-handed."""
    row, column = np.asarray(orientation[:3], dtype=np.float64), np.asarray(orientation[3:], dtype=np.float64)
    normal = np.cross(row, column)
    unit: Matrix = normal / np.linalg.norm(normal)
    return unit


def affine_from_dicom(
    *,
    position_lps: Sequence[float],
    orientation: Sequence[float],
    pixel_spacing_mm: tuple[float, float],
    step_lps: ArrayLike | None = None,
) -> Matrix:
    """The matrix (i, j, k, 1) -> LPS mm of DICOM planes (PS3.3 section C.7.6.2.1.1).

    `position_lps` is the centre of the first pixel of the first plane, `orientation` the cosines of a row, then of a
    column. `pixel_spacing_mm` is (between rows, between columns) as in PixelSpacing: the column index i runs along the
    row cosines by the second, the row index j along the column cosines by the first. `step_lps` leads from a plane to
    the next; without it, 1 mm along the normal.
    """
    row, column = np.asarray(orientation[:3], dtype=np.float64), np.asarray(orientation[3:], dtype=np.float64)
    affine = np.eye(4)
    affine[:3, 0] = row / np.linalg.norm(row) * pixel_spacing_mm[1]
    affine[:3, 1] = column / np.linalg.norm(column) * pixel_spacing_mm[0]
    affine[:3, 2] = plane_normal(orientation) if step_lps is None else np.asarray(step_lps, dtype=np.float64)
    affine[:3, 3] = position_lps
    return affine


def orientation_letters(vector_lps: ArrayLike) -> str:
    """Where a direction leads: `L`, `P`, `S` and so on, the strongest first; oblique ones get up to three letters.

    Parts below a tenth of the whole are left out. Raises `ValueError` for a vector without length.
    """
    vector = np.asarray(vector_lps, dtype=np.float64)
    length = float(np.linalg.norm(vector))
    if not np.isfinite(length) or length == 0:
        raise ValueError("a direction without length leads nowhere")
    unit = vector / length
    order = sorted(range(3), key=lambda axis: -abs(unit[axis]))
    return "".join(_LETTERS[axis][int(unit[axis] > 0)] for axis in order if abs(unit[axis]) >= _LETTER_MIN)


def plane_name(orientation: Sequence[float]) -> PlaneName:
    """`axial`, `coronal` or `sagittal` by the axis nearest to the normal; `oblique` beyond 45 degrees of each."""
    normal = np.abs(plane_normal(orientation))
    axis = int(normal.argmax())
    names: tuple[PlaneName, ...] = ("sagittal", "coronal", "axial")
    return names[axis] if normal[axis] > np.sqrt(0.5) else "oblique"


def same_grid(a: Grid, b: Grid, tolerance_mm: float = 0.01) -> bool:
    """Whether two grids have equal extents and no voxel centre of one is off the other's by more than that."""
    if a.shape_kji != b.shape_kji:
        return False
    last = np.array(a.shape_kji[::-1]) - 1
    corners = np.array([[i, j, k] for i in (0, last[0]) for j in (0, last[1]) for k in (0, last[2])])
    off = index_to_world(corners, a.affine_lps) - index_to_world(corners, b.affine_lps)
    return bool(np.linalg.norm(off, axis=1).max() <= tolerance_mm)
