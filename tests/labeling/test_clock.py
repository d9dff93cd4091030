"""The clock of a run goes while somebody works on it: not while workers are dead, stopped or not yet there."""

from datetime import timedelta

import pytest
from django.utils import timezone

from labeling.models import Run, RunChunk
from labeling.selectors import run_progress
from labeling.selectors.attendance import Attendance, attendance
from labeling.services import cancel_run, pause_run, resume_run, start_model_run, start_run
from labeling.services.chunks import claim, close, release, renew, sweep
from tests.factories import CaseFactory, ProjectFactory
from tests.labeling.run_tools import URL, Engine, carry_on, plan

pytestmark = pytest.mark.django_db
T0 = timezone.now()
NIGHT_S = 8 * 3600


@pytest.fixture
def run(settings):
    settings.RUN_CHUNK_REPORTS = 2
    settings.LLM_URLS = [URL]
    settings.RUN_LEASE_S = 60
    project = ProjectFactory()
    CaseFactory.create_batch(4, project=project)
    return start_model_run(project=project, plan=plan(), actor=None)


def at(seconds):
    return T0 + timedelta(seconds=seconds)


def take(run, number, *, at_s):
    """A worker takes a part of the run; the clock of a run that begins with it is set to that moment too."""
    begins = Run.objects.get(pk=run.pk).state == "queued"
    taken = claim(run.chunks.get(number=number).pk, now=at(at_s))
    if begins:
        Run.objects.filter(pk=run.pk).update(running_since=at(at_s))
    return taken


def worked_s(run, *, at_s):
    run.refresh_from_db()
    return run_progress(run, now=at(at_s)).active_s


def test_a_night_without_a_worker_counts_for_nothing(run):
    renew(take(run, 1, at_s=0), now=at(10))
    assert worked_s(run, at_s=11) == pytest.approx(10)
    assert worked_s(run, at_s=NIGHT_S) == pytest.approx(10)
    sweep(now=at(NIGHT_S))
    assert worked_s(run, at_s=NIGHT_S + 100) == pytest.approx(10)
    assert run.running_since is None
    renew(take(run, 1, at_s=NIGHT_S + 200), now=at(NIGHT_S + 205))
    assert worked_s(run, at_s=NIGHT_S + 205) == pytest.approx(15)


def test_it_counts_for_nothing_either_when_the_next_worker_takes_over_without_a_sweep(run):
    renew(take(run, 1, at_s=0), now=at(10))
    take(run, 1, at_s=NIGHT_S)
    assert worked_s(run, at_s=NIGHT_S) == pytest.approx(10)


def test_while_one_of_two_workers_goes_on_the_clock_does(run):
    take(run, 1, at_s=0)
    other = take(run, 2, at_s=0)
    renew(other, now=at(300))
    sweep(now=at(300))
    assert list(run.chunks.values_list("state", flat=True)) == ["queued", "leased"]
    renew(other, now=at(400))
    assert worked_s(run, at_s=400) == pytest.approx(400)


def test_a_worker_that_stops_in_good_order_stops_the_clock(run):
    taken = take(run, 1, at_s=-30)  # the clock of `release` is the real one
    Run.objects.update(running_since=timezone.now() - timedelta(seconds=30))
    renew(taken)
    release(taken, is_fault=False)
    run.refresh_from_db()
    assert (run.state, run.running_since) == ("running", None)
    assert 30 <= run.active_s < 60


def test_between_two_parts_the_clock_stands(run):
    taken = take(run, 1, at_s=0)
    renew(taken)
    close(taken)
    run.refresh_from_db()
    assert (run.state, run.running_since) == ("running", None)
    take(run, 2, at_s=500)
    assert worked_s(run, at_s=500) == pytest.approx(run.active_s)
    assert run.running_since == at(500)


@pytest.mark.parametrize("act", [pause_run, cancel_run])
def test_a_run_that_is_stopped_in_the_morning_had_no_work_at_night(run, act):
    now = timezone.now()
    taken = claim(run.chunks.first().pk)
    Run.objects.update(running_since=now - timedelta(seconds=NIGHT_S))
    renew(taken, now=now - timedelta(seconds=NIGHT_S - 10))
    run.refresh_from_db()
    act(run=run, actor=None)
    assert run.active_s == pytest.approx(10)
    if act is cancel_run:
        assert run.manifest["wall_seconds"] == pytest.approx(10)


def test_who_carries_a_run_is_told_from_the_signs_of_its_workers(run):
    def told(at_s):
        run.refresh_from_db()
        return attendance(run, run_progress(run, now=at(at_s)), now=at(at_s))

    RunChunk.objects.update(woken_at=at(0))
    Run.objects.update(started_at=at(0))
    assert (told(5), told(16)) == (Attendance.SOON, Attendance.NOBODY)
    taken = take(run, 1, at_s=20)
    assert (told(21), told(36)) == (Attendance.CARRIED, Attendance.NOBODY)  # 16 s of silence, the lease still runs
    renew(taken, now=at(40))
    assert told(41) == Attendance.CARRIED


def test_a_run_that_waits_for_workers_busy_with_another_is_not_called_abandoned(run):
    other = start_model_run(project=run.project, plan=plan(options=("threshold=1",)), actor=None)
    RunChunk.objects.update(woken_at=at(0))
    Run.objects.update(started_at=at(0))
    run.refresh_from_db()
    renew(take(other, 1, at_s=0), now=at(100))
    assert attendance(run, run_progress(run, now=at(101)), now=at(101)) == Attendance.ELSEWHERE
    assert attendance(run, run_progress(run, now=at(200)), now=at(200)) == Attendance.NOBODY


def test_nobody_is_looked_for_when_nothing_is_to_be_done(run):
    now = timezone.now() + timedelta(hours=1)
    pause_run(run=run, actor=None)
    assert attendance(run, run_progress(run, now=now), now=now) is None
    resume_run(run=run, actor=None)
    carry_on(run, Engine())
    assert attendance(run, run_progress(run, now=now), now=now) is None
    rules = start_run(project=run.project, labeler="rules", inputs={}, actor=None)
    assert attendance(rules, run_progress(rules, now=now), now=now) is None
