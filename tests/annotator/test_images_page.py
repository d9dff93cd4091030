"""The page that takes images in: uploads, their import in a process of its own, and what became of the files."""

import json
import os
import time
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from annotator.models import Event
from annotator.services import image_jobs
from annotator.services.image_uploads import keep_images
from annotator.services.uploads import UploadGone, remove_old_uploads, upload_in_use
from tests.vision.image_files import run, write_slices
from tests.vision.stored import stored_series
from vision.models import ImageImport
from vision.services.options import ImportOptions

pytestmark = pytest.mark.django_db
URL = "/projects/lumbar/images/"
UPLOAD = "/api/projects/lumbar/image-uploads"


@pytest.fixture(autouse=True)
def folders(tmp_path, settings):
    settings.IMAGE_DIR, settings.UPLOAD_DIR, settings.DATA_DIR = (tmp_path / name for name in ("i", "u", "d"))
    for folder in (settings.IMAGE_DIR, settings.UPLOAD_DIR, settings.DATA_DIR):
        folder.mkdir()


@pytest.fixture
def manager(client, world):
    client.force_login(world.manager)
    return client


@pytest.fixture
def started(monkeypatch):
    """Commands that were started instead of run."""
    commands = []
    monkeypatch.setattr(image_jobs.subprocess, "Popen", lambda command, **_: commands.append(command))
    return commands


def a_file(name="a.dcm", content=b"x"):
    return SimpleUploadedFile(name, content)


def a_record(world, **fields):
    now = timezone.now()
    return ImageImport.objects.create(
        project=world.project, source_name="exam", started_at=now, heartbeat_at=now, **fields
    )


def test_page_invites_when_there_is_nothing_yet(manager):
    page = manager.get(URL).content.decode()
    assert "No images yet" in page
    assert 'name="images"' in page
    assert "webkitdirectory" in page


def test_files_are_imported_by_a_process_of_its_own_that_the_page_then_watches(manager, world, started):
    answer = manager.post(URL, {"images": [a_file(), a_file("b.dcm")], "nifti_as": "auto"})
    record = ImageImport.objects.get()
    assert answer["Location"] == f"/projects/lumbar/images/results/{record.pk}/"
    [command] = started
    assert command[3] == "import_images"
    assert {f"--user={world.manager.username}", f"--record={record.pk}", "--remove-source"} <= set(command)
    folder = Path(command[-1])
    assert sorted(path.name for path in folder.iterdir()) == ["a.dcm", "b.dcm"]
    assert folder.stat().st_mode & 0o077 == 0
    page = manager.get(answer["Location"]).content.decode()
    assert "Being imported" in page
    assert f"/api/projects/lumbar/image-imports/{record.pk}" in page


def test_folder_arrives_in_batches_with_its_paths(manager, started):
    first = manager.post(UPLOAD, {"files": [a_file(), a_file()], "paths": json.dumps(["exam/ct/1", "exam/ct/2"])})
    token = first.json()["token"]
    second = manager.post(
        UPLOAD, {"files": [a_file(content=b"yy")], "paths": json.dumps(["exam/mr/1"]), "token": token}
    )
    assert second.json() == {"token": token, "n_files": 3, "n_bytes": 4}
    manager.post(URL, {"token": token, "nifti_as": "image"})
    folder = Path(started[0][-1])
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()) == [
        "exam/ct/1",
        "exam/ct/2",
        "exam/mr/1",
    ]
    assert "--nifti-as=image" in started[0]
    assert ImageImport.objects.get().source_name == "a folder"


@pytest.mark.parametrize(
    "path", ["../../evil", "/etc/evil", "..\\..\\evil", "a/\0evil", "x" * 400, "", "....", "~/evil", "con/./../evil"]
)
def test_paths_that_lead_elsewhere_stay_in_the_folder_of_the_upload(manager, settings, path):
    answer = manager.post(UPLOAD, {"files": [a_file()], "paths": json.dumps([path])})
    root = Path(settings.UPLOAD_DIR) / answer.json()["token"] / "files"
    [kept] = [
        found
        for found in Path(settings.UPLOAD_DIR).parent.rglob("*")
        if found.is_file() and found.suffix != ".json" and found.stat().st_size
    ]
    assert root in kept.parents


def test_two_files_of_one_name_are_both_kept(manager, started):
    manager.post(URL, {"images": [a_file(), a_file(content=b"other")]})
    assert len(list(Path(started[0][-1]).iterdir())) == 2


