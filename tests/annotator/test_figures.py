"""Figures are asked for, computed, stored with what they are of, and computed anew when that changes."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from annotator.core import figure_requests
from annotator.core.figure_requests import FigureRequest, Kind, Origin
from annotator.models import Evaluation, LabelSchema, Reading, User
from annotator.selectors import figure_pages, matrices
from annotator.selectors.figure_pages import query_of
from annotator.services import figures
from annotator.services.figure_holds import LEASE_S
from annotator.services.figures import DIED, FAULT, KEPT, MAX_ATTEMPTS, ask, ask_again, compute, waiting
from tests.annotator.test_matrices import add_label, add_reading, add_run
from tests.annotator.worlds import add_case
from tests.study import make_study

pytestmark = pytest.mark.django_db
State = Evaluation.State


@pytest.fixture
def study():
    return make_study("lumbar", n_cases=6)


@pytest.fixture
def sent():
    return []


def request_for(study, **more):
    return FigureRequest(Kind.LABELER, run=str(study.runs[0].run_id), n_resamples=20, **more)


def asked(study, *, send=lambda _: None, **more):
    return ask(project=study.project, actor=study.manager, request=request_for(study, **more), send=send)


def computed(study, **more):
    """Ask, compute, and ask again."""
    compute(asked(study, **more).pending.pk)
    return asked(study, **more)


def read_another(study):
    """Somebody submits a first reading."""
    return add_reading(study, study.cases[0], reader=study.manager)


def fails(*_, **__):
    raise ZeroDivisionError("a bug")


def test_figures_are_queued_then_computed_then_shown(study, sent, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        first = asked(study, send=sent.append)
    assert (first.done, first.is_current, first.pending.state) == (None, False, State.QUEUED)
    assert sent == [first.pending.pk]
    compute(first.pending.pk)
    second = asked(study, send=sent.append)
    assert (second.done, second.is_current, second.pending) == (first.pending, True, None)
    assert len(sent) == 1
    assert second.done.requested_by == study.manager
    about = second.done.result["about"]
    assert set(about.pop("software")) == {"Python", "NumPy"}
    assert about == {
        "n_cases": 6,
        "n_patients": 4,  # two patients have two cases each
        "n_readings": 18,
        "n_by_reader": {f"lumbar-reader{number}": 6 for number in (1, 2, 3)},
        "n_left_out": 0,
        "n_assisted": 0,
        "is_blind": True,
    }


def test_asking_twice_queues_once_and_reminds_the_workers(study, sent, django_capture_on_commit_callbacks):
    for _ in range(2):
        with django_capture_on_commit_callbacks(execute=True):
            asked(study, send=sent.append)
    assert Evaluation.objects.count() == 1
    assert sent == [Evaluation.objects.get().pk] * 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(
    "connection.vendor != 'postgresql'",
    reason="two requests at once need PostgreSQL: scripts/with_postgres.py pytest tests/annotator",
)
def test_of_four_who_ask_at_once_one_evaluation_comes(study):
    barrier = Barrier(4)

    def ask_at_once(_):
        barrier.wait()
        try:
            return asked(study).pending.pk
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        keys = set(pool.map(ask_at_once, range(4)))
    assert keys == {Evaluation.objects.get().pk}


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(
    "connection.vendor != 'postgresql'",
    reason="two workers at once need PostgreSQL: scripts/with_postgres.py pytest tests/annotator",
)
def test_of_four_workers_at_once_one_computes(study):
    key, barrier = asked(study).pending.pk, Barrier(4)

    def compute_at_once(_):
        barrier.wait()
        try:
            return compute(key)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        ended = [each for each in pool.map(compute_at_once, range(4)) if each is not None]
    assert (len(ended), ended[0].state, ended[0].attempts) == (1, State.DONE, 1)


def test_computing_twice_changes_nothing(study):
    done = computed(study).done
    assert compute(done.pk) is None
    done.refresh_from_db()
    assert done.attempts == 1


def test_the_same_inputs_give_the_same_figures(study):
    first = computed(study).done.result
    Evaluation.objects.all().delete()
    assert computed(study).done.result == first


def test_figures_that_somebody_computes_are_left_to_them(study):
    pending = asked(study).pending
    now = timezone.now()
    Evaluation.objects.update(state=State.RUNNING, attempts=1, lease_until=now + timedelta(seconds=1))
    assert compute(pending.pk, now=now) is None
    assert waiting(now=now) == []
    assert asked(study).pending == pending


def test_figures_of_a_worker_that_died_are_computed_by_another(study):
    pending = asked(study).pending
    now = timezone.now()
    Evaluation.objects.update(state=State.RUNNING, attempts=1, lease_until=now - timedelta(seconds=1))
    assert waiting(now=now) == [pending.pk]
    assert compute(pending.pk, now=now).state == State.DONE


def died(pending):
    """Its worker is silent since the lease ran out."""
    ago = timezone.now() - timedelta(seconds=1)
    Evaluation.objects.filter(pk=pending.pk).update(state=State.RUNNING, attempts=1, lease_until=ago)


def test_who_asks_for_figures_that_a_dead_worker_left_reminds_the_others(
    study, sent, django_capture_on_commit_callbacks
):
    pending = asked(study).pending
    died(pending)
    with django_capture_on_commit_callbacks(execute=True):
        assert asked(study, send=sent.append).pending == pending
    assert sent == [pending.pk]


def test_figures_of_an_earlier_state_that_a_dead_worker_left_block_no_newer_ones(study):
    left = asked(study).pending
    died(left)
    read_another(study)
    pending = asked(study).pending
    assert pending.inputs["readings"]["n"] == 19
    assert list(Evaluation.objects.all()) == [pending]


def test_a_worker_that_comes_back_from_the_dead_does_not_write(study, monkeypatch):
    pending, now = asked(study).pending, timezone.now()

    def taken_over(evaluation):
        assert compute(evaluation.pk, now=now + timedelta(seconds=LEASE_S + 1)).attempts == 2
        return {"rows": ["of the dead"]}

    real = figures._result
    monkeypatch.setattr(figures, "_result", lambda evaluation: next(turns)(evaluation))
    turns = iter([taken_over, real])
    assert compute(pending.pk, now=now) is None
    pending.refresh_from_db()
    assert (pending.state, pending.attempts) == (State.DONE, 2)
    assert pending.result["rows"] != ["of the dead"]


def test_figures_that_kill_their_workers_are_given_up_with_a_reason(study):
    pending, now = asked(study).pending, timezone.now()
    Evaluation.objects.update(state=State.RUNNING, attempts=MAX_ATTEMPTS, lease_until=now - timedelta(seconds=1))
    assert compute(pending.pk, now=now) is None
    shown = asked(study)
    assert (shown.pending, shown.failed, shown.failed.reason) == (None, pending, DIED)


def test_a_fault_is_raised_and_given_up_after_some_attempts(study, monkeypatch):
    monkeypatch.setattr(figures, "_result", fails)
    pending = asked(study).pending
    for attempt in range(1, MAX_ATTEMPTS + 1):
        assert waiting(now=timezone.now()) == [pending.pk]
        with pytest.raises(ZeroDivisionError):
            compute(pending.pk)
        pending.refresh_from_db()
        assert pending.attempts == attempt
    assert (pending.state, pending.reason) == (State.FAILED, FAULT)
    assert waiting(now=timezone.now()) == []


def test_what_failed_for_a_fault_can_be_tried_again(study, sent, monkeypatch, django_capture_on_commit_callbacks):
    key = asked(study).pending.pk
    with monkeypatch.context() as broken:
        broken.setattr(figures, "_result", fails)
        for _ in range(MAX_ATTEMPTS):
            with pytest.raises(ZeroDivisionError):
                compute(key)
    shown = asked(study)
    assert shown.can_be_tried_again
    with django_capture_on_commit_callbacks(execute=True):
        assert ask_again(shown.failed, send=sent.append)
    assert sent == [key]
    assert not ask_again(shown.failed, send=sent.append)
    assert compute(key).state == State.DONE


def test_what_cannot_be_computed_says_why_and_is_not_tried_again(study):
    shown = computed(study, truth="lumbar-manager")
    assert (shown.done, shown.pending, shown.is_current) == (None, None, False)
    assert "'lumbar-manager' has submitted no case" in shown.failed.reason
    assert not shown.can_be_tried_again
    read_another(study)
    again = asked(study, truth="lumbar-manager")
    assert (again.failed, again.pending.state) == (None, State.QUEUED)


@pytest.mark.parametrize("change", ["reading", "label", "name"])
def test_figures_are_computed_anew_when_what_they_are_of_changes(study, change):
    run = add_run(study, [{}, {}], state="running")
    study.runs = [run]
    first = computed(study).done
    match change:
        case "reading":
            read_another(study)
        case "label":
            add_label(run, study.cases[2])
        case "name":
            User.objects.filter(username="lumbar-reader1").update(username="lumbar-renamed")
    shown = asked(study)
    assert (shown.done, shown.is_current) == (first, False)
    compute(shown.pending.pk)
    assert asked(study).is_current
    assert asked(study).done != first


def test_only_one_set_of_a_request_is_computed_at_a_time(study):
    pending = asked(study).pending
    read_another(study)
    assert asked(study).pending == pending
    compute(pending.pk)
    later = asked(study)
    assert not later.is_current
    assert later.pending.inputs["readings"]["n"] == 19


def test_a_new_method_makes_figures_anew_and_hides_the_old(study, monkeypatch):
    first = computed(study).done
    for module in (figure_pages, matrices):
        monkeypatch.setattr(module, "METHOD_VERSION", figure_requests.METHOD_VERSION + 1)
    shown = asked(study)
    assert shown.done is None
    assert shown.pending != first


def test_figures_under_another_schema_are_not_shown(study):
    first = computed(study).done
    stored = study.project.schema
    other = LabelSchema.objects.create(name=stored.name, version=2, hash="e" * 64, source=stored.source)
    pending = None
    study.project.schema = other
    study.project.save()
    shown = asked(study)
    pending = shown.pending
    assert (shown.done, pending.schema) == (None, other)
    assert pending != first
    study.project.schema = stored
    study.project.save()
    compute(pending.pk)
    pending.refresh_from_db()
    assert (pending.state, pending.reason) == (State.FAILED, "the project has another schema by now")


def test_requests_and_projects_have_figures_of_their_own(study):
    done = computed(study).done
    assert asked(study, origin=Origin.ALL).pending != done
    assert asked(study, truth="lumbar-reader1").done is None
    other = make_study("thoracic", n_cases=3, seed=1)
    shown = ask(project=other.project, actor=None, request=request_for(study), send=lambda _: None)
    assert (shown.done, shown.pending.project) == (None, other.project)
    assert compute(shown.pending.pk).reason == "the run labeled none of the cases that were read"


def test_figures_that_are_done_never_change(study):
    done = computed(study).done
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        Evaluation.objects.filter(pk=done.pk).update(result={"rows": []})
    done.refresh_from_db()
    assert done.result["rows"]


def test_figures_of_the_last_day_are_kept_for_pages_that_are_open(study):
    made = []
    for number in range(KEPT + 1):
        add_reading(study, add_case(study.project, 100 + number))
        made.append(computed(study).done.pk)
    assert sorted(Evaluation.objects.values_list("pk", flat=True)) == made


def test_old_figures_of_a_request_are_forgotten_but_a_few(study, monkeypatch):
    monkeypatch.setattr(figures, "KEPT_FOR", timedelta(0))
    other = computed(study, origin=Origin.ALL).done
    made = []
    for number in range(KEPT + 2):
        add_reading(study, add_case(study.project, 100 + number))
        made.append(computed(study).done.pk)
    kept = set(Evaluation.objects.values_list("pk", flat=True))
    assert kept == {other.pk, *made[-KEPT:]}


def test_nothing_of_a_report_is_in_the_stored_figures(study):
    done = computed(study).done
    assert "Made-up report" not in str(done.result) + str(done.inputs) + str(done.request)


def test_the_address_of_figures_asks_for_them(study):
    done = computed(study, truth="lumbar-reader1", origin=Origin.ALL).done
    run = study.runs[0].run_id
    assert query_of(done) == f"run={run}&truth=lumbar-reader1&origin=all&level=cells"


def test_readings_that_wait_for_nobody_leave_no_figures():
    study = make_study("lumbar", n_cases=2, n_per_case=0)
    assert not Reading.objects.exists()
    assert "nobody has submitted a case" in computed(study).failed.reason
