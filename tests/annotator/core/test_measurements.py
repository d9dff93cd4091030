"""Measurements: what a browser may send, and that lengths and areas follow from the points."""

import copy
import uuid

import pytest

from annotator.core.measurements import MAX_MEASUREMENTS, check_measurements
from annotator.core.refusals import VectorError
from annotator.core.vectors import check_body
from labeling.core.schema_yaml import load_preset

LENGTH = {
    "id": "7d4f6a50-9d0e-4c86-a2cd-0a5f1f9f3c01",
    "kind": "length",
    "series": 4,
    "series_uid": "2.25.77",
    "image": 3,
    "points_lps_mm": [[0, 0, 0], [3, 4, 0]],
    "label": "cyst",
    "stats": {"units": "HU", "length_mm": 5.0},
}
ELLIPSE = LENGTH | {
    "id": "7d4f6a50-9d0e-4c86-a2cd-0a5f1f9f3c02",
    "kind": "ellipse",
    "points_lps_mm": [[10, 10, -5], [14, 10, -5], [10, 13, -5]],
    # pi * 4 * 3
    "stats": {"units": "HU", "area_mm2": 37.699, "mean": 41.2, "sd": 9.0, "min": 12, "max": 70, "n_voxels": 30},
}
PROBE = LENGTH | {
    "id": "7d4f6a50-9d0e-4c86-a2cd-0a5f1f9f3c03",
    "kind": "probe",
    "image": None,
    "points_lps_mm": [[-1.5, 2, 900.25]],
    "label": "",
    "stats": {"units": "stored", "value": -3},
}


def test_measurements_of_the_three_kinds_are_taken_in_a_body():
    check_measurements([LENGTH, ELLIPSE, PROBE])
    check_body({"cells": {}, "measurements": [LENGTH, ELLIPSE, PROBE]}, schema=load_preset("spine-mri"), text_length=0)


def test_numbers_may_be_missing_and_rounded():
    check_measurements([LENGTH | {"stats": {"units": "HU"}}])
    check_measurements([LENGTH | {"stats": {"units": "HU", "length_mm": 5.04}}])


@pytest.mark.parametrize(
    ("base", "change", "reason"),
    [
        (LENGTH, {"id": "1"}, "UUID"),
        (LENGTH, {"id": 7}, "UUID"),
        (LENGTH, {"id": LENGTH["id"].upper()}, "UUID"),
        (LENGTH, {"kind": "angle"}, "kind"),
        (LENGTH, {"kind": []}, "kind"),
        (LENGTH, {"series": True}, "series is a number"),
        (LENGTH, {"series": -1}, "series is a number"),
        (LENGTH, {"image": 1.5}, "image"),
        (LENGTH, {"series_uid": "=1+1"}, "series_uid"),
        (LENGTH, {"series_uid": "1" * 65}, "series_uid"),
        (LENGTH, {"label": "x" * 201}, "label"),
        (LENGTH, {"label": "\x00"}, "label"),
        (LENGTH, {"points_lps_mm": [[0, 0, 0]]}, "has 2 points"),
        (ELLIPSE, {"points_lps_mm": ELLIPSE["points_lps_mm"][:2]}, "has 3 points"),
        (PROBE, {"points_lps_mm": [[0, 0]]}, "three numbers"),
        (PROBE, {"points_lps_mm": [[0, 0, float("nan")]]}, "three numbers"),
        (PROBE, {"points_lps_mm": [[0, 0, float("inf")]]}, "three numbers"),
        (PROBE, {"points_lps_mm": [[0, 0, 10**400]]}, "three numbers"),
        (PROBE, {"points_lps_mm": [[0, 0, 1e6]]}, "mm away"),
        (PROBE, {"stats": {}}, "units"),
        (PROBE, {"stats": {"units": "HU", "volume": 1}}, "stats holds"),
        (PROBE, {"stats": {"units": "HU", "value": "1"}}, "value is a number"),
        (PROBE, {"stats": {"units": "HU", "area_mm2": 1.0}}, "a probe has no area_mm2"),
        (LENGTH, {"stats": {"units": "HU", "length_mm": 5.06}}, "its points say 5"),
        (ELLIPSE, {"stats": {"units": "HU", "area_mm2": 38.1}}, "its points say 37.69"),
        (LENGTH, {"color": "red"}, "expected"),
    ],
)
def test_what_is_no_measurement_is_refused(base, change, reason):
    with pytest.raises(VectorError, match=reason):
        check_measurements([base | change])


def test_missing_key_is_refused():
    less = copy.deepcopy(LENGTH)
    del less["label"]
    with pytest.raises(VectorError, match="measurement 2: expected"):
        check_measurements([PROBE, less])


def test_two_with_one_id_are_refused():
    with pytest.raises(VectorError, match="measurement 2: its id is that of another"):
        check_measurements([LENGTH, LENGTH])


def test_number_of_measurements_is_bounded():
    many = [LENGTH | {"id": str(uuid.UUID(int=number))} for number in range(MAX_MEASUREMENTS + 1)]
    check_measurements(many[1:])
    with pytest.raises(VectorError, match="at most 200"):
        check_measurements(many)
    with pytest.raises(VectorError, match="list"):
        check_measurements({"id": 1})
