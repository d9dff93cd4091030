"""A made-up abdomen for CT in Hounsfield units, with the classes of its organs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vision.core.phantoms import abdomen_parts as parts
from vision.core.phantoms.shapes import (
    Blob,
    Bounds,
    Canvas,
    Capsule,
    Column,
    Ellipsoid,
    Floats,
    Point,
    Shape,
    add_noise,
    blur,
    tube,
)

# Numbers of TotalSegmentator's classes (version 2).
CLASSES: Final = {
    **{"spleen": 1, "kidney_right": 2, "kidney_left": 3, "gallbladder": 4, "liver": 5, "stomach": 6, "pancreas": 7},
    **{"small_bowel": 18, "duodenum": 19, "colon": 20},
    **{"vertebrae_L5": 27, "vertebrae_L4": 28, "vertebrae_L3": 29, "vertebrae_L2": 30, "vertebrae_L1": 31},
    **{"vertebrae_T12": 32, "aorta": 52},
}
# Portal venous phase.
HU: Final = {
    **{"air": -1000.0, "lung": -860.0, "fat": -100.0, "skin": 20.0, "muscle": 58.0, "wall": 78.0, "water": 12.0},
    **{"liver": 112.0, "spleen": 122.0, "kidney": 178.0, "pancreas": 96.0, "bile": 8.0, "artery": 165.0},
    **{"vein": 158.0, "bone": 260.0, "cortex": 620.0, "disc": 85.0, "canal": 28.0, "stool": -40.0, "gas": -880.0},
    **{"heart": 140.0, "urine": 6.0, "sinus": -55.0},
}
# Without contrast medium.
PLAIN_HU: Final = HU | {
    **{"liver": 58.0, "spleen": 48.0, "kidney": 34.0, "pancreas": 42.0, "artery": 42.0, "vein": 40.0, "wall": 40.0},
    **{"heart": 42.0, "muscle": 52.0},
}
_NOISE_HU: Final = 9.0
_UNDER_DIAPHRAGM: Final = -7777.0
_LUNG_LIMIT, _BONE_LIMIT = -500.0, 200.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesion:
    """A figure painted into or beside an organ: its centre, its three diameters, its value and that of its rim.

    `organ` keeps it inside the voxels of that class; without one it lies where it is put and belongs to no class.
    """

    centre: tuple[float, float, float]
    diameters_mm: tuple[float, float, float]
    value: float
    organ: str | None = None
    rim: float | None = None
    rim_mm: float = 3.0

    def shape(self, *, less_mm: float = 0.0) -> Ellipsoid:
        """The figure without an outer layer."""
        a, b, c = (max(diameter / 2 - less_mm, 0.5) for diameter in self.diameters_mm)
        return Ellipsoid(self.centre, (a, b, c))


@dataclass(frozen=True, slots=True, kw_only=True)
class AbdomenPlan:
    """How this abdomen departs from the ordinary one. `hu` and `scale` are by organ; `fluid_mm` is ascites."""

    absent: frozenset[str] = frozenset()
    scale: Mapping[str, float] = field(default_factory=dict)
    hu: Mapping[str, float] = field(default_factory=dict)
    lesions: Sequence[Lesion] = ()
    contrast: bool = True
    bowel_radius_mm: float = 12.0
    gallbladder_wall_mm: float = 1.5
    ascites: bool = False
    seed: int = 1


def paint_abdomen(canvas: Canvas, plan: AbdomenPlan) -> None:
    """Paint body, organs and lesions, smooth within the slices and add noise."""
    hu = {**(HU if plan.contrast else PLAIN_HU), **plan.hu}
    canvas.voxels[:] = hu["air"]
    _paint_walls(canvas, hu)
    _paint_bones(canvas, hu)
    _paint_hollow(canvas, hu, plan)
    _paint_solid(canvas, hu, plan)
    _paint_vessels(canvas, hu)
    for lesion in plan.lesions:
        _paint_lesion(canvas, lesion)
    blur(canvas.voxels, axis=1)
    blur(canvas.voxels, axis=2)
    add_noise(canvas.voxels, sd=_NOISE_HU, seed=plan.seed)
    np.clip(canvas.voxels, -1000, 3000, out=canvas.voxels)


def _paint_all(canvas: Canvas, shapes: Iterable[Shape], value: float, *, label: int | None = None) -> None:
    for shape in shapes:
        canvas.paint(shape, value, label=label)


def _paint_walls(canvas: Canvas, hu: Mapping[str, float]) -> None:
    """Skin, fat, muscle, the cavity and the lungs."""
    canvas.paint(parts.BODY, hu["skin"])
    canvas.paint(parts.inside_body(2.5), hu["fat"])
    canvas.paint(parts.inside_body(15), hu["muscle"])
    canvas.paint(parts.CAVITY, hu["fat"])
    canvas.paint(parts.LUNGS, hu["lung"])
    for dome in parts.DIAPHRAGM:
        canvas.paint(dome, _UNDER_DIAPHRAGM, within=lambda voxels: voxels == hu["lung"])
    for dome in parts.DIAPHRAGM:
        a, b, c = dome.radii
        inner = Ellipsoid(dome.centre, (a - 3, b - 3, c - 3))
        canvas.paint(inner, hu["fat"], within=lambda voxels: voxels == _UNDER_DIAPHRAGM)
    canvas.voxels[canvas.voxels == _UNDER_DIAPHRAGM] = hu["muscle"]
    _paint_all(canvas, parts.SOFT_MUSCLES, hu["muscle"])
    canvas.paint(parts.HEART, hu["heart"])


def _paint_bones(canvas: Canvas, hu: Mapping[str, float]) -> None:
    _paint_all(canvas, parts.ribs(), hu["cortex"] * 0.7)
    _paint_all(canvas, parts.pelvis(), hu["cortex"] * 0.6)
    heights = list(parts.VERTEBRA_Z.items())
    for (name, z), (_, below) in zip(heights, [*heights[1:], ("S1", -124.0)], strict=True):
        label = CLASSES.get(f"vertebrae_{name}")
        canvas.paint(Ellipsoid((0, 45, (z + below) / 2), (22, 16, 8), (2.4, 2.4, 6)), hu["disc"])
        _paint_all(canvas, parts.vertebra(z), hu["cortex"] * 0.8, label=label)
        canvas.paint(Ellipsoid((0, 45, z), (20.5, 14.5, 11.5), (2.4, 2.4, 8)), hu["bone"])
    canal = Column(z=[-190, -120, 300], x=[0] * 3, y=[70, 67, 68], radius_x=[8, 12, 11], radius_y=[5, 8, 8])
    canvas.paint(canal, hu["canal"])


def _paint_hollow(canvas: Canvas, hu: Mapping[str, float], plan: AbdomenPlan) -> None:
    """Ascites, bowel and bladder: what lies between the solid organs."""
    if plan.ascites:
        canvas.paint(replace(parts.CAVITY, z=[-215.0, -200, -150, -90, 20, 120, 140, 150]), hu["water"], within=_is_fat)
        canvas.paint(Ellipsoid((0, 10, -20), (112, 74, 150), (3, 3, 3)), hu["fat"], within=lambda v: v == hu["water"])
    canvas.paint(parts.BLADDER, hu["muscle"])
    canvas.paint(_shrunk(parts.BLADDER, 3), hu["urine"])
    _paint_small_bowel(canvas, hu, plan)
    _paint_tube(canvas, parts.DUODENUM, wall=hu["wall"], lumen=hu["water"], label=CLASSES["duodenum"])
    _paint_colon(canvas, hu, parts.COLON[parts.RIGHT_COLON if "right_colon" in plan.absent else 0 :])


def _is_fat(voxels: Floats) -> NDArray[np.bool_]:
    return np.asarray(voxels == HU["fat"])


def _shrunk(body: Ellipsoid, by_mm: float) -> Ellipsoid:
    a, b, c = body.radii
    return replace(body, radii=(a - by_mm, b - by_mm, c - by_mm))


def _paint_tube(canvas: Canvas, rods: Sequence[Capsule], *, wall: float, lumen: float, label: int) -> None:
    _paint_all(canvas, rods, wall, label=label)
    for rod in rods:
        thinner = replace(rod, start_radius=rod.start_radius - 2.6, end_radius=rod.end_radius - 2.6)
        canvas.paint(thinner, lumen)


def _paint_small_bowel(canvas: Canvas, hu: Mapping[str, float], plan: AbdomenPlan) -> None:
    path, radius = parts.small_bowel_path(), plan.bowel_radius_mm
    _paint_tube(canvas, list(tube(path, radius)), wall=hu["wall"], lumen=hu["water"], label=CLASSES["small_bowel"])
    for index in range(4, len(path), 9):
        x, y, z = path[index]
        bubble = Ellipsoid((x, y - radius * 0.45, z), (radius * 0.6, radius * 0.35, radius * 0.6))
        canvas.paint(bubble, hu["gas"], within=CLASSES["small_bowel"])


def _paint_colon(canvas: Canvas, hu: Mapping[str, float], course: Sequence[tuple[Point, float]]) -> None:
    """Wall, stool and gas above it."""
    rods = list(tube([point for point, _ in course], [radius for _, radius in course]))
    _paint_tube(canvas, rods, wall=hu["wall"], lumen=hu["stool"], label=CLASSES["colon"])
    for rod in rods:
        up = min(rod.start_radius, rod.end_radius) * 0.34
        start, end = ((x, y - up, z) for x, y, z in (rod.start, rod.end))
        gas = Capsule(start, end, rod.start_radius * 0.5, rod.end_radius * 0.5)
        canvas.paint(gas, hu["gas"], within=CLASSES["colon"])


def _paint_solid(canvas: Canvas, hu: Mapping[str, float], plan: AbdomenPlan) -> None:
    """Stomach, pancreas, kidneys, spleen, liver and gallbladder."""
    if "stomach" not in plan.absent:
        _paint_stomach(canvas, hu, scale=plan.scale.get("stomach", 1.0))
    for name, organ in (("pancreas", parts.PANCREAS), ("spleen", parts.SPLEEN), ("liver", parts.LIVER)):
        if name not in plan.absent:
            grown = scaled(organ, plan.scale.get(name, 1.0), about=parts.ANCHORS[name])
            canvas.paint(grown, hu[name], label=CLASSES[name], within=_is_soft)
    for name, centre in parts.KIDNEYS.items():
        if name not in plan.absent:
            _paint_kidney(canvas, hu, name, centre, scale=plan.scale.get(name, 1.0))
    if "gallbladder" not in plan.absent:
        grown = scaled(parts.GALLBLADDER, plan.scale.get("gallbladder", 1.0), about=parts.ANCHORS["gallbladder"])
        canvas.paint(_with_radii(grown, plan.gallbladder_wall_mm), hu["wall"], label=CLASSES["gallbladder"])
        canvas.paint(grown, hu["bile"], label=CLASSES["gallbladder"])


def _is_soft(voxels: Floats) -> NDArray[np.bool_]:
    """Organs end where bone and lung begin."""
    return (voxels > _LUNG_LIMIT) & (voxels < _BONE_LIMIT)


def scaled(organ: Blob, factor: float, *, about: Point) -> Blob:
    """The organ grown or shrunk about a point that stays where it is."""
    return replace(organ, parts=tuple(_scaled(part, factor, about) for part in organ.parts))


def _scaled(part: Shape, factor: float, about: Point) -> Shape:
    def moved(point: Point) -> Point:
        x, y, z = (a + (p - a) * factor for p, a in zip(point, about, strict=True))
        return x, y, z

    if isinstance(part, Ellipsoid):
        a, b, c = part.radii
        return replace(part, centre=moved(part.centre), radii=(a * factor, b * factor, c * factor))
    if isinstance(part, Capsule):
        radii = part.start_radius * factor, part.end_radius * factor
        return Capsule(moved(part.start), moved(part.end), *radii)
    raise TypeError(f"{type(part).__name__} cannot be scaled")


def _with_radii(organ: Blob, more_mm: float) -> Blob:
    """The organ with a layer more (or, below 0, less) all around."""

    def grown(part: Shape) -> Shape:
        if isinstance(part, Ellipsoid):
            a, b, c = part.radii
            return replace(part, radii=(a + more_mm, b + more_mm, c + more_mm))
        if isinstance(part, Capsule):
            return replace(part, start_radius=part.start_radius + more_mm, end_radius=part.end_radius + more_mm)
        raise TypeError(f"{type(part).__name__} has no radii")

    return replace(organ, parts=tuple(grown(part) for part in organ.parts))


def _paint_stomach(canvas: Canvas, hu: Mapping[str, float], *, scale: float) -> None:
    """Wall, fluid and, as the patient lies on the back, gas in front of it."""
    stomach = scaled(parts.STOMACH, scale, about=parts.ANCHORS["stomach"])
    canvas.paint(stomach, hu["wall"], label=CLASSES["stomach"])
    inner = _with_radii(stomach, -5.0)
    canvas.paint(inner, hu["water"])
    canvas.paint(_InFrontOf(inner, y=-46.0), hu["gas"])


@dataclass(frozen=True, slots=True)
class _InFrontOf:
    """The part of a shape in front of a level."""

    whole: Shape
    y: float

    def bounds(self) -> Bounds:
        x, y, z = self.whole.bounds()
        return x, (y[0], self.y), z

    def field(self, x: Floats, y: Floats, z: Floats) -> Floats:
        return self.whole.field(x, y, z)


def _paint_kidney(canvas: Canvas, hu: Mapping[str, float], name: str, centre: Point, *, scale: float) -> None:
    x, y, z = centre
    side = 1 if x > 0 else -1
    cortex = Ellipsoid(centre, (26 * scale, 23 * scale, 55 * scale), turn_deg=side * 35)
    canvas.paint(cortex, hu["kidney"], label=CLASSES[name])
    for step in (-32, -16, 0, 16, 32):
        pyramid = Ellipsoid((x + side * 3, y, z + step * scale), (10 * scale, 12 * scale, 6 * scale))
        canvas.paint(pyramid, hu["kidney"] * 0.82, within=CLASSES[name])
    hilum = Ellipsoid((x - side * 13, y - 5, z), (13 * scale, 8 * scale, 26 * scale), turn_deg=side * 35)
    canvas.paint(hilum, hu["sinus"], label=0, within=CLASSES[name])


def _paint_vessels(canvas: Canvas, hu: Mapping[str, float]) -> None:
    canvas.paint(parts.CAVA, hu["vein"] * 0.92, label=0)
    _paint_all(canvas, parts.VEINS, hu["vein"])
    _paint_all(canvas, parts.CYSTIC_TO_DUODENUM, hu["bile"])
    _paint_all(canvas, (*parts.ARTERIES, *parts.SUPERIOR_MESENTERIC_ARTERY), hu["artery"])
    canvas.paint(parts.AORTA, hu["artery"], label=CLASSES["aorta"])


def _paint_lesion(canvas: Canvas, lesion: Lesion) -> None:
    within = CLASSES[lesion.organ] if lesion.organ else None
    if lesion.rim is not None:
        canvas.paint(lesion.shape(), lesion.rim, within=within)
        canvas.paint(lesion.shape(less_mm=lesion.rim_mm), lesion.value, within=within)
    else:
        canvas.paint(lesion.shape(), lesion.value, within=within)
