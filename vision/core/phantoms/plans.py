"""Read what the pictures of a made-up study show, and make its files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import yaml
from pydicom import dcmread

from vision.core.phantoms import abdomen, lumbar
from vision.core.phantoms.files import SeriesTags, write_mask, write_segmentation, write_series
from vision.core.phantoms.shapes import Canvas, axial, sagittal

ABDOMEN, LUMBAR = "abdomen", "lumbar"
MASK_FORMATS: Final = ("nifti", "seg", "none")
_CT_FOV_MM: Final = 380.0


class PlanError(ValueError):
    """A plan cannot be followed; the message names the study and the key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesPlan:
    """One series: its number as the report cites it and where its pictures lie.

    `first_mm` is z of the first picture of an axial series, x of the first of a sagittal one.
    """

    number: int
    description: str
    plane: str
    n_images: int
    spacing_mm: float
    first_mm: float
    size: int = 256
    weighting: lumbar.Weighting = "T2"

    def canvas(self, kind: str) -> Canvas:
        """The grid, empty."""
        if kind == ABDOMEN:
            return axial(
                size=self.size,
                fov_mm=_CT_FOV_MM,
                first_z=self.first_mm,
                spacing_mm=self.spacing_mm,
                n_images=self.n_images,
            )
        if self.plane == "axial":
            return axial(
                size=self.size,
                fov_mm=200.0,
                first_z=self.first_mm,
                spacing_mm=self.spacing_mm,
                n_images=self.n_images,
                y=14.0,
            )
        return sagittal(
            size=self.size,
            fov_mm=300.0,
            first_x=self.first_mm,
            spacing_mm=self.spacing_mm,
            n_images=self.n_images,
            y=-14.0,
            z=10.0,
        )

    def position_mm(self, image: int) -> float:
        """z (axial) or x (sagittal) of the picture with this number."""
        step = -self.spacing_mm if self.plane == "axial" else self.spacing_mm
        return self.first_mm + (image - 1) * step


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyPlan:
    """A made-up study: what kind of body, its series, how it departs from the ordinary."""

    kind: str
    series: tuple[SeriesPlan, ...]
    body: abdomen.AbdomenPlan | lumbar.LumbarPlan
    mask_as: str = "nifti"

    def paint(self, series: SeriesPlan) -> Canvas:
        """The pictures and classes of one series."""
        canvas = series.canvas(self.kind)
        if isinstance(self.body, abdomen.AbdomenPlan):
            abdomen.paint_abdomen(canvas, self.body)
        else:
            lumbar.paint_lumbar(canvas, replace(self.body, weighting=series.weighting))
        return canvas


def read_plans(text: str) -> dict[str, StudyPlan]:
    """Plans by name of the study, from YAML. Raises `PlanError` for keys that nothing knows."""
    return {name: _plan(name, raw) for name, raw in yaml.safe_load(text).items()}


def _plan(name: str, raw: Mapping[str, Any]) -> StudyPlan:
    kind = raw["kind"]
    known = _ABDOMEN_KEYS if kind == ABDOMEN else _LUMBAR_KEYS
    unknown = set(raw) - known - {"kind", "series", "mask_as", "seed"}
    if unknown:
        raise PlanError(f"{name}: a {kind} knows no {sorted(unknown)[0]!r}; known are {', '.join(sorted(known))}")
    series = tuple(_series(entry, kind=kind) for entry in raw["series"])
    body = _abdomen(raw, series) if kind == ABDOMEN else _lumbar(raw)
    return StudyPlan(kind=kind, series=series, body=body, mask_as=raw.get("mask_as", "nifti"))


def _series(raw: Mapping[str, Any], *, kind: str) -> SeriesPlan:
    """`show: {image: 21, at: L4-L5}` (or `x`, or `z`) puts that picture at that place."""
    plane = raw.get("plane", "axial")
    first, spacing = raw.get("first_mm"), float(raw["spacing_mm"])
    if first is None:
        shown = raw["show"]
        place = _canal_z(shown["at"]) + shown.get("up_mm", 0.0) if "at" in shown else shown["mm"]
        step = -spacing if plane == "axial" else spacing
        first = place - (shown["image"] - 1) * step
    return SeriesPlan(
        number=raw["number"],
        description=raw["description"],
        plane=plane,
        n_images=raw["images"],
        spacing_mm=spacing,
        first_mm=float(first),
        size=raw.get("size", 256),
        weighting=raw.get("weighting", "T2"),
    )


