"""DICOM files become series of cases: linked, in order, without the patient, whole or not at all."""

import io
import shutil
import zipfile

import numpy as np
import pydicom
import pytest
from django.conf import settings
from django.db import IntegrityError

from annotator.core.identifiers import patient_key
from annotator.models import Case, Event, Study
from tests.annotator.worlds import add_case
from tests.shared_data import shared_data
from tests.vision.image_files import (
    ACCESSION,
    PATIENT_ID,
    PATIENT_NAME,
    outcomes,
    run,
    slice_dataset,
    write_slices,
)
from vision.models import ImageImport, Series
from vision.services import dicom_series, writing
from vision.storage import preview_path, project_folder, series_path, thumbnail_path

pytestmark = pytest.mark.django_db


@pytest.fixture
def linked(world):
    """The first case has a study whose id is the accession number of the made-up slices."""
    study = Study.objects.create(project=world.project, study_id=ACCESSION)
    Case.objects.filter(pk=world.cases[0].pk).update(study=study)
    return study


def key_of(world, *, patient_id=None, report_id=""):
    """The key of a patient in the project, or of a report without one."""
    secret, scope = settings.PATIENT_KEY_SECRET, str(world.project.pk)
    return patient_key(secret=secret, scope=scope, patient_id=patient_id, report_id=report_id)


def add_keyed_case(world, key, *, patient=None):
    """A case of this key, whose report names a patient or none."""
    report = world.cases[0].report
    report.pk, report.report_id = None, key
    report.save()
    of_patient = key_of(world, patient_id=patient, report_id=key)
    return Case.objects.create(project=world.project, report=report, key=key, position=9, patient_key=of_patient)


def stored_values(series):
    """Pixel values of each image of a series as its pack holds them."""
    pack = series_path(series).read_bytes()
    for image in series.manifest["images"]:
        dataset = pydicom.dcmread(io.BytesIO(pack[image["offset"] : image["offset"] + image["length"]]))
        yield dataset, dataset.pixel_array


def test_slices_are_stored_along_the_normal_whatever_their_file_names(world, linked, tmp_path):
    write_slices(tmp_path / "exam")
    record = run(world.project, tmp_path / "exam")
    series = Series.objects.get()
    assert (record.state, record.n_files, record.n_images, record.n_series) == ("finished", 6, 6, 1)
    assert [int(values[0, 0]) for _, values in stored_values(series)] == [1000, 1001, 1002, 1003, 1004, 1005]
    assert [image["number"] for image in series.manifest["images"]] == [1, 2, 3, 4, 5, 6]
    assert series.kind == "volume"
    assert series.manifest["grid"]["dimensions"] == [32, 24, 6]
    # Row direction +x by 0.7 mm a column, column direction +y by 0.8 mm a row, 2 mm a slice, from (-10, -20, 100).
    expected = [0.7, 0, 0, -10, 0, 0.8, 0, -20, 0, 0, 2, 100, 0, 0, 0, 1]
    assert series.manifest["grid"]["affine_lps"] == pytest.approx(expected)
    assert series.study == linked


def test_manifest_says_of_each_image_what_the_viewer_needs(world, linked, tmp_path):
    write_slices(tmp_path / "exam")
    run(world.project, tmp_path / "exam")
    manifest = Series.objects.get().manifest
    image = manifest["images"][2]
    assert image["position"] == [-10, -20, 104]
    assert image["orientation"] == [1, 0, 0, 0, 1, 0]
    assert image["spacing_mm"] == [0.8, 0.7]
    assert (image["rows"], image["columns"], image["slope"], image["intercept"]) == (24, 32, 1, -1024)
    assert (manifest["units"], manifest["number"], manifest["window"]) == (
        "HU",
        3,
        {"center": 40.0, "width": 400.0, "is_inverted": False},
    )
    assert manifest["description"] == "ABDOMEN AX 5.0"


