"""Compare two runs over 10,000 reports of 99 cells: seconds for the pages and the table, peak memory of the table.

    python -m benchmarks.run_comparison [--reports 10000]
    python scripts/with_postgres.py python -m benchmarks.run_comparison

Labels of the second run are those of the first with 3 cells of 100 changed at random. Times are those of a request from
the first query to the last byte, in this process, without a network: by the clock, and of the processor (this process).
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import statistics
import sys
import tempfile
import time
from typing import Any

BUDGET_S = 2.0
ROUNDS = 5
SHARE_CHANGED = 0.03
CODES = "+?0~.!"
QUOTE = [[0, 40]]


def fill(n_reports: int) -> dict[str, Any]:
    """A project with two runs; gives its slug, manager and the ids of the runs."""
    from django.utils import timezone

    from annotator.models import User
    from benchmarks.web.filling import fill_project, readers
    from labeling.models import MachineLabel, Run

    [name] = readers(1)
    project = fill_project(f"compare-{int(time.time())}", n_cases=n_reports, names=[name])
    first = Run.objects.get(project=project)
    now = timezone.now()
    second = Run.objects.create(
        project=project, schema=project.schema, labeler="leavs-fast", state="complete", started_at=now, finished_at=now
    )
    rng = random.Random(1)
    rows = []
    for label in MachineLabel.objects.filter(run=first).iterator(chunk_size=1000):
        rows.append(MachineLabel(run=second, report_id=label.report_id, **_changed(label, rng)))
        if len(rows) == 1000:
            MachineLabel.objects.bulk_create(rows)
            rows = []
    MachineLabel.objects.bulk_create(rows)
    user = User.objects.get(username=name)
    return {"slug": project.slug, "user": user, "a": str(first.run_id), "b": str(second.run_id)}


def _changed(label: Any, rng: random.Random) -> dict[str, Any]:
    values = "".join(rng.choice(CODES) if rng.random() < SHARE_CHANGED else code for code in label.values)
    cells = {key: entry | {"probability": 0.75, "evidence": QUOTE} for key, entry in label.body["cells"].items()}
    return {"values": values, "urgencies": label.urgencies, "body": {"cells": cells}}


def ask(client: Any, url: str, query: dict[str, str]) -> tuple[float, float, int]:
    """Seconds by the clock and of the processor, and bytes of one answer."""
    started, cpu_started = time.perf_counter(), time.process_time()
    answer = client.get(url, query)
    assert answer.status_code == 200, answer.status_code
    n_bytes = sum(map(len, answer.streaming_content)) if answer.streaming else len(answer.content)
    return time.perf_counter() - started, time.process_time() - cpu_started, n_bytes


def main() -> int:
    """Fill, ask, print; fails when a page takes more than the budget."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reports", type=int, default=10_000)
    n_reports = parser.parse_args().reports
    os.environ["DJANGO_SETTINGS_MODULE"] = "annotator.settings.dev"
    with tempfile.TemporaryDirectory() as folder:
        os.environ["OVERREAD_DATA"] = folder
        return measure(n_reports)


def measure(n_reports: int) -> int:
    """The pages, the median of some rounds, and the table once."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection
    from django.test import Client
    from django.urls import reverse

    call_command("migrate", verbosity=0)
    world = fill(n_reports)
    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(world["user"], backend="django.contrib.auth.backends.ModelBackend")
    page, table = (reverse(name, args=[world["slug"]]) for name in ("run_compare", "run_compare_csv"))
    runs = {"a": world["a"], "b": world["b"]}
    print(f"{n_reports:,} reports of 99 cells on {connection.vendor}")
    slowest_s = 0.0
    pages = {"all cells": {}, "one cell": {"cell": "liver|focal"}, "page 20": {"page": "20"}}
    for what, more in pages.items():
        times = [ask(client, page, runs | more) for _ in range(ROUNDS)]
        clock_s, cpu_s = (statistics.median(each[part] for each in times) for part in (0, 1))
        slowest_s = max(slowest_s, clock_s)
        print(f"  page, {what:10} {clock_s:6.2f} s, processor {cpu_s:.2f} s")
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    took_s, cpu_s, n_bytes = ask(client, table, runs)
    more_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib) * 1024 / 1e6
    print(f"  table, all cells {took_s:6.2f} s, processor {cpu_s:.2f} s, {n_bytes / 1e6:.1f} MB")
    print(f"  more memory at its peak {more_mb:.0f} MB")
    return 0 if slowest_s <= BUDGET_S else 1


if __name__ == "__main__":
    sys.exit(main())
