"""Imports point down (DESIGN 3), settings have one door, modules stay small: read from the source."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
APPS = ("annotator", "labeling", "vision")
CORES = ("annotator.core", "labeling.core", "vision.core")
# The command line in its files.
LABELING = ("label_command", "model_command", "evaluate_command", "agreement_command", "calibrate_command")
COMMANDS = (*LABELING, "training_command")
CLI = ("cli", *COMMANDS, "evaluation_files", "progress", "__main__")
CLIS = tuple(f"{app}.{name}" for app in ("labeling", "vision") for name in CLI)
PLAIN = (*CORES, *CLIS)  # work without Django
MAY_IMPORT = {  # what a module may import of ours, by the longest prefix of its name
    "labeling.core": ("labeling.core",),
    **dict.fromkeys(CLIS[: len(CLI)], ("labeling.core", *CLIS[: len(CLI)])),
    "annotator.core": ("annotator.core", "labeling.core"),
    "vision.core": ("vision.core", "labeling.core"),
    **dict.fromkeys(CLIS[len(CLI) :], ("vision.core", "labeling.core", *CLIS[len(CLI) :])),
    "annotator.models": (*CORES, "annotator.models"),
    "labeling": (*CORES, "annotator.models", "labeling"),
    "vision": (*CORES, "annotator.models", "labeling", "vision"),
    "annotator": APPS,
}
MODULES = sorted(path.relative_to(ROOT).as_posix() for app in APPS for path in ROOT.glob(f"{app}/**/*.py"))
OTHERS = ("scripts/*.py", "benchmarks/**/*.py", "static/src/**/*.ts", "static/src/**/*.css")
SIZED = MODULES + sorted(path.relative_to(ROOT).as_posix() for other in OTHERS for path in ROOT.glob(other))


def is_under(name: str, *prefixes: str) -> bool:
    return any(name == prefix or name.startswith(prefix + ".") for prefix in prefixes)


def imported_names(source: str) -> set[str]:
    nodes = list(ast.walk(ast.parse(source)))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    froms = [node for node in nodes if isinstance(node, ast.ImportFrom)]
    return names | {f"{'.' * node.level}{node.module or ''}.{alias.name}" for node in froms for alias in node.names}


@pytest.mark.parametrize("path", MODULES)
def test_module_imports_only_downwards(path: str) -> None:
    module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    allowed = MAY_IMPORT[max((layer for layer in MAY_IMPORT if is_under(module, layer)), key=len)]
    source = (ROOT / path).read_text(encoding="utf-8")
    for name in imported_names(source):
        assert not is_under(name, *APPS) or is_under(name, *allowed), f"{module} may not import {name}"
        assert not is_under(module, *PLAIN) or not is_under(name, "django"), f"{module} works without Django"
        assert "/settings/" in path or not is_under(name, "annotator.settings"), "use django.conf.settings"
        assert not (".services" in module and ".tasks" in name), "the caller of a service enqueues its task"
        assert not name.startswith("."), f"{module} imports {name}: write the full name"
    reads_environment = re.search(r"\bos\.(environ|getenv)\b|\bfrom os import\b", source)
    assert path == "annotator/settings/env.py" or not reads_environment, "only annotator/settings/env.py may"


@pytest.mark.parametrize("path", [path for path in SIZED if "/migrations/" not in path])
def test_module_stays_under_400_lines(path: str) -> None:
    assert len((ROOT / path).read_text(encoding="utf-8").splitlines()) < 400, f"split {path} by noun"
