"""The web server that `serve` and `demo` start: a real process, and what it refuses."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from django.conf import settings as django_settings

from annotator.exceptions import UserError
from annotator.serving import open_listener

GIVE_UP_S = 40
STOPS_IN_S = 30  # two on an idle machine
KEPT = {"PATH", "HOME", "LANG"}
EVERYWHERE = "0.0.0.0"  # noqa: S104


@contextmanager
def started(command, folder):
    """The command in a process of its own, with data in `folder` and local settings; killed when it hangs."""
    if not django_settings.BUNDLE_MANIFEST.is_file():
        pytest.fail("the web bundle is not built: run `make web`")
    environment = {name: value for name, value in os.environ.items() if name in KEPT}
    environment |= {"DJANGO_SETTINGS_MODULE": "annotator.settings.dev", "OVERREAD_DATA": str(folder)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(
        [sys.executable, "manage.py", *command], cwd=django_settings.BASE_DIR, env=environment, **pipes
    ) as process:
        watchdog = threading.Timer(GIVE_UP_S, process.kill)
        watchdog.start()
        try:
            yield process
        finally:
            watchdog.cancel()
            process.kill()


def read_until_ready(process):
    """What it printed before it answered, and its port."""
    lines = []
    for line in process.stdout:
        lines.append(line)
        if found := re.search(r"Overread is at (http\S+)", line):
            url = urlsplit(found[1])
            assert url.hostname == "127.0.0.1"
            return "".join(lines), url.port
    pytest.fail(f"it ended early:\n{''.join(lines)}{process.stderr.read()}")


def get(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def stop(process, number):
    """Exit status and the seconds that stopping took."""
    start = time.monotonic()
    process.send_signal(number)
    _, complaints = process.communicate(timeout=GIVE_UP_S)
    assert "Traceback" not in complaints
    return process.returncode, time.monotonic() - start


def test_serve_answers_and_stops_cleanly(tmp_path):
    with started(["serve", "--port", "0"], tmp_path) as process:
        said, port = read_until_ready(process)
        assert "create_user" in said
        assert get(port, "/health") == (200, "ok\n")
        status, page = get(port, "/login/")
        assert status == 200
        assert "csrfmiddlewaretoken" in page
        [asset] = re.findall(r'href="(/static/[^"]+\.css)"', page)[:1]
        assert get(port, asset)[0] == 200
        status, seconds = stop(process, signal.SIGTERM)
    assert (status, seconds < STOPS_IN_S) == (0, True)


def test_demo_says_who_may_sign_in_and_stops_on_ctrl_c(tmp_path):
    with started(["demo", "--port", "0", "--without-images"], tmp_path) as process:
        said, port = read_until_ready(process)
        assert re.search(r"reader1 +reader +password \w+-\w+-\w+\n", said)
        assert get(port, "/health")[0] == 200
        status, seconds = stop(process, signal.SIGINT)
    assert (status, seconds < STOPS_IN_S) == (0, True)


@pytest.fixture
def local(settings, tmp_path):
    """Settings of a local instance whose bundle is built."""
    settings.BUNDLE_MANIFEST = tmp_path / "manifest.json"
    settings.BUNDLE_MANIFEST.write_text("{}")
    settings.SECRETS_ARE_GENERATED = True
    settings.SERVE_HOST, settings.SERVE_PORT = "127.0.0.1", 0
    return settings


def test_busy_port_is_named_with_a_way_out(local):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(UserError, match=rf"port {port} of 127\.0\.0\.1 is busy.*PORT={port + 1}"):
            open_listener(port=port)


def test_a_free_port_is_found_and_named(local):
    listener = open_listener()
    with listener.socket:
        assert listener.url == f"http://127.0.0.1:{listener.port}/"
        assert listener.port > 0
        assert listener.is_private


def test_other_machines_are_let_in_only_when_asked_for_by_name(local):
    local.SERVE_HOST = EVERYWHERE
    with pytest.raises(UserError, match=f"--host {EVERYWHERE}"):
        open_listener()
    listener = open_listener(host=EVERYWHERE)
    with listener.socket:
        assert not listener.is_private
    local.SECRETS_ARE_GENERATED = False
    open_listener().socket.close()


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"host": "no such host"}, "no address for the host"),
        ({"host": "192.0.2.1"}, "cannot listen at 192.0.2.1"),  # TEST-NET-1 of RFC 5737: nobody's address
        ({"port": 65536}, "not one of 0 to 65535"),
    ],
)
def test_an_address_that_cannot_be_had_is_explained(local, where, message):
    with pytest.raises(UserError, match=message):
        open_listener(**where)


def test_a_missing_bundle_is_explained(local):
    local.BUNDLE_MANIFEST.unlink()
    with pytest.raises(UserError, match="make web"):
        open_listener()