def test_upload_of_another_manager_cannot_be_used(client, world, other_world, started):
    client.force_login(world.manager)
    token = client.post(UPLOAD, {"files": [a_file()]}).json()["token"]
    client.force_login(other_world.manager)
    answer = client.post("/projects/elsewhere/images/", {"token": token})
    assert answer.status_code == 422
    assert not started
    assert client.post("/api/projects/elsewhere/image-uploads", {"token": token}).status_code == 422


def test_upload_is_imported_once_and_nothing_is_added_to_it_then(manager, started):
    token = manager.post(UPLOAD, {"files": [a_file()]}).json()["token"]
    assert manager.post(URL, {"token": token}).status_code == 302
    again = manager.post(URL, {"token": token, "mapping": a_file("m.csv")})
    assert again.status_code == 422
    assert "this upload is gone" in again.content.decode()
    assert manager.post(UPLOAD, {"files": [a_file("b.dcm")], "token": token}).status_code == 422
    assert len(started) == ImageImport.objects.count() == 1
    assert [path.name for path in Path(started[0][-1]).iterdir()] == ["a.dcm"]


def test_second_start_of_an_upload_that_was_found_twice_is_refused(world, started):
    upload = keep_images(project=world.project, user=world.manager, uploaded=[a_file()])
    options = ImportOptions()
    image_jobs.start_image_import(project=world.project, actor=world.manager, upload=upload, options=options)
    with pytest.raises(UploadGone):
        image_jobs.start_image_import(project=world.project, actor=world.manager, upload=upload, options=options)
    assert len(started) == ImageImport.objects.count() == 1


def test_mapping_may_be_sent_again_with_the_same_files(manager, started, monkeypatch):
    token = manager.post(UPLOAD, {}).json()["token"]
    for _ in range(2):
        answer = manager.post(URL, {"token": token, "mapping": a_file("m.csv", b"case,file")})
        assert answer.status_code == 422
        assert "no file was sent" in answer.content.decode()


def test_upload_whose_import_died_is_removed_within_hours_and_one_in_use_is_not(world, settings, started):
    folders = []
    for _ in range(2):
        upload = keep_images(project=world.project, user=world.manager, uploaded=[a_file()])
        image_jobs.start_image_import(
            project=world.project, actor=world.manager, upload=upload, options=ImportOptions()
        )
        folders.append(upload.folder)
    with upload_in_use(folders[1]):
        for folder in folders:
            os.utime(folder, (time.time() - 2 * 3600,) * 2)
        remove_old_uploads()
        assert [folder.exists() for folder in folders] == [False, True]


def test_more_bytes_than_allowed_are_refused_over_all_batches(manager, settings):
    settings.MAX_IMAGE_UPLOAD_BYTES = 5000
    token = manager.post(UPLOAD, {"files": [a_file(content=bytes(3000))]}).json()["token"]
    answer = manager.post(UPLOAD, {"files": [a_file(content=bytes(3000))], "token": token})
    assert answer.status_code == 422
    assert "6,000 bytes" in answer.json()["error"]["message"]
    assert manager.post(URL, {"images": [a_file(content=bytes(6000))]}).status_code == 413


