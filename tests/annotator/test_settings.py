"""What an instance refuses to start with, and what it makes for itself."""

import os
import stat
import subprocess
import sys

import pytest

from annotator.settings import env

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
    assert f"{short} holds 8 characters, expected 40 or more" in outcome.stderr
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


@pytest.mark.parametrize("content", ["", "\n", "a" * 39])
def test_a_secret_that_was_cut_short_is_refused(tmp_path, content):
    file = tmp_path / "secret_key"
    file.write_text(content)
    with pytest.raises(env.SettingError, match=r"secret_key holds \d+ characters, expected 40 or more"):
        env.secret_file(file)
    assert file.read_text() == content


def test_a_crash_while_a_secret_is_drawn_leaves_none_behind(tmp_path, monkeypatch):
    file = tmp_path / "secret_key"

    def crash(_):
        raise OSError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", crash)
        with pytest.raises(OSError, match="power cut"):
            env.secret_file(file)
    assert not file.exists()
    assert len(env.secret_file(file)) == 96  # 48 bytes in hexadecimal
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


def test_two_first_starts_at_once_agree_on_one_secret(tmp_path, monkeypatch):
    file = tmp_path / "secret_key"
    link = os.link

    def other_was_first(source, target):
        file.write_text("other" * 10)
        link(source, target)

    monkeypatch.setattr(os, "link", other_was_first)
    assert env.secret_file(file) == "other" * 10
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


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


@pytest.mark.parametrize(("mode", "warns"), [(0o700, False), (0o750, True), (0o701, True), (0o755, True)])
def test_a_data_folder_that_others_may_enter_is_pointed_out(settings, tmp_path, mode, warns):
    from annotator.checks import data_are_private

    settings.DATA_DIR = tmp_path
    tmp_path.chmod(mode)
    assert [message.id for message in data_are_private()] == (["annotator.W002"] if warns else [])
