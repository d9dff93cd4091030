"""`python -m labeling label` with an engine in this process."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from labeling.cli import main
from labeling.core.schema_yaml import load_preset
from labeling.core.tables import read_labels
from tests.labeling.claims import QUIET
from tests.labeling.vllm_server import ROOT, START_S, VENV, make_checkpoint, need_vllm

N_CELLS = 8  # of the preset spine-mri; direct-query makes one call for each
REPORTS = 'id,report\nP1,"Stenosis at L4-5, severe."\nP2,No stenosis.\n"P,3",Small disc bulge.\n'


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    """Three reports."""
    path = tmp_path / "reports.csv"
    path.write_text(REPORTS, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of 100,000 random weights."""
    need_vllm()
    return make_checkpoint(tmp_path_factory.mktemp("model") / "tiny")


def options_of(source: Path, *options: str) -> list[str]:
    """A `label` command; labels go beside `source`."""
    return [
        *("label", "--schema", "spine-mri", "--labeler", "direct-query", "--in", str(source)),
        *("--out", str(source.with_name("labels.jsonl")), "--format", "jsonl", "--config", "yes=Yes", "no=No"),
        *options,
    ]


def label(source: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    """The command, run by the Python that has torch and vLLM."""
    command = [str(VENV / "bin" / "python"), "-m", "labeling", *options_of(source, *options)]
    env = {**os.environ, **QUIET, "VLLM_CONFIGURE_LOGGING": "0"}
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=START_S)


def manifest_of(source: Path) -> dict[str, Any]:
    values = json.loads(source.with_name("labels.jsonl.manifest.json").read_text())
    assert isinstance(values, dict)
    return values


@pytest.mark.slow
@pytest.mark.vllm
@pytest.mark.parametrize(
    ("backend", "more"), [("transformers", ["--device", "cpu", "--concurrency", "5"]), ("vllm", [])]
)
def test_every_report_is_labelled_and_with_resume_nothing_is_asked_again(
    reports: Path, checkpoint: Path, backend: str, more: list[str]
) -> None:
    options = ["--backend", backend, "--model", str(checkpoint), *more]
    done = label(reports, *options)
    assert done.returncode == 0, done.stderr[-3000:]
    assert f"labeling: loading {checkpoint} by {backend}; nothing is downloaded" in done.stderr.splitlines()
    assert "3 reports labelled" in done.stderr.splitlines()
    out = reports.with_name("labels.jsonl")
    table = read_labels(out, schema=load_preset("spine-mri"), filename="labels.jsonl")
    assert [report.report_id for report in table.reports] == ["P1", "P2", "P,3"]
    manifest, first = manifest_of(reports), out.read_bytes()
    assert (manifest["n_out"], manifest["calls"]["asked"]) == (3, 3 * N_CELLS)
    assert manifest["method"]["backend"]["engine"] == backend
    assert manifest["method"]["backend"]["model"] == "tiny"
    assert manifest["backend_lacks"] == []
    again = label(reports, *options, "--resume")
    assert again.returncode == 0, again.stderr[-3000:]
    assert manifest_of(reports)["n_out_from_stored_calls"] == 3
    assert manifest_of(reports)["calls"]["asked"] == 0
    assert out.read_bytes() == first


@pytest.mark.slow
@pytest.mark.vllm
def test_a_model_that_cannot_be_loaded_ends_the_command_in_two_lines(reports: Path, checkpoint: Path) -> None:
    empty = reports.with_name("empty")
    empty.mkdir()
    for model, message in (
        (str(empty), f"transformers:{empty}: the folder {empty} holds no model: config.json is not in it"),
        ("nobody/no-such-model", "is neither a folder nor a model in the cache of the Hugging Face hub"),
    ):
        failed = label(reports, "--backend", "transformers", "--model", model)
        assert failed.returncode == 1
        lines = failed.stderr.splitlines()
        assert len(lines) == 2, failed.stderr
        assert message in lines[1]
        assert not reports.with_name("labels.jsonl").exists()
    assert "nothing is downloaded here" in failed.stderr


@pytest.mark.skipif(bool(find_spec("torch")), reason="torch is installed here: what it lacks cannot be shown")
@pytest.mark.parametrize(("backend", "package"), [("transformers", "torch, transformers"), ("vllm", "vllm")])
def test_a_missing_package_is_named(
    reports: Path, capsys: pytest.CaptureFixture[str], backend: str, package: str
) -> None:
    assert main(options_of(reports, "--backend", backend, "--model", "/models/tiny")) == 1
    said = capsys.readouterr().err
    assert f"{backend}:/models/tiny: {package}" in said
    assert "is not installed here: install requirements-gpu.txt beside Overread (docs/models.md" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--backend", "vllm"], "--model is needed"),
        (["--backend", "transformers", "--model", "m", "--url", "http://h"], "--url is not for --backend transformers"),
        (["--backend", "vllm", "--model", "m", "--api-key-file", "k"], "--api-key-file is not for --backend vllm"),
        (["--backend", "vllm", "--model", "m", "--device", "cpu"], "--device is not for --backend vllm"),
        (["--url", "http://h", "--model", "m", "--device", "cpu"], "--device is not for --backend openai"),
        (["--backend", "openai", "--model", "m"], "--url is needed"),
        (["--backend", "vllm", "--model", "m", "--out", "-"], "vLLM writes to standard output as well"),
    ],
)
def test_wrong_usage_ends_with_2(
    reports: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    assert main(options_of(reports, *options)) == 2
    assert message in capsys.readouterr().err


def test_naming_an_engine_in_this_process_loads_nothing_heavy() -> None:
    code = """
import sys
from labeling.core.backends.local_engines import engine_of, open_engine
for kind in ("transformers", "vllm"):
    open_engine(engine_of(kind, "/models/tiny"), concurrency=4)
print(*sorted({"torch", "transformers", "vllm", "django"} & set(sys.modules)))
"""
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split() == []