def test_nothing_of_the_patient_is_stored(world, linked, tmp_path):
    write_slices(tmp_path / "exam")
    run(world.project, tmp_path / "exam")
    series = Series.objects.get()
    pack = series_path(series).read_bytes()
    for word in ("Fernweh", "Ottilie", PATIENT_ID, "19511203", ACCESSION, "2.25.900", "2.25.901", "20240517"):
        assert word.encode() not in pack
        assert word not in str([series.manifest, series.removed, series.series_uid, series.study_uid])
    assert series.removed["attributes"]["removed"]["InstitutionName"] == 6
    [(dataset, _), *_] = stored_values(series)
    assert dataset.PatientIdentityRemoved == "YES"


def test_dates_are_kept_where_the_project_says_so(world, linked, tmp_path):
    world.project.image_dates = "keep"
    world.project.save()
    write_slices(tmp_path / "exam")
    run(world.project, tmp_path / "exam")
    assert {dataset.StudyDate for dataset, _ in stored_values(Series.objects.get())} == {"20240517"}


def test_originals_are_kept_only_where_the_project_says_so(world, linked, tmp_path, image_dir):
    paths = write_slices(tmp_path / "exam")
    run(world.project, tmp_path / "exam")
    assert not (image_dir / "originals").exists()
    world.project.keeps_originals = True
    world.project.save()
    write_slices(tmp_path / "other", series="2.25.777")
    run(world.project, tmp_path / "other")
    kept = {path.read_bytes() for path in (image_dir / "originals").rglob("*.dcm")}
    assert kept == {path.read_bytes() for path in (tmp_path / "other").iterdir()}
    assert len(kept) == len(paths)


@pytest.mark.parametrize(
    ("by", "study_id", "key"),
    [
        ("accession_number", ACCESSION, None),
        ("study_id", "ST-31", None),
        ("study_uid", "2.25.900", None),
        ("accession_number", None, ACCESSION),
        ("name", None, "exam"),
    ],
)
def test_series_finds_its_case(world, tmp_path, by, study_id, key):
    case = add_keyed_case(world, key or "read")
    if study_id:
        study = Study.objects.create(project=world.project, study_id=study_id)
        Case.objects.filter(pk=case.pk).update(study=study)
    write_slices(tmp_path / "exam" / "series")
    run(world.project, tmp_path)
    series = Series.objects.get()
    assert (series.linked_by, list(series.study.cases.all())) == (by, [case])


def test_mapping_file_goes_before_everything_else(world, linked, tmp_path):
    write_slices(tmp_path / "exam")
    mapping = tmp_path / "mapping.csv"
    mapping.write_text("case,accession_number\nlumbar-3,ACC-31\n")
    run(world.project, tmp_path / "exam", mapping=mapping)
    series = Series.objects.get()
    assert series.linked_by == "mapping"
    assert list(series.study.cases.all()) == [world.cases[2]]


def test_case_without_study_gets_one_under_its_own_key(world, tmp_path):
    write_slices(tmp_path / "lumbar-2")
    run(world.project, tmp_path / "lumbar-2")
    study = Series.objects.get().study
    assert (study.study_id, study.modality) == ("lumbar-2", "CT")
    assert Case.objects.get(pk=world.cases[1].pk).study == study


def test_short_names_of_export_folders_are_no_links(world, tmp_path):
    add_case(world.project, 4)
    report = world.cases[0].report
    report.pk, report.report_id = None, "1"
    report.save()
    Case.objects.create(project=world.project, report=report, key="1", position=9, patient_key="k" * 64)
    write_slices(tmp_path / "1")
    assert {kind for kind, _ in outcomes(world.project, tmp_path).values()} == {"unlinked"}


@pytest.mark.parametrize("counter", ["1", "12", "007", "1234"])
def test_counters_of_scanners_are_no_study_ids(world, tmp_path, counter):
    add_keyed_case(world, counter)
    write_slices(tmp_path / "x", StudyID=counter, AccessionNumber="")
    assert {kind for kind, _ in outcomes(world.project, tmp_path).values()} == {"unlinked"}


@pytest.mark.parametrize(("patient", "kind"), [(PATIENT_ID, "stored"), ("someone else", "unlinked"), (None, "stored")])
def test_study_id_leads_to_no_case_of_another_patient(world, tmp_path, patient, kind):
    add_keyed_case(world, "ST-31", patient=patient)
    write_slices(tmp_path / "x", AccessionNumber="")
    assert {found for found, _ in outcomes(world.project, tmp_path).values()} == {kind}


