"""Each direct dependency has its row in docs/dependencies.md, and the lock files fit what they lock."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
INPUTS = sorted(ROOT.glob("requirements*.in"))
PACKAGE = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
NODE = PACKAGE["dependencies"] | PACKAGE["devDependencies"]


def direct(path: Path) -> set[str]:
    """The packages a requirements file asks for, without extras, versions and comments."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return {match[0] for line in lines if (match := re.match(r"[A-Za-z0-9][\w.-]*", line))}


def test_page_has_a_row_for_each_direct_dependency_and_no_other() -> None:
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|]+?) \| (.+?) \|", page, flags=re.MULTILINE)
    documented = {name for name, _ in rows if name != "package"}
    assert documented == set(NODE).union(*(direct(path) for path in INPUTS))


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: path.name)
def test_lock_pins_each_direct_dependency_by_hash_and_names_no_registry(path: Path) -> None:
    lock = path.with_suffix(".txt").read_text(encoding="utf-8")
    pinned = {name.lower() for name in re.findall(r"^([\w.-]+)==", lock, flags=re.MULTILINE)}
    assert {name.lower() for name in direct(path)} <= pinned
    assert lock.count("--hash=sha256:") >= len(pinned)
    assert not re.search(r"https?://|--find-links|--(extra-)?index-url", lock)


def test_locks_agree_on_versions() -> None:
    seen: dict[str, set[frozenset[str]]] = {}
    for path in INPUTS:
        pins = re.findall(r"^([\w.-]+)==(\S+)", path.with_suffix(".txt").read_text(), flags=re.MULTILINE)
        for name in {name for name, _ in pins}:  # one file may pin two versions for two platforms
            seen.setdefault(name, set()).add(frozenset(version for other, version in pins if other == name))
    assert {name: versions for name, versions in seen.items() if len(versions) > 1} == {}


def test_node_packages_are_pinned_exactly_and_the_lock_names_no_registry() -> None:
    lock = (ROOT / "package-lock.json").read_text(encoding="utf-8")
    root = json.loads(lock)["packages"][""]
    assert root["dependencies"] | root["devDependencies"] == NODE
    assert [name for name, version in NODE.items() if not re.fullmatch(r"\d+\.\d+\.\d+", version)] == []
    assert '"resolved"' not in lock
