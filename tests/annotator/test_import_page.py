"""Upload, look, import: the pages a manager uses."""

import io
import os
import re
import stat
import time
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from annotator.management.commands import label as label_command
from annotator.models import Report, ReportImport
from annotator.services import labels, uploads
from labeling.models import MachineLabel, Run
from tests.factories import (
    MembershipFactory,
    ProjectFactory,
    ReportFactory,
    RunFactory,
    UserFactory,
    csv_bytes,
    report_rows,
)

pytestmark = pytest.mark.django_db

MAPPING = {"report_id": "report_id", "text": "text", "patient_id": "patient_id", "study_id": "study_id", "modality": ""}


@pytest.fixture(autouse=True)
def upload_dir(settings, tmp_path):
    settings.UPLOAD_DIR = tmp_path / "uploads"
    return settings.UPLOAD_DIR


@pytest.fixture
def manager():
    return UserFactory()


@pytest.fixture
def project(manager):
    return ProjectFactory(slug="lumbar", manager=manager)


@pytest.fixture
def client(client, manager):
    client.force_login(manager)
    return client


def upload(client, project, content, name="reports.csv", **extra):
    file = SimpleUploadedFile(name, content)
    return client.post(reverse("imports", args=[project.slug]), {"file": file}, **extra)


def uploaded(client, project, content=None, name="reports.csv"):
    """The address of the preview."""
    response = upload(client, project, content or csv_bytes(report_rows(3)), name)
    assert response.status_code == 302, response.content
    return response.url


def test_upload_leads_to_a_preview_with_what_was_recognised(client, project):
    html = client.get(uploaded(client, project, csv_bytes(report_rows(30)))).content.decode()
    for words in ("CSV", "UTF-8", "comma", "R00001", '<option value="patient_id" selected>'):
        assert words in html
    assert "R00030" not in html
    assert not Report.objects.exists()


def test_preview_cuts_text_and_escapes_it(client, project):
    rows = [{"report_id": "R1", "text": "<script>alert(1)</script>" + "long " * 1000}]
    html = client.get(uploaded(client, project, csv_bytes(rows))).content.decode()
    assert "<script>alert" not in html
    assert "&lt;script&gt;" in html
    assert "long " * 100 not in html


def test_check_counts_without_storing_and_import_stores(client, project):
    rows = report_rows(3)
    rows[1]["text"] = ""
    url = uploaded(client, project, csv_bytes(rows))
    checked = client.post(url, MAPPING | {"action": "check"})
    assert checked.context["outcome"].counts() == {"created": 2, "unchanged": 0, "refused": 1}
    assert not Report.objects.exists()
    response = client.post(url, MAPPING | {"action": "import"}, follow=True)
    assert Report.objects.count() == 2
    html = response.content.decode()
    assert "R00002" in html
    assert "blank" in html
    assert not Run.objects.exists()


def test_labels_are_made_when_asked_for(client, project):
    response = client.post(uploaded(client, project), MAPPING | {"action": "import", "label": "on"}, follow=True)
    assert "Labeled with the rules: 3 reports" in response.content.decode()
    assert Run.objects.get().is_prefill
    assert MachineLabel.objects.count() == 3


def test_many_reports_are_labeled_by_a_process_of_their_own(client, project, monkeypatch):
    started = []
    monkeypatch.setattr(labels, "MAX_AT_ONCE", 2)
    monkeypatch.setattr(labels.subprocess, "Popen", lambda command, **_: started.append(command))
    response = client.post(uploaded(client, project), MAPPING | {"action": "import", "label": "on"}, follow=True)
    assert "Being labeled with the rules: 3 reports" in response.content.decode()
    assert started[0][3] == "label"
    assert started[0][-2:] == ["--", "lumbar"]


