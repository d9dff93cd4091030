"""Measurements of readings: they belong to the case's images, survive a move, and leave as CSV and DICOM SR."""

import csv
import io
import json
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone
from pydicom import dcmread

from annotator.core.vectors import VectorError
from annotator.exceptions import UserError
from annotator.models import Case, Event, Reading, Study
from annotator.services.drafts import DraftContent, check_content
from annotator.services.exports import Wanted, export
from annotator.services.label_imports import import_labels
from annotator.services.measurement_exports import export_measurements
from tests.annotator.core.test_measurements import ELLIPSE, LENGTH, PROBE
from tests.factories import CaseFactory, MembershipFactory, ProjectFactory, ReadingFactory, UserFactory
from vision.core.phantoms.abdomen import AbdomenPlan
from vision.core.phantoms.plans import SeriesPlan, StudyPlan, write_study
from vision.models import Series
from vision.services.imports import import_images
from vision.services.options import ImportOptions

pytestmark = pytest.mark.django_db

SERIES = SeriesPlan(number=3, description="CT", plane="axial", n_images=4, spacing_mm=5, first_mm=100, size=32)
PLAN = StudyPlan(kind="abdomen", series=(SERIES,), body=AbdomenPlan(), mask_as="none")


@pytest.fixture
def case(tmp_path, settings):
    settings.IMAGE_DIR = tmp_path / "images"
    project = ProjectFactory(slug="belly", manager=UserFactory(username="boss"))
    case = CaseFactory(project=project, report__report_id="=R1")
    case.study = Study.objects.create(project=project, study_id="S-1")
    Case.objects.filter(pk=case.pk).update(study=case.study)
    write_study(tmp_path / "files", PLAN, study_id="S-1", patient_id="MRN-4711")
    import_images(project=project, source=tmp_path / "files", actor=None, options=ImportOptions(), now=timezone.now())
    return case


@pytest.fixture
def series(case):
    return Series.objects.get(project=case.project)


def at(found, measurement, **change):
    return measurement | {"series": found.pk, "series_uid": found.series_uid} | change


@pytest.fixture
def reading(case, series):
    third = next(index for index, image in enumerate(series.manifest["images"]) if image["number"] == 3)
    measurements = [
        at(series, LENGTH, image=third, label="=cyst"),
        at(series, ELLIPSE, image=third),
        at(series, PROBE, stats={"units": "HU", "value": 41.5}),
    ]
    ann = UserFactory(username="ann")
    return ReadingFactory(case=case, reader=ann, body={"cells": {}, "measurements": measurements})


def content(body):
    return DraftContent(
        version=0, values="0" * 8, urgencies="_" * 8, body=body, active_seconds_delta=0, client_id="a", prefill_run=None
    )


def test_measurement_lies_in_a_series_of_the_cases_study(case, series):
    schema = case.project.schema.parsed()
    check_content(content({"measurements": [at(series, LENGTH)]}), case=case, schema=schema)
    check_content(content({"measurements": [at(series, LENGTH, series=series.pk + 99)]}), case=case, schema=schema)
    with pytest.raises(VectorError, match=r"series 2\.25\.77 is not one of the study of case '=R1'"):
        check_content(content({"measurements": [LENGTH]}), case=case, schema=schema)
    other = CaseFactory(project=case.project)
    with pytest.raises(VectorError, match="is not one of the study"):
        check_content(content({"measurements": [at(series, LENGTH)]}), case=other, schema=schema)


def rows_of(project, **choices):
    made = export_measurements(project=project, actor=None, format_name="csv", **choices)
    return list(csv.DictReader(io.StringIO(b"".join(made.chunks).decode(), newline="")))


