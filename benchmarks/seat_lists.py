"""Time of a worklist page, a jump and the next case with many seats: `make bench-lists` (on a private PostgreSQL).

    python scripts/with_postgres.py python -m benchmarks.seat_lists [--cases 100000] [--readers 8]

Every reader has a seat of every case, and has submitted half of them; 1 case of 1,000 is excluded. An action is what
the page or route asks of the database, with the rows that it makes; its budget is that of the route in DESIGN 8.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

import django

BUDGET_MS = {"next case": 50, "worklist": 150, "jump": 150}
_REPORTS = """
INSERT INTO annotator_report (project_id, report_id, text, text_sha256, has_text, extra, created_at)
SELECT %(project)s, 'made-' || n, 'Report ' || n, repeat('0', 64), true, '{}', now()
FROM generate_series(2, %(cases)s) n
"""
_CASES = """
INSERT INTO annotator_case (project_id, report_id, key, position, patient_key, created_at)
SELECT r.project_id, r.id, r.report_id, row_number() OVER (ORDER BY r.id) + 1, repeat('0', 64), now()
FROM annotator_report r WHERE r.project_id = %(project)s AND r.report_id LIKE 'made-%%'
"""
_SEATS = """
INSERT INTO annotator_seat (project_id, case_id, slot, reader_id, is_pulled, arm, round, place, stratum, planted, state,
    submitted_at, withdrawn_because)
SELECT c.project_id, c.id, %(slot)s, %(reader)s, false, 'prefilled', 1, c.position, '', '{}',
    CASE WHEN c.position %% 2 = 0 THEN 'submitted' ELSE 'open' END,
    CASE WHEN c.position %% 2 = 0 THEN now() END, ''
FROM annotator_case c WHERE c.project_id = %(project)s
"""
_DRAFTS = """
INSERT INTO annotator_draft (project_id, case_id, reader_id, round, state, version, values, urgencies, body, flagged,
    active_seconds, client_id, saved_at)
SELECT s.project_id, s.case_id, s.reader_id, 1, 'submitted', 1, '+.0.+.+.', '________', '{}', c.position %% 100 = 0,
    10, '', now()
FROM annotator_seat s JOIN annotator_case c ON c.id = s.case_id
WHERE s.project_id = %(project)s AND s.state = 'submitted'
"""
_EXCLUDED = """
INSERT INTO annotator_exclusion (project_id, case_id, reason, excluded_by_id, excluded_at, end_reason)
SELECT project_id, id, 'bench', %(manager)s, now(), '' FROM annotator_case
WHERE project_id = %(project)s AND position %% 1000 = 0
"""


def fill(n_cases: int, n_readers: int) -> tuple[Any, list[Any]]:
    """A project whose readers each have a seat of every case, and the readers."""
    from django.db import connection

    from annotator.models import Membership, Role, StudyRules, User
    from tests.annotator.worlds import make_world

    world = make_world(f"lists-{time.time_ns()}", n_cases=1)
    project = world.project
    StudyRules.objects.create(project=project, reads="assigned")
    with connection.cursor() as cursor:
        cursor.execute(_REPORTS, {"project": project.pk, "cases": n_cases})
        cursor.execute(_CASES, {"project": project.pk})
    readers = [User.objects.create_user(f"{project.slug}-{number}") for number in range(n_readers)]
    for slot, reader in enumerate(readers, start=1):
        Membership.objects.create(project=project, user=reader, role=Role.READER)
        with connection.cursor() as cursor:
            cursor.execute(_SEATS, {"slot": slot, "reader": reader.pk, "project": project.pk})
    with connection.cursor() as cursor:
        cursor.execute(_DRAFTS, {"project": project.pk})
        cursor.execute(_EXCLUDED, {"project": project.pk, "manager": world.manager.pk})
        cursor.execute("VACUUM ANALYZE")
    return project, readers


def actions(project: Any, reader: Any, *, n_cases: int) -> dict[str, Callable[[], object]]:
    """What is measured, by name."""
    from django.utils import timezone

    from annotator.selectors.seat_lists import reader_progress
    from annotator.selectors.seat_worklists import jumps_of, worklist_of
    from annotator.selectors.worklists import Spot, WorklistFilter
    from annotator.services.next_case import upcoming_case

    late = Spot(n_cases - 500)

    def shown(**wanted: Any) -> Callable[[], object]:
        found = WorklistFilter(**wanted)
        return lambda: worklist_of(project=project, reader=reader, wanted=found, now=timezone.now())

    def jumped(**wanted: Any) -> Callable[[], object]:
        found = WorklistFilter(by_place=True, **wanted)
        return lambda: jumps_of(project=project, reader=reader, wanted=found, now=timezone.now())

    def following() -> None:
        now = timezone.now()
        found = upcoming_case(project=project, reader=reader, after=late, now=now)
        assert found is not None, "no case is left"
        reader_progress(project=project, reader=reader, sitting=found.sitting, now=now)

    return {
        "worklist, first page": shown(),
        "worklist, last pages": shown(after=late),
        "worklist, submitted, last pages": shown(state="submitted", after=late),
        "worklist, flagged": shown(flagged=True),
        "worklist, a few ids": shown(query="777"),
        "jump, first page": jumped(),
        "jump, a few ids": jumped(query="777"),
        "next case": following,
    }


def main() -> None:
    """Fill, measure, print."""
    parser = argparse.ArgumentParser()
    for name, value in (("cases", 100_000), ("readers", 8), ("times", 20)):
        parser.add_argument(f"--{name}", type=int, default=value)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotator.settings.test")
    django.setup()
    from django.core.management import call_command
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    call_command("migrate", verbosity=0)
    project, readers = fill(options.cases, options.readers)
    print(f"{options.cases:,} cases, {options.readers} readers with {options.cases:,} seats each, half submitted")
    for name, action in actions(project, readers[0], n_cases=options.cases).items():
        with CaptureQueriesContext(
            connection,
        ) as queries:
            action()
        seconds = []
        for _ in range(options.times):
            start, cpu = time.perf_counter(), time.process_time()
            action()
            seconds.append((time.perf_counter() - start, time.process_time() - cpu))
        wall = sorted(1000 * each for each, _ in seconds)
        own = statistics.median(1000 * each for _, each in seconds)
        budget = next(ms for key, ms in BUDGET_MS.items() if name.startswith(key))
        print(
            f"  {name:32} {len(queries):3} queries   p50 {statistics.median(wall):6.1f} ms   p95 "
            f"{wall[len(wall) * 95 // 100 - 1]:6.1f} ms   budget {budget} ms   (CPU of Python {own:.1f} ms)"
        )


if __name__ == "__main__":
    main()
