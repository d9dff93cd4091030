"""Measurements as a DICOM structured report (TID 1500) with coordinates in the patient."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import numpy as np
from highdicom.sr import (
    CodedConcept,
    Comprehensive3DSR,
    CoordinatesForMeasurement3D,
    GraphicTypeValues3D,
    ImageRegion3D,
    Measurement,
    MeasurementReport,
    MeasurementsAndQualitativeEvaluations,
    ObservationContext,
    ObserverContext,
    PersonObserverIdentifyingAttributes,
    PlanarROIMeasurementsAndQualitativeEvaluations,
    TrackingIdentifier,
)
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.valuerep import DA, TM

Kind = Literal["length", "ellipse", "probe"]
_MM: Final = codes.UCUM.Millimeter
_MM2: Final = codes.UCUM.SquareMillimeter
_HU: Final = CodedConcept("[hnsf'U]", "UCUM", "Hounsfield unit")
_NO_UNIT: Final = codes.UCUM.NoUnits
_ATTENUATION: Final = CodedConcept("112031", "DCM", "Attenuation Coefficient")
_SIGNAL: Final = CodedConcept("110852", "DCM", "MR signal intensity")
_DERIVATIONS: Final = {
    "mean": CodedConcept("373098007", "SCT", "Mean"),
    "sd": CodedConcept("386136009", "SCT", "Standard Deviation"),
    "min": CodedConcept("255605001", "SCT", "Minimum"),
    "max": CodedConcept("56851009", "SCT", "Maximum"),
}
_PROCEDURES: Final = {
    "CT": CodedConcept("77477000", "SCT", "Computed tomography"),
    "MR": CodedConcept("113091000", "SCT", "Magnetic resonance imaging"),
}
_MAX_IDENTIFIER: Final = 64
_MAX_NAME: Final = 63


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A measurement: its points in LPS mm of a frame of reference, and its numbers by name, in HU or as stored."""

    name: str
    kind: Kind
    points_lps_mm: Sequence[Sequence[float]]
    frame_of_reference_uid: str
    stats: Mapping[str, float]
    in_hu: bool
    label: str = ""

    def outline(self) -> tuple[GraphicTypeValues3D, np.ndarray]:
        """Graphic type and points (n, 3) as SCOORD3D has them; an ellipse has both ends of both axes, longer first."""
        points = np.asarray(self.points_lps_mm, dtype=np.float64)
        if self.kind == "length":
            return GraphicTypeValues3D.POLYLINE, points
        if self.kind == "probe":
            return GraphicTypeValues3D.POINT, points
        centre, halves = points[0], points[1:] - points[0]
        long, short = sorted(halves, key=np.linalg.norm, reverse=True)
        return GraphicTypeValues3D.ELLIPSE, np.array([centre - long, centre + long, centre - short, centre + short])


def measurement_report(
    figures: Sequence[Figure], *, images: Sequence[Dataset], reader: str, key: str, at: datetime
) -> Comprehensive3DSR:
    """One report of all `figures`, drawn by `reader` in `images` (headers of one study, at least one).

    `key` names the report: the same key gives the same UIDs. Raises `ValueError` without figures or images.
    """
    if not figures or not images:
        raise ValueError(f"a report needs figures and images, seen {len(figures)} and {len(images)}")
    # The caret says that this is a name of one part.
    name = reader.translate({ord(character): "_" for character in "^=\\"})[:_MAX_NAME] + "^"
    observer = PersonObserverIdentifyingAttributes(name=name)
    content = MeasurementReport(
        observation_context=ObservationContext(
            observer_person_context=ObserverContext(codes.DCM.Person, observer),
        ),
        procedure_reported=_PROCEDURES.get(str(images[0].Modality), codes.SCT.ImagingProcedure),
        imaging_measurements=[_group(figure, key=key) for figure in figures],
        title=codes.DCM.ImagingMeasurementReport,
        referenced_images=list(images),
    )
    report = Comprehensive3DSR(
        evidence=list(images),
        content=content,
        series_instance_uid=_uid(key, "series"),
        series_number=990,
        sop_instance_uid=_uid(key, "report"),
        instance_number=1,
        manufacturer="Overread",
        is_complete=True,
    )
    report.SeriesDescription = "Measurements"
    report.ContentDate, report.ContentTime = DA(at.date()), TM(at.time().replace(microsecond=0))
    return report


def _uid(*parts: str) -> str:
    digest = hashlib.sha256("\0".join(("Overread measurements", *parts)).encode()).digest()
    return f"2.25.{int.from_bytes(digest[:16])}"


def _group(
    figure: Figure, *, key: str
) -> PlanarROIMeasurementsAndQualitativeEvaluations | MeasurementsAndQualitativeEvaluations:
    """The measurement group of a figure: an ellipse is a region, the other two carry their points themselves."""
    tracking = TrackingIdentifier(
        uid=_uid(key, figure.name), identifier=(figure.label or f"{figure.kind} {figure.name}")[:_MAX_IDENTIFIER]
    )
    graphic_type, points = figure.outline()
    if figure.kind == "ellipse":
        region = ImageRegion3D(graphic_type, points, figure.frame_of_reference_uid)
        return PlanarROIMeasurementsAndQualitativeEvaluations(
            tracking_identifier=tracking, referenced_region=region, measurements=_values(figure)
        )
    coordinates = CoordinatesForMeasurement3D(graphic_type, points, figure.frame_of_reference_uid)
    name, value, unit = _single(figure)
    measured = Measurement(name=name, value=value, unit=unit, referenced_coordinates=[coordinates])
    return MeasurementsAndQualitativeEvaluations(tracking_identifier=tracking, measurements=[measured])


def _single(figure: Figure) -> tuple[CodedConcept, float, CodedConcept]:
    """What a line or a point says: its length, or the value there."""
    if figure.kind == "length":
        start, end = np.asarray(figure.points_lps_mm, dtype=np.float64)
        return codes.SCT.Length, figure.stats.get("length_mm", float(np.linalg.norm(end - start))), _MM
    return _quantity(figure), figure.stats["value"], _unit(figure)


def _quantity(figure: Figure) -> CodedConcept:
    return _ATTENUATION if figure.in_hu else _SIGNAL


def _unit(figure: Figure) -> CodedConcept:
    return _HU if figure.in_hu else _NO_UNIT


def _values(figure: Figure) -> list[Measurement]:
    """Area, and what the pixels inside say."""
    measured = []
    if "area_mm2" in figure.stats:
        measured.append(Measurement(name=codes.SCT.Area, value=figure.stats["area_mm2"], unit=_MM2))
    name = _quantity(figure)
    for which, derivation in _DERIVATIONS.items():
        if which in figure.stats:
            value = figure.stats[which]
            measured.append(Measurement(name=name, value=value, unit=_unit(figure), derivation=derivation))
    return measured