def test_table_has_a_safe_row_per_measurement(case, series, reading):
    rows = rows_of(case.project)
    assert [row["kind"] for row in rows] == ["length", "ellipse", "probe"]
    length, ellipse, probe = rows
    assert (length["case"], length["label"], length["reader"], length["revision"]) == ("'=R1", "'=cyst", "ann", "1")
    assert (length["series_number"], length["image_number"], length["series_uid"]) == ("3", "3", series.series_uid)
    assert [float(length[name]) for name in ("x1_mm", "x2_mm", "y2_mm", "length_mm")] == [0, 3, 4, 5]
    assert length["x3_mm"] == ""
    assert (float(ellipse["area_mm2"]), float(ellipse["mean"]), ellipse["units"]) == (37.699, 41.2, "HU")
    assert (float(probe["value"]), float(probe["z1_mm"]), probe["image_number"]) == (41.5, 900.25, "")
    image = next(image for image in series.manifest["images"] if image["number"] == 3)
    assert length["sop_uid"] == image["sop_uid"]


def test_only_the_latest_revision_of_the_wanted_reader_unless_all_are_asked_for(case, series, reading):
    body = {"cells": {}, "measurements": [at(series, LENGTH)]}
    ReadingFactory(case=case, reader=reading.reader, revision=2, supersedes=reading, body=body)
    ReadingFactory(case=case, reader=UserFactory(username="bob"), body={"cells": {}, "measurements": []})
    assert [(row["kind"], row["revision"]) for row in rows_of(case.project)] == [("length", "2")]
    assert len(rows_of(case.project, all_revisions=True)) == 4
    assert rows_of(case.project, reader="bob") == []


def reports_of(project, folder: Path) -> list[Path]:
    made = export_measurements(project=project, actor=None, format_name="sr")
    with zipfile.ZipFile(io.BytesIO(b"".join(made.chunks))) as archive:
        archive.extractall(folder)
    return sorted(folder.rglob("*.dcm"))


def items_of(ds, value_type):
    found = []
    for item in ds.get("ContentSequence", []):
        found += [item] if item.get("ValueType") == value_type else []
        found += items_of(item, value_type)
    return found


def test_structured_report_says_what_was_measured_where(case, series, reading, tmp_path):
    [path] = reports_of(case.project, tmp_path / "out")
    ds = dcmread(path)
    assert ds.SOPClassUID == "1.2.840.10008.5.1.4.1.1.88.34", "Comprehensive 3D SR"
    assert ds.StudyInstanceUID == series.study_uid
    numbers = {
        (item.ConceptNameCodeSequence[0].CodeMeaning, float(item.MeasuredValueSequence[0].NumericValue))
        for item in items_of(ds, "NUM")
    }
    assert {("Length", 5.0), ("Area", 37.699), ("Attenuation Coefficient", 41.2)} <= numbers
    assert ("Attenuation Coefficient", 41.5) in numbers
    drawn = {item.GraphicType: item for item in items_of(ds, "SCOORD3D")}
    assert set(drawn) == {"POLYLINE", "ELLIPSE", "POINT"}
    assert [float(each) for each in drawn["POLYLINE"].GraphicData] == [0, 0, 0, 3, 4, 0]
    # Ends of the long axis, then of the short one.
    assert [float(each) for each in drawn["ELLIPSE"].GraphicData] == [6, 10, -5, 14, 10, -5, 10, 7, -5, 10, 13, -5]
    assert {item.ReferencedFrameOfReferenceUID for item in drawn.values()} == {series.frame_of_reference_uid}
    evidence = ds.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0]
    assert evidence.SeriesInstanceUID == series.series_uid
    sent = {item.ReferencedSOPInstanceUID for item in evidence.ReferencedSOPSequence}
    assert sent <= {image["sop_uid"] for image in series.manifest["images"]}
    assert "MRN-4711" not in str(ds)


def test_repeat_has_a_round_and_a_structured_report_of_its_own(case, series, reading, tmp_path):
    ReadingFactory(case=case, reader=reading.reader, round=2, body={"cells": {}, "measurements": [at(series, LENGTH)]})
    assert [row["round"] for row in rows_of(case.project)] == ["1", "1", "1", "2"]
    names = [path.name for path in reports_of(case.project, tmp_path / "out")]
    assert names == ["ann-revision-1.dcm", "ann-round-2-revision-1.dcm"]


