"""`manage.py import_dicomweb` with Orthanc as the PACS."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.core.management.base import CommandError

from annotator.models import Project
from tests.factories import CaseFactory, ProjectFactory
from tests.vision.peers import ACCESSION, N_SLICES, STUDY_UID, Orthanc, free_port
from vision.models import ImageImport, Series

pytestmark = pytest.mark.django_db
Fetch = Callable[..., str]


@pytest.fixture
def project(settings, tmp_path: Path, orthanc: Orthanc) -> Project:
    """A project with a case whose key is the accession number in the PACS, and one that the PACS does not know."""
    settings.IMAGE_DIR, settings.UPLOAD_DIR = tmp_path / "images", tmp_path / "uploads"
    for folder in (settings.IMAGE_DIR, settings.UPLOAD_DIR):
        folder.mkdir(mode=0o700)
    settings.PACS_URLS = [orthanc.url]
    project = ProjectFactory()
    CaseFactory(project=project, report__report_id="UNKNOWN-1")
    CaseFactory(project=project, report__report_id=ACCESSION)
    return project


@pytest.fixture
def fetch(project: Project, orthanc: Orthanc) -> Fetch:
    """Runs the command; gives what it printed, also when it failed."""

    def run(*options: str, url: str = orthanc.url, fails: str = "") -> str:
        out = io.StringIO()
        arguments = ["import_dicomweb", project.slug, "--url", url, *options]
        if fails:
            with pytest.raises(CommandError, match=fails):
                call_command(*arguments, stdout=out)
        else:
            call_command(*arguments, stdout=out)
        return out.getvalue()

    return run


def fetched_files() -> list[Path]:
    return sorted(Path(django_settings.UPLOAD_DIR).glob("*/instances/*"))


@pytest.mark.parametrize(
    "options", [("--accession", ACCESSION), ("--study-uid", STUDY_UID), ("--patient", "PATIENT-7"), ("--from-cases",)]
)
def test_study_is_found_fetched_and_shown_with_its_case(
    project: Project, fetch: Fetch, options: tuple[str, ...]
) -> None:
    said = fetch(*options)
    assert f"{N_SLICES} of {N_SLICES} instances fetched" in said
    series = Series.objects.get(project=project)
    assert series.n_images == N_SLICES
    assert len(series.manifest["images"]) == N_SLICES
    assert series.study.cases.get().key == ACCESSION
    assert fetched_files() == []


def test_second_run_changes_nothing(project: Project, fetch: Fetch) -> None:
    fetch("--accession", ACCESSION)
    said = fetch("--accession", ACCESSION)
    assert f"{N_SLICES} unchanged" in said
    assert Series.objects.filter(project=project).count() == 1


def test_cases_with_images_are_not_asked_for_again(fetch: Fetch) -> None:
    fetch("--from-cases")
    said = fetch("--from-cases", fails="no study matches")
    assert "case UNKNOWN-1: no study matches" in said
    assert ACCESSION not in said


def test_study_with_a_missing_part_is_not_imported_until_the_part_comes(
    project: Project, fetch: Fetch, orthanc: Orthanc
) -> None:
    lost = orthanc.files()[0]
    content = lost.read_bytes()
    lost.write_bytes(content[:60_000])
    said = fetch("--accession", ACCESSION, fails="1 of 1 studies are not complete")
    assert f"{N_SLICES - 1} of {N_SLICES} instances fetched" in said
    assert "  series 2, image " in said
    assert "sent something else than" in said
    assert not Series.objects.filter(project=project).exists()
    assert len(fetched_files()) == N_SLICES - 1
    assert all(path.stat().st_mode & 0o077 == 0 for path in fetched_files())

    lost.write_bytes(content)
    said = fetch("--accession", ACCESSION)
    assert f"1 of {N_SLICES} instances fetched, {N_SLICES - 1} were here already" in said
    assert Series.objects.get(project=project).n_images == N_SLICES


def test_part_of_a_study_is_imported_when_that_is_accepted(project: Project, fetch: Fetch, orthanc: Orthanc) -> None:
    lost = orthanc.files()[0]
    content = lost.read_bytes()
    lost.write_bytes(content[:60_000])
    fetch("--accession", ACCESSION, "--accept-partial", fails="not complete")
    lost.write_bytes(content)
    assert sum(series.n_images for series in Series.objects.filter(project=project)) == N_SLICES - 1


def test_study_that_belongs_to_no_case_is_listed_and_not_stored(project: Project, fetch: Fetch) -> None:
    CaseFactory(project=(other := ProjectFactory()), report__report_id="UNKNOWN-1")
    project.slug = other.slug
    assert "1 series belong to no case" in fetch("--study-uid", STUDY_UID)
    assert not Series.objects.exists()
    assert ImageImport.objects.get().n_unlinked == 1


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--accession", "NOBODY"), "no study matches"),
        (("--accession", "*"), "one exact value"),
    ],
)
def test_search_without_a_match_fails_and_says_so(fetch: Fetch, options: tuple[str, ...], reason: str) -> None:
    fetch(*options, fails=reason)


def test_address_must_be_listed_and_answer(fetch: Fetch, settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vision.core.pacs_http._PAUSE_S", 0)
    url = f"http://127.0.0.1:{free_port()}/dicom-web"
    fetch("--accession", ACCESSION, url=url, fails="OVERREAD_PACS_URLS lists")
    settings.PACS_URLS = [url]
    fetch("--accession", ACCESSION, url=url, fails="could not be reached")
    settings.PACS_URLS = []
    fetch("--accession", ACCESSION, fails="no PACS may be asked")


def test_log_and_output_hold_nothing_of_the_patient(
    fetch: Fetch, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    said = fetch("--patient", "PATIENT-7")
    written = said + "".join(capfd.readouterr()) + caplog.text
    for word in ("PATIENT-7", "Made", STUDY_UID):
        assert word not in written