def test_process_of_its_own_takes_a_strange_user_name_and_leaves_a_log(project, settings, monkeypatch, tmp_path):
    settings.DATA_DIR = tmp_path
    monkeypatch.setattr(labels, "MAX_AT_ONCE", 0)
    ReportFactory(project=project)
    started = []
    monkeypatch.setattr(labels.subprocess, "Popen", lambda command, **how: started.append((command, how)))
    labels.start_labeling(project=project, actor=UserFactory(username="--help"))
    ((command, how),) = started
    call_command(*command[3:])
    run = Run.objects.get()
    assert (run.created_by.username, run.state) == ("--help", "complete")
    log = tmp_path / labels.LOG_NAME
    assert how["stdout"].name == str(log)
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_process_that_cannot_be_started_is_told(client, project, settings, monkeypatch, tmp_path):
    settings.DATA_DIR = tmp_path / "nowhere"
    monkeypatch.setattr(labels, "MAX_AT_ONCE", 2)
    response = client.post(uploaded(client, project), MAPPING | {"action": "import", "label": "on"}, follow=True)
    assert "could not be started" in response.content.decode()
    assert Report.objects.count() == 3


def test_log_does_not_quote_what_an_error_says(monkeypatch, capsys):
    monkeypatch.setattr("sys.excepthook", None)
    try:
        raise ValueError("Patient Doe")
    except ValueError as error:
        label_command.tell_tersely(type(error), error, error.__traceback__)
    said = capsys.readouterr().err
    assert "ValueError" in said
    assert "Doe" not in said


def press(client, project):
    return client.post(reverse("imports", args=[project.slug]), {"action": "label"}, follow=True).content.decode()


def test_reports_that_stayed_without_labels_are_labeled_by_a_button(client, project):
    client.post(uploaded(client, project), MAPPING | {"action": "import"})
    html = client.get(reverse("imports", args=[project.slug])).content.decode()
    assert "Label the reports" in html
    assert "0 of 3 reports" in html
    assert "Labeled with the rules: 3 reports" in press(client, project)
    html = client.get(reverse("imports", args=[project.slug])).content.decode()
    assert "Label the reports" not in html
    assert "3 of 3 reports" in html
    assert "<strong>complete</strong> with 3 reports" in html


def test_same_file_again_labels_what_a_crash_left_without_labels(client, project):
    client.post(uploaded(client, project), MAPPING | {"action": "import"})
    response = client.post(uploaded(client, project), MAPPING | {"action": "import", "label": "on"}, follow=True)
    html = response.content.decode()
    assert "Nothing new" in html
    assert "Labeled with the rules: 3 reports" in html
    assert MachineLabel.objects.count() == 3


def test_other_rules_label_anew(client, project, monkeypatch):
    client.post(uploaded(client, project), MAPPING | {"action": "import", "label": "on"})
    monkeypatch.setattr("labeling.services.rules.RULES_VERSION", "other")
    assert "Labeled with the rules: 3 reports" in press(client, project)


def test_run_that_is_going_on_is_shown_and_not_started_twice(client, project):
    client.post(uploaded(client, project), MAPPING | {"action": "import"})
    run = Run.objects.create(project=project, schema=project.schema, labeler="rules", started_at=timezone.now())
    assert "Being labeled already: 0 of 3" in press(client, project)
    Run.objects.update(started_at=timezone.now() - timedelta(hours=1))
    html = client.get(reverse("imports", args=[project.slug])).content.decode()
    assert "<strong>failed</strong> with 0 reports" in html
    run.refresh_from_db()
    assert run.state == Run.State.FAILED


def test_chosen_labels_of_another_labeler_stay(client, project):
    client.post(uploaded(client, project), MAPPING | {"action": "import"})
    chosen = RunFactory(project=project, labeler="imported", manifest={"rater": "gpt"})
    more = uploaded(client, project, csv_bytes(report_rows(2, start=10)))
    html = client.post(more, MAPPING | {"action": "import", "label": "on"}, follow=True).content.decode()
    assert "the labels of gpt, which were chosen; they stay" in html
    assert "the labels of gpt, which were chosen; they stay" in press(client, project)
    assert list(Run.objects.all()) == [chosen]


