"""Shapes in patient millimetres (LPS), painted on grids whose axes run along those of the patient."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Point = tuple[float, float, float]
# First and last millimetre on x, y and z.
Bounds = tuple[tuple[float, float], tuple[float, float], tuple[float, float]]


class Shape(Protocol):
    """A body: where it may be, and a field that is below 1 inside it."""

    def bounds(self) -> Bounds:
        """A box that holds the shape."""
        ...

    def field(self, x: Floats, y: Floats, z: Floats) -> Floats:
        """Below 1 inside; `x`, `y`, `z` broadcast against each other."""
        ...


@dataclass(frozen=True, slots=True)
class Ellipsoid:
    """An ellipsoid; larger `powers` make it boxier. `tilt_deg` turns +y towards +z, `turn_deg` +x towards +y."""

    centre: Point
    radii: Point
    powers: Point = (2.0, 2.0, 2.0)
    tilt_deg: float = 0.0
    turn_deg: float = 0.0

    def bounds(self) -> Bounds:
        """The box; of a turned one, with its longest diagonal on all sides."""
        reach = self.radii
        if self.tilt_deg or self.turn_deg:
            reach = (float(np.linalg.norm(self.radii)),) * 3
        low_high = [(c - r, c + r) for c, r in zip(self.centre, reach, strict=True)]
        return low_high[0], low_high[1], low_high[2]

    def field(self, x: Floats, y: Floats, z: Floats) -> Floats:
        """Sum of the powers of the distances, in radii."""
        dx, dy, dz = (a - np.float32(c) for a, c in zip((x, y, z), self.centre, strict=True))
        if self.turn_deg:
            sin, cos = _sin_cos(self.turn_deg)
            dx, dy = dx * cos + dy * sin, dy * cos - dx * sin
        if self.tilt_deg:
            sin, cos = _sin_cos(self.tilt_deg)
            dy, dz = dy * cos + dz * sin, dz * cos - dy * sin
        parts = []
        for distance, radius, power in zip((dx, dy, dz), self.radii, self.powers, strict=True):
            scaled = distance / np.float32(radius)
            parts.append(scaled * scaled if power == 2.0 else np.abs(scaled) ** np.float32(power))
        return np.asarray(parts[0] + parts[1] + parts[2], dtype=np.float32)


def _sin_cos(degrees: float) -> tuple[np.float32, np.float32]:
    radians = np.deg2rad(degrees)
    return np.float32(np.sin(radians)), np.float32(np.cos(radians))


@dataclass(frozen=True, slots=True)
class Blob:
    """Shapes that flow into each other; the smaller `sharpness`, the more. `wobble` makes the surface uneven."""

    parts: tuple[Shape, ...]
    sharpness: float = 5.0
    wobble: float = 0.0

    def bounds(self) -> Bounds:
        """The box of all parts and a margin for what flows."""
        boxes = np.array([part.bounds() for part in self.parts])
        low, high = boxes[:, :, 0].min(axis=0) - 4.0, boxes[:, :, 1].max(axis=0) + 4.0
        return (low[0], high[0]), (low[1], high[1]), (low[2], high[2])

    def field(self, x: Floats, y: Floats, z: Floats) -> Floats:
        """Smooth minimum of the parts' fields."""
        s = np.float32(self.sharpness)
        total = sum(np.exp(-s * part.field(x, y, z)) for part in self.parts)
        field_ = -np.log(np.asarray(total) + np.float32(1e-30)) / s
        if self.wobble:
            waves = np.sin(x / np.float32(9.0)) * np.sin(y / np.float32(8.0) + 1) * np.sin(z / np.float32(10.0) + 2)
            field_ = field_ + np.float32(self.wobble) * waves
        return np.asarray(field_, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Column:
    """A body along z: at each `z` (rising) an ellipse (or a boxier figure) of its own, straight in between."""

    z: Sequence[float]
    x: Sequence[float]
    y: Sequence[float]
    radius_x: Sequence[float]
    radius_y: Sequence[float]
    power: float = 2.0

    def bounds(self) -> Bounds:
        """The box of all ellipses."""
        x, y, rx, ry = (np.asarray(each) for each in (self.x, self.y, self.radius_x, self.radius_y))
        return (min(x - rx), max(x + rx)), (min(y - ry), max(y + ry)), (self.z[0], self.z[-1])

    def field(self, x: Floats, y: Floats, z: Floats) -> Floats:
        """Distance from the axis in radii, to the power."""
        x0, y0, rx, ry = (
            np.interp(z, self.z, each).astype(np.float32) for each in (self.x, self.y, self.radius_x, self.radius_y)
        )
        u, v = np.abs((x - x0) / rx), np.abs((y - y0) / ry)
        return np.asarray(u * u + v * v if self.power == 2.0 else u**self.power + v**self.power, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Capsule:
    """A round rod whose radius changes evenly from one end to the other."""

    start: Point
    end: Point
    start_radius: float
    end_radius: float

    def bounds(self) -> Bounds:
        """The box of both ends."""
        reach = max(self.start_radius, self.end_radius)
        box = [(min(a, b) - reach, max(a, b) + reach) for a, b in zip(self.start, self.end, strict=True)]
        return box[0], box[1], box[2]

    def field(self, x: Floats, y: Floats, z: Floats) -> Floats:
        """Distance from the axis in radii."""
        along = np.subtract(self.end, self.start)
        offsets = [a - np.float32(c) for a, c in zip((x, y, z), self.start, strict=True)]
        length2 = max(float(along @ along), 1e-6)
        t = sum(o * np.float32(a / length2) for o, a in zip(offsets, along, strict=True))
        t = np.clip(t, 0, 1).astype(np.float32)
        distance2 = sum((o - t * np.float32(a)) ** 2 for o, a in zip(offsets, along, strict=True))
        radius = np.float32(self.start_radius) + t * np.float32(self.end_radius - self.start_radius)
        return np.asarray(np.sqrt(distance2) / radius, dtype=np.float32)


def tube(points: Sequence[Point], radii: float | Sequence[float]) -> Iterator[Capsule]:
    """Rods along `points`; one radius, or one per point."""
    each = [float(radii)] * len(points) if isinstance(radii, int | float) else list(radii)
    for a, b, radius_a, radius_b in zip(points[:-1], points[1:], each[:-1], each[1:], strict=True):
        yield Capsule(a, b, radius_a, radius_b)


@dataclass(slots=True)
class Canvas:
    """Voxels [k, j, i] and class labels of the same shape, both painted shape by shape.

    `axes` has, for array axes 0, 1, 2, the world axis (0 = x, 1 = y, 2 = z) and the millimetres of its voxel centres.
    """

    axes: tuple[tuple[int, Floats], tuple[int, Floats], tuple[int, Floats]]
    background: float
    voxels: Floats = field(init=False)
    labels: NDArray[np.uint8] = field(init=False)

    def __post_init__(self) -> None:
        """Fill with background."""
        shape = tuple(len(positions) for _, positions in self.axes)
        self.voxels = np.full(shape, self.background, dtype=np.float32)
        self.labels = np.zeros(shape, dtype=np.uint8)

    def affine_lps(self) -> NDArray[np.float64]:
        """Maps (i, j, k, 1) to millimetres."""
        affine = np.eye(4)
        affine[:3, :3] = 0
        for column, (world_axis, positions) in zip((2, 1, 0), self.axes, strict=True):
            affine[world_axis, column] = float(positions[1] - positions[0]) if len(positions) > 1 else 1.0
            affine[world_axis, 3] = float(positions[0])
        return affine

    def find(self, shape: Shape) -> tuple[tuple[slice, slice, slice], NDArray[np.bool_]] | None:
        """The part of the grid that can hold `shape` and where in it the shape is; None when it lies outside."""
        bounds = shape.bounds()
        slices, world = [], {}
        for array_axis, (world_axis, positions) in enumerate(self.axes):
            low, high = bounds[world_axis]
            inside = np.flatnonzero((positions >= low) & (positions <= high))
            if not len(inside):
                return None
            part = slice(int(inside[0]), int(inside[-1]) + 1)
            slices.append(part)
            form = [1, 1, 1]
            form[array_axis] = -1
            world[world_axis] = positions[part].reshape(form)
        mask = np.asarray(shape.field(world[0], world[1], world[2]) < 1)
        box = (slices[0], slices[1], slices[2])
        return box, np.broadcast_to(mask, self.voxels[box].shape)

    def paint(
        self,
        shape: Shape,
        value: float | None,
        *,
        label: int | None = None,
        within: int | Callable[[Floats], NDArray[np.bool_]] | None = None,
    ) -> None:
        """Give the voxels of `shape` a value, a class, or both; `within` a class or where voxels pass a test only."""
        found = self.find(shape)
        if found is None:
            return
        box, mask = found
        if callable(within):
            mask = mask & within(self.voxels[box])
        elif within is not None:
            mask = mask & (self.labels[box] == within)
        if value is not None:
            self.voxels[box][mask] = value
        if label is not None:
            self.labels[box][mask] = label


def axial(*, size: int, fov_mm: float, first_z: float, spacing_mm: float, n_images: int, y: float = 0.0) -> Canvas:
    """Pictures from head to feet; columns run to the patient's left, rows to the back. `y` is their middle."""
    across = (np.arange(size) - (size - 1) / 2) * (fov_mm / size)
    heights = first_z - np.arange(n_images) * spacing_mm
    return Canvas(axes=((2, _f4(heights)), (1, _f4(across + y)), (0, _f4(across))), background=0.0)


def sagittal(
    *, size: int, fov_mm: float, first_x: float, spacing_mm: float, n_images: int, y: float, z: float
) -> Canvas:
    """Pictures side by side from `first_x`; columns run to the back, rows to the feet. `spacing_mm` < 0 goes right."""
    across = (np.arange(size) - (size - 1) / 2) * (fov_mm / size)
    sides = first_x + np.arange(n_images) * spacing_mm
    return Canvas(axes=((0, _f4(sides)), (2, _f4(z - across)), (1, _f4(across + y))), background=0.0)


def _f4(values: NDArray[Any]) -> Floats:
    return values.astype(np.float32)


def blur(voxels: Floats, *, axis: int) -> None:
    """Mean of neighbours with weights 1, 2, 1 along one axis, in place; the outermost voxels stay."""
    middle, before, after = ([slice(None)] * voxels.ndim for _ in range(3))
    middle[axis], before[axis], after[axis] = slice(1, -1), slice(None, -2), slice(2, None)
    mean = voxels[tuple(before)] + voxels[tuple(after)]
    mean *= np.float32(0.25)
    mean += voxels[tuple(middle)] * np.float32(0.5)
    voxels[tuple(middle)] = mean


def add_noise(voxels: Floats, *, sd: float, seed: int) -> None:
    """Add noise of the given spread, a little coarser than the pixels, in place; one sheet of it, moved per slice."""
    rng = np.random.default_rng(seed)
    rows, columns = voxels.shape[1:]
    sheet = rng.standard_normal((rows + 97, columns + 89), dtype=np.float32)
    blur(sheet, axis=0)
    blur(sheet, axis=1)
    sheet *= np.float32(sd / sheet.std())
    for index, picture in enumerate(voxels):
        down, right = (index * 37) % 97, (index * 53) % 89
        picture += sheet[down : down + rows, right : right + columns]
