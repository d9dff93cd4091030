"""`manage.py import_dicomweb` over HTTPS: a PACS is who it says it is, or nothing is asked of it."""

from __future__ import annotations

import http.server
import io
import json
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from annotator.models import Project
from tests.conftest import need_program
from tests.factories import CaseFactory, ProjectFactory
from tests.phantoms import dicom_bytes, image
from vision.models import Series

pytestmark = pytest.mark.django_db
STUDY, SERIES, INSTANCE, ACCESSION = "2.25.7101", "2.25.7102", "2.25.7103", "ACC-71"
BASE = "/dicom-web"
SECRET = "a-password-nobody-may-see"


def self_signed(folder: Path, *, for_whom: str) -> tuple[Path, Path]:
    """A certificate for `for_whom` and its key, made on the spot."""
    folder.mkdir()
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    command = [need_program("openssl", package="openssl"), "req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=PACS"]
    command += ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-addext", f"subjectAltName={for_whom}"]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True, timeout=60)
    return certificate, key


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Path]]:
    """For this machine, again for this machine by somebody else, and for another one."""
    folder = tmp_path_factory.mktemp("certificates")
    here = "IP:127.0.0.1,DNS:localhost"
    return {
        name: self_signed(folder / name, for_whom=for_whom)
        for name, for_whom in {"own": here, "foreign": here, "elsewhere": "DNS:pacs.hospital.example"}.items()
    }


@dataclass
class Peer:
    """A PACS with one study of one image. `redirects` says where a path leads instead."""

    port: int = 0
    scheme: str = "https"
    asked: list[str] = field(default_factory=list)
    redirects: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}{BASE}"

    def answer(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        path = handler.path.partition("?")[0].removeprefix(BASE)
        self.asked.append(path)
        if target := self.redirects.get(path):
            handler.send_response(302)
            handler.send_header("Location", target)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        kind, body = ANSWERS[path]
        handler.send_response(200)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)


def _rows(**elements: str) -> tuple[str, bytes]:
    row = {tag.removeprefix("t"): {"vr": "LO", "Value": [value]} for tag, value in elements.items()}
    return "application/dicom+json", json.dumps([row]).encode()


def _instance() -> tuple[str, bytes]:
    uids = {"StudyInstanceUID": STUDY, "SeriesInstanceUID": SERIES, "SOPInstanceUID": INSTANCE}
    content = dicom_bytes(image(AccessionNumber=ACCESSION, **uids))
    part = b"--cut\r\nContent-Type: application/dicom\r\n\r\n" + content + b"\r\n--cut--\r\n"
    return 'multipart/related; type="application/dicom"; boundary=cut', part


PATH_OF_INSTANCE = f"/studies/{STUDY}/series/{SERIES}/instances/{INSTANCE}"
ANSWERS = {
    "/studies": _rows(t0020000D=STUDY, t00080050=ACCESSION),
    "/moved": _rows(t0020000D=STUDY, t00080050=ACCESSION),
    f"/studies/{STUDY}/series": _rows(t0020000E=SERIES, t00200011="3"),
    f"/studies/{STUDY}/series/{SERIES}/instances": _rows(t00080018=INSTANCE, t00200013="1"),
    PATH_OF_INSTANCE: _instance(),
}


@pytest.fixture
def start(certificates: dict[str, tuple[Path, Path]]) -> Iterator[Callable[..., Peer]]:
    """Starts a PACS with one of the certificates, or without any."""
    started = []

    def start(certificate: str | None = "own") -> Peer:
        peer = Peer(scheme="https" if certificate else "http")

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                peer.answer(self)

            def log_message(self, format: str, *args: object) -> None:
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificates[certificate])
            server.socket = context.wrap_socket(server.socket, server_side=True)
        peer.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        started.append(server)
        return peer

    yield start
    for server in started:
        server.shutdown()
        server.server_close()


