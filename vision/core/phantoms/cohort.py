"""Made-up patients with planted findings and reports that say so: to try training where the truth is known.

Every body differs a little in size, density and noise, so that no finding shows by being the only difference.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from vision.core.phantoms.abdomen import CLASSES as ABDOMEN_CLASSES
from vision.core.phantoms.abdomen import HU, AbdomenPlan, Lesion, paint_abdomen
from vision.core.phantoms.lumbar import CLASSES as LUMBAR_CLASSES
from vision.core.phantoms.lumbar import LumbarPlan, paint_lumbar
from vision.core.phantoms.shapes import Canvas, axial, sagittal

_SHARE: Final = 0.35
_ORGANS: Final = ("spleen", "liver", "gallbladder", "pancreas", "kidney_left", "kidney_right", "stomach")
_DISCS: Final = ("L3-L4", "L4-L5", "L5-S1")
# Places inside the right lobe of the ordinary liver, in LPS mm.
_IN_LIVER: Final = ((-95.0, -10.0, 75.0), (-80.0, 25.0, 55.0), (-70.0, -35.0, 65.0), (-100.0, 10.0, 35.0))


@dataclass(frozen=True, slots=True)
class Patient:
    """A body, its report, and the names of what was planted."""

    case_id: str
    body: AbdomenPlan | LumbarPlan
    report: str
    planted: frozenset[str]

    def paint(self, *, size: int, n_images: int) -> Canvas:
        """Pictures and classes: an axial CT of the upper abdomen, or a sagittal MR of the lumbar spine."""
        if isinstance(self.body, AbdomenPlan):
            canvas = axial(size=size, fov_mm=380, first_z=175, spacing_mm=260 / n_images, n_images=n_images)
            paint_abdomen(canvas, self.body)
            return canvas
        step = 48 / n_images
        canvas = sagittal(size=size, fov_mm=260, first_x=-24, spacing_mm=step, n_images=n_images, y=-5, z=-20)
        paint_lumbar(canvas, self.body)
        return canvas

    @property
    def classes(self) -> dict[str, int]:
        """Names and values of the classes."""
        return dict(ABDOMEN_CLASSES if isinstance(self.body, AbdomenPlan) else LUMBAR_CLASSES)


def abdomens(n: int, *, seed: int) -> Iterator[Patient]:
    """Patients with an enlarged spleen, a fatty liver, liver lesions or no gallbladder, each in about a third."""
    rng = np.random.default_rng(seed)
    for number in range(n):
        large, fatty, lesions, gone = (rng.random(4) < _SHARE).tolist()
        scale = {organ: float(rng.normal(1, 0.04)) for organ in _ORGANS}
        hu = {organ: HU[organ] + float(rng.normal(0, 6)) for organ in ("spleen", "liver", "pancreas", "kidney")}
        if large:
            scale["spleen"] *= float(rng.uniform(1.25, 1.5))
        if fatty:
            hu["liver"] -= float(rng.uniform(45, 80))
        body = AbdomenPlan(
            absent=frozenset({"gallbladder"} if gone else ()),
            scale=scale,
            hu=hu,
            lesions=_lesions(rng) if lesions else (),
            seed=int(rng.integers(2**31)),
        )
        said = [
            "Spleen: The spleen is enlarged." if large else "Spleen: The spleen is normal in size.",
            "Liver: There is diffuse hepatic steatosis." if fatty else "Liver: There is no hepatic steatosis.",
            "There are several hypodense lesions in the liver." if lesions else "No focal liver lesion.",
            "Gallbladder: The gallbladder is surgically absent." if gone else "Gallbladder: Normal gallbladder.",
        ]
        names = ("spleen enlarged", "liver diffuse", "liver focal", "gallbladder absent")
        planted = {name for name, is_there in zip(names, (large, fatty, lesions, gone), strict=True) if is_there}
        yield Patient(f"abdomen-{number}", body, "FINDINGS:\n" + "\n".join(said), frozenset(planted))


def spines(n: int, *, seed: int) -> Iterator[Patient]:
    """Patients whose canal is narrow at one disc in about three fifths; worn discs and marrow differ at random."""
    rng = np.random.default_rng(seed)
    for number in range(n):
        sac = {disc: float(rng.normal(14, 0.5)) for disc in _DISCS}
        narrow = _DISCS[int(rng.integers(len(_DISCS)))] if rng.random() < 0.6 else None
        if narrow:
            sac[narrow] = float(rng.uniform(4, 7))
        body = LumbarPlan(
            sac_mm=sac,
            worn=frozenset(disc for disc in _DISCS if rng.random() < 0.4),
            marrow=float(rng.normal(1, 0.08)),
            seed=int(rng.integers(2**31)),
        )
        said = [
            f"{disc}: Severe spinal canal stenosis." if disc == narrow else f"{disc}: No spinal canal stenosis."
            for disc in _DISCS
        ]
        planted = frozenset({f"{narrow} stenosis"} if narrow else ())
        yield Patient(f"spine-{number}", body, "FINDINGS:\n" + "\n".join(said), planted)


def _lesions(rng: np.random.Generator) -> tuple[Lesion, ...]:
    """Two to four dark spheres in the liver."""
    picked = rng.permutation(len(_IN_LIVER))[: int(rng.integers(2, 5))]
    spot = Lesion(centre=(0, 0, 0), diameters_mm=(0, 0, 0), value=0, organ="liver")
    found = []
    for place in picked.tolist():
        across = float(rng.uniform(16, 28))
        x, y, z = _IN_LIVER[place]
        value = float(rng.uniform(0, 20))
        found.append(replace(spot, centre=(x, y, z), diameters_mm=(across, across, across), value=value))
    return tuple(found)