def test_other_columns_are_kept_when_chosen_and_none_that_names_a_person(client, project):
    rows = [row | {"site": "A", "comment": "c", "PatientName": "Doe"} for row in report_rows(1)]
    url = uploaded(client, project, csv_bytes(rows))
    html = client.get(url).content.decode()
    assert 'name="keep_columns" value="site"' in html
    assert 'name="keep_columns" value="PatientName"' not in html
    assert client.post(url, MAPPING | {"keep_columns": ["PatientName"], "action": "import"}).status_code == 422
    client.post(url, MAPPING | {"keep_columns": ["site"], "action": "import"})
    assert Report.objects.get().extra == {"site": "A"}


def test_file_is_gone_after_the_import(client, project, upload_dir):
    url = uploaded(client, project)
    assert len(list(upload_dir.iterdir())) == 1
    client.post(url, MAPPING | {"action": "import"})
    assert not list(upload_dir.iterdir())
    assert client.get(url).status_code == 404


def test_same_file_again_changes_nothing_and_says_so(client, project):
    for _ in range(2):
        response = client.post(uploaded(client, project), MAPPING | {"action": "import"}, follow=True)
    assert "Nothing new: 3 reports are here already" in response.content.decode()
    assert ReportImport.objects.count() == 1


def test_columns_nobody_recognises_can_be_named(client, project):
    url = uploaded(client, project, b"alpha,beta\r\n1,some text\r\n")
    html = client.get(url).content.decode()
    assert "Choose them below" in html
    sent = {"report_id": "alpha", "text": "beta", "action": "import"}
    client.post(url, sent)
    assert Report.objects.get().report_id == "1"


def test_column_that_is_not_there_is_refused(client, project):
    assert client.post(uploaded(client, project), MAPPING | {"text": "nothing"}).status_code == 422
    assert not Report.objects.exists()


def test_warnings_name_what_is_left_out(client, project):
    rows = [row | {"PatientName": "x"} for row in report_rows(1)]
    html = client.get(uploaded(client, project, csv_bytes(rows))).content.decode()
    assert "Not stored, because the names suggest an identity: PatientName" in html


