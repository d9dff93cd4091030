"""What is sent to the listener is shown with its case; the listener as a process of its own is stopped and started."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from pydicom import dcmread
from pydicom.uid import JPEG2000, ExplicitVRLittleEndian, JPEGLSLossless, RLELossless

from annotator.models import Project
from tests.factories import CaseFactory, MembershipFactory, ProjectFactory
from tests.vision.peers import ACCESSION, N_SLICES, CutLine, storescu
from vision.core.receiver import Peer, Receiver
from vision.core.spool import Quiet, Spool
from vision.models import ImageImport, Series
from vision.services.receiving import Received, StoppedError, import_next, open_spool

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
AT_ONCE = Quiet(open_s=0, released_s=0, broken_s=0)


@pytest.fixture
def project(db, settings, tmp_path: Path) -> Project:
    settings.DATA_DIR, settings.IMAGE_DIR = tmp_path, tmp_path / "images"
    settings.IMAGE_DIR.mkdir(mode=0o700)
    project = ProjectFactory()
    CaseFactory(project=project, report__report_id=ACCESSION)
    return project


@pytest.fixture
def spool(project: Project) -> Iterator[Spool]:
    spool = open_spool(project, quota_bytes=1 << 30, now_s=time.monotonic())
    spool.min_free_bytes = 0
    yield spool
    spool.close()


@pytest.fixture
def port(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Where the listener listens."""
    monkeypatch.setattr("tempfile.tempdir", None)
    receiver = Receiver(spool, ae_title="OVERREAD", peers=[Peer.parse("CT1@127.0.0.1")], report=lambda line: None)
    yield receiver.start(host="127.0.0.1", port=0)
    receiver.stop()


def import_received(project: Project, spool: Spool, **options: Any) -> Received | None:
    now_s = time.monotonic()
    return import_next(project=project, spool=spool, quiet=AT_ONCE, actor=None, now=NOW, now_s=now_s, **options)


@pytest.mark.parametrize("syntax", ["-xv", "-xw", "-xt", "-xr", "-x="])
def test_series_that_is_sent_is_shown_with_its_case(
    project: Project, spool: Spool, port: int, ct: list[Path], client: Client, tmp_path: Path, syntax: str
) -> None:
    paths = ct if syntax == "-xv" else [in_syntax(path, syntax, tmp_path) for path in ct[:4]]
    sent = storescu(port, *paths, options=(syntax,))
    assert sent.returncode == 0, sent.stderr
    received = import_received(project, spool)
    assert received is not None
    assert received.record is not None
    case = project.cases.get()
    client.force_login(MembershipFactory(project=project).user)
    shown = client.get(f"/api/projects/{project.slug}/cases/{case.pk}/images").json()
    [series] = shown["series"]
    assert len(series["images"]) == len(paths)
    assert not list(spool.folder.glob("*/*/*.dcm"))
    assert import_received(project, spool) is None


def in_syntax(path: Path, option: str, folder: Path) -> Path:
    """The image in the syntax that the option of storescu proposes, made by pydicom."""
    syntax = {"-xw": JPEG2000, "-xt": JPEGLSLossless, "-xr": RLELossless, "-x=": ExplicitVRLittleEndian}[option]
    dataset = dcmread(path)
    dataset.decompress(generate_instance_uid=False)
    if syntax == JPEG2000:
        dataset.compress(syntax, j2k_cr=[4], generate_instance_uid=False)
    elif syntax != ExplicitVRLittleEndian:
        dataset.compress(syntax, generate_instance_uid=False)
    dataset.save_as(folder / path.name)
    return folder / path.name


def test_study_of_no_case_is_listed_and_leaves_the_spool(
    project: Project, spool: Spool, port: int, ct: list[Path]
) -> None:
    assert storescu(port, *ct).returncode == 0
    assert import_received(ProjectFactory(), spool) is not None
    assert ImageImport.objects.get().n_unlinked == 1
    assert not Series.objects.exists()
    assert spool.n_bytes == 0


def test_images_that_come_after_their_series_was_stored_are_kept_aside(
    project: Project, spool: Spool, port: int, ct: list[Path]
) -> None:
    assert storescu(port, *ct[:6]).returncode == 0
    assert import_received(project, spool) is not None
    assert storescu(port, *ct[6:9]).returncode == 0
    received = import_received(project, spool)
    assert received is not None
    assert received.reason == "3 late images are kept aside"
    assert Series.objects.get().n_images == 6
    assert len(list((spool.folder / "aside").rglob("*.dcm"))) == 3


