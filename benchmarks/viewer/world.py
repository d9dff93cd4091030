"""A server with cases that have generated images: one large CT, and small ones to read one after the other."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "a long pass phrase"  # noqa: S105
READER = "reader"
SLUG = "bench"
LARGE = "CT-1"
SMALL_SLICES, SMALL_SIZE = 60, 256
NORMAL = (
    "FINDINGS: The liver, the spleen and the pancreas are normal. The kidneys are unremarkable. "
    "A small renal cyst (series 2, image 31) is unchanged.\n\nIMPRESSION: Normal study."
)


@dataclass(frozen=True)
class World:
    """The data folder of a server, and what was put into it. `large` are the files of the large CT."""

    folder: Path
    large: list[Path]
    import_s: float
    n_images: int


@dataclass(frozen=True)
class Server:
    """A running `manage.py serve`."""

    url: str
    pid: int


def environment(folder: Path) -> dict[str, str]:
    """Of the processes of an instance on this data folder."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {"DJANGO_SETTINGS_MODULE": "annotator.settings.dev", "OVERREAD_DATA": str(folder)}


def build_world(root: Path, *, n_slices: int, n_small: int, compressed: bool) -> World:
    """Generate the images, fill a database, import."""
    images, folder = root / "images", root / "data"
    ids = [LARGE, *(f"CT-{number}" for number in range(2, n_small + 2))]
    for name in ids:
        slices, size = (n_slices, 512) if name == LARGE else (SMALL_SLICES, SMALL_SIZE)
        command = [sys.executable, "-m", "vision", "phantom", str(images / name), "--study-id", name, "--mask", "none"]
        command += ["--slices", str(slices), "--size", str(size), *([] if compressed else ["--uncompressed"])]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    folder.mkdir()
    run(folder, "manage.py", "migrate", "--verbosity", "0")
    rows = [{"report_id": name, "text": NORMAL, "study_id": name, "patient_id": name} for name in ids]
    (root / "reports.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    run(folder, "-m", "benchmarks.viewer.world", str(root / "reports.jsonl"))
    large = sorted(path for path in (images / LARGE).rglob("*") if path.is_file())
    start = time.perf_counter()
    run(folder, "manage.py", "import_images", SLUG, str(images / LARGE))
    import_s = time.perf_counter() - start
    for name in ids[1:]:
        run(folder, "manage.py", "import_images", SLUG, str(images / name))
    return World(folder=folder, large=large, import_s=import_s, n_images=len(large))


def run(folder: Path, *command: str) -> None:
    """Run Python to its end with the settings of the instance."""
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment(folder), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """The real server on a free port."""
    command = [sys.executable, "manage.py", "serve", "--port", "0"]
    log = (folder / "server.log").open("a")
    with (
        log,
        subprocess.Popen(
            command, cwd=ROOT, env=environment(folder), stdout=subprocess.PIPE, stderr=log, text=True
        ) as server,
    ):
        try:
            for line in server.stdout or []:
                if found := re.search(r"Overread is at (http\S+)/", line):
                    yield Server(url=found[1], pid=server.pid)
                    break
            else:
                raise SystemExit("the server did not start:\n" + (folder / "server.log").read_text())
        finally:
            server.terminate()


def fill(reports: Path) -> None:
    """Users, a project, reports and labels in the database that the settings name; in a process of its own."""
    import django

    django.setup()
    from annotator.models import User
    from annotator.services.projects import create_project, set_member
    from annotator.services.reports import import_reports
    from labeling.core.schema_yaml import preset_source
    from labeling.services import run_rules

    manager = User.objects.create_user("manager", password=PASSWORD)
    reader = User.objects.create_user(READER, password=PASSWORD)
    project = create_project(name="Bench", slug=SLUG, schema_source=preset_source("abdomen-ct"), actor=manager)
    set_member(project=project, user=reader, role="reader", actor=manager)
    import_reports(project=project, source=reports, file_name=reports.name, actor=manager)
    run_rules(project=project, actor=manager)


if __name__ == "__main__":
    fill(Path(sys.argv[1]))