def test_upload_is_kept_for_its_owner_only(client, project, manager, upload_dir):
    url = uploaded(client, project, name="../../etc/Doe, Jane.csv")
    folder = next(upload_dir.iterdir())
    assert re.fullmatch("[0-9a-f]{32}", folder.name)
    assert {path.name for path in folder.iterdir()} == {"file", "about.json"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == stat.S_IMODE(upload_dir.stat().st_mode) == 0o700
    other = Client()
    other.force_login(MembershipFactory(project=project, role="manager").user)
    assert other.get(url).status_code == 404
    elsewhere = ProjectFactory(manager=manager)
    assert client.get(url.replace(project.slug, elsewhere.slug)).status_code == 404


@pytest.mark.parametrize("token", ["..", "a" * 32, "x", "%2e%2e%2f"])
def test_made_up_token_finds_nothing(client, project, token):
    assert client.get(f"/projects/{project.slug}/imports/{token}/").status_code == 404


def test_files_are_removed_after_a_day(client, project, upload_dir):
    url = uploaded(client, project)
    old = next(upload_dir.iterdir())
    yesterday = time.time() - uploads.KEPT_SECONDS - 60
    os.utime(old, (yesterday, yesterday))
    uploaded(client, project)
    assert client.get(url).status_code == 404
    assert len(list(upload_dir.iterdir())) == 1


def test_file_whose_day_is_over_is_gone_before_it_is_removed(client, project, upload_dir):
    url = uploaded(client, project)
    yesterday = time.time() - uploads.KEPT_SECONDS - 60
    os.utime(next(upload_dir.iterdir()), (yesterday, yesterday))
    assert client.get(url).status_code == 404
    assert client.post(url, MAPPING | {"action": "import"}).status_code == 404
    assert not Report.objects.exists()


def test_what_broken_uploads_left_is_removed_by_age(upload_dir):
    upload_dir.mkdir()
    old, new, other = (upload_dir / name for name in ("tmpab1.upload.csv", "tmpab2.upload", "notes.csv"))
    for path in (old, new, other):
        path.touch()
    ago = time.time() - uploads.ARRIVING_SECONDS - 60
    os.utime(old, (ago, ago))
    os.utime(other, (ago, ago))
    uploads.remove_old_uploads()
    assert sorted(upload_dir.iterdir()) == [other, new]


def test_file_that_is_too_large_is_refused_before_it_is_read(client, project, settings, upload_dir):
    settings.MAX_UPLOAD_BYTES = 1000
    response = upload(client, project, b"x" * 200_000)
    assert response.status_code == 413
    assert "1,000 bytes at most" in response.content.decode()
    response = upload(client, project, b"x" * 2000)
    assert response.status_code == 422
    assert not upload_dir.exists() or not list(upload_dir.iterdir())


def hostile_zip():
    """A few kilobytes that unpack to 200 MB, and a name that climbs out of its folder."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("a.txt", "w") as member:
            for _ in range(20):
                member.write(b"0" * 10_000_000)
        archive.writestr("../../outside.txt", "text")
    return out.getvalue()


def test_hostile_archive_stores_nothing_and_is_deleted(client, project, upload_dir, tmp_path):
    response = client.get(uploaded(client, project, hostile_zip(), "reports.zip"), follow=True)
    assert response.status_code == 200
    if list(upload_dir.iterdir()):  # it could be looked at: then importing it must find nothing to store
        mapping = {"report_id": "report_id", "text": "text", "action": "import"}
        client.post(response.request["PATH_INFO"], mapping)
    assert not Report.objects.exists()
    assert not list(upload_dir.iterdir())
    assert not list(Path(tmp_path).rglob("outside.txt"))


@pytest.mark.parametrize("content", [b"", b"<html><script>alert(1)</script></html>", b"%PDF-1.7", b"\x89PNG\r\n\x1a\n"])
def test_file_of_another_kind_is_refused_with_a_reason(client, project, content, upload_dir):
    response = upload(client, project, content)
    if response.status_code == 302:
        response = client.get(response.url, follow=True)
        assert "cannot be imported" in response.content.decode()
    else:
        assert response.status_code == 422
    assert not upload_dir.exists() or not list(upload_dir.iterdir())


def test_upload_needs_its_token(project, manager, upload_dir):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(manager)
    response = upload(strict, project, csv_bytes(report_rows(1)))
    assert response.status_code == 403
    assert not upload_dir.exists()
    strict.get(reverse("imports", args=[project.slug]))
    token = strict.cookies["csrftoken"].value
    assert upload(strict, project, csv_bytes(report_rows(1)), headers={"X-CSRFToken": token}).status_code == 302


def test_readers_and_outsiders_import_nothing(client, project, upload_dir):
    url = uploaded(client, project)
    for user, status in ((MembershipFactory(project=project).user, 403), (UserFactory(), 404)):
        other = Client()
        other.force_login(user)
        assert upload(other, project, b"x").status_code == status
        assert other.post(url, MAPPING | {"action": "import"}).status_code == status
    assert not Report.objects.exists()


def test_problems_come_as_a_table_that_is_safe_in_a_spreadsheet(client, project):
    rows = [{"report_id": "=cmd|' /C calc'!A0", "text": " "}]
    client.post(
        uploaded(client, project, csv_bytes(rows)), {"report_id": "report_id", "text": "text", "action": "import"}
    )
    record = ReportImport.objects.get()
    response = client.get(reverse("import_problems", args=[project.slug, record.pk]))
    assert response["Content-Disposition"].startswith("attachment")
    line = response.content.decode().splitlines()[1]
    assert line.startswith("2,\"'=cmd") or line.startswith("2,'=cmd")


def test_result_of_another_project_is_not_shown(client, project, manager):
    client.post(uploaded(client, project), MAPPING | {"action": "import"})
    record = ReportImport.objects.get()
    elsewhere = ProjectFactory(manager=manager)
    for name in ("import_result", "import_problems"):
        assert client.get(reverse(name, args=[elsewhere.slug, record.pk])).status_code == 404
        assert client.get(reverse(name, args=[project.slug, record.pk])).status_code == 200


def test_earlier_imports_are_listed(client, project, manager):
    client.post(uploaded(client, project), MAPPING | {"action": "import"})
    html = client.get(reverse("imports", args=[project.slug])).content.decode()
    assert "reports.csv" in html
    assert manager.username in html
