"""The image and the compose file, as far as they can be checked without a container engine."""

import json
import os
import re
import shlex
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from gunicorn.config import Config

from annotator.logs import ServerLogger

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
IMAGES = {name: service["image"] for name, service in SERVICES.items() if "build" not in service}
SECRET = re.compile(r"SECRET|PASSWORD|TOKEN|API_KEY")
BUILT = {"static/dist"}  # made by `make web`, not checked in


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile as (instruction, arguments), lines joined and comments dropped."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    joined = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE))
    lines = [line.partition(" ") for line in joined.splitlines() if line.strip()]
    return [(word.upper(), rest.strip()) for word, _, rest in lines]


DOCKERFILE = instructions()
STAGES = [index for index, (word, _) in enumerate(DOCKERFILE) if word == "FROM"]
FINAL = DOCKERFILE[STAGES[-1] :]


def arguments(word: str, lines: list[tuple[str, str]] = DOCKERFILE) -> list[str]:
    return [rest for name, rest in lines if name == word]


def is_pinned(image: str) -> bool:
    return "@sha256:" in image or re.match(r"v?\d", image.partition(":")[2]) is not None


def is_in_build_context(path: str) -> bool:
    """Whether .dockerignore, which shuts everything out and lets named paths in, lets this one in."""
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    return any(path == name or path.startswith(name + "/") for name in allowed)


def test_image_is_built_in_stages_from_pinned_bases() -> None:
    bases = [rest.split()[0] for rest in arguments("FROM")]
    assert len(bases) >= 3
    assert [base for base in bases if not is_pinned(base)] == []


def test_every_copied_path_exists_or_is_built() -> None:
    stages = {rest.split()[-1] for rest in arguments("FROM") if " AS " in rest}
    for rest in arguments("COPY"):
        words = rest.split()
        if words[0].startswith("--from="):
            assert words[0].removeprefix("--from=") in stages
            continue
        for source in words[:-1]:
            assert (ROOT / source).exists() or source in BUILT, f"COPY {source}: no such path"
            assert is_in_build_context(source), f"COPY {source}: shut out by .dockerignore"


def test_image_downloads_no_loose_files_and_holds_no_secret() -> None:
    assert arguments("ADD") == []
    assert [line for line in arguments("ENV") + arguments("ARG") if SECRET.search(line)] == []


def test_python_packages_are_installed_by_hash() -> None:
    installs = [rest for rest in arguments("RUN") if "pip install" in rest]
    assert installs
    assert all("--require-hashes" in rest for rest in installs)


def test_image_runs_the_production_server_as_an_ordinary_user() -> None:
    assert arguments("USER", FINAL)[-1] not in {"root", "0"}
    assert FINAL.index(("USER", "overread")) < next(i for i, (word, _) in enumerate(FINAL) if word == "CMD")
    assert "DJANGO_SETTINGS_MODULE=annotator.settings.prod" in arguments("ENV", FINAL)[0]
    command = json.loads(arguments("CMD", FINAL)[-1])
    assert f"--bind=0.0.0.0:{arguments('EXPOSE', FINAL)[-1]}" in command
    check = json.loads(arguments("HEALTHCHECK", FINAL)[-1].partition("CMD ")[2])
    assert (ROOT / check[-1]).exists()


def test_web_server_runs_two_processes_unless_told_otherwise() -> None:
    assert "WEB_CONCURRENCY=2" in arguments("ENV", FINAL)[0].split()
    assert SERVICES["web"]["environment"]["WEB_CONCURRENCY"] == "${WEB_CONCURRENCY:-2}"


def test_web_server_logs_no_query_keeps_connections_and_opens_no_control_socket() -> None:
    options = json.loads(arguments("CMD", FINAL)[-1])[2:]
    config = Config()
    parsed = vars(config.parser().parse_args(options))
    for name, value in parsed.items():
        if name in config.settings and value is not None:
            config.set(name, value)
    assert config.keepalive == 60
    assert config.control_socket_disable
    assert config.logger_class is ServerLogger
    request = {"REQUEST_METHOD": "GET", "PATH_INFO": "/projects/a/", "QUERY_STRING": "q=R-17", "RAW_URI": "/?q=R-17"}
    environ = request | {"SERVER_PROTOCOL": "HTTP/1.1", "HTTP_REFERER": "http://a/?q=R-17"}
    response = SimpleNamespace(status="200 OK", sent=12, headers=[])
    line = config.access_log_format % config.logger_class(config).atoms(
        response, SimpleNamespace(headers=[]), environ, timedelta(milliseconds=3)
    )
    assert "GET /projects/a/" in line
    assert "R-17" not in line


