"""Measurements that a reader drew in the images: their shape, and that their numbers fit their points."""

import math
import re
import uuid
from collections.abc import Mapping
from typing import Any, Final

from annotator.core.refusals import VectorError, is_storable_text

MAX_MEASUREMENTS: Final = 200
MAX_LABEL_CHARACTERS: Final = 200
# A length has its two ends; an ellipse its centre and the ends of two half axes; a probe its point.
N_POINTS: Final = {"length": 2, "ellipse": 3, "probe": 1}
UNITS: Final = ("HU", "stored")
NUMBERS: Final = ("length_mm", "area_mm2", "mean", "sd", "min", "max", "value", "n_voxels")
_KEYS: Final = frozenset({"id", "kind", "series", "series_uid", "image", "points_lps_mm", "label", "stats"})
_MAX_MM: Final = 100_000.0
_MAX_WHOLE: Final = 2**53
_SERIES_UID: Final = re.compile(r"[\w.-]{1,64}", re.ASCII)
# What a number may differ from what follows from the points: one part in a hundred, or what rounding takes away.
_SHARE, _ROUNDING = 0.01, 0.01


def check_measurements(measurements: Any) -> None:
    """Raise `VectorError` unless this is a list of measurements with ids of their own; names the first that is not."""
    if not isinstance(measurements, list) or len(measurements) > MAX_MEASUREMENTS:
        raise VectorError(f"body: measurements is a list of at most {MAX_MEASUREMENTS}")
    seen: set[str] = set()
    for number, measurement in enumerate(measurements, start=1):
        what = f"body: measurement {number}"
        if not isinstance(measurement, Mapping) or set(measurement) != _KEYS:
            raise VectorError(f"{what}: expected {', '.join(sorted(_KEYS))}")
        _check_place(measurement, what=what)
        _check_points(measurement, what=what)
        _check_stats(measurement, what=what)
        if measurement["id"] in seen:
            raise VectorError(f"{what}: its id is that of another")
        seen.add(measurement["id"])


def length_mm(points: list[list[float]]) -> float:
    """Distance between two points."""
    return math.dist(points[0], points[1])


def area_mm2(points: list[list[float]]) -> float:
    """Area of an ellipse from its centre and the ends of two half axes."""
    return math.pi * math.dist(points[0], points[1]) * math.dist(points[0], points[2])


def _check_place(measurement: Mapping[str, Any], *, what: str) -> None:
    try:
        is_uuid = str(uuid.UUID(measurement["id"])) == measurement["id"]
    except (ValueError, TypeError, AttributeError):
        is_uuid = False
    if not is_uuid:
        raise VectorError(f"{what}: id is a UUID in small letters")
    if measurement["kind"] not in tuple(N_POINTS):
        raise VectorError(f"{what}: kind is one of {', '.join(N_POINTS)}")
    series, image = measurement["series"], measurement["image"]
    if not _is_whole(series) or not (image is None or _is_whole(image)):
        raise VectorError(f"{what}: series is a number, image a position in it or null")
    series_uid = measurement["series_uid"]
    if not isinstance(series_uid, str) or not _SERIES_UID.fullmatch(series_uid):
        raise VectorError(f"{what}: series_uid is a UID")
    if not is_storable_text(measurement["label"], at_most=MAX_LABEL_CHARACTERS):
        raise VectorError(f"{what}: label is text of at most {MAX_LABEL_CHARACTERS} characters")


def _check_points(measurement: Mapping[str, Any], *, what: str) -> None:
    points, n_points = measurement["points_lps_mm"], N_POINTS[measurement["kind"]]
    if not isinstance(points, list) or len(points) != n_points:
        raise VectorError(f"{what}: a {measurement['kind']} has {n_points} points")
    for point in points:
        if not isinstance(point, list) or len(point) != 3 or not all(_is_number(each) for each in point):
            raise VectorError(f"{what}: a point is three numbers")
        if max(abs(each) for each in point) > _MAX_MM:
            raise VectorError(f"{what}: a point lies more than {_MAX_MM:g} mm away")


def _check_stats(measurement: Mapping[str, Any], *, what: str) -> None:
    stats, kind, points = measurement["stats"], measurement["kind"], measurement["points_lps_mm"]
    if not isinstance(stats, Mapping) or set(stats) - {"units", *NUMBERS} or stats.get("units") not in UNITS:
        raise VectorError(f"{what}: stats holds units ({' or '.join(UNITS)}) and may hold {', '.join(NUMBERS)}")
    for name in NUMBERS:
        if name in stats and not _is_number(stats[name]):
            raise VectorError(f"{what}: {name} is a number")
    follows = {"length": {"length_mm": length_mm}, "ellipse": {"area_mm2": area_mm2}}.get(kind, {})
    for name in ("length_mm", "area_mm2"):
        if name not in stats:
            continue
        if name not in follows:
            raise VectorError(f"{what}: a {kind} has no {name}")
        expected = follows[name](points)
        if abs(stats[name] - expected) > max(_SHARE * expected, _ROUNDING):
            raise VectorError(f"{what}: {name} is {stats[name]:g}, its points say {expected:g}")


def _is_number(number: Any) -> bool:
    is_number = isinstance(number, int | float) and not isinstance(number, bool)
    return is_number and abs(number) <= _MAX_WHOLE and math.isfinite(number)


def _is_whole(number: Any) -> bool:
    return type(number) is int and 0 <= number <= _MAX_WHOLE
