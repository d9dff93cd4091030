"""Runs that ask a language model, carried in this process: states, stored calls, failures, manifests."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, OperationalError, transaction
from django.utils import timezone

from annotator.models import Event
from labeling.core.backends import BackendError, Trouble
from labeling.core.many import Tally
from labeling.exceptions import UserError
from labeling.models import MachineLabel, ReportFailure, Run, RunChunk, StoredCall
from labeling.selectors import failures_by_kind, prefill_run, run_progress
from labeling.services import (
    RunExists,
    TransitionRefused,
    cancel_run,
    choose_prefill,
    pause_run,
    resume_run,
    start_model_run,
)
from labeling.services.carrying import ChunkBroke, Ending, carry
from labeling.services.chunks import LeaseLost, claim, claim_next, renew, sweep
from labeling.services.outbox import Batch
from labeling.services.states import MAY_BECOME, change_state
from labeling.services.writing import ChunkWriter, record_of, storable
from tests.factories import CaseFactory, ProjectFactory, UserFactory
from tests.labeling.run_tools import N_CELLS, SAYS_YES, URL, Engine, about, carry_on, plan

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def small_chunks(settings):
    settings.RUN_CHUNK_REPORTS = 2
    settings.LLM_URLS = [URL]


@pytest.fixture
def project():
    project = ProjectFactory()
    CaseFactory.create_batch(5, project=project)
    return project


@pytest.fixture
def run(project):
    return start_model_run(project=project, plan=plan(), actor=None)


def states_of(run):
    return list(RunChunk.objects.filter(run=run).values_list("state", flat=True))


def test_a_run_labels_every_report_once_and_keeps_what_the_model_said(run, project):
    assert (run.state, states_of(run), run.n_reports) == ("queued", ["queued"] * 3, 5)
    engine = Engine()
    assert carry_on(run, engine) == [Ending.DONE] * 3
    assert (run.state, states_of(run)) == ("complete", ["done"] * 3)
    assert len(engine.calls) == StoredCall.objects.filter(run=run).count() == 5 * N_CELLS
    labels = MachineLabel.objects.filter(run=run)
    assert sorted(labels.values_list("report", flat=True)) == sorted(project.reports.values_list("pk", flat=True))
    assert set(labels.values_list("values", flat=True)) == {"+" * N_CELLS}
    call = StoredCall.objects.filter(run=run, target="L4-5").first() or StoredCall.objects.filter(run=run).first()
    assert (call.stage, call.read, call.answer) == ("answer", "logits", '{"logits": [3.5, 1.0], "floor": []}')
    assert record_of(call).purpose.finding == call.finding


def test_the_manifest_says_what_was_asked_of_whom_and_what_came_out(run, project):
    carry_on(run, Engine())
    manifest = run.manifest
    assert manifest["backend"] == {"engine": "scripted", "model": "tiny", "version": "1"}
    assert manifest["method"]["labeler"] == manifest["labeler"] == "direct-query"
    assert manifest["method"]["prompts"]
    assert manifest["schema_hash"] == project.schema.hash
    assert (manifest["n_in"], manifest["n_out"], manifest["n_failed"]) == (5, 5, {})
    assert manifest["calls"] == {"asked": 5 * N_CELLS, "failed": 0}
    # The scripted backend says that each logit call generates one token.
    assert manifest["tokens"]["generated"] == 5 * N_CELLS
    assert manifest["tokens"]["prompt"] == sum(StoredCall.objects.values_list("prompt_tokens", flat=True))
    assert manifest["wall_seconds"] > 0
    assert {"input_set", "started_at", "ended_at", "sampling", "attempts"} <= manifest.keys()


def test_every_change_of_state_is_in_the_history(run, project):
    actor = UserFactory()
    pause_run(run=run, actor=actor)
    resume_run(run=run, actor=actor)
    carry_on(run, Engine())
    changes = Event.objects.filter(project=project, verb=Event.Verb.RUN_CHANGED)
    assert [(each.payload["before"], each.payload["after"]) for each in changes] == [
        ("queued", "paused"),
        ("paused", "queued"),
        ("queued", "running"),
        ("running", "complete"),
    ]
    assert [each.actor for each in changes] == [actor, actor, None, None]
    assert {each.payload["run"] for each in changes} == {str(run.run_id)}


@pytest.mark.parametrize("before", Run.State.values)
@pytest.mark.parametrize("after", Run.State.values)
def test_only_the_listed_states_follow_each_other(run, before, after):
    ended = before in ("cancelled", "failed", "complete")
    Run.objects.filter(pk=run.pk).update(state=before, finished_at=timezone.now() if ended else None)
    if after in MAY_BECOME[before]:
        change_state(run, after)
        assert Run.objects.get().state == after
    else:
        with pytest.raises(TransitionRefused, match=f"is {before}; it cannot become {after}"):
            change_state(run, after)
        assert Run.objects.get().state == before


def test_an_ended_run_has_an_end_and_the_others_have_none(run):
    for state, finished_at in [("queued", timezone.now()), ("paused", timezone.now()), ("complete", None)]:
        with pytest.raises(DatabaseError), transaction.atomic():
            Run.objects.filter(pk=run.pk).update(state=state, finished_at=finished_at)


def test_what_a_complete_run_says_of_itself_is_never_changed(run):
    carry_on(run, Engine())
    for change in ({"manifest": {}}, {"state": "failed"}):
        with pytest.raises(DatabaseError), transaction.atomic():
            Run.objects.filter(pk=run.pk).update(**change)
    choose_prefill(run=run, actor=None)
    assert prefill_run(run.project) == run


@pytest.mark.parametrize("change", [{"answer": "no"}, {"key": "0"}, {"prompt_tokens": 0}])
def test_a_stored_answer_is_never_changed_and_what_was_read_in_it_may_be_said_anew(run, change):
    carry_on(run, Engine(), chunks=1)
    with pytest.raises(DatabaseError), transaction.atomic():
        StoredCall.objects.update(**change)
    with pytest.raises(DatabaseError), transaction.atomic():
        StoredCall.objects.first().delete()
    StoredCall.objects.update(read="by another parser")


def test_a_paused_run_gives_its_chunk_back_and_resumes_without_asking_again(run):
    engine = Engine()
    taken = claim_next(run)
    pause_run(run=run, actor=None, reason="for lunch")
    assert carry(taken, backend_of=lambda _: engine) in (Ending.STOPPED, Ending.DONE)
    assert claim_next(run) is None
    run.refresh_from_db()
    assert (run.state, run.reason, run.running_since) == ("paused", "for lunch", None)
    resume_run(run=run, actor=None)
    carry_on(run, engine)
    assert run.state == "complete"
    assert len(engine.calls) == 5 * N_CELLS


class Died(BaseException):
    """The end of a worker, as far as one process can play it."""


def test_answers_that_were_stored_before_a_crash_are_not_asked_for_again(run):
    answered = []

    def die_at_the_fifth_answer(call):
        answered.append(call)
        if len(answered) == 5:
            raise Died
        return SAYS_YES

    first = Engine(die_at_the_fifth_answer)
    with pytest.raises(ChunkBroke):
        carry(claim_next(run), backend_of=lambda _: first)
    n_stored = StoredCall.objects.count()
    assert n_stored >= 4
    assert MachineLabel.objects.count() == 0
    second = Engine()
    carry_on(run, second)
    assert run.state == "complete"
    assert len(second.calls) == 5 * N_CELLS - n_stored
    assert StoredCall.objects.count() == 5 * N_CELLS


def test_what_a_database_error_kept_from_being_written_is_written_when_the_chunk_is_given_back(run, monkeypatch):
    real, failed = ChunkWriter._write_results, []

    def fail_once(writer, results):
        if results and not failed:
            failed.append(len(results))
            raise OperationalError("database is locked")
        real(writer, results)

    monkeypatch.setattr(ChunkWriter, "_write_results", fail_once)
    engine = Engine()
    with pytest.raises(OperationalError):
        carry(claim_next(run), backend_of=lambda _: engine)
    assert MachineLabel.objects.count() == 2
    assert (RunChunk.objects.first().state, RunChunk.objects.first().n_labeled) == ("queued", 2)
    carry_on(run, engine)
    assert (run.state, len(engine.calls)) == ("complete", 5 * N_CELLS)
    assert run.manifest["calls"]["asked"] == 5 * N_CELLS


def test_calls_without_an_end_are_not_written_and_none_is_taken_back(run):
    tally = Tally(n_calls=10, waiting=4)
    writer = ChunkWriter(claim_next(run), tally)

    def written():
        writer.write(Batch())
        return RunChunk.objects.get(pk=writer.claim.chunk.pk).n_calls

    assert written() == 6
    tally.waiting = 5
    assert written() == 6
    tally.n_calls, tally.waiting = 9, 0  # one was given up
    assert written() == 9


def test_tokens_that_the_engine_does_not_count_are_unknown_in_the_manifest(run):
    carry_on(run, Engine())
    assert run.manifest["tokens"]["prompt_cached"] is None


def test_a_report_that_is_too_long_fails_alone(run, project):
    victim = project.reports.first()
    too_long = BackendError(Trouble.TOO_LONG, "longer than the context")
    engine = Engine(lambda call: too_long if about(call, victim.report_id) else SAYS_YES)
    carry_on(run, engine)
    assert (run.state, run.manifest["n_out"], run.manifest["n_failed"]) == ("complete", 4, {"too_long": 1})
    failure = ReportFailure.objects.get()
    assert (failure.report, failure.kind, failure.message) == (victim, "too_long", "longer than the context")
    assert failures_by_kind(run) == {"too_long": 1}
    assert (run_progress(run).n_labeled, run_progress(run).n_failed) == (4, 1)


def test_a_fault_of_the_labeler_fails_one_report_and_does_not_quote_it(run, project):
    victim = project.reports.last()

    def script(call):
        if about(call, victim.report_id):
            raise ValueError(victim.text)
        return SAYS_YES

    carry_on(run, Engine(script))
    failure = ReportFailure.objects.get()
    assert (run.state, failure.report, failure.kind) == ("complete", victim, "labeler_error")
    assert failure.message.startswith("the labeler ended with ValueError at test_runs.py:")
    assert victim.text not in failure.message


def test_a_run_without_a_single_label_has_failed(project):
    run = start_model_run(project=project, plan=plan(cases=[project.cases.first().key]), actor=None)
    carry_on(run, Engine(lambda call: BackendError(Trouble.TOO_LONG, "longer than the context")))
    assert (run.state, run.reason) == ("failed", "no report was labeled: too_long, longer than the context")
    with pytest.raises(UserError, match="only a complete run"):
        choose_prefill(run=run, actor=None)


def test_an_engine_that_is_gone_fails_the_run_which_then_resumes_where_it_was(project, settings):
    settings.RUN_CHUNK_REPORTS = 20
    CaseFactory.create_batch(20, project=project)
    run = start_model_run(project=project, plan=plan(concurrency=1), actor=None)
    gone = BackendError(Trouble.UNREACHABLE, "the server takes no connection")
    engine = Engine(lambda call: SAYS_YES if len(engine.calls) <= 3 * N_CELLS else gone)
    assert carry_on(run, engine) == [Ending.ENGINE]
    assert run.state == "failed"
    assert "the last 10 reports went without an answer" in run.reason
    n_stored, n_labeled = StoredCall.objects.count(), MachineLabel.objects.count()
    assert n_stored == 3 * N_CELLS
    resume_run(run=run, actor=None)
    again = Engine()
    carry_on(run, again)
    assert (run.state, run.attempt) == ("complete", 2)
    assert len(again.calls) == 25 * N_CELLS - n_stored
    assert MachineLabel.objects.count() == 25 > n_labeled
    assert run.manifest["n_failed"] == {}
    assert 0 < ReportFailure.objects.filter(attempt=1).count() <= 10


def test_another_engine_under_the_same_address_is_refused_not_mixed_in(run):
    carry_on(run, Engine(), chunks=1)
    assert carry_on(run, Engine(version="2")) == [Ending.ENGINE]
    assert run.state == "failed"
    assert "version 2, was 1" in run.reason
    assert MachineLabel.objects.count() == 2
    resume_run(run=run, actor=None)
    carry_on(run, Engine())
    assert run.state == "complete"


def test_an_error_that_nobody_expected_gives_the_chunk_back_until_it_is_given_up(run, settings, monkeypatch):
    settings.RUN_MAX_ATTEMPTS = 2

    def broken(*_, **__):
        raise RuntimeError("secret words")

    monkeypatch.setattr("labeling.services.asking.StoredLabels.encode", broken)
    for _ in range(3 * 2):
        with pytest.raises(ChunkBroke, match="ended with RuntimeError") as caught:
            carry(claim_next(run), backend_of=lambda _: Engine())
        assert "secret" not in str(caught.value)
    assert states_of(run) == ["given_up"] * 3
    sweep()
    run.refresh_from_db()
    assert (run.state, failures_by_kind(run)) == ("failed", {"given_up": 5})
    monkeypatch.undo()
    resume_run(run=run, actor=None)
    second = Engine()
    carry_on(run, second)
    assert (run.state, second.calls) == ("complete", [])


def test_a_chunk_that_somebody_holds_or_that_is_done_is_not_taken(run):
    taken = claim_next(run)
    assert claim(taken.chunk.pk) is None
    carry(taken, backend_of=lambda _: Engine())
    assert claim(taken.chunk.pk) is None
    assert claim(0) is None


def test_a_lease_that_ran_out_is_taken_by_another_and_the_first_writes_nothing_more(run):
    late = claim_next(run)
    renew(late)
    later = timezone.now() + timedelta(seconds=61)
    other = claim(late.chunk.pk, now=later)
    assert other is not None
    with pytest.raises(LeaseLost):
        renew(late)
    assert carry(late, backend_of=lambda _: Engine()) == Ending.LOST
    assert StoredCall.objects.count() == MachineLabel.objects.count() == 0
    carry(other, backend_of=lambda _: Engine())
    assert MachineLabel.objects.count() == 2


def test_the_sweeper_takes_back_what_dead_workers_held_and_gives_up_after_a_while(run, settings):
    settings.RUN_MAX_ATTEMPTS = 3
    first = claim_next(run)
    for attempt in (1, 2, 3):
        later = timezone.now() + timedelta(seconds=61)
        to_wake = sweep(now=later)
        first.chunk.refresh_from_db()
        if attempt < 3:
            assert (first.chunk.state, first.chunk.attempts) == ("queued", attempt)
            assert first.chunk.pk in to_wake
            assert claim(first.chunk.pk) is not None
    assert (first.chunk.state, first.chunk.n_failed) == ("given_up", 2)
    assert failures_by_kind(run) == {"given_up": 2}
    assert (
        "given up after 3 attempts: the worker that had it gave no sign of life"
        in ReportFailure.objects.first().message
    )
    carry_on(run, Engine())
    assert (run.state, run.manifest["n_out"]) == ("complete", 3)


def test_messages_that_were_lost_are_sent_again_and_no_more_than_needed(run):
    chunks = list(RunChunk.objects.filter(run=run).values_list("pk", flat=True))
    assert sweep() == chunks
    assert sweep() == []
    assert sweep(now=timezone.now() + timedelta(seconds=31)) == chunks  # nobody is at work: two sweeps are enough
    pause_run(run=run, actor=None)
    assert sweep(now=timezone.now() + timedelta(seconds=500)) == []


def test_messages_wait_longer_while_workers_are_busy(run):
    sweep()
    taken = claim_next(run)
    RunChunk.objects.filter(pk=taken.chunk.pk).update(lease_until=timezone.now() + timedelta(hours=1))
    assert sweep(now=timezone.now() + timedelta(seconds=100)) == []
    assert len(sweep(now=timezone.now() + timedelta(seconds=121))) == 2


def test_cancelling_takes_the_chunks_away_and_ends_the_run_for_good(run):
    carry_on(run, Engine(), chunks=1)
    taken = claim_next(run)
    cancel_run(run=run, actor=None)
    assert carry(taken, backend_of=lambda _: Engine()) == Ending.LOST
    run.refresh_from_db()
    assert (run.state, run.manifest["n_out"], MachineLabel.objects.count()) == ("cancelled", 2, 2)
    for change in (pause_run, resume_run, cancel_run):
        with pytest.raises(TransitionRefused):
            change(run=run, actor=None)
    with pytest.raises(UserError, match="only a complete run"):
        choose_prefill(run=run, actor=None)


def test_the_same_again_is_refused_and_named(run, project):
    with pytest.raises(RunExists, match=r"is queued .* wait for it") as caught:
        start_model_run(project=project, plan=plan(), actor=None)
    assert caught.value.run == run
    carry_on(run, Engine())
    with pytest.raises(RunExists, match="its labels are there"):
        start_model_run(project=project, plan=plan(), actor=None)


@pytest.mark.parametrize(
    "changes", [{"model": "other"}, {"options": ("threshold=1.5",)}, {"labeler": "summary-query"}, {"cases": ["R1"]}]
)
def test_another_method_or_other_reports_make_another_run(run, project, changes):
    CaseFactory(project=project, report__report_id="R1")
    if "cases" not in changes:
        run = start_model_run(project=project, plan=plan(), actor=None)
    other = start_model_run(project=project, plan=plan(**changes), actor=None)
    assert other != run


def test_a_new_report_makes_another_run_that_shares_nothing_with_the_first(run, project):
    carry_on(run, Engine())
    CaseFactory(project=project)
    other = start_model_run(project=project, plan=plan(), actor=None)
    engine = Engine()
    carry_on(other, engine)
    assert len(engine.calls) == 6 * N_CELLS
    assert run.manifest["input_set"] != other.manifest["input_set"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labeler": "magic"}, "no labeler 'magic'; with a model there are leavs"),
        ({"options": ("colour=red",)}, "has no option 'colour'"),
        ({"model": " "}, "no model was named"),
        ({"url": "ftp://x"}, "the address of a server looks like"),
        ({"url": "http://127.0.0.1:10"}, "not one of the engines in OVERREAD_LLM_URLS"),
        ({"concurrency": 0}, "0 calls in flight"),
        ({"cases": ["nobody"]}, "no case 'nobody' with the text of a report"),
    ],
)
def test_a_plan_that_cannot_be_is_explained(project, changes, message):
    with pytest.raises(UserError, match=message):
        start_model_run(project=project, plan=plan(**changes), actor=None)
    assert not Run.objects.exists()


def test_runs_without_chunks_are_not_paused(project):
    run = Run.objects.create(project=project, schema=project.schema, labeler="rules", started_at=timezone.now())
    for change in (pause_run, resume_run, cancel_run):
        with pytest.raises(UserError, match="it asks no model"):
            change(run=run, actor=None)


def test_characters_that_a_database_does_not_take_are_replaced():
    assert storable({"a\0": ["b\ud800", 1, None]}) == {"a\ufffd": ["b\ufffd", 1, None]}
