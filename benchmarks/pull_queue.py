"""Claims per second and time of a claim with 16 readers at once: `make bench-queue` (on a private PostgreSQL).

    python scripts/with_postgres.py python -m benchmarks.pull_queue [--cases 2000] [--readers 16] [--seats 3]

A claim is `take_next`, in a thread and on a connection of its own; each claim is followed by marking the seat as
submitted. That no seat was given twice, and no case twice to one reader, is checked.
"""

import argparse
import os
import statistics
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import django


def pull(project: Any, reader: Any) -> list[tuple[int, int, float]]:
    """Seat, case and seconds of each claim, until nothing is left."""
    from django.db import connection
    from django.utils import timezone

    from annotator.models import Seat
    from annotator.services.queue import take_next

    claims = []
    while True:
        start = time.perf_counter()
        seat = take_next(project=project, reader=reader, now=timezone.now())
        seconds = time.perf_counter() - start
        if seat is None:
            connection.close()
            return claims
        claims.append((seat.pk, seat.case_id, seconds))
        done = {"state": "submitted", "submitted_at": timezone.now(), "reserved_until": None}
        Seat.objects.filter(pk=seat.pk).update(**done)


def fill(n_cases: int, n_readers: int, n_seats: int) -> tuple[Any, list[Any]]:
    """A project with a queue, and its readers."""
    from annotator.models import Membership, Role, Seat, StudyRules, User
    from tests.annotator.worlds import make_world

    world = make_world(f"queue-{time.time_ns()}", n_cases=n_cases)
    StudyRules.objects.create(project=world.project, reads="queue")
    Seat.objects.bulk_create(
        [
            Seat(
                project=world.project,
                case=case,
                slot=slot + 1,
                is_pulled=True,
                arm="blank" if (case.position + slot) % 2 else "prefilled",
                place=case.position + slot * n_cases,
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


def main() -> None:
    """Fill, pull together, check, print."""
    parser = argparse.ArgumentParser()
    for name, value in (("cases", 1000), ("readers", 16), ("seats", 3)):
        parser.add_argument(f"--{name}", type=int, default=value)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotator.settings.test")
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    project, readers = fill(options.cases, options.readers, options.seats)
    start = time.perf_counter()
    with ThreadPoolExecutor(len(readers)) as pool:
        pulled = list(pool.map(lambda reader: pull(project, reader), readers))
    wall_s = time.perf_counter() - start
    claims = [claim for each in pulled for claim in each]
    assert max(Counter(seat for seat, _, _ in claims).values()) == 1, "a seat was given twice"
    for each in pulled:
        assert len({case for _, case, _ in each}) == len(each), "a reader got a case twice"
    assert len(claims) == options.cases * options.seats, f"{len(claims)} seats were given"
    ms = sorted(1000 * seconds for _, _, seconds in claims)
    loads = [len(each) for each in pulled]
    print(f"{len(claims):,} claims by {len(readers)} readers in {wall_s:.1f} s: {len(claims) / wall_s:.0f} claims/s")
    print(f"one claim: p50 {statistics.median(ms):.1f} ms, p95 {ms[len(ms) * 95 // 100]:.1f} ms, most {ms[-1]:.0f}")
    print(f"cases a reader: {min(loads)} to {max(loads)}")


if __name__ == "__main__":
    main()
