"""Measurements that leave the site: as a table, or as DICOM structured reports."""

import io
import re
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any, BinaryIO

from django.utils import timezone
from pydicom import dcmread
from pydicom.dataset import Dataset

from annotator.core.measurements import NUMBERS
from annotator.exceptions import UserError
from annotator.models import Event, Project, Reading, User
from labeling.core.intake.records import has_unstorable
from labeling.core.tables.cells import csv_line, number_cell, text_cell
from vision.core.measurement_report import Figure, measurement_report
from vision.models import Series
from vision.storage import series_path

MEASUREMENTS = "measurements"
CSV, SR = "csv", "sr"
FORMATS = (CSV, SR)
_BATCH = 200
_CHUNK = 1 << 16
_IN_MEMORY = 8 << 20
_COLUMNS = (
    *("case", "reader", "round", "revision", "submitted_at", "measurement", "kind", "label"),
    *("series_number", "series_uid", "image_number", "sop_uid"),
    *(f"{axis}{point}_mm" for point in (1, 2, 3) for axis in "xyz"),
    *(*NUMBERS, "units"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasurementExport:
    """A file that is made while it is sent. `n_left_out` counts what could not be said in it."""

    file_name: str
    content_type: str
    chunks: Iterator[bytes]
    n_measurements: int
    n_left_out: int = 0


def export_measurements(
    *, project: Project, actor: User | None, format_name: str, reader: str = "", all_revisions: bool = False
) -> MeasurementExport:
    """The measurements of submitted readings, and an event that they were exported; raises `UserError` for none.

    A report needs the images as DICOM: what was measured in a NIfTI file, or in a series without a frame of
    reference, is left out of it and counted.
    """
    if has_unstorable(reader + format_name) or format_name not in FORMATS:
        raise UserError(f"measurements cannot be exported as {format_name[:20]!r}; choose {' or '.join(FORMATS)}")
    readings = _readings(project, reader=reader, all_revisions=all_revisions)
    now = timezone.now()
    stem = f"{project.slug}-measurements-{now:%Y%m%d}"
    n = sum(len(reading.body[MEASUREMENTS]) for reading in readings)
    if format_name == CSV:
        lines = (line.encode() for line in _table(project, readings))
        export = MeasurementExport(
            file_name=f"{stem}.csv", content_type="text/csv; charset=utf-8", chunks=lines, n_measurements=n
        )
    else:
        export = _archive(project, readings, stem=stem, n_measurements=n)
    payload = {
        "format": format_name,
        "reader": reader,
        "all_revisions": all_revisions,
        "measurements": n,
        "left_out": export.n_left_out,
    }
    verb = Event.Verb.MEASUREMENTS_EXPORTED
    Event.objects.create(project=project, actor=actor, verb=verb, payload=payload, at=now)
    return export


def _readings(project: Project, *, reader: str, all_revisions: bool) -> list[Reading]:
    readings = Reading.objects.filter(project=project, body__has_key=MEASUREMENTS).select_related("case", "reader")
    if reader:
        readings = readings.filter(reader__username=reader)
    if not all_revisions:
        readings = readings.filter(superseded_by__isnull=True)
    ordered = readings.order_by("case__position", "reader__username", "round", "revision").iterator(chunk_size=_BATCH)
    return [reading for reading in ordered if reading.body[MEASUREMENTS]]


class _SeriesOfProject:
    """Finds series by the UID that a measurement names."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self.by_uid = lru_cache(maxsize=50)(self._by_uid)

    def _by_uid(self, series_uid: str, pk: int) -> Series | None:
        series = Series.objects.filter(project=self._project, series_uid=series_uid)
        return series.filter(pk=pk).first() or series.order_by("part").first()

    def of(self, measurement: Mapping[str, Any]) -> Series | None:
        """The part that the measurement names, else the first part with its UID."""
        return self.by_uid(measurement["series_uid"], measurement["series"])

    @staticmethod
    def image(series: Series | None, measurement: Mapping[str, Any]) -> Mapping[str, Any]:
        """What the manifest says of the image that was measured in; empty when it was a cut through several."""
        position = measurement["image"]
        images = series.manifest.get("images", []) if series and position is not None else []
        return images[position] if images and position < len(images) else {}


def _table(project: Project, readings: list[Reading]) -> Iterator[str]:
    found = _SeriesOfProject(project)
    yield csv_line(_COLUMNS)
    for reading in readings:
        for measurement in reading.body[MEASUREMENTS]:
            yield csv_line(_cells(reading, measurement, found))


def _cells(reading: Reading, measurement: Mapping[str, Any], found: _SeriesOfProject) -> Iterator[str]:
    series = found.of(measurement)
    image = found.image(series, measurement)
    stats = measurement["stats"]
    for text in (reading.case.key, reading.reader.get_username()):
        yield text_cell(text)
    yield str(reading.round)
    yield str(reading.revision)
    yield text_cell(reading.submitted_at.isoformat())
    for text in (measurement["id"], measurement["kind"], measurement["label"]):
        yield text_cell(text)
    yield number_cell(series.number if series else None, what="series_number")
    yield text_cell(measurement["series_uid"])
    yield number_cell(image.get("number"), what="image_number")
    yield text_cell(image.get("sop_uid", ""))
    coordinates = list(chain.from_iterable(measurement["points_lps_mm"]))
    for number in [*coordinates, *[None] * (9 - len(coordinates))]:
        yield number_cell(number, what="a coordinate")
    for name in NUMBERS:
        yield number_cell(stats.get(name), what=name)
    yield text_cell(stats["units"])


def _archive(project: Project, readings: list[Reading], *, stem: str, n_measurements: int) -> MeasurementExport:
    """A ZIP archive with a structured report per reading."""
    if not readings:
        raise UserError("no reading that was submitted holds a measurement")
    found = _SeriesOfProject(project)
    n_said = 0
    file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - closed when it is sent
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for reading in readings:
            figures, images = _drawn(reading, found)
            if not figures:
                continue
            n_said += len(figures)
            archive.writestr(_member_name(reading), _report_bytes(reading, figures, images))
    if not n_said:
        file.close()
        raise UserError("none of these measurements lies in a DICOM series with a frame of reference; choose csv")
    return MeasurementExport(
        file_name=f"{stem}.zip",
        content_type="application/zip",
        chunks=_sent(file),
        n_measurements=n_measurements,
        n_left_out=n_measurements - n_said,
    )


def _sent(file: Any) -> Iterator[bytes]:
    with file:
        file.seek(0)
        while chunk := file.read(_CHUNK):
            yield chunk


def _member_name(reading: Reading) -> str:
    parts = [re.sub(r"[^\w.-]+", "_", name).strip(".") for name in (reading.case.key, reading.reader.get_username())]
    again = f"-round-{reading.round}" if reading.round > 1 else ""
    return f"{reading.case_id}-{parts[0]}/{parts[1]}{again}-revision-{reading.revision}.dcm"


def _report_bytes(reading: Reading, figures: list[Figure], images: list[Dataset]) -> bytes:
    report = measurement_report(
        figures,
        images=images,
        reader=reading.reader.get_username(),
        key=str(reading.submission_id),
        at=reading.submitted_at,
    )
    with io.BytesIO() as file:
        report.save_as(file)
        return file.getvalue()


def _drawn(reading: Reading, found: _SeriesOfProject) -> tuple[list[Figure], list[Dataset]]:
    """The figures of a reading that a report can hold, and the headers of the images that they were drawn in."""
    figures: list[Figure] = []
    images: dict[str, Dataset] = {}
    for measurement in reading.body[MEASUREMENTS]:
        series = found.of(measurement)
        figure = _figure(measurement, series)
        if figure is None or series is None:
            continue
        figures.append(figure)
        place = found.image(series, measurement) or series.manifest["images"][0]
        if place["sop_uid"] not in images:
            with series_path(series).open("rb") as pack:
                images[place["sop_uid"]] = _header(pack, place)
    return figures, list(images.values())


def _figure(measurement: Mapping[str, Any], series: Series | None) -> Figure | None:
    stats = measurement["stats"]
    if series is None or series.source != Series.Source.DICOM or not series.frame_of_reference_uid:
        return None
    if measurement["kind"] == "probe" and "value" not in stats:
        return None
    return Figure(
        name=measurement["id"],
        kind=measurement["kind"],
        points_lps_mm=measurement["points_lps_mm"],
        frame_of_reference_uid=series.frame_of_reference_uid,
        stats={name: float(stats[name]) for name in NUMBERS if name in stats},
        in_hu=stats["units"] == "HU",
        label=measurement["label"],
    )


def _header(pack: BinaryIO, place: Mapping[str, Any]) -> Dataset:
    pack.seek(place["offset"])
    return dcmread(io.BytesIO(pack.read(place["length"])), stop_before_pixels=True)
