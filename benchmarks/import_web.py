"""Import 10,000 reports of 1.5 kB from CSV: seconds and peak memory, on SQLite and on PostgreSQL.

    python -m benchmarks.import_web [--reports 10000]

Each database is a fresh one in a process of its own. The time is that of `import_reports` alone, from opening the file
to the commit; the memory is what the process needed beyond what it held when the import began.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BUDGET_S = 15
WORDS = (
    "liver",
    "spleen",
    "normal",
    "enlarged",
    "lesion",
    "measuring",
    "no",
    "evidence",
    "of",
    "focal",
    "kidney",
    "cyst",
)


def write_reports(path: Path, *, n_reports: int, n_chars: int = 1500) -> None:
    rng = random.Random(1)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["report_id", "text", "patient_id", "study_id"])
        for number in range(n_reports):
            text = "FINDINGS:\n"
            while len(text) < n_chars:
                text += " ".join(rng.choices(WORDS, k=12)).capitalize() + ".\n"
            writer.writerow([f"R{number:06}", text[:n_chars], f"P{number // 2:06}", f"S{number:06}"])


def measure(n_reports: int) -> dict[str, Any]:
    """Import into the database that the settings name; runs in a process of its own."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from annotator.models import User
    from annotator.services.projects import create_project
    from annotator.services.reports import import_reports
    from labeling.core.schema_yaml import preset_source

    call_command("migrate", verbosity=0)
    actor = User.objects.create_user("bench")
    source = preset_source("abdomen-ct")
    project = create_project(name="bench", slug="bench", schema_source=source, actor=actor)
    result = {"database": connection.vendor}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "reports.csv"
        write_reports(path, n_reports=n_reports)
        before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for what in ("first", "again"):
            start = time.perf_counter()
            outcome = import_reports(project=project, source=path, file_name="reports.csv", actor=actor)
            result[f"{what}_s"] = round(time.perf_counter() - start, 2)
            result[f"{what}_counts"] = outcome.counts()
        result["memory_mib"] = round((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib) / 1024, 1)
    return result


def in_own_process(n_reports: int, *, prefix: list[str]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        environment |= {"DJANGO_SETTINGS_MODULE": "annotator.settings.dev", "OVERREAD_DATA": folder}
        command = [*prefix, sys.executable, "-m", "benchmarks.import_web", "--here", "--reports", str(n_reports)]
        done = subprocess.run(command, env=environment, cwd=ROOT, check=True, capture_output=True, text=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reports", type=int, default=10_000)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        print(json.dumps(measure(options.reports)))
        return 0
    slowest = 0.0
    for prefix in ([], [sys.executable, "scripts/with_postgres.py"]):
        result = in_own_process(options.reports, prefix=prefix)
        slowest = max(slowest, result["first_s"])
        print(
            f"{result['database']:<10} {options.reports:,} reports: {result['first_s']} s, "
            f"the same file again {result['again_s']} s, {result['memory_mib']} MiB more memory"
        )
    budget_s = BUDGET_S * options.reports / 10_000
    print(f"budget {budget_s:g} s: {slowest / budget_s:.0%} used")
    return int(slowest > budget_s)


if __name__ == "__main__":
    sys.exit(main())
