"""Stored bytes over HTTP: conditions, ranges, and what a real server makes of them."""

import os
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from django.test import RequestFactory

from tests.vision.peers import free_port
from vision.serving import StoredBytes, serve

ROOT = Path(__file__).resolve().parents[2]
CONTENT = bytes(range(256)) * 40


@pytest.fixture
def stored(tmp_path):
    path = tmp_path / "pack"
    path.write_bytes(CONTENT)
    return StoredBytes(path=path, tag="v1", content_type="application/octet-stream", name="1.pack")


def ask(stored, method="get", **headers):
    response = serve(getattr(RequestFactory(), method)("/", headers=headers), stored)
    if not response.streaming:
        return response, response.content
    body = b"".join(response.streaming_content)
    response.file_to_stream.close()
    return response, body


def test_whole_file_comes_with_a_strong_tag_and_must_be_asked_for_again(stored):
    response, body = ask(stored)
    assert (response.status_code, body) == (200, CONTENT)
    assert response["ETag"] == '"v1"'
    assert response["Cache-Control"] == "private, no-cache"
    assert response["Accept-Ranges"] == "bytes"
    assert response["Content-Length"] == str(len(CONTENT))
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Disposition"] == 'inline; filename="1.pack"'


@pytest.mark.parametrize("known", ['"v1"', 'W/"v1"', '"v0", "v1"', "*"])
def test_who_has_it_already_gets_304_without_a_body(stored, known):
    response, body = ask(stored, **{"If-None-Match": known})
    assert (response.status_code, body) == (304, b"")
    assert response["ETag"] == '"v1"'


@pytest.mark.parametrize(
    ("said", "start", "end"),
    [
        ("bytes=0-9", 0, 10),
        ("bytes=100-", 100, 10240),
        ("bytes=-5", 10235, 10240),
        ("bytes=-99999", 0, 10240),
        ("bytes=10239-99999", 10239, 10240),
        ("bytes=0-0", 0, 1),
    ],
)
def test_one_range_is_answered_with_206(stored, said, start, end):
    response, body = ask(stored, Range=said)
    assert (response.status_code, body) == (206, CONTENT[start:end])
    assert response["Content-Range"] == f"bytes {start}-{end - 1}/10240"
    assert response["Content-Length"] == str(end - start)


@pytest.mark.parametrize("said", ["bytes=10240-", "bytes=99999-100000", "bytes=-0"])
def test_range_that_does_not_exist_is_refused_with_416(stored, said):
    response, _ = ask(stored, Range=said)
    assert response.status_code == 416
    assert response["Content-Range"] == "bytes */10240"


@pytest.mark.parametrize(
    "said", ["bytes=5-2", "bytes=0-1,4-5", "items=0-1", "bytes=-", "bytes=a-b", "0-4", "bytes=٣-٤"]
)
def test_range_that_is_none_is_answered_with_the_whole(stored, said):
    response, body = ask(stored, Range=said)
    assert (response.status_code, len(body)) == (200, 10240)


def test_range_of_another_version_is_answered_with_the_whole(stored):
    assert ask(stored, Range="bytes=0-9", **{"If-Range": '"v0"'})[0].status_code == 200
    assert ask(stored, Range="bytes=0-9", **{"If-Range": 'W/"v1"'})[0].status_code == 200
    assert ask(stored, Range="bytes=0-9", **{"If-Range": '"v1"'})[0].status_code == 206


def test_head_says_the_length_and_sends_nothing(stored):
    response, body = ask(stored, method="head", Range="bytes=0-9")
    assert (response.status_code, body, response["Content-Length"]) == (200, b"", "10240")


def test_part_of_a_file_has_ranges_of_its_own(tmp_path):
    (tmp_path / "pack").write_bytes(CONTENT)
    part = StoredBytes(
        path=tmp_path / "pack", tag="v1", content_type="application/dicom", name="a.dcm", offset=256, length=512
    )
    assert ask(part)[1] == CONTENT[256:768]
    assert ask(part, Range="bytes=10-19")[1] == CONTENT[266:276]
    assert ask(part, Range="bytes=-8")[1] == CONTENT[760:768]
    assert ask(part, Range="bytes=512-")[0].status_code == 416


def test_gunicorn_sends_ranges_whole_and_nothing_beyond_them(tmp_path):
    (tmp_path / "pack").write_bytes(CONTENT * 500)
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "tests.vision.range_app:application", f"--bind=127.0.0.1:{port}"]
    env = os.environ | {"RANGE_APP_FILE": str(tmp_path / "pack"), "DJANGO_SETTINGS_MODULE": "annotator.settings.test"}
    options = ["--worker-class=gthread", "--threads=4", "--no-control-socket", "--log-level=warning"]
    with subprocess.Popen([*command, *options], cwd=ROOT, env=env, stderr=subprocess.PIPE, text=True) as server:
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as browser:
                _wait_for(browser)
                whole = browser.get("/").content
                part = browser.get("/", headers={"Range": "bytes=1000000-1999999"})
                last = browser.get("/", headers={"Range": "bytes=-7"})
                head = browser.head("/")
        finally:
            server.terminate()
            said = server.communicate(timeout=20)[1]
    content = CONTENT * 500
    assert whole == content
    assert (part.status_code, part.content) == (206, content[1_000_000:2_000_000])
    assert last.content == content[-7:]
    assert (head.content, head.headers["Content-Length"]) == (b"", str(len(content)))
    assert "body bytes" not in said


def _wait_for(browser):
    for _ in range(200):
        try:
            browser.head("/")
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("gunicorn did not start")