def test_folder_leads_to_no_case_when_the_patient_is_that_of_another(world, tmp_path):
    add_keyed_case(world, "other", patient=PATIENT_ID)
    write_slices(tmp_path / "lumbar-1", AccessionNumber="")
    reasons = set()
    run(world.project, tmp_path, each_file=lambda file: reasons.add((file.kind, file.reason)))
    [(kind, reason)] = reasons
    assert kind == "unlinked"
    assert "another patient" in reason


def test_names_of_files_stay_out_of_the_database(world, linked, tmp_path):
    folder = tmp_path / "Quellwasser"
    write_slices(folder)
    (folder / "Quellwasser.txt").write_text("x")
    slice_dataset(0, series="2.25.5", AccessionNumber="", StudyID="").save_as(
        folder / "Quellwasser.dcm", enforce_file_format=True
    )
    run(world.project, folder)
    record = ImageImport.objects.get()
    assert "Quellwasser" not in str([record.source_name, record.problems, record.unlinked, record.warnings])
    # Q before i: the two files called after the patient come first.
    assert [problem["name"] for problem in record.problems] == ["file 2 (.txt)"]
    assert [entry["name"] for entry in record.unlinked] == ["file 1 (.dcm)"]
    assert record.source_name == "a folder"


def test_file_names_that_are_not_utf8_are_imported(world, linked, tmp_path):
    folder = tmp_path / "exam"
    for path in write_slices(folder):
        path.rename(folder / f"{path.name}\udce4.dcm")
    assert run(world.project, folder).n_images == 6


def test_series_of_which_images_were_refused_says_so(world, linked, tmp_path):
    paths = write_slices(tmp_path / "exam")
    paths[5].write_bytes(paths[5].read_bytes()[:-700])
    run(world.project, tmp_path / "exam")
    assert "1 images of this series were refused: it is not complete." in Series.objects.get().manifest["warnings"]


def test_series_with_text_in_its_pictures_says_so(world, linked, tmp_path):
    write_slices(tmp_path / "exam", BurnedInAnnotation="YES")
    run(world.project, tmp_path / "exam")
    assert "It may show patient data in the picture." in Series.objects.get().manifest["warnings"]


def test_series_that_another_import_stored_meanwhile_counts_as_unchanged(world, linked, tmp_path, monkeypatch):
    write_slices(tmp_path / "exam")
    real = dicom_series.store_series

    def be_late(*arguments, **options):
        monkeypatch.undo()
        run(world.project, tmp_path / "exam")
        return real(*arguments, **options)

    monkeypatch.setattr(dicom_series, "store_series", be_late)
    record = run(world.project, tmp_path / "exam")
    assert (record.state, record.n_unchanged, record.n_images) == ("finished", 6, 0)
    assert Series.objects.count() == 1


def test_failed_import_keeps_what_it_counted(world, linked, tmp_path, monkeypatch):
    write_slices(tmp_path / "exam")
    (tmp_path / "exam" / "notes.txt").write_text("x")

    def fail(*_, **__):
        raise IntegrityError("made up")

    monkeypatch.setattr(dicom_series, "store_series", fail)
    with pytest.raises(IntegrityError):
        run(world.project, tmp_path / "exam")
    record = ImageImport.objects.get()
    assert (record.state, record.n_refused, record.problems[0]["code"]) == ("failed", 1, "not_an_image_file")


def test_what_links_to_no_case_is_listed_without_the_patient_and_not_stored(world, tmp_path, image_dir):
    write_slices(tmp_path / "FERNWEH_OTTILIE" / "series 3")
    record = run(world.project, tmp_path)
    assert not Series.objects.exists()
    assert not list(image_dir.rglob("*.pack"))
    assert record.n_unlinked == 1
    [entry] = record.unlinked
    assert entry == {
        "name": "folder 1",
        "n_files": 6,
        "kind": "series",
        "modality": "CT",
        "description": "ABDOMEN AX 5.0",
    }


