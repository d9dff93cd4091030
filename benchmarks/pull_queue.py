"""Time of a claim: of one reader alone, and claims per second of 16 at once: `make bench-queue` (private PostgreSQL).

    python scripts/with_postgres.py python -m benchmarks.pull_queue [--cases 2000] [--readers 16] [--seats 3]
        [--alone 200] [--read 1000]

A claim is `take_next`; each is followed by marking the seat as submitted. Alone: one reader, who has read `--read`
cases before, claims `--alone` more on one connection, under the budget of 50 ms for p95. At once: each reader in a
thread and on a connection of its own, until nothing is left, all in one process; a claim then waits for the other
threads more than for anything else. That no seat was given twice, and no case twice to one reader, is checked.
"""

import argparse
import os
import statistics
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import django

BUDGET_MS: Final = 50


def pull(project: Any, reader: Any, *, at_most: int = sys.maxsize) -> list[tuple[int, int, float]]:
    """Seat, case and seconds of each claim, until nothing is left."""
    from django.db import connection
    from django.utils import timezone

    from annotator.models import Seat
    from annotator.services.queue import take_next

    claims: list[tuple[int, int, float]] = []
    while len(claims) < at_most:
        start = time.perf_counter()
        seat = take_next(project=project, reader=reader, now=timezone.now())
        seconds = time.perf_counter() - start
        if seat is None:
            break
        claims.append((seat.pk, seat.case_id, seconds))
        done = {"state": "submitted", "submitted_at": timezone.now(), "reserved_until": None}
        Seat.objects.filter(pk=seat.pk).update(**done)
    connection.close()
    return claims


def n_statements(project: Any, reader: Any) -> int:
    """Statements of one claim, with those that begin and end its transaction."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext
    from django.utils import timezone

    from annotator.services.queue import give_back, take_next

    with CaptureQueriesContext(connection) as caught:
        seat = take_next(project=project, reader=reader, now=timezone.now())
    assert seat is not None, "nothing is left to claim"
    give_back(case=seat.case, reader=reader, now=timezone.now())
    return len(caught)


def fill(n_cases: int, n_readers: int, n_seats: int) -> tuple[Any, list[Any]]:
    """A project with a queue, and its readers."""
    from annotator.models import Membership, Role, Seat, StudyRules, User
    from tests.annotator.worlds import make_world

    world = make_world(f"queue-{time.time_ns()}", n_cases=0)
    world.cases = add_cases(world.project, n_cases)
    StudyRules.objects.create(project=world.project, reads="queue")
    Seat.objects.bulk_create(
        [
            Seat(
                project=world.project,
                case=case,
                slot=slot + 1,
                is_pulled=True,
                arm="blank" if (case.position + slot) % 2 else "prefilled",
                place=(case.position - 1) * n_seats + slot + 1,
            )
            for slot in range(n_seats)
            for case in world.cases
        ],
        batch_size=2000,
    )
    readers = [User.objects.create_user(f"{world.project.slug}-{number}") for number in range(n_readers)]
    for reader in readers:
        Membership.objects.create(project=world.project, user=reader, role=Role.READER)
    return world.project, readers


def add_cases(project: Any, n_cases: int) -> list[Any]:
    """Cases with a report each."""
    from annotator.models import Case, Report

    reports = Report.objects.bulk_create(
        [
            Report(project=project, report_id=f"q{number}", text="No stenosis.", text_sha256="0" * 64)
            for number in range(n_cases)
        ],
        batch_size=2000,
    )
    return Case.objects.bulk_create(
        [
            Case(project=project, report=report, key=report.report_id, patient_key=report.report_id, position=place)
            for place, report in enumerate(reports, start=1)
        ],
        batch_size=2000,
    )


def read_before(project: Any, reader: Any, n: int) -> None:
    """Submit the first seats of the queue as if the reader had; with a draft and a claim in the log each."""
    from django.db import connection
    from django.utils import timezone

    from annotator.models import Draft, Event, Seat

    now = timezone.now()
    seats = list(Seat.objects.filter(project=project, slot=1).order_by("place")[:n])
    done = {"reader": reader, "state": "submitted", "submitted_at": now}
    Seat.objects.filter(pk__in=[seat.pk for seat in seats]).update(**done)
    said = {"version": 1, "state": "submitted", "values": "." * 8, "urgencies": "_" * 8, "saved_at": now}
    Draft.objects.bulk_create(
        [Draft(project=project, case_id=seat.case_id, reader=reader, seat=seat, **said) for seat in seats], 2000
    )
    logged = [("seat_claimed", {"seat": seat.pk, "arm": seat.arm}, seat) for seat in seats]
    logged += [("draft_saved", {"version": 1}, seat) for seat in seats]
    Event.objects.bulk_create(
        [
            Event(project=project, case_id=seat.case_id, actor=reader, verb=verb, payload=said, at=now)
            for verb, said, seat in logged
        ],
        2000,
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def alone(project: Any, reader: Any, options: argparse.Namespace) -> None:
    """One reader, nobody else."""
    read_before(project, reader, options.read)
    n = n_statements(project, reader)
    ms = sorted(1000 * seconds for _, _, seconds in pull(project, reader, at_most=options.alone))
    p95 = ms[len(ms) * 95 // 100]
    print(f"alone, after {options.read:,} cases: {n} statements a claim, p50 {statistics.median(ms):.1f} ms, ", end="")
    print(f"p95 {p95:.1f} ms ({p95 / BUDGET_MS:.2f} of the budget of {BUDGET_MS} ms), most {ms[-1]:.0f}")


def main() -> None:
    """Fill, pull together, check, print."""
    parser = argparse.ArgumentParser()
    for name, value in (("cases", 2000), ("readers", 16), ("seats", 3), ("alone", 200), ("read", 1000)):
        parser.add_argument(f"--{name}", type=int, default=value)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotator.settings.test")
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    project, readers = fill(options.cases, options.readers + 1, options.seats)
    print(f"{options.cases:,} cases, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    alone(project, readers.pop(), options)
    if readers:
        at_once(project, readers)


def at_once(project: Any, readers: list[Any]) -> None:
    """All readers pull together until nothing is left."""
    start = time.perf_counter()
    with ThreadPoolExecutor(len(readers)) as pool:
        pulled = list(pool.map(lambda reader: pull(project, reader), readers))
    wall_s = time.perf_counter() - start
    claims = [claim for each in pulled for claim in each]
    assert max(Counter(seat for seat, _, _ in claims).values()) == 1, "a seat was given twice"
    for each in pulled:
        assert len({case for _, case, _ in each}) == len(each), "a reader got a case twice"
    assert not _n_free(project), f"{_n_free(project)} seats are left"
    ms = sorted(1000 * seconds for _, _, seconds in claims)
    loads = [len(each) for each in pulled]
    print(f"{len(claims):,} claims by {len(readers)} readers in {wall_s:.1f} s: {len(claims) / wall_s:.0f} claims/s")
    p95 = ms[len(ms) * 95 // 100]
    print(f"one claim of them: p50 {statistics.median(ms):.1f} ms, p95 {p95:.1f} ms, most {ms[-1]:.0f}")
    print(f"cases a reader: {min(loads)} to {max(loads)}")


def _n_free(project: Any) -> int:
    from annotator.models import Seat

    return Seat.objects.filter(project=project, state="open").count()


if __name__ == "__main__":
    main()
