"""A made-up lumbar spine for MR: stored values of a T2-like or a T1-like picture, with the classes of its vertebrae."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np

from vision.core.phantoms.shapes import Canvas, Capsule, Column, Ellipsoid, Point, add_noise, blur, tube

Weighting = Literal["T2", "T1", "STIR", "T1C"]
# Numbers of TotalSegmentator's classes (version 2).
CLASSES: Final = {
    **{"vertebrae_S1": 26, "vertebrae_L5": 27, "vertebrae_L4": 28, "vertebrae_L3": 29, "vertebrae_L2": 30},
    **{"vertebrae_L1": 31, "vertebrae_T12": 32, "vertebrae_T11": 33, "spinal_cord": 79},
}
LEVELS: Final = ("T11", "T12", "L1", "L2", "L3", "L4", "L5", "S1")
_CENTRES: Final[dict[str, tuple[float, float]]] = {
    # y and z of the middle of each body; the tilt follows from the neighbours.
    **{"T11": (22, 138), "T12": (14, 105), "L1": (7, 71), "L2": (2, 36), "L3": (0, 0), "L4": (3, -36), "L5": (13, -71)},
    **{"S1": (31, -103)},
}
_TISSUES: Final = ("csf", "nucleus", "worn", "annulus", "marrow", "cortex", "fat", "muscle", "cord", "vessel", "tumour")
SIGNALS: Final[dict[str, dict[str, float]]] = {
    "T2": dict(zip(_TISSUES, (900, 560, 210, 110, 340, 60, 620, 150, 380, 40, 300), strict=True)),
    "STIR": dict(zip(_TISSUES, (900, 420, 160, 90, 120, 40, 60, 180, 330, 60, 700), strict=True)),
    "T1": dict(zip(_TISSUES, (110, 260, 240, 120, 430, 60, 850, 240, 330, 60, 160), strict=True)),
    "T1C": dict(zip(_TISSUES, (110, 260, 240, 120, 430, 60, 850, 260, 330, 700, 620), strict=True)),
}
_BEHIND_BODY_MM: Final = 18.0
_HALF_HEIGHT_MM: Final = 13.0
_SAC_MM: Final = 14.0
# A narrowing is full for so far above and below its level, and gone after so much more.
_NARROW_MM, _NARROWING_MM = 4.5, 7.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """An ellipsoid at a point relative to the middle of a vertebra or disc, with a value or the name of a tissue."""

    at: str
    offset: Point
    diameters_mm: Point
    signal: float | str
    within_bone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LumbarPlan:
    """How this spine departs from the ordinary one. A disc is named by its two vertebrae, as `L4-L5`.

    `sac_mm` is the sac's antero-posterior diameter at a disc or vertebra, `slip_mm` how far a vertebra and all above
    it lie in front of the one below, `worn` the discs without water, `height` of a vertebra in front (1 is ordinary).
    """

    weighting: Weighting = "T2"
    sac_mm: Mapping[str, float] = field(default_factory=dict)
    slip_mm: Mapping[str, float] = field(default_factory=dict)
    worn: frozenset[str] = frozenset()
    bulge_mm: Mapping[str, float] = field(default_factory=dict)
    height: Mapping[str, float] = field(default_factory=dict)
    marrow: float = 1.0
    spots: Sequence[Spot] = ()
    screws: Sequence[str] = ()
    seed: int = 1


@dataclass(frozen=True, slots=True)
class _Spine:
    """Where the bodies lie after slips: y and z of each middle, tilt in degrees."""

    centres: dict[str, tuple[float, float]]
    tilts_deg: dict[str, float]

    def middle(self, at: str) -> Point:
        """The middle of a vertebra, or of the disc between two."""
        names = at.split("-")
        y = sum(self.centres[name][0] for name in names) / len(names)
        z = sum(self.centres[name][1] for name in names) / len(names)
        return 0.0, y, z

    def tilt_deg(self, at: str) -> float:
        """How far the upper surface turns to the front."""
        names = at.split("-")
        return sum(self.tilts_deg[name] for name in names) / len(names)

    def along(self, at: str, *, back_mm: float, up_mm: float = 0.0) -> Point:
        """A point behind and above the middle in the tilted directions of the body."""
        _, y, z = self.middle(at)
        sin, cos = np.sin(np.deg2rad(self.tilt_deg(at))), np.cos(np.deg2rad(self.tilt_deg(at)))
        return 0.0, float(y + back_mm * cos - up_mm * sin), float(z + back_mm * sin + up_mm * cos)


def spine_of(plan: LumbarPlan) -> _Spine:
    """The spine with its slips."""
    centres, shift = {}, 0.0
    for name in reversed(LEVELS):
        shift += plan.slip_mm.get(name, 0.0)
        y, z = _CENTRES[name]
        centres[name] = (y - shift, z)
    tilts = {}
    for index, name in enumerate(LEVELS):
        above, below = LEVELS[max(index - 1, 0)], LEVELS[min(index + 1, len(LEVELS) - 1)]
        dy = _CENTRES[above][0] - _CENTRES[below][0]
        dz = _CENTRES[above][1] - _CENTRES[below][1]
        tilts[name] = float(-np.rad2deg(np.arctan2(dy, dz)))
    return _Spine(centres, tilts)


def sac_column(plan: LumbarPlan) -> Column:
    """The thecal sac: its middle and half diameters along z. A narrowing leaves its back wall where it was."""
    spine = spine_of(plan)
    backs: list[tuple[float, float, float]] = []
    discs = [f"{above}-{below}" for above, below in itertools.pairwise(LEVELS)]
    for name in (*LEVELS, *discs):
        diameter = _SAC_MM if name != "S1" else 9.0
        _, back, height = spine.along(name, back_mm=_BEHIND_BODY_MM + 3 + diameter)
        backs.append((height, back, diameter))
    _, back, height = spine.along("S1", back_mm=_BEHIND_BODY_MM + 14, up_mm=-28)
    backs.append((height, back + 3, 5.0))
    backs.append((175.0, spine.along("T11", back_mm=_BEHIND_BODY_MM + 10)[1] + 16, 15.0))
    known = np.array(sorted(backs))
    z = np.arange(known[0, 0], known[-1, 0], 1.0)
    back_wall, ordinary = np.interp(z, known[:, 0], known[:, 1]), np.interp(z, known[:, 0], known[:, 2])
    diameters = ordinary.copy()
    for name, wanted in plan.sac_mm.items():
        away = np.abs(z - spine.along(name, back_mm=_BEHIND_BODY_MM + 3 + _SAC_MM)[2])
        share = np.clip(1 - (away - _NARROW_MM) / _NARROWING_MM, 0, 1)
        there = ordinary + (wanted - ordinary) * share
        narrower = np.minimum(diameters, there) if wanted < _SAC_MM else np.maximum(diameters, there)
        diameters = np.where(share > 0, narrower, diameters)
    half_widths = 9.5 * (0.45 + 0.55 * diameters / _SAC_MM)
    columns = z, np.zeros(len(z)), back_wall - diameters / 2, half_widths, diameters / 2
    heights, x, y, radius_x, radius_y = ([float(each) for each in column] for column in columns)
    return Column(z=heights, x=x, y=y, radius_x=radius_x, radius_y=radius_y)


def paint_lumbar(canvas: Canvas, plan: LumbarPlan) -> None:
    """Paint the back, the spine and what is wrong with it, smooth within the pictures and add noise."""
    signal = SIGNALS[plan.weighting]
    spine = spine_of(plan)
    _paint_back(canvas, signal)
    _paint_behind(canvas, signal, spine)
    _paint_canal(canvas, signal, plan)
    for index, name in enumerate(LEVELS):
        if index:
            _paint_disc(canvas, signal, plan, spine, f"{LEVELS[index - 1]}-{name}")
    for name in LEVELS:
        _paint_vertebra(canvas, signal, plan, spine, name)
    _paint_sacrum(canvas, signal, spine)
    for spot in plan.spots:
        _paint_spot(canvas, signal, spine, spot)
    _paint_screws(canvas, plan, spine)
    blur(canvas.voxels, axis=1)
    blur(canvas.voxels, axis=2)
    add_noise(canvas.voxels, sd=14.0, seed=plan.seed)
    np.clip(canvas.voxels, 0, 1500, out=canvas.voxels)


def _paint_back(canvas: Canvas, signal: Mapping[str, float]) -> None:
    """Skin, fat, belly, muscles of the back, great vessels."""
    ends = [-260.0, 260.0]
    zero = [0.0, 0.0]
    body = Column(z=ends, x=zero, y=[-25, -25], radius_x=[168, 168], radius_y=[122, 122], power=2.5)
    canvas.paint(body, signal["fat"])
    belly = Column(z=ends, x=zero, y=[-50, -50], radius_x=[140, 140], radius_y=[78, 78], power=2.5)
    canvas.paint(belly, signal["muscle"] * 1.3)
    inner = Column(z=ends, x=zero, y=[-52, -52], radius_x=[130, 130], radius_y=[68, 68], power=2.5)
    canvas.paint(inner, signal["fat"] * 0.75)
    rng = np.random.default_rng(3)
    for x, y, z in zip(rng.uniform(-95, 95, 60), rng.uniform(-105, -45, 60), rng.uniform(-120, 150, 60), strict=True):
        loop = Ellipsoid((float(x), float(y), float(z)), (16, 12, 13))
        canvas.paint(loop, signal["muscle"] * float(rng.uniform(0.6, 3.4)))
    for side in (-1, 1):
        erector = Column(z=ends, x=[side * 34] * 2, y=[64, 64], radius_x=[30, 30], radius_y=[21, 19], power=2.4)
        canvas.paint(erector, signal["muscle"])
        psoas = Column(
            z=[-140, -70, 20, 75], x=[side * 56, side * 46, side * 37, side * 30], y=[-8, 2, 6, 12],
            radius_x=[20, 20, 16, 6], radius_y=[20, 20, 15, 6],
        )  # fmt: skip
        canvas.paint(psoas, signal["muscle"])
        canvas.paint(Ellipsoid((side * 74, 12, 30), (20, 14, 70)), signal["muscle"])
    canvas.paint(Column(z=[-50, 260], x=[4, 8], y=[-28, -6], radius_x=[9, 10], radius_y=[9, 10]), signal["vessel"])
    canvas.paint(Column(z=[-60, 260], x=[-20, -20], y=[-26, -10], radius_x=[11, 11], radius_y=[8, 9]), signal["vessel"])


def _paint_behind(canvas: Canvas, signal: Mapping[str, float], spine: _Spine) -> None:
    """Pedicles, facets, laminae and spinous processes."""
    for name in LEVELS[:-1]:
        for side in (-1.0, 1.0):
            _, y, z = spine.along(name, back_mm=16, up_mm=4)
            _, y2, z2 = spine.along(name, back_mm=34, up_mm=2)
            for shell, value in ((0.0, signal["cortex"]), (1.4, signal["marrow"])):
                canvas.paint(Capsule((side * 15, y, z), (side * 17, y2, z2), 5.5 - shell, 7 - shell), value)
                canvas.paint(Capsule((side * 17, y2, z2), (side * 42, y2 + 2, z2), 4 - shell, 3 - shell), value)
                lamina = Capsule((side * 15, y2 + 3, z2 - 8), (side * 3, y2 + 10, z2 - 12), 4 - shell, 3.5 - shell)
                canvas.paint(lamina, value)
        _, y, z = spine.along(name, back_mm=44, up_mm=-10)
        for shell, value in ((0.0, signal["cortex"]), (1.6, signal["marrow"])):
            canvas.paint(Ellipsoid((0, y + 10, z - 3), (4.2 - shell, 16 - shell, 10 - shell), tilt_deg=-12), value)


def _paint_canal(canvas: Canvas, signal: Mapping[str, float], plan: LumbarPlan) -> None:
    """Fat outside the sac, water inside, the cord down to L1 and the roots below."""
    sac = sac_column(plan)
    wider = Column(
        z=sac.z, x=sac.x, y=[y + 1.5 for y in sac.y],
        radius_x=[radius + 2.5 for radius in sac.radius_x], radius_y=[radius + 2.0 for radius in sac.radius_y],
    )  # fmt: skip
    canvas.paint(wider, signal["fat"])
    canvas.paint(sac, signal["csf"])
    z = np.asarray(sac.z)
    conus_z = 66.0

    def y_at(height: float) -> float:
        return float(np.interp(height, z, sac.y))

    heights = [conus_z, conus_z + 22, 110.0, 260.0]
    cord = Column(
        z=heights, x=[0.0] * 4, y=[y_at(h) + 1 for h in heights], radius_x=[0.7, 3.6, 4.6, 4.2],
        radius_y=[0.7, 2.6, 3.5, 3.2],
    )  # fmt: skip
    canvas.paint(cord, signal["cord"], label=CLASSES["spinal_cord"])
    for x, back in ((-4, 0.42), (-2.2, 0.6), (-0.6, 0.66), (1.2, 0.64), (2.8, 0.56), (4.4, 0.4)):
        root_z = [-110.0, *range(-100, 80, 10)]
        half = [float(np.interp(h, z, sac.radius_y)) for h in root_z]
        y = [y_at(h) + half_ * back for h, half_ in zip(root_z, half, strict=True)]
        root = Column(z=root_z, x=[x] * len(root_z), y=y, radius_x=[0.75] * len(root_z), radius_y=[0.75] * len(root_z))
        canvas.paint(root, signal["cord"])


def _paint_disc(canvas: Canvas, signal: Mapping[str, float], plan: LumbarPlan, spine: _Spine, name: str) -> None:
    tilt = spine.tilt_deg(name)
    bulge = plan.bulge_mm.get(name, 0.0)
    middle = spine.along(name, back_mm=bulge / 2)
    disc = Ellipsoid(middle, (25 + bulge / 2, 18.5 + bulge / 2, 6.0), (2.6, 2.6, 3), tilt_deg=tilt)
    canvas.paint(disc, signal["annulus"])
    water = signal["worn"] if name in plan.worn else signal["nucleus"]
    canvas.paint(Ellipsoid(middle, (18, 12.5, 4.2), (2.2, 2.2, 2.4), tilt_deg=tilt), water)


def _paint_vertebra(canvas: Canvas, signal: Mapping[str, float], plan: LumbarPlan, spine: _Spine, name: str) -> None:
    """The body within its cortex; a fractured one is lower."""
    tilt, height = spine.tilt_deg(name), plan.height.get(name, 1.0)
    middle = spine.along(name, back_mm=0, up_mm=-_HALF_HEIGHT_MM * (1 - height) / 2)
    half = _HALF_HEIGHT_MM * (1 + height) / 2
    width = 25.0 if name != "S1" else 30.0
    label = CLASSES.get(f"vertebrae_{name}")
    canvas.paint(Ellipsoid(middle, (width, 18, half), (2.6, 3, 9), tilt_deg=tilt), signal["cortex"], label=label)
    inner = Ellipsoid(middle, (width - 1.6, 16.4, half - 1.5), (2.6, 3, 9), tilt_deg=tilt)
    canvas.paint(inner, signal["marrow"] * plan.marrow)
    back = spine.along(name, back_mm=15)
    canvas.paint(Ellipsoid(back, (4, 4, 1.6), tilt_deg=tilt), signal["csf"] * 0.7, within=label)


def _paint_sacrum(canvas: Canvas, signal: Mapping[str, float], spine: _Spine) -> None:
    """The lower sacral bodies and the wings."""
    y, z = spine.centres["S1"]
    for step, (dy, dz, tilt) in enumerate(((13, -23, 36), (24, -42, 28), (31, -59, 12)), start=1):
        for less, value in ((0.0, signal["cortex"]), (1.5, signal["marrow"])):
            radii = (24 - 4 * step - less, 14 - 2 * step - less, 10 - less)
            canvas.paint(Ellipsoid((0, y + dy, z + dz), radii, (2.4, 3, 6), tilt_deg=tilt), value)
    for side in (-1, 1):
        for less, value in ((0.0, signal["cortex"]), (1.8, signal["marrow"])):
            canvas.paint(Ellipsoid((side * 42, y + 8, z - 14), (20 - less, 16 - less, 24 - less), (2.4, 2.4, 3)), value)
            wing = Ellipsoid((side * 74, y + 8, z - 4), (9 - less, 42 - less, 36 - less), turn_deg=side * -30)
            canvas.paint(wing, value)


def _paint_spot(canvas: Canvas, signal: Mapping[str, float], spine: _Spine, spot: Spot) -> None:
    x, back, up = spot.offset
    _, y, z = spine.along(spot.at, back_mm=back, up_mm=up)
    a, b, c = (diameter / 2 for diameter in spot.diameters_mm)
    value = signal[spot.signal] if isinstance(spot.signal, str) else spot.signal
    within = CLASSES[f"vertebrae_{spot.at}"] if spot.within_bone else None
    canvas.paint(Ellipsoid((x, y, z), (a, b, c), tilt_deg=spine.tilt_deg(spot.at)), value, within=within)


def _paint_screws(canvas: Canvas, plan: LumbarPlan, spine: _Spine) -> None:
    """Metal: no signal along the screws and rods."""
    for side in (-1.0, 1.0):
        heads = []
        for name in plan.screws:
            _, y, z = spine.along(name, back_mm=-6, up_mm=4)
            _, y2, z2 = spine.along(name, back_mm=44, up_mm=4)
            canvas.paint(Capsule((side * 11, y, z), (side * 20, y2, z2), 3.6, 5), 5.0)
            heads.append((side * 20, y2, z2))
        for rod in tube(heads, 4.5):
            canvas.paint(rod, 5.0)
