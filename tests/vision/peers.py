"""Real peers for tests of the network: Orthanc as a PACS, dcmtk as a sender, a line that can be cut."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from pydicom import dcmread

from tests.conftest import need_program
from tests.shared_data import shared_data

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
STUDY_UID = "2.25.7001"
SERIES_UID = "2.25.7002"
ACCESSION = "ACC-7"
N_SLICES = 20
START_TIMEOUT_S = 20


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def complete_ct(folder: Path) -> list[Path]:
    """The real CT series (JPEG 2000 lossless) with the identifiers that were blanked in it filled in again."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for path in sorted(shared_data("ct_abdomen/dicom").iterdir()):
        dataset = dcmread(path)
        dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = STUDY_UID, SERIES_UID
        dataset.SeriesNumber, dataset.AccessionNumber, dataset.StudyID = 2, ACCESSION, "STUDY-7"
        dataset.PatientID, dataset.PatientName = "PATIENT-7", "Made^Up"
        dataset.save_as(folder / f"{path.name}.dcm")
        written.append(folder / f"{path.name}.dcm")
    return written


@dataclass(frozen=True)
class Orthanc:
    """A running Orthanc with the DICOMweb plugin."""

    http_port: int
    dicom_port: int
    folder: Path

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def url(self) -> str:
        return f"{self.root}/dicom-web"

    def empty(self) -> None:
        with httpx.Client(base_url=self.root, trust_env=False) as client:
            for study in client.get("/studies").json():
                client.delete(f"/studies/{study}").raise_for_status()

    def files(self) -> list[Path]:
        """Where it keeps instances, largest first."""
        files = [path for path in (self.folder / "storage").rglob("*") if path.is_file() and "index" not in path.name]
        return sorted(files, key=lambda path: -path.stat().st_size)


@contextmanager
def running_orthanc(folder: Path) -> Iterator[Orthanc]:
    """Start Orthanc on free ports with everything in `folder`; stop it at the end."""
    program = shutil.which("Orthanc", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if program is None or not PLUGIN.exists():
        pytest.fail("Orthanc is not installed: sudo apt-get install --no-install-recommends orthanc orthanc-dicomweb")
    peer = Orthanc(http_port=free_port(), dicom_port=free_port(), folder=folder)
    settings = {
        "Name": "TEST",
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "storage"),
        "StorageCompression": False,
        "MaximumStorageCacheSize": 0,
        "HttpPort": peer.http_port,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "DicomAet": "ORTHANC",
        "DicomPort": peer.dicom_port,
        "DicomCheckCalledAet": False,
        "DicomAlwaysAllowStore": True,
        "Plugins": [str(PLUGIN)],
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "StudiesMetadata": "Full", "SeriesMetadata": "Full"},
    }
    (folder / "orthanc.json").write_text(json.dumps(settings))
    with (folder / "orthanc.log").open("wb") as log:
        process = subprocess.Popen([program, str(folder / "orthanc.json")], stdout=log, stderr=log, cwd=folder)
    try:
        wait_for(lambda: _answers(peer), f"Orthanc did not start:\n{(folder / 'orthanc.log').read_text()[-2000:]}")
        yield peer
    finally:
        process.terminate()
        process.wait()


def _answers(peer: Orthanc) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(f"{peer.url}/studies", trust_env=False).status_code == 200
    return False


def wait_for(happened, message: str, timeout_s: float = START_TIMEOUT_S) -> None:
    """Look again and again until it has happened; fail with the message when it does not."""
    deadline_s = time.monotonic() + timeout_s
    while not happened():
        if time.monotonic() > deadline_s:
            pytest.fail(message)
        time.sleep(0.02)


def storescu(
    port: int, *paths: Path, options: tuple[str, ...] = ("-xv",), calling: str = "CT1", called: str = "OVERREAD"
):
    """Send with dcmtk; `-xv` proposes JPEG 2000 lossless. Returns the finished process."""
    program = need_program("storescu", package="dcmtk")
    command = [program, *options, "-aet", calling, "-aec", called, "127.0.0.1", str(port), *map(str, paths)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def echoscu(port: int, *, calling: str = "CT1", called: str = "OVERREAD") -> subprocess.CompletedProcess[str]:
    """C-ECHO with dcmtk."""
    program = need_program("echoscu", package="dcmtk")
    command = [program, "-aet", calling, "-aec", called, "127.0.0.1", str(port)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


class CutLine:
    """A line to `port` that carries `n_bytes` of what is sent; then it breaks, or goes silent."""

    def __init__(self, port: int, *, n_bytes: int, silent: bool = False) -> None:
        self._target, self._left, self._silent = port, n_bytes, silent
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.ended = threading.Event()
        self._open: list[socket.socket] = []
        threading.Thread(target=self._carry, daemon=True).start()

    def close(self) -> None:
        for one in (self._listener, *self._open):
            one.close()

    def _carry(self) -> None:
        with suppress(OSError):
            sender, _ = self._listener.accept()
            receiver = socket.create_connection(("127.0.0.1", self._target))
            self._open = [sender, receiver]
            threading.Thread(target=self._answer, args=(receiver, sender), daemon=True).start()
            while self._left and (chunk := sender.recv(min(65536, self._left))):
                receiver.sendall(chunk)
                self._left -= len(chunk)
            self.ended.set()
            if not self._silent:
                for one in self._open:
                    one.shutdown(socket.SHUT_RDWR)

    def _answer(self, receiver: socket.socket, sender: socket.socket) -> None:
        with suppress(OSError):
            while chunk := receiver.recv(65536):
                sender.sendall(chunk)
            sender.shutdown(socket.SHUT_RDWR)