def test_long_bodies_reach_the_uploads_of_managers_only(client, world, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    client.force_login(world.reader)
    assert client.post(UPLOAD, {"files": [a_file(content=bytes(5000))]}).status_code == 413
    client.force_login(world.manager)
    assert client.post(UPLOAD, {"files": [a_file(content=bytes(5000))]}).status_code == 200


@pytest.mark.parametrize("paths", ["{", "3", "[1]", '{"a": 1}'])
def test_paths_that_are_no_list_are_refused(manager, paths):
    assert manager.post(UPLOAD, {"files": [a_file()], "paths": paths}).status_code == 422


def test_nothing_chosen_is_said(manager):
    answer = manager.post(URL, {})
    assert answer.status_code == 422
    assert "Choose files" in answer.content.decode()


def test_import_that_cannot_start_is_said_and_ended(manager, monkeypatch):
    def fail(*_, **__):
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(image_jobs.subprocess, "Popen", fail)
    answer = manager.post(URL, {"images": [a_file()]})
    assert answer.status_code == 422
    assert "could not be started" in answer.content.decode()
    assert ImageImport.objects.get().state == "failed"


def test_progress_is_told_as_json(manager, world):
    record = a_record(world, n_files=10, n_done=4, n_images=3)
    answer = manager.get(reverse("api_image_progress", kwargs={"slug": "lumbar", "import_id": record.pk})).json()
    assert (answer["state"], answer["n_done"], answer["n_files"], answer["n_images"]) == ("running", 4, 10, 3)


def test_import_that_was_killed_is_marked_as_failed(manager, world):
    record = a_record(world)
    ImageImport.objects.filter(pk=record.pk).update(heartbeat_at=timezone.now() - timezone.timedelta(minutes=10))
    page = manager.get(f"{URL}results/{record.pk}/").content.decode()
    assert "ended early" in page
    assert "counts as unchanged" in page


def test_result_shows_what_became_of_the_files_and_gives_it_as_csv(manager, world):
    record = a_record(
        world,
        state="finished",
        finished_at=timezone.now(),
        n_refused=1,
        n_unlinked=1,
        problems=[{"name": "=cut.dcm", "kind": "refused", "code": "truncated", "reason": "the pixel data is cut off"}],
        unlinked=[{"name": "exam", "n_files": 4, "kind": "series", "modality": "CT", "description": "axial"}],
        warnings=[{"name": "ct", "series": 1, "warnings": ["Slices are missing."]}],
        removed={"elements": {"removed": {"PatientName": 4}}, "flags": {"burned_in_text": 2}},
    )
    page = manager.get(f"{URL}results/{record.pk}/").content.decode()
    for said in (
        "the pixel data is cut off",
        "Belongs to no case",
        "Slices are missing.",
        "PatientName",
        "burned into",
    ):
        assert said in page
    lines = manager.get(f"{URL}results/{record.pk}/problems.csv").content.decode().splitlines()
    assert lines[0] == "file,outcome,code,reason"
    assert lines[1].startswith('"\'=cut.dcm"') or lines[1].startswith("'=cut.dcm")
    assert lines[2] == "exam,unlinked,no_case,4 files"


def test_rules_of_a_project_are_set_and_recorded(manager, world):
    answer = manager.post(URL, {"action": "rules", "dates": "keep", "keeps_originals": "on"})
    assert answer.status_code == 302
    world.project.refresh_from_db()
    assert (world.project.image_dates, world.project.keeps_originals) == ("keep", True)
    assert Event.objects.get(verb="image_rules_set").payload["before"] == {"dates": "shift", "keeps_originals": False}


def test_dates_are_not_changed_once_there_are_images(manager, world):
    stored_series(world.cases[0])
    answer = manager.post(URL, {"action": "rules", "dates": "keep"}, follow=True)
    assert "would not agree" in answer.content.decode()
    world.project.refresh_from_db()
    assert world.project.image_dates == "shift"


@pytest.mark.parametrize("change", [{"dates": "keep"}, {"dates": "shift", "keeps_originals": "on"}])
def test_rules_are_not_changed_while_images_are_imported(manager, world, change):
    record = a_record(world)
    answer = manager.post(URL, {"action": "rules", **change}, follow=True)
    assert "being imported" in answer.content.decode()
    world.project.refresh_from_db()
    assert (world.project.image_dates, world.project.keeps_originals) == ("shift", False)
    ImageImport.objects.filter(pk=record.pk).update(state="failed", finished_at=timezone.now())
    manager.post(URL, {"action": "rules", **change})
    world.project.refresh_from_db()
    assert (world.project.image_dates, world.project.keeps_originals) != ("shift", False)


def test_series_with_text_in_their_pictures_are_listed_whichever_import_brought_them(manager, world, tmp_path):
    plain, marked = (tmp_path / world.cases[index].key for index in (0, 1))
    write_slices(plain, StudyInstanceUID="1.2.1", SeriesInstanceUID="1.2.1.1", AccessionNumber="")
    assert "May show patient data" not in manager.get(URL).content.decode()
    changes = {"StudyInstanceUID": "1.2.2", "SeriesInstanceUID": "1.2.2.1", "series": "2.25.902"}
    write_slices(marked, AccessionNumber="", BurnedInAnnotation="YES", **changes)
    run(world.project, tmp_path)
    shown = manager.get(URL).content.decode()
    listed = shown.partition("May show patient data")[2].partition("Earlier imports")[0]
    assert f">{world.cases[1].key}</a>" in listed
    assert world.cases[0].key not in listed
