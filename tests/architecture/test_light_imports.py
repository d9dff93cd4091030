"""What must load little: the cores without Django, the web process without the GPU workers' libraries."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CORES = [app for app in ("annotator", "labeling", "vision") if (ROOT / app / "core").is_dir()]
HEAVY = ("SimpleITK", "monai", "pyarrow", "torch", "transformers", "vllm")

BLOCK = """
import importlib.abc, sys
class Refuse(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ImportError(f"{{name}} must not be needed here")
sys.meta_path.insert(0, Refuse())
"""

IMPORT_EVERY_MODULE = """
import importlib, pkgutil
core = importlib.import_module("{app}.core")
for module in pkgutil.walk_packages(core.__path__, "{app}.core."):
    importlib.import_module(module.name)
"""

RUN_WITH_HELP = """
import runpy
sys.argv = ["{app}", "--help"]
try:
    runpy.run_module("{app}", run_name="__main__")
except SystemExit as stop:
    sys.exit(stop.code)
"""

START_WEB = """
import importlib, pkgutil
import annotator.wsgi
from django.urls import get_resolver
get_resolver().url_patterns
for module in pkgutil.walk_packages(importlib.import_module("annotator.views").__path__, "annotator.views."):
    importlib.import_module(module.name)
print(*sorted({heavy!r} & set(sys.modules)))
"""

PROD = {
    "DJANGO_SETTINGS_MODULE": "annotator.settings.prod",
    "OVERREAD_SECRET_KEY": "s" * 50,
    "OVERREAD_PATIENT_KEY_SECRET": "p" * 50,
    "OVERREAD_HOSTS": "localhost",
    "OVERREAD_BROKER_URL": "redis://localhost:6379/0",
    "DATABASE_URL": "postgres://overread@localhost/overread",
}


def run(code: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run this code in a fresh interpreter that knows nothing of the tests' settings."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("DJANGO_", "OVERREAD_"))}
    command = [sys.executable, "-c", "import sys\n" + code]
    return subprocess.run(command, cwd=ROOT, env=clean | env, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("app", CORES)
def test_core_imports_without_django_and_heavy_libraries(app: str) -> None:
    blocked = {"django", "celery", *HEAVY}
    result = run(BLOCK.format(blocked=blocked) + IMPORT_EVERY_MODULE.format(app=app))
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("app", ["labeling", "vision"])
def test_command_line_explains_itself_without_django(app: str) -> None:
    result = run(BLOCK.format(blocked={"django", "celery", *HEAVY}) + RUN_WITH_HELP.format(app=app))
    assert result.returncode == 0, result.stderr
    assert "usage" in result.stdout.lower()


@pytest.mark.parametrize("settings", ["dev", "prod"])
def test_web_process_does_not_load_heavy_libraries(settings: str, tmp_path: Path) -> None:
    env = PROD if settings == "prod" else {"DJANGO_SETTINGS_MODULE": "annotator.settings.dev"}
    folders = {"OVERREAD_DATA": str(tmp_path / "data"), "OVERREAD_STATIC": str(tmp_path / "static")}
    result = run(START_WEB.format(heavy=set(HEAVY)), **env, **folders)
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == []
