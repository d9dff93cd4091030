"""Many readers at the queue at once: threads on PostgreSQL, processes on both databases, some of which die."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from annotator.models import Membership, Role, Seat, SeatState, User
from annotator.selectors.queues import MAX_HELD
from annotator.services.queue import take_next
from tests.annotator.seat_worlds import limit, queue_of
from tests.annotator.worlds import make_world

ROOT = Path(__file__).resolve().parents[2]
N_READERS, N_CASES, N_PER_CASE = 16, 200, 3
# Far above what a claim takes, far below what a claim that waits for a lock would.
PATIENCE_S = 5
needs_postgres = pytest.mark.skipif(
    "connection.vendor != 'postgresql'",
    reason="claims side by side need PostgreSQL: scripts/with_postgres.py pytest tests/annotator",
)


def pull_all(project, reader):
    """Take and submit until the queue has nothing; keys of the cases, and the longest that one claim took."""
    taken, longest = [], 0.0
    while True:
        now = timezone.now()
        start = time.perf_counter()
        seat = take_next(project=project, reader=reader, now=now)
        longest = max(longest, time.perf_counter() - start)
        if seat is None:
            return taken, longest
        taken.append((seat.pk, seat.case_id))
        done = Seat.objects.filter(pk=seat.pk, reader=reader, state=SeatState.HELD)
        assert done.update(state=SeatState.SUBMITTED, submitted_at=now, reserved_until=None) == 1


def add_readers(project, count):
    readers = [User.objects.create_user(f"puller{number}") for number in range(count)]
    for reader in readers:
        Membership.objects.create(project=project, user=reader, role=Role.READER)
    return readers


def pull_together(project, readers):
    def pull(reader):
        try:
            return pull_all(project, reader)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(readers)) as pool:
        return list(pool.map(pull, readers))


def check_fair(outcomes, *, n_cases, n_per_case):
    """No seat twice, no case twice to one reader, nothing left over."""
    seats = Counter(seat for taken, _ in outcomes for seat, _ in taken)
    assert max(seats.values()) == 1
    for taken, _ in outcomes:
        cases = [case for _, case in taken]
        assert len(set(cases)) == len(cases)
    assert len(seats) == n_cases * n_per_case


@pytest.mark.django_db(transaction=True)
@needs_postgres
def test_sixteen_readers_at_once_never_share_a_seat_nor_get_a_case_twice():
    world = make_world("pulled", n_cases=N_CASES)
    queue_of(world, n_per_case=N_PER_CASE)
    outcomes = pull_together(world.project, add_readers(world.project, N_READERS))
    check_fair(outcomes, n_cases=N_CASES, n_per_case=N_PER_CASE)
    assert max(longest for _, longest in outcomes) < PATIENCE_S


@pytest.mark.django_db(transaction=True)
@needs_postgres
def test_nobody_waits_for_a_connection_that_holds_locks_and_says_nothing():
    world = make_world("hung", n_cases=12)
    seats = queue_of(world)
    lapsed = timezone.now() - timedelta(hours=1)
    Seat.objects.filter(pk=seats[1].pk).update(state=SeatState.HELD, reader=world.reader, reserved_until=lapsed)
    hung = connections.create_connection("default")
    try:
        hung.set_autocommit(False)
        with hung.cursor() as cursor:  # one free seat, one whose time is up
            cursor.execute("SELECT id FROM annotator_seat WHERE id = ANY(%s) FOR UPDATE", [[seats[0].pk, seats[1].pk]])
        outcomes = pull_together(world.project, add_readers(world.project, 4))
    finally:
        hung.rollback()
        hung.close()
    taken = {seat for taken, _ in outcomes for seat, _ in taken}
    assert taken == {seat.pk for seat in seats[2:]}
    assert max(longest for _, longest in outcomes) < PATIENCE_S
    late = pull_together(world.project, [world.other_reader])
    assert {seat for seat, _ in late[0][0]} == {seats[0].pk, seats[1].pk}


@pytest.mark.django_db(transaction=True)
@needs_postgres
def test_two_tabs_of_one_reader_never_hold_two_seats_of_a_case():
    world = make_world("tabs", n_cases=40)
    queue_of(world, n_per_case=N_PER_CASE)
    outcomes = pull_together(world.project, [world.reader] * 6)
    cases = [case for taken, _ in outcomes for _, case in taken]
    assert sorted(set(cases)) == sorted(cases) == sorted(case.pk for case in world.cases)


@pytest.mark.django_db(transaction=True)
@needs_postgres
def test_a_claim_of_the_same_reader_that_hangs_is_passed_over():
    # The worker froze after it took the first case for them: its transaction is open, and says nothing.
    world = make_world("frozen", n_cases=3)
    seats = queue_of(world, n_per_case=2)
    hung = connections.create_connection("default")
    try:
        hung.set_autocommit(False)
        with hung.cursor() as cursor:
            taken = "UPDATE annotator_seat SET reader_id = %s, state = 'held', reserved_until = now() WHERE id = %s"
            cursor.execute(taken, [world.reader.pk, seats[0].pk])
        start = time.perf_counter()
        seat = take_next(project=world.project, reader=world.reader, now=timezone.now())
        assert time.perf_counter() - start < PATIENCE_S
        assert seat.case == world.cases[1]
    finally:
        hung.rollback()
        hung.close()


@contextmanager
def frozen_claim(world):
    """A claim of the reader that has taken a seat and does not end before the block does."""
    frozen, thawed = Event(), Event()

    def claim():
        try:
            with transaction.atomic():
                seat = take_next(project=world.project, reader=world.reader, now=timezone.now())
                frozen.set()
                assert thawed.wait(PATIENCE_S)
                return seat
        finally:
            frozen.set()
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        claimed = pool.submit(claim)
        try:
            assert frozen.wait(PATIENCE_S)
            yield claimed
        finally:
            thawed.set()


@pytest.mark.django_db(transaction=True)
@needs_postgres
def test_beside_a_claim_that_hangs_a_reader_gets_one_case_and_never_more_than_they_may_hold():
    world = make_world("thawed", n_cases=6)
    queue_of(world, n_per_case=2)
    with frozen_claim(world) as claimed:
        taken = [take_next(project=world.project, reader=world.reader, now=timezone.now()) for _ in range(3)]
    assert [seat and seat.case for seat in taken] == [world.cases[1], None, None]
    assert claimed.result().case == world.cases[0]
    assert take_next(project=world.project, reader=world.reader, now=timezone.now()) is None
    assert Seat.objects.filter(reader=world.reader, state=SeatState.HELD).count() == MAX_HELD


@pytest.mark.django_db(transaction=True)
@needs_postgres
def test_a_quota_holds_when_tabs_of_one_reader_claim_at_once():
    world = make_world("quota", n_cases=6)
    limit(world, queue_of(world), quota=1)
    with frozen_claim(world) as claimed:
        assert take_next(project=world.project, reader=world.reader, now=timezone.now()) is None
    assert claimed.result() is not None
    assert Seat.objects.filter(reader=world.reader).count() == 1


@pytest.mark.django_db(transaction=True)
@needs_postgres
def test_tabs_of_one_reader_at_once_never_hold_more_than_two_cases():
    world = make_world("held", n_cases=20)
    queue_of(world)
    now = timezone.now()

    def claim(_):
        try:
            return take_next(project=world.project, reader=world.reader, now=now)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        taken = [seat for seat in pool.map(claim, range(12)) if seat]
    assert len(taken) == Seat.objects.filter(reader=world.reader).count() == MAX_HELD


class Instance:
    """A database of its own, and processes that pull from it."""

    def __init__(self, folder, url):
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        self.environment = kept | {"DJANGO_SETTINGS_MODULE": "annotator.settings.test", "PYTHONPATH": str(ROOT)}
        self.environment |= {"DATABASE_URL": url, "TMPDIR": str(folder)}

    def start(self, *command):
        return subprocess.Popen(
            [sys.executable, "-m", "tests.annotator.pulling", *command],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, *command):
        process = self.start(*command)
        out, _ = process.communicate(timeout=240)
        assert process.returncode == 0, f"{command} ended with {process.returncode}"
        return json.loads(out)


def test_processes_on_sqlite_share_a_queue_and_one_that_is_killed_loses_nothing_but_its_time(tmp_path):
    instance = Instance(tmp_path, f"sqlite:///{tmp_path}/queue.sqlite3")
    n_cases, n_readers = 20, 3
    instance.run("fill", str(n_cases), str(n_readers))
    # It holds the write lock, in the middle of a claim, when it is killed.
    dying = instance.start("die", "0")
    assert json.loads(dying.stdout.readline())["taken"]
    dying.kill()
    dying.communicate()
    pulling = [instance.start("pull", str(number)) for number in range(n_readers)]
    outcomes = [json.loads(process.communicate(timeout=240)[0]) for process in pulling]
    check_fair([(taken, 0) for taken in outcomes], n_cases=n_cases, n_per_case=1)


@pytest.mark.django_db(transaction=True)
@needs_postgres
def test_a_process_that_is_killed_in_the_middle_of_a_claim_on_postgresql_leaves_the_seat_free(tmp_path):
    world = make_world("killed", n_cases=MAX_HELD + 2)
    queue_of(world)
    settings = connection.settings_dict
    url = f"postgres://{settings['USER']}@{settings['HOST'].replace('/', '%2F')}/{settings['NAME']}"
    dying = Instance(tmp_path, url).start("die", world.reader.get_username())
    assert json.loads(dying.stdout.readline())["taken"]
    dying.kill()
    dying.communicate()
    outcomes = pull_together(world.project, [world.other_reader])
    late = pull_together(world.project, [world.other_reader])
    check_fair([(outcomes[0][0] + late[0][0], 0)], n_cases=MAX_HELD + 2, n_per_case=1)