def test_importing_again_changes_nothing(world, linked, tmp_path):
    write_slices(tmp_path / "exam")
    run(world.project, tmp_path / "exam")
    before = {path: path.read_bytes() for path in project_folder(world.project.pk).iterdir()}
    record = run(world.project, tmp_path / "exam")
    assert (record.n_unchanged, record.n_images, record.n_refused) == (6, 0, 0)
    assert {path: path.read_bytes() for path in project_folder(world.project.pk).iterdir()} == before
    assert Series.objects.count() == 1


def test_images_that_come_after_their_series_are_refused_with_the_reason(world, linked, tmp_path):
    write_slices(tmp_path / "exam")
    run(world.project, tmp_path / "exam")
    slice_dataset(9).save_as(tmp_path / "exam" / "late.dcm", enforce_file_format=True)
    found = outcomes(world.project, tmp_path / "exam")
    assert found.pop("late.dcm") == ("refused", "series_is_stored")
    series = Series.objects.get()
    [warned] = ImageImport.objects.order_by("-pk")[0].warnings
    assert warned["series"] == series.pk
    assert f"remove_series lumbar {series.pk}" in warned["warnings"][0]
    assert {kind for kind, _ in found.values()} == {"unchanged"}
    assert Series.objects.get().n_images == 6


def test_crash_in_the_middle_leaves_nothing_and_can_be_repeated(world, linked, tmp_path, image_dir, monkeypatch):
    write_slices(tmp_path / "exam")
    real, moved = writing.put_in_place, []

    def fail_at_the_second(path, target):
        if moved:
            raise OSError(28, "No space left on device")
        moved.append(target)
        real(path, target)

    monkeypatch.setattr(writing, "put_in_place", fail_at_the_second)
    with pytest.raises(OSError, match="No space"):
        run(world.project, tmp_path / "exam")
    assert not Series.objects.exists()
    assert [path for path in image_dir.rglob("*") if path.is_file()] == []
    failed = ImageImport.objects.get()
    assert (failed.state, failed.error) == ("failed", "it stopped: OSError")
    monkeypatch.undo()
    assert run(world.project, tmp_path / "exam").n_images == 6


