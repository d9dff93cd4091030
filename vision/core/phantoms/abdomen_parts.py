"""Where the parts of the made-up abdomen lie: LPS millimetres, x = 0 in the midline, z = 0 at the lower edge of L2."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np

from vision.core.phantoms.shapes import Blob, Capsule, Column, Ellipsoid, Point, Shape, tube

# Centres of the vertebral bodies.
VERTEBRA_Z: Final = {
    **{"T8": 202.0, "T9": 174.0, "T10": 145.0, "T11": 115.0, "T12": 84.0},
    **{"L1": 52.0, "L2": 18.0, "L3": -17.0, "L4": -53.0, "L5": -90.0},
}
_PELVIS_TOP: Final = -75.0

BODY: Final = Column(
    z=[-260, -190, -120, -60, 60, 160, 300],
    x=[0] * 7,
    y=[4, 4, 2, 0, 0, 0, 0],
    radius_x=[172, 174, 170, 160, 164, 166, 158],
    radius_y=[112, 112, 110, 106, 108, 110, 108],
    power=2.5,
)


def inside_body(depth_mm: float) -> Column:
    """What lies deeper than `depth_mm` under the skin."""
    less = [np.asarray(radii, dtype=float) - depth_mm for radii in (BODY.radius_x, BODY.radius_y)]
    return replace(BODY, radius_x=list(less[0]), radius_y=list(less[1]))


CAVITY: Final = Column(
    z=[-260, -200, -150, -90, 20, 120, 200, 300],
    x=[0] * 8,
    y=[-12, -12, -14, -14, -8, -6, -6, -6],
    radius_x=[70, 74, 96, 122, 134, 138, 132, 120],
    radius_y=[66, 68, 70, 72, 78, 84, 84, 80],
    power=2.5,
)
LUNGS: Final = Column(
    z=[62, 120, 200, 300], x=[0] * 4, y=[-7, -6, -6, -6], radius_x=[136, 138, 132, 120], radius_y=[81, 84, 84, 80],
    power=2.5,
)  # fmt: skip
DIAPHRAGM: Final = (
    Ellipsoid((-68, -8, 66), (84, 92, 102)),
    Ellipsoid((66, -6, 66), (80, 90, 92)),
    Ellipsoid((0, -40, 60), (80, 60, 96)),
)
HEART: Final = Blob((Ellipsoid((22, -42, 186), (52, 38, 32)), Ellipsoid((-12, -30, 196), (34, 34, 30))), sharpness=4)

LIVER: Final = Blob(
    (
        Ellipsoid((-76, -8, 98), (62, 70, 64), turn_deg=10),
        Ellipsoid((-97, 10, 42), (38, 50, 62)),
        Ellipsoid((-18, -44, 112), (56, 36, 40)),
        Ellipsoid((26, -54, 116), (34, 22, 22)),
    ),
    sharpness=5,
    wobble=0.04,
)
SPLEEN: Final = Blob(
    (Ellipsoid((104, 28, 98), (22, 40, 50), turn_deg=-18), Ellipsoid((92, 48, 92), (24, 24, 38))),
    sharpness=5,
    wobble=0.03,
)
STOMACH: Final = Blob(
    (
        Ellipsoid((58, -4, 128), (40, 44, 32)),
        Ellipsoid((60, -36, 92), (34, 32, 40)),
        Capsule((58, -46, 66), (18, -54, 42), 27, 19),
        Capsule((18, -54, 42), (-16, -40, 46), 19, 13),
    ),
    sharpness=6,
)
GALLBLADDER: Final = Blob((Ellipsoid((-60, -58, 38), (17, 22, 26)), Ellipsoid((-52, -40, 52), (9, 11, 12))), 6)
PANCREAS: Final = Blob(
    (
        Ellipsoid((-27, 0, 28), (17, 15, 25)),
        *tube([(-24, -4, 38), (-2, -12, 46), (26, -6, 56), (52, 12, 66), (74, 28, 74)], [11, 9, 11, 12, 9]),
    ),
    sharpness=9,
    wobble=0.16,
)
DUODENUM: Final = tuple(
    tube(
        [(-16, -40, 46), (-36, -30, 52), (-52, -6, 44), (-54, 4, 8), (-34, 10, -8), (8, 6, -10), (30, -4, 10)],
        [12, 13, 12, 12, 12, 11, 11],
    )
)
# What stays in place when an organ is larger or smaller.
ANCHORS: Final[dict[str, Point]] = {
    **{"liver": (-90, 20, 130), "spleen": (100, 50, 130), "stomach": (50, 0, 130), "pancreas": (0, -8, 46)},
    **{"gallbladder": (-50, -36, 56)},
}
KIDNEYS: Final = {"kidney_left": (60.0, 44.0, 44.0), "kidney_right": (-60.0, 44.0, 32.0)}
COLON: Final[tuple[tuple[Point, float], ...]] = (
    ((-96, -22, -104), 24),
    ((-106, -14, -78), 25),
    ((-112, -4, -40), 22),
    ((-108, 0, -6), 21),
    ((-98, -22, 10), 19),
    ((-66, -66, 2), 18),
    ((-20, -74, -14), 18),
    ((30, -74, -10), 18),
    ((72, -60, 16), 18),
    ((104, -24, 52), 18),
    ((116, 4, 62), 17),
    ((116, 18, 30), 16),
    ((112, 18, -30), 15),
    ((104, 4, -86), 15),
    ((76, -14, -112), 14),
    ((42, -32, -122), 14),
    ((12, -26, -128), 14),
    ((-10, 2, -134), 14),
    ((0, 30, -146), 15),
    ((0, 42, -172), 18),
    ((0, 42, -204), 20),
)
RIGHT_COLON: Final = 5  # so many of its points lie before the transverse part
AORTA: Final = Column(
    z=[-62, -55, 60, 160, 300], x=[2, 2, 5, 10, 16], y=[20, 20, 17, 22, 26], radius_x=[9, 9, 10, 11, 12],
    radius_y=[9, 9, 10, 11, 12],
)  # fmt: skip
CAVA: Final = Column(
    z=[-66, 60, 130, 172], x=[-22, -22, -24, -22], y=[20, 18, 12, 0], radius_x=[12, 12, 13, 13],
    radius_y=[9, 10, 11, 12],
)  # fmt: skip
ARTERIES: Final = (
    *tube([(2, 20, -58), (30, 22, -100), (52, 20, -150), (78, -10, -200)], 6),
    *tube([(2, 20, -58), (-26, 22, -100), (-48, 20, -150), (-74, -10, -200)], 6),
    *tube([(5, 12, 66), (8, -2, 68), (-24, -10, 72)], 3.5),
    *tube([(8, -2, 68), (60, 20, 84), (84, 34, 92)], 3),
    *tube([(6, 16, 38), (34, 32, 40), (48, 40, 42)], 3),
    *tube([(6, 16, 36), (-30, 28, 32), (-48, 40, 32)], 3),
)
SUPERIOR_MESENTERIC_ARTERY: Final = tuple(
    tube([(4, 10, 48), (4, -2, 40), (2, -14, 10), (-4, -22, -30), (-30, -26, -70)], [5, 4.5, 4.5, 4, 3])
)
VEINS: Final = (
    *tube([(-12, -2, 44), (-28, -4, 60), (-46, -10, 76), (-74, -8, 84)], [8, 8, 7, 5]),
    *tube([(-46, -10, 76), (-30, -34, 92), (-4, -44, 104)], [6, 5, 3.5]),
    *tube([(-10, -8, 44), (-8, -16, 10), (-12, -24, -30), (-40, -30, -70)], [6.5, 6, 5, 3]),
    *tube([(-10, 0, 46), (26, 6, 58), (56, 24, 70), (84, 36, 88)], [5.5, 5, 5, 4]),
    *tube([(-22, 8, 142), (-60, 4, 128), (-96, 0, 110)], [6, 5, 3]),
    *tube([(-22, 6, 142), (-42, -24, 126), (-58, -46, 108)], [6, 5, 3]),
    *tube([(-22, 2, 142), (-4, -26, 128), (18, -46, 120)], [6, 4, 3]),
    *tube([(-20, 18, 40), (-44, 38, 32)], 5),
    *tube([(-20, 18, 44), (6, 6, 46), (46, 36, 44)], 5),
)
CYSTIC_TO_DUODENUM: Final = tuple(tube([(-44, -22, 66), (-36, -8, 48), (-34, -2, 30), (-44, 2, 18)], 2.6))
BLADDER: Final = Ellipsoid((0, -36, -196), (40, 32, 34), (2.4, 2.4, 2.4))
SOFT_MUSCLES: Final[tuple[Shape, ...]] = (
    *(Column(z=[-140, -90, -20, 50], x=[s * 58, s * 50, s * 38, s * 28], y=[14, 34, 44, 50],
             radius_x=[20, 22, 18, 9], radius_y=[22, 21, 17, 9]) for s in (-1, 1)),
    *(Column(z=[-150, -60, 300], x=[s * 30, s * 36, s * 34], y=[88, 86, 82], radius_x=[22, 30, 28],
             radius_y=[8, 16, 17], power=2.4) for s in (-1, 1)),
    *(Ellipsoid((s * 78, 48, 10), (20, 13, 56)) for s in (-1, 1)),
    *(Ellipsoid((s * 88, 66, -170), (62, 32, 76)) for s in (-1, 1)),
    *(Ellipsoid((s * 104, -20, -190), (44, 52, 70)) for s in (-1, 1)),
)  # fmt: skip


def vertebra(z: float, *, grown: float = 1.0) -> Iterator[Shape]:
    """Body, pedicles, transverse and spinous processes of one vertebra."""
    yield Ellipsoid((0, 45, z), (23 * grown, 17 * grown, 13.5), (2.4, 2.4, 8))
    for side in (-1, 1):
        yield Capsule((side * 14, 56, z + 5), (side * 17, 74, z + 2), 5, 5.5)
        yield Capsule((side * 17, 72, z + 2), (side * 40, 76, z), 4, 3)
        yield Capsule((side * 15, 74, z), (side * 2, 82, z - 6), 5, 4)
    yield Capsule((0, 80, z - 6), (0, 97, z - 12), 4, 3.5)


def ribs() -> Iterator[Capsule]:
    """Ribs 8 to 12 on both sides, falling towards the front."""
    ends_deg = {"T8": 158, "T9": 150, "T10": 140, "T11": 110, "T12": 76}
    for name, end_deg in ends_deg.items():
        angles = np.deg2rad(np.linspace(12, end_deg, 9))
        fall = 62 * (1 - np.cos(np.linspace(0, np.pi / 2 * end_deg / 150, 9)))
        for side in (-1, 1):
            points = [
                (side * float(146 * np.sin(a)), float(92 * np.cos(a) - 2), float(VERTEBRA_Z[name] + 6 - f))
                for a, f in zip(angles, fall, strict=True)
            ]
            yield from tube(points, 4.6)


def pelvis() -> Iterator[Shape]:
    """Wings, sacrum, hip joints and heads of the femurs."""
    for side in (-1, 1):
        for z in range(-200, int(_PELVIS_TOP), 5):
            open_ = np.clip((z + 200) / 120, 0, 1)
            front_y = -6 - 20 * (1 - open_)
            points = [
                (side * 46.0, 68.0, float(z)),
                (side * (74.0 + 8 * open_), 54.0 - 14 * (1 - open_), float(z)),
                (side * (96.0 + 16 * open_), 24.0, float(z)),
                (side * (100.0 + 20 * open_), float(front_y), float(z)),
            ]
            yield from tube(points[(0 if z > -150 else 1) :], 5.0 + 4 * (1 - float(open_)))
        yield Ellipsoid((side * 96, 4, -198), (24, 24, 24))
    yield Ellipsoid((0, 56, -118), (44, 20, 17), (2.2, 2.2, 4), tilt_deg=-25)
    yield Ellipsoid((0, 74, -150), (34, 13, 22), (2.2, 2.2, 4), tilt_deg=-15)
    yield Ellipsoid((0, 84, -186), (20, 9, 22))


def small_bowel_path(*, seed: int = 5) -> list[Point]:
    """A winding path through the middle of the abdomen."""
    rng = np.random.default_rng(seed)
    path = [(30.0, -4.0, 10.0)]
    for row, z in enumerate(np.arange(-18.0, -112.0, -22.0)):
        columns = np.linspace(76, -70, 5)[:: 1 if row % 2 == 0 else -1]
        for column, x in enumerate(columns):
            depths = (-62.0, -22.0) if column % 2 == row % 2 else (-22.0, -62.0)
            for y in depths:
                dx, dy, dz = rng.normal(0, 7, 3)
                path.append((float(x + dx), float(y + dy), float(z + dz)))
    return [*path, (-78.0, -26.0, -96.0)]
