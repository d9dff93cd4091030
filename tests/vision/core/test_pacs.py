"""Asking a PACS: a real one, and servers that answer as none should."""

import http.server
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from pydicom import dcmread

from tests.vision.peers import ACCESSION, N_SLICES, SERIES_UID, STUDY_UID, Orthanc, free_port
from vision.core.pacs import InstanceName, Pacs, PacsLimits, StudyQuery
from vision.core.pacs_http import Credentials, PacsError, is_allowed

Answer = Callable[[http.server.BaseHTTPRequestHandler], None]
SECRET = "a-password-nobody-may-see"
QUERY = StudyQuery("AccessionNumber", ACCESSION)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty one."""
    (tmp_path / "fetched").mkdir()
    return tmp_path / "fetched"


@pytest.fixture
def server() -> Iterator[Callable[[Answer], str]]:
    """Starts a server that answers every GET in one way; gives its address."""
    started = []

    def start(answer: Answer) -> str:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                with suppress(BrokenPipeError, ConnectionResetError):
                    answer(self)

            def log_message(self, format: str, *args: object) -> None:
                pass

        one = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=one.serve_forever, args=(0.02,), daemon=True).start()
        started.append(one)
        return f"http://127.0.0.1:{one.server_address[1]}/dicom-web"

    yield start
    for one in started:
        one.shutdown()
        one.server_close()


def send(handler: http.server.BaseHTTPRequestHandler, status: int, body: bytes = b"", **headers: str) -> None:
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(body)), "Content-Type": "application/dicom+json", **headers}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


_OPENED: list[Pacs] = []


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    while _OPENED:
        _OPENED.pop().__exit__()


def opened(pacs: Pacs) -> Pacs:
    """The PACS, closed after the test."""
    _OPENED.append(pacs)
    return pacs


def pacs_at(url: str, **limits: float) -> Pacs:
    chosen = PacsLimits(**{"idle_timeout_s": 2, "answer_timeout_s": 0.5, "max_answer_bytes": 10_000} | limits)  # type: ignore[arg-type]
    return opened(Pacs(url, allowed=[url], credentials=Credentials(user="overread", password=SECRET), limits=chosen))


def refusal(question: Callable[[], object]) -> PacsError:
    with pytest.raises(PacsError) as caught:
        question()
    assert ACCESSION not in str(caught.value)
    assert SECRET not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("StudyInstanceUID", STUDY_UID),
        ("AccessionNumber", ACCESSION),
        ("PatientID", "PATIENT-7"),
        ("StudyID", "STUDY-7"),
    ],
)
def test_study_is_found_by_one_exact_value(orthanc: Orthanc, keyword: str, value: str) -> None:
    pacs = opened(Pacs(orthanc.url, allowed=[orthanc.root]))
    assert pacs.find_studies(StudyQuery(keyword, value)) == [STUDY_UID]
    assert pacs.find_studies(StudyQuery(keyword, value[:-1])) == []


def test_instances_come_as_they_are_kept(orthanc: Orthanc, ct: list[Path], folder: Path) -> None:
    pacs = opened(Pacs(orthanc.url, allowed=[orthanc.root]))
    names = pacs.list_instances(STUDY_UID)
    assert len(names) == N_SLICES
    originals = {dataset.SOPInstanceUID: dataset for dataset in map(dcmread, ct)}
    for name in names[:3]:
        n_bytes = pacs.retrieve(STUDY_UID, name, folder / "one.dcm")
        assert (folder / "one.dcm").stat().st_size == n_bytes
        came, original = dcmread(folder / "one.dcm"), originals[name.sop_uid]
        assert came.PixelData == original.PixelData
        assert came.file_meta.TransferSyntaxUID == original.file_meta.TransferSyntaxUID
        assert name.label == f"series 2, image {original.InstanceNumber}"
    assert [path.name for path in folder.iterdir()] == ["one.dcm"]


@pytest.mark.parametrize("value", ["", "  ", "*", "ACC-?", "A\\B"])
def test_search_that_would_match_many_is_refused(value: str) -> None:
    with pytest.raises(PacsError, match="one exact value"):
        StudyQuery("AccessionNumber", value)


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://pacs/dicom-web", True),
        ("https://PACS:443/dicom-web/studies", True),
        ("http://pacs/dicom-web", False),
        ("https://pacs:8443/dicom-web", False),
        ("https://pacs/dicom-web-other", False),
        ("https://pacs/dicom-web/../admin", False),
        ("https://pacs/dicom-web/%2e%2e/admin", False),
        ("https://pacs.evil.example/dicom-web", False),
        ("https://pacs@evil.example/dicom-web", False),
        ("https://user:word@pacs/dicom-web", False),
        ("ftp://pacs/dicom-web", False),
        ("https://pacs:port/dicom-web", False),
        ("", False),
    ],
)
def test_only_listed_addresses_are_allowed(url: str, allowed: bool) -> None:
    assert is_allowed(url, ["https://pacs/dicom-web/"]) is allowed


def test_address_off_the_list_is_not_asked() -> None:
    error = refusal(lambda: Pacs("https://elsewhere/dicom-web", allowed=["https://pacs/dicom-web"]))
    assert error.code == "not_allowed"


def test_redirect_to_an_address_off_the_list_is_not_followed(server) -> None:
    asked: list[str] = []

    def note(handler: http.server.BaseHTTPRequestHandler) -> None:
        asked.append(handler.path)
        send(handler, 200, b"[]")

    elsewhere = server(note)
    url = server(lambda handler: send(handler, 302, Location=f"{elsewhere}/studies"))
    assert refusal(lambda: pacs_at(url).find_studies(QUERY)).code == "not_allowed"
    assert asked == []


@pytest.mark.parametrize(
    ("status", "code"), [(401, "not_authorised"), (403, "not_authorised"), (404, "not_found"), (500, "refused")]
)
def test_refusal_of_the_server_is_told(server, status: int, code: str) -> None:
    url = server(lambda handler: send(handler, status, b"ACC-7 of somebody"))
    assert refusal(lambda: pacs_at(url).find_studies(QUERY)).code == code


def test_server_that_is_not_there_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vision.core.pacs_http._PAUSE_S", 0)
    url = f"http://127.0.0.1:{free_port()}/dicom-web"
    assert refusal(lambda: pacs_at(url).find_studies(QUERY)).code == "unreachable"


def test_busy_server_is_asked_again(server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vision.core.pacs_http._PAUSE_S", 0)
    states = iter([503, 429, 200])
    url = server(lambda handler: send(handler, next(states), b"[]"))
    assert pacs_at(url).find_studies(QUERY) == []


def test_proxy_of_the_environment_is_not_used(server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    url = server(lambda handler: send(handler, 200, b"[]"))
    assert pacs_at(url).find_studies(QUERY) == []


def dripping(handler: http.server.BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "application/dicom+json")
    handler.end_headers()
    for _ in range(200):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.05)


def endless(handler: http.server.BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "application/dicom+json")
    handler.end_headers()
    for _ in range(1000):
        handler.wfile.write(b" " * 1000)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        pytest.param(lambda handler: send(handler, 200, b"<html>"), "bad_answer", id="no-json"),
        pytest.param(lambda handler: send(handler, 200, b" " * 10_001), "too_large", id="too-large"),
        pytest.param(endless, "too_large", id="endless"),
        pytest.param(dripping, "too_slow", id="dripping"),
    ],
)
def test_answer_that_cannot_be_used_is_told_in_time(server, answer: Answer, code: str) -> None:
    url = server(answer)
    assert refusal(lambda: pacs_at(url).find_studies(QUERY)).code == code


def test_server_that_ignores_the_search_adds_no_studies(server) -> None:
    body = b'[{"0020000D":{"vr":"UI","Value":["2.25.9"]},"00080050":{"vr":"SH","Value":["ANOTHER"]}}]'
    url = server(lambda handler: send(handler, 200, body))
    assert pacs_at(url).find_studies(QUERY) == []


def test_server_that_sends_pages_for_ever_is_stopped(server) -> None:
    rows = iter(range(10**6))
    url = server(lambda handler: send(handler, 200, b'[{"0020000D":{"Value":["2.25.%d"]}}]' % next(rows)))
    assert refusal(lambda: pacs_at(url, max_studies=5).find_studies(QUERY)).code == "too_many"
    assert refusal(lambda: pacs_at(url, max_pages=5).find_studies(QUERY)).code == "too_many"


@pytest.mark.parametrize("body", [b"", b"not dicom", b"\0" * 128 + b"DICM", b"\0" * 128 + b"DICM" + b"\xff" * 50])
def test_instance_that_is_none_is_refused_and_leaves_no_file(server, folder: Path, body: bytes) -> None:
    url = server(lambda handler: send(handler, 200, body, **{"Content-Type": "application/dicom"}))
    name = InstanceName(series_uid=SERIES_UID, sop_uid="2.25.5", label="series 2, image 5")
    assert refusal(lambda: pacs_at(url).retrieve(STUDY_UID, name, folder / "one.dcm")).code == "bad_answer"
    assert list(folder.iterdir()) == []


def test_credentials_do_not_show_themselves() -> None:
    assert SECRET not in repr(Credentials(user="overread", password=SECRET, token=SECRET))