def test_files_that_cannot_be_used_are_refused_one_by_one_and_the_rest_is_stored(world, linked, tmp_path):
    folder = tmp_path / "exam"
    paths = write_slices(folder)
    whole = paths[5].read_bytes()
    paths[5].write_bytes(whole[: len(whole) // 2])
    (folder / "notes.txt").write_text("nothing here")
    (folder / "empty.dcm").write_bytes(b"")
    shutil.copy(paths[0], folder / "zz copy.dcm")
    slice_dataset(11, Rows=0).save_as(folder / "no rows.dcm", enforce_file_format=True)
    found = outcomes(world.project, folder)
    assert found[paths[5].name] == ("refused", "truncated")
    assert found["notes.txt"] == ("refused", "not_an_image_file")
    assert found["empty.dcm"] == ("refused", "empty_file")
    assert found["zz copy.dcm"] == ("duplicate", "duplicate")
    assert found["no rows.dcm"] == ("refused", "absurd_header")
    assert [kind for kind, _ in found.values()].count("stored") == 5
    assert Series.objects.get().n_images == 5


def test_image_whose_pixels_are_damaged_is_refused_and_its_gap_is_told(world, tmp_path):
    folder = tmp_path / "lumbar-1"
    shutil.copytree(shared_data("ct_abdomen/dicom"), folder)
    victim = sorted(folder.iterdir())[7]
    content = bytearray(victim.read_bytes())
    content[-60_000:-40_000] = bytes(20_000)
    start = content.rfind(b"\xff\x4f\xff\x51")
    content[start + 8 : start + 40] = bytes(32)
    victim.write_bytes(content)
    found = outcomes(world.project, folder)
    assert found[victim.name][0] == "refused"
    series = Series.objects.get()
    assert (series.kind, series.n_images) == ("stack", 19)
    assert series.manifest["warnings"]


def test_real_ct_is_stored_with_the_values_that_pydicom_reads(world, tmp_path):
    source = shared_data("ct_abdomen/dicom")
    folder = tmp_path / "lumbar-1"
    shutil.copytree(source, folder)
    run(world.project, folder)
    originals = {float(ds.ImagePositionPatient[2]): ds.pixel_array for ds in map(pydicom.dcmread, source.iterdir())}
    series = Series.objects.get()
    assert series.n_images == 20
    stored = list(stored_values(series))
    for (dataset, values), z in zip(stored, sorted(originals), strict=True):
        assert float(dataset.ImagePositionPatient[2]) == z
        assert np.array_equal(values, originals[z])


def test_three_planes_under_one_series_number_become_parts_with_a_warning(world, tmp_path):
    shutil.copy(shared_data("spine_mr/three_planes_in_one_series.zip"), tmp_path / "lumbar-1.zip")
    run(world.project, tmp_path / "lumbar-1.zip")
    parts = list(Series.objects.order_by("part"))
    assert [part.part for part in parts] == list(range(1, len(parts) + 1))
    assert len({part.series_uid for part in parts}) == 1
    assert sum(part.n_images for part in parts) == 11
    assert len(parts) >= 3
    assert all(any("planes" in warning for warning in part.manifest["warnings"]) for part in parts)
    assert all(part.n_parts == len(parts) for part in parts)


def test_dry_run_says_what_would_be_and_stores_nothing(world, linked, tmp_path, image_dir):
    write_slices(tmp_path / "exam")
    record = run(world.project, tmp_path / "exam", dry_run=True)
    assert (record.pk, record.n_images, record.n_series) == (None, 6, 1)
    assert not Series.objects.exists()
    assert not ImageImport.objects.exists()
    assert [path for path in image_dir.rglob("*") if path.is_file()] == []


def test_patient_of_another_case_is_warned_of(world, linked, tmp_path):
    add_keyed_case(world, "other", patient=PATIENT_ID)
    write_slices(tmp_path / "exam")
    run(world.project, tmp_path / "exam")
    assert any("another case" in warning for warning in Series.objects.get().manifest["warnings"])


def test_zip_in_a_folder_is_read_and_what_lies_in_it_is_refused(world, linked, tmp_path):
    write_slices(tmp_path / "slices")
    (tmp_path / "exam").mkdir()
    with zipfile.ZipFile(tmp_path / "exam" / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in (tmp_path / "slices").iterdir():
            archive.write(path, f"ct/{path.name}")
        archive.writestr("bomb.dcm", bytes(64 * 1024**2))
        archive.writestr("../escape.dcm", b"x")
    found = outcomes(world.project, tmp_path / "exam")
    assert found["a.zip/bomb.dcm"] == ("refused", "archive_bomb")
    assert found["a.zip/../escape.dcm"] == ("refused", "unsafe_name")
    assert Series.objects.get().n_images == 6


def test_pictures_are_made_at_import(world, linked, tmp_path):
    write_slices(tmp_path / "exam")
    run(world.project, tmp_path / "exam")
    series = Series.objects.get()
    for path in (thumbnail_path(series), preview_path(series)):
        assert path.read_bytes().startswith(b"\x89PNG")
    assert series.manifest["preview_image"] == 3


def test_files_are_readable_for_the_owner_only(world, linked, tmp_path, image_dir):
    write_slices(tmp_path / "exam")
    run(world.project, tmp_path / "exam")
    assert {path.stat().st_mode & 0o077 for path in (image_dir / str(world.project.pk)).rglob("*")} == {0}


def test_import_is_in_the_history_without_names(world, linked, tmp_path):
    write_slices(tmp_path / "exam")
    record = run(world.project, tmp_path / "exam")
    event = Event.objects.get(verb="images_imported")
    assert event.payload["import"] == record.pk
    assert event.payload["n_images"] == 6
    assert PATIENT_NAME.split("^")[0] not in str(event.payload)


@pytest.mark.parametrize(
    "text",
    ["case\nlumbar-1\n", "file,accession_number\na,b\n", "case,file\nlumbar-1,a\nlumbar-2,a\n"],
)
def test_mapping_file_that_cannot_be_followed_is_refused_as_a_whole(world, tmp_path, text):
    from annotator.exceptions import UserError

    write_slices(tmp_path / "exam")
    mapping = tmp_path / "mapping.csv"
    mapping.write_text(text)
    with pytest.raises(UserError, match="mapping file"):
        run(world.project, tmp_path / "exam", mapping=mapping)
    assert not Series.objects.exists()