@pytest.fixture
def project(settings, tmp_path: Path) -> Project:
    """A project with the case of the study; nobody's certificate is trusted yet."""
    settings.IMAGE_DIR, settings.UPLOAD_DIR = tmp_path / "images", tmp_path / "uploads"
    for folder in (settings.IMAGE_DIR, settings.UPLOAD_DIR):
        folder.mkdir(mode=0o700)
    settings.PACS_USER, settings.PACS_PASSWORD, settings.PACS_CA_FILE = "overread", SECRET, None
    project = ProjectFactory()
    CaseFactory(project=project, report__report_id=ACCESSION)
    return project


@pytest.fixture
def fetch(settings, project: Project) -> Callable[..., None]:
    """Runs the command; only the address of this PACS is on the list."""

    def run(peer: Peer, *, fails: str = "") -> None:
        settings.PACS_URLS = [peer.url]
        arguments = ["import_dicomweb", project.slug, "--url", peer.url, "--accession", ACCESSION]
        if not fails:
            call_command(*arguments, stdout=io.StringIO())
            return
        with pytest.raises(CommandError, match=fails) as caught:
            call_command(*arguments, stdout=io.StringIO())
        assert ACCESSION not in str(caught.value)
        assert not Series.objects.exists()

    return run


@pytest.mark.parametrize("variable", [None, "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_pacs_with_an_unknown_certificate_is_asked_nothing(
    start, fetch, certificates, monkeypatch: pytest.MonkeyPatch, variable: str | None
) -> None:
    peer = start()
    if variable:  # what the environment trusts is not what Overread was told to trust
        monkeypatch.setenv(variable, str(certificates["own"][0]))
    fetch(peer, fails="certificate .* could not be verified; .*OVERREAD_PACS_CA_FILE")
    assert peer.asked == []


@pytest.mark.parametrize(("shown", "named"), [("own", "foreign"), ("elsewhere", "elsewhere")])
def test_certificate_of_another_authority_or_for_another_host_is_refused(
    start, fetch, certificates, settings, shown: str, named: str
) -> None:
    peer = start(shown)
    settings.PACS_CA_FILE = str(certificates[named][0])
    fetch(peer, fails="certificate .* could not be verified")
    assert peer.asked == []


def test_study_comes_when_its_authority_is_named(start, fetch, certificates, settings, project: Project) -> None:
    peer = start()
    settings.PACS_CA_FILE = str(certificates["own"][0])
    fetch(peer)
    assert PATH_OF_INSTANCE in peer.asked
    series = Series.objects.get(project=project)
    assert (series.n_images, series.study.cases.get().key) == (1, ACCESSION)


def test_authority_that_is_no_file_is_said(start, fetch, settings, tmp_path: Path) -> None:
    settings.PACS_CA_FILE = str(tmp_path / "missing.pem")
    fetch(start(), fails="OVERREAD_PACS_CA_FILE names .*, which is no file")


@pytest.mark.parametrize("path", ["/studies", PATH_OF_INSTANCE], ids=["search", "instance"])
@pytest.mark.parametrize("target", ["http", "same-port-http", "https", "other-name"])
def test_redirect_to_plain_http_or_to_another_host_is_refused(
    start, fetch, certificates, settings, target: str, path: str
) -> None:
    peer, plain, other = start(), start(None), start()
    settings.PACS_CA_FILE = str(certificates["own"][0])
    base = {
        "http": plain.url,
        "same-port-http": peer.url.replace("https:", "http:"),
        "https": other.url,
        "other-name": peer.url.replace("127.0.0.1", "localhost"),
    }[target]
    peer.redirects[path] = f"{base}{path}"
    fetch(peer, fails="redirects to .*not on the list; OVERREAD_PACS_URLS lists")
    assert plain.asked == other.asked == []
    assert peer.asked.count(path) == 1


def test_redirect_within_the_listed_address_is_followed(start, fetch, certificates, settings) -> None:
    peer = start()
    settings.PACS_CA_FILE = str(certificates["own"][0])
    peer.redirects["/studies"] = f"{peer.url}/moved"
    fetch(peer)
    assert "/moved" in peer.asked
    assert Series.objects.exists()
