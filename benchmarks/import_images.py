"""Import a generated CT of 512 x 512 slices: images per minute and peak memory, on SQLite.

    python -m benchmarks.import_images [--images 2000] [--compressed]

The time is that of `import_images` alone, from opening the folder to the last row and file on the disk, in a process of
its own; the memory is what the process needed beyond what it held when the import began. One study has 500 slices.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BUDGET_PER_MINUTE = 2000
SLICES = 500
TEXT = "FINDINGS: The liver is normal.\n\nIMPRESSION: Normal study."


def write_studies(folder: Path, *, n_images: int, compressed: bool) -> list[str]:
    """Studies of up to 500 slices; returns their ids."""
    ids = []
    for start in range(0, n_images, SLICES):
        ids.append(f"CT-{start // SLICES + 1}")
        command = [sys.executable, "-m", "vision", "phantom", str(folder / ids[-1]), "--size", "512", "--mask", "none"]
        command += ["--slices", str(min(SLICES, n_images - start)), "--study-id", ids[-1]]
        subprocess.run(
            [*command, *([] if compressed else ["--uncompressed"])], cwd=ROOT, check=True, capture_output=True
        )
    return ids


def measure(folder: Path, ids: list[str]) -> dict[str, Any]:
    """Import into the database that the settings name; runs in a process of its own."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.utils import timezone

    from annotator.models import User
    from annotator.services.projects import create_project
    from annotator.services.reports import import_reports
    from labeling.core.schema_yaml import preset_source
    from vision.services.imports import import_images
    from vision.services.options import ImportOptions

    call_command("migrate", verbosity=0)
    actor = User.objects.create_user("bench")
    project = create_project(name="bench", slug="bench", schema_source=preset_source("abdomen-ct"), actor=actor)
    reports = folder.parent / "reports.jsonl"
    rows = [{"report_id": name, "text": TEXT, "study_id": name, "patient_id": name} for name in ids]
    reports.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    import_reports(project=project, source=reports, file_name=reports.name, actor=actor)
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result: dict[str, Any] = {}
    for what in ("first", "again"):
        start, start_cpu = time.perf_counter(), time.process_time()
        record = import_images(project=project, source=folder, actor=actor, options=ImportOptions(), now=timezone.now())
        result[f"{what}_s"] = time.perf_counter() - start
        result[f"{what}_cpu_s"] = time.process_time() - start_cpu
        result[what] = [record.n_images, record.n_unchanged, record.n_refused, record.n_unlinked]
    result["memory_mib"] = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib) / 1024
    return result


def in_own_process(folder: Path, ids: list[str]) -> dict[str, Any]:
    """The result of `measure` on a fresh SQLite database."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    with tempfile.TemporaryDirectory(prefix="overread-bench-") as data:
        environment = kept | {"DJANGO_SETTINGS_MODULE": "annotator.settings.dev", "OVERREAD_DATA": data}
        command = [sys.executable, "-m", "benchmarks.import_images", "--here", str(folder), *ids]
        done = subprocess.run(command, env=environment, cwd=ROOT, check=True, capture_output=True, text=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def main() -> int:
    """Generate, import, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--compressed", action="store_true", help="JPEG-LS without loss instead of plain pixels")
    parser.add_argument("--here", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        print(json.dumps(measure(Path(options.here[0]), options.here[1:])))
        return 0
    with tempfile.TemporaryDirectory(prefix="overread-bench-") as folder:
        source = Path(folder) / "images"
        ids = write_studies(source, n_images=options.images, compressed=options.compressed)
        result = in_own_process(source, ids)
    if result["first"] != [options.images, 0, 0, 0]:
        raise SystemExit(f"not everything came in: images, unchanged, refused, unlinked = {result['first']}")
    per_minute = options.images / result["first_s"] * 60
    kind = "JPEG-LS" if options.compressed else "plain"
    print(
        f"{options.images:,} images of 512 x 512 ({kind}): {result['first_s']:.1f} s "
        f"({result['first_cpu_s']:.1f} s on the processor), {per_minute:,.0f} a minute, "
        f"the same again {result['again_s']:.1f} s, {result['memory_mib']:.0f} MiB more memory"
    )
    print(f"target {BUDGET_PER_MINUTE:,} a minute: {'reached' if per_minute >= BUDGET_PER_MINUTE else 'missed'}")
    return int(per_minute < BUDGET_PER_MINUTE)


if __name__ == "__main__":
    sys.exit(main())