def test_what_only_background_jobs_need_starts_with_their_profile_alone() -> None:
    for name in ("worker", "redis"):
        assert SERVICES[name]["profiles"] == ["jobs"]
    for name in ("web", "migrate"):
        assert not {"worker", "redis"} & set(SERVICES[name]["depends_on"])


def test_compose_has_the_services_of_a_hospital_server() -> None:
    assert {"web", "worker", "migrate", "postgres", "redis", "vllm"} == set(SERVICES)


@pytest.mark.parametrize("name", SERVICES)
def test_service_gets_no_default_secret(name: str) -> None:
    for variable, value in (SERVICES[name].get("environment") or {}).items():
        for secret in re.findall(r"\$\{(\w*(?:SECRET|PASSWORD|TOKEN|API_KEY)\w*)(.*?)\}", str(value)):
            assert secret[1].startswith(":?"), f"{name}: {secret[0]} must be required with :?"
        if SECRET.search(variable):
            assert re.fullmatch(r"\$\{\w+:\?.+\}", str(value)), f"{name}: {variable} is written out"


def test_secrets_in_env_example_are_blank_and_all_required_variables_are_there() -> None:
    example = dict(re.findall(r"^(\w+)=(.*)$", (ROOT / ".env.example").read_text(), flags=re.MULTILINE))
    required = set(re.findall(r"\$\{(\w+):\?", (ROOT / "compose.yaml").read_text()))
    assert required <= set(example)
    assert set(example.values()) == {""}


@pytest.mark.parametrize(("name", "image"), IMAGES.items())
def test_service_image_is_pinned(name: str, image: str) -> None:
    assert is_pinned(image), f"{name}: {image}"


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"migrate"}))
def test_service_has_a_health_check_and_comes_back_after_a_restart(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]
    assert SERVICES[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", SERVICES)
def test_service_refers_only_to_what_is_declared(name: str) -> None:
    service = SERVICES[name]
    named = [volume.split(":")[0] for volume in service.get("volumes", []) if not volume.startswith(("$", ".", "/"))]
    assert set(named) <= set(COMPOSE["volumes"])
    assert set(service["networks"]) <= set(COMPOSE["networks"])
    assert set(service.get("depends_on", {})) <= set(SERVICES)
    if "build" in service:
        assert (ROOT / service["build"] / "Dockerfile").exists()


def test_only_the_web_server_is_reachable_and_only_from_this_machine() -> None:
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    for name, service in SERVICES.items():
        ports = service.get("ports", [])
        assert bool(ports) == (name == "web")
        assert ("outside" in service["networks"]) == (name == "web")
        assert all(port.startswith("127.0.0.1:") for port in ports)


def test_language_model_is_optional_reserves_the_gpu_and_is_the_version_locked_for_workers() -> None:
    vllm = SERVICES["vllm"]
    assert vllm["profiles"] == ["llm"]
    assert vllm["deploy"]["resources"]["reservations"]["devices"][0]["capabilities"] == ["gpu"]
    assert all("vllm" not in service.get("depends_on", {}) for service in SERVICES.values())
    locked = re.search(r"^vllm==(\S+)", (ROOT / "requirements-gpu.txt").read_text(), flags=re.MULTILINE)
    assert locked
    assert vllm["image"].endswith(f":v{locked[1]}")


def test_docker_accepts_the_compose_file(tmp_path: Path) -> None:
    if (
        shutil.which("docker") is None
        or subprocess.run(["docker", "compose", "version"], capture_output=True).returncode
    ):
        pytest.skip("install Docker with its compose plugin to run this test")
    required = set(re.findall(r"\$\{(\w+):\?", (ROOT / "compose.yaml").read_text()))
    command = shlex.split("docker compose --profile llm --profile jobs config --quiet")
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    given = subprocess.run(
        command, cwd=ROOT, env=env | dict.fromkeys(required, "x" * 40), capture_output=True, text=True
    )
    assert given.returncode == 0, given.stderr
    missing = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    assert missing.returncode != 0