def test_stop_during_an_import_stores_nothing_and_the_next_start_imports(
    project: Project, spool: Spool, port: int, ct: list[Path]
) -> None:
    assert storescu(port, *ct).returncode == 0

    def stop(n_done: int, n_all: int | None) -> None:
        raise StoppedError

    with pytest.raises(StoppedError):
        import_received(project, spool, progress=stop)
    assert not Series.objects.exists()
    spool.close()
    spool.open(now_s=time.monotonic())
    assert import_received(project, spool) is not None
    assert Series.objects.get().n_images == N_SLICES


@pytest.mark.parametrize(
    ("peers", "reason"), [([], "nobody may send"), (["CT1"], "is no peer"), (["CT1@somewhere"], "is no peer")]
)
def test_listener_needs_peers_it_can_read(project: Project, settings, peers: list[str], reason: str) -> None:
    settings.DICOM_PEERS = peers
    with pytest.raises(CommandError, match=reason):
        call_command("receive_dicom", project.slug)


class Listener:
    """`manage.py receive_dicom` as a process on a data folder of its own."""

    def __init__(self, folder: Path) -> None:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        own = {"DJANGO_SETTINGS_MODULE": "annotator.settings.dev", "OVERREAD_DATA": str(folder)}
        self.environment = kept | own
        self.folder = folder
        self.port = 0
        self.process: subprocess.Popen[str] | None = None

    def manage(self, *arguments: str) -> None:
        command = [sys.executable, "manage.py", *arguments]
        subprocess.run(command, cwd=ROOT, env=self.environment, check=True, capture_output=True, timeout=120)

    def start(self, *options: str) -> None:
        command = [sys.executable, "manage.py", "receive_dicom", "made", "--port", "0", "--allow", "CT1@127.0.0.1"]
        self.process = subprocess.Popen(
            [*command, *options], cwd=ROOT, env=self.environment, stdout=subprocess.PIPE, text=True
        )
        self.port = int(self.next_line(r"Receiving as OVERREAD at 127\.0\.0\.1:(\d+)")[1])

    def next_line(self, pattern: str) -> re.Match[str]:
        """Reads what it says until a line matches."""
        assert self.process is not None
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if found := re.search(pattern, line):
                return found
        pytest.fail(f"it ended without saying {pattern!r}")

    def end(self, number: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        code = self.process.wait(30)
        if self.process.stdout:
            self.process.stdout.close()
        self.process = None
        return code

    def spooled(self) -> list[Path]:
        return list(self.folder.glob("received/*/*/**/*.dcm"))


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    listener = Listener(tmp_path / "data")
    listener.manage("migrate", "--verbosity", "0")
    listener.manage("shell", "-c", MAKE_PROJECT)
    yield listener
    if listener.process:
        listener.end(signal.SIGKILL)


MAKE_PROJECT = f"""
from annotator.models import User
from annotator.services.projects import create_project
from labeling.core.schema_yaml import preset_source
from annotator.models import Case, Report
user = User.objects.create_user("made")
project = create_project(name="Made", slug="made", schema_source=preset_source("spine-mri"), actor=user)
report = Report.objects.create(project=project, report_id="{ACCESSION}", text="Normal.", text_sha256="0" * 64)
Case.objects.create(project=project, report=report, key="{ACCESSION}", patient_key="0" * 64, position=1)
"""


@pytest.mark.slow
def test_listener_survives_a_broken_line_a_kill_and_a_stop(listener: Listener, ct: list[Path]) -> None:
    listener.start("--quiet", "3600", "--after-release", "3600")
    line = CutLine(listener.port, n_bytes=3 * ct[0].stat().st_size)
    assert storescu(line.port, *ct).returncode != 0
    line.close()
    assert storescu(listener.port, *ct).returncode == 0
    listener.end(signal.SIGKILL)
    assert len(listener.spooled()) >= N_SLICES

    listener.start("--quiet", "1", "--after-release", "1", "--after-break", "1")
    said = listener.next_line(r"Import \d+: (\d+) images in 1 series, 0 files unchanged, 0 refused, 0 series")
    assert int(said[1]) == N_SLICES
    assert listener.spooled() == []
    assert listener.end(signal.SIGTERM) == 0