def _canal_z(at: str) -> float:
    """Height of the canal behind a vertebra or disc: the discs are tilted, the pictures are not."""
    return lumbar.spine_of(lumbar.LumbarPlan()).along(at, back_mm=25.0)[2]


_ABDOMEN_KEYS = {"absent", "scale", "hu", "lesions", "contrast", "bowel_radius_mm", "gallbladder_wall_mm", "ascites"}
_LUMBAR_KEYS = {"sac_mm", "slip_mm", "worn", "bulge_mm", "height", "marrow", "spots", "screws"}


def _abdomen(raw: Mapping[str, Any], series: Sequence[SeriesPlan]) -> abdomen.AbdomenPlan:
    plain = {key: raw[key] for key in _ABDOMEN_KEYS - {"absent", "lesions"} if key in raw}
    return abdomen.AbdomenPlan(
        absent=frozenset(raw.get("absent", ())),
        lesions=[_lesion(entry, series) for entry in raw.get("lesions", ())],
        seed=raw.get("seed", 1),
        **plain,
    )


def _lesion(raw: Mapping[str, Any], series: Sequence[SeriesPlan]) -> abdomen.Lesion:
    """`at: [x, y]` and an image number of a series (the first, or `series`), or `at: [x, y, z]`."""
    at = [float(each) for each in raw["at"]]
    if len(at) == 2:
        [cited] = [each for each in series if each.number == raw.get("series", series[0].number)]
        at.append(cited.position_mm(raw["image"]))
    size = raw["mm"]
    a, b, c = size if isinstance(size, list) else (size, size, size)
    return abdomen.Lesion(
        centre=(at[0], at[1], at[2]),
        diameters_mm=(float(a), float(b), float(c)),
        value=float(raw["hu"]),
        organ=raw.get("organ"),
        rim=raw.get("rim"),
        rim_mm=raw.get("rim_mm", 3.0),
    )


def _lumbar(raw: Mapping[str, Any]) -> lumbar.LumbarPlan:
    plain = {key: raw[key] for key in _LUMBAR_KEYS - {"worn", "spots"} if key in raw}
    spots = [
        lumbar.Spot(
            at=spot["at"],
            offset=tuple(spot["offset"]),
            diameters_mm=tuple(spot["mm"]),
            signal=spot["signal"],
            within_bone=spot.get("within_bone", False),
        )
        for spot in raw.get("spots", ())
    ]
    return lumbar.LumbarPlan(worn=frozenset(raw.get("worn", ())), spots=spots, seed=raw.get("seed", 1), **plain)


def write_study(folder: Path, plan: StudyPlan, *, study_id: str, patient_id: str, compressed: bool = True) -> int:
    """Write all series of a study and a mask of the first under `folder`; returns how many pictures there are."""
    n_images = 0
    for series in plan.series:
        canvas = plan.paint(series)
        is_ct = plan.kind == ABDOMEN
        classes = abdomen.CLASSES if is_ct else lumbar.CLASSES
        tags = SeriesTags(
            patient_id=patient_id,
            study_id=study_id,
            number=series.number,
            modality="CT" if is_ct else "MR",
            description=series.description,
            study_description="CT abdomen" if is_ct else "MRI lumbar spine",
            body_part="ABDOMEN" if is_ct else "LSPINE",
        )
        paths = write_series(folder / f"series-{series.number}", canvas, tags, compressed=compressed)
        n_images += len(paths)
        if series is plan.series[0] and plan.mask_as == "nifti":
            write_mask(folder / f"{study_id}_mask.nii.gz", canvas, classes)
        elif series is plan.series[0] and plan.mask_as == "seg":
            sources = [dcmread(path, stop_before_pixels=True) for path in paths]
            write_segmentation(folder / f"{study_id}_mask.dcm", canvas, sources, classes)
    return n_images