def test_structured_report_is_the_same_each_time_but_for_its_making(case, reading, tmp_path):
    first, second = (dcmread(reports_of(case.project, tmp_path / name)[0]) for name in ("a", "b"))
    assert first.SOPInstanceUID == second.SOPInstanceUID
    assert first.ContentSequence == second.ContentSequence


@pytest.mark.skipif(shutil.which("dsrdump") is None, reason="install dcmtk to run this test")
def test_dcmtk_reads_the_structured_report(case, reading, tmp_path):
    [path] = reports_of(case.project, tmp_path / "out")
    dump = subprocess.run(["dsrdump", "--print-all-codes", path], capture_output=True, text=True)
    assert dump.returncode == 0, dump.stderr
    assert "Comprehensive 3D SR Document" in dump.stdout
    for said in ('="5.0" (mm,UCUM', '="37.699" (mm2,UCUM', "(ELLIPSE,,6/10/-5", "(POINT,,-1.5/2/900.25)"):
        assert said in dump.stdout, dump.stdout[-3000:]
    assert not [line for line in dump.stderr.splitlines() if line.startswith(("E:", "W:"))]


def test_what_lies_in_no_dicom_series_is_left_out_and_counted(case, series, reading):
    ReadingFactory(
        case=case,
        reader=UserFactory(username="bob"),
        body={"cells": {}, "measurements": [at(series, LENGTH, series_uid="2.25.1")]},
    )
    made = export_measurements(project=case.project, actor=None, format_name="sr")
    assert (made.n_measurements, made.n_left_out) == (4, 1)
    with zipfile.ZipFile(io.BytesIO(b"".join(made.chunks))) as archive:
        assert len(archive.namelist()) == 1
    assert rows_of(case.project, reader="bob")[0]["series_number"] == ""


def test_no_measurement_is_an_empty_table_and_no_report(db):
    project = ProjectFactory()
    assert rows_of(project) == []
    with pytest.raises(UserError, match="no reading"):
        export_measurements(project=project, actor=None, format_name="sr")
    with pytest.raises(UserError, match="choose csv or sr"):
        export_measurements(project=project, actor=None, format_name="xml")


def test_measurements_move_with_readings(case, series, reading, tmp_path):
    path = tmp_path / "readings.jsonl"
    path.write_text(
        "".join(export(project=case.project, actor=None, wanted=Wanted(what="readings", format_name="jsonl")).chunks)
    )
    assert len(json.loads(path.read_text())["extra"]["body"]["measurements"]) == 3
    other = ProjectFactory(slug="copy", manager=UserFactory(username="chief"))
    CaseFactory(project=other, report__report_id="=R1", report__text=case.report.text)
    MembershipFactory(project=other, user=reading.reader)
    import_labels(project=other, path=path, actor=None)
    assert Reading.objects.get(project=other).body["measurements"] == reading.body["measurements"]


def test_manager_downloads_both_forms_and_it_is_written_down(client, case, reading):
    manager = case.project.memberships.get(role="manager").user
    client.force_login(manager)
    page = client.get(reverse("exports", args=["belly"])).content.decode()
    assert "DICOM structured reports" in page
    for name, start in (("csv", b"case,reader"), ("sr", b"PK")):
        answer = client.get(reverse("export_download", args=["belly"]), {"what": "measurements", "format": name})
        assert b"".join(answer.streaming_content).startswith(start)
    events = Event.objects.filter(verb="measurements_exported").order_by("pk")
    assert [(event.actor, event.payload["format"], event.payload["measurements"]) for event in events] == [
        (manager, "csv", 3),
        (manager, "sr", 3),
    ]
    client.force_login(reading.reader)
    answer = client.get(reverse("export_download", args=["belly"]), {"what": "measurements", "format": "csv"})
    assert answer.status_code in (403, 404)


def test_command_writes_both_forms(case, reading, tmp_path):
    for name in ("csv", "sr"):
        call_command("export_measurements", "belly", "--format", name, "--out", str(tmp_path / name))
    assert (tmp_path / "csv").read_text().startswith("case,reader")
    assert zipfile.is_zipfile(tmp_path / "sr")
    with pytest.raises(CommandError):
        call_command("export_measurements", "none-such")
