"""What an instance refuses to start with, and what it makes for itself."""

import os
import stat
import subprocess
import sys

import pytest

SECRET = "0123456789abcdefghij" * 3
PROD = {
    "DJANGO_SETTINGS_MODULE": "annotator.settings.prod",
    "OVERREAD_SECRET_KEY": SECRET,
    "OVERREAD_PATIENT_KEY_SECRET": "p" * 50,
    "OVERREAD_HOSTS": "overread.example",
    "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",
}


def start(environment, tmp_path, *command):
    """Run a management command in a process of its own that knows only `environment`."""
    clean = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
    return subprocess.run(
        [sys.executable, "manage.py", *command],
        env=clean | {"OVERREAD_DATA": str(tmp_path / "data"), "OVERREAD_STATIC": str(tmp_path)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "missing", ["OVERREAD_SECRET_KEY", "OVERREAD_PATIENT_KEY_SECRET", "OVERREAD_HOSTS", "DATABASE_URL"]
)
def test_production_refuses_to_start_without(missing, tmp_path):
    environment = {name: value for name, value in PROD.items() if name != missing}
    outcome = start(environment, tmp_path, "check")
    assert outcome.returncode != 0
    assert missing in outcome.stderr


@pytest.mark.parametrize("short", ["OVERREAD_SECRET_KEY", "OVERREAD_PATIENT_KEY_SECRET"])
def test_production_refuses_a_short_secret(short, tmp_path):
    outcome = start(PROD | {short: "changeme"}, tmp_path, "check")
    assert outcome.returncode != 0
    assert "40 characters" in outcome.stderr
    assert "changeme" not in outcome.stderr


def test_production_passes_djangos_own_deployment_check(tmp_path):
    outcome = start(PROD, tmp_path, "check", "--deploy", "--fail-level", "WARNING", "--tag", "security")
    assert outcome.returncode == 0, outcome.stderr


def test_a_local_instance_draws_its_own_secrets_which_only_its_owner_reads(tmp_path):
    local = {"DJANGO_SETTINGS_MODULE": "annotator.settings.dev"}
    show = ("shell", "-v0", "-c", "from django.conf import settings; print(settings.SECRET_KEY)")
    first, second = (start(local, tmp_path, *show).stdout for _ in range(2))
    other = start(local | {"OVERREAD_DATA": str(tmp_path / "other")}, tmp_path, *show).stdout
    assert len(first.strip()) >= 40
    assert first == second != other
    for name in ("secret_key", "patient_key_secret"):
        mode = (tmp_path / "data" / name).stat().st_mode
        assert stat.S_IMODE(mode) == 0o600


def test_a_value_that_cannot_be_read_is_named(tmp_path):
    outcome = start(PROD | {"OVERREAD_SSL_REDIRECT": "perhaps"}, tmp_path, "check")
    assert outcome.returncode != 0
    assert "OVERREAD_SSL_REDIRECT is 'perhaps'" in outcome.stderr


def test_the_clients_address_is_believed_as_far_as_the_proxies_are_ours(rf, settings):
    from annotator.middleware import client_address

    request = rf.get("/", HTTP_X_FORWARDED_FOR="6.6.6.6, 10.0.0.7", REMOTE_ADDR="127.0.0.1")
    settings.TRUSTED_PROXIES = 0
    assert client_address(request) == "127.0.0.1"
    settings.TRUSTED_PROXIES = 1
    assert client_address(request) == "10.0.0.7"
