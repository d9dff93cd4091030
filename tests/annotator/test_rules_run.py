"""Runs of the rules: manifest, pre-fill, topping up, and what a failure leaves."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from annotator.models import Event
from annotator.selectors.cases import prefill_of
from labeling.core.records import StoredLabels
from labeling.core.rules import label_report
from labeling.exceptions import UserError
from labeling.models import MachineLabel, Run
from labeling.selectors import input_set, prefill_run
from labeling.services import choose_prefill, finish_run, rules, rules_method, run_rules, start_run
from tests.factories import CaseFactory, ProjectFactory, ReportFactory, RunFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def project():
    project = ProjectFactory()
    CaseFactory.create_batch(5, project=project)
    return project


def test_run_labels_every_report_and_becomes_the_prefill(project):
    ReportFactory()  # of another project
    actor = UserFactory()
    told = []
    run = run_rules(project=project, actor=actor, progress=lambda *counts: told.append(counts))
    assert (run.state, run.is_prefill, run.created_by) == (Run.State.COMPLETE, True, actor)
    assert MachineLabel.objects.filter(run=run).count() == 5
    assert told[-1] == (5, 5)
    schema = project.schema.parsed()
    label = MachineLabel.objects.filter(run=run).first()
    expected = StoredLabels.encode(label_report(label.report.text, schema), schema)
    assert (label.values, label.urgencies, label.body) == (expected.values, expected.urgencies, expected.body)
    assert prefill_of(project.cases.first()).run == run


def test_manifest_says_what_was_run_over_what(project):
    manifest = run_rules(project=project, actor=None).manifest
    assert {name: type(value) for name, value in manifest.items()} == {
        "labeler": str,
        "code_version": str,
        "schema_hash": str,
        "vocabulary_hash": str,
        "input_set": str,
        "n_in": int,
        "n_out": int,
        "n_taken_over": int,
        "taken_over_from": type(None),
        "started_at": str,
        "ended_at": str,
        "wall_seconds": float,
    }
    assert (manifest["n_in"], manifest["n_out"]) == (5, 5)
    assert manifest["schema_hash"] == project.schema.hash


def test_running_again_returns_the_same_run(project):
    run = run_rules(project=project, actor=None)
    assert run_rules(project=project, actor=None) == run
    assert Run.objects.count() == 1
    assert Event.objects.filter(verb=Event.Verb.PREFILL_CHOSEN).count() == 1


def test_running_again_makes_an_equal_run_the_prefill_again(project):
    run = run_rules(project=project, actor=None)
    Run.objects.update(is_prefill=False)
    RunFactory(project=project, labeler="imported")
    assert run_rules(project=project, actor=None) == run
    assert prefill_run(project) == run


def test_input_set_does_not_depend_on_the_order_of_import(project):
    first = run_rules(project=project, actor=None)
    other = ProjectFactory()
    for report in reversed(list(project.reports.all())):
        ReportFactory(project=other, report_id=report.report_id, text=report.text)
    assert run_rules(project=other, actor=None).manifest["input_set"] == first.manifest["input_set"]


def test_top_up_is_a_new_run_over_all_that_labels_only_what_is_new(project, monkeypatch):
    first = run_rules(project=project, actor=None)
    CaseFactory(project=project)
    labeled = []

    def count(text, schema):
        labeled.append(text)
        return label_report(text, schema)

    monkeypatch.setattr(rules, "label_report", count)
    second = run_rules(project=project, actor=None)
    assert second != first
    assert len(labeled) == 1
    assert (second.manifest["n_out"], second.manifest["n_taken_over"]) == (6, 5)
    assert second.manifest["taken_over_from"] == str(first.run_id)
    assert prefill_run(project) == second
    assert MachineLabel.objects.filter(run=first).count() == 5


@pytest.mark.parametrize("what", ["RULES_VERSION", "vocabulary_hash"])
def test_other_rules_or_vocabulary_label_everything_anew(project, monkeypatch, what):
    run_rules(project=project, actor=None)
    monkeypatch.setattr(rules, what, "other" if what == "RULES_VERSION" else lambda: "other")
    run = run_rules(project=project, actor=None)
    assert run.manifest["n_taken_over"] == 0
    assert Run.objects.count() == 2


def test_failed_run_is_marked_and_never_the_prefill(project, monkeypatch):
    good = run_rules(project=project, actor=None)
    CaseFactory(project=project)
    monkeypatch.setattr(rules, "label_report", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run_rules(project=project, actor=None)
    failed = Run.objects.exclude(pk=good.pk).get()
    assert failed.state == Run.State.FAILED
    assert failed.manifest["error"] == "ZeroDivisionError"
    assert prefill_run(project) == good
    with pytest.raises(UserError, match="only a complete run"):
        choose_prefill(run=failed, actor=None)


def test_killed_run_is_not_taken_for_a_finished_one(project):
    reports = input_set(project)
    inputs = rules_method(project.schema.parsed()) | {"input_set": reports.sha256, "n_in": reports.n_reports}
    killed = start_run(project=project, labeler="rules", inputs=inputs, actor=None)
    run = run_rules(project=project, actor=None)
    assert run != killed
    assert inputs.items() <= run.manifest.items()


def test_labels_are_committed_in_chunks(project, monkeypatch, django_assert_max_num_queries):
    monkeypatch.setattr(rules, "CHUNK", 2)
    with django_assert_max_num_queries(40):
        assert run_rules(project=project, actor=None).manifest["n_out"] == 5


def test_database_keeps_one_prefill_per_project(project):
    run_rules(project=project, actor=None)
    with pytest.raises(IntegrityError), transaction.atomic():
        RunFactory(project=project)


def test_run_under_another_schema_is_no_prefill(project):
    run = RunFactory(project=project, is_prefill=False)
    project.schema = ProjectFactory(schema__preset="abdomen-ct").schema
    project.save()
    run.refresh_from_db()
    with pytest.raises(UserError, match="another schema"):
        choose_prefill(run=run, actor=None)


def test_empty_run_is_never_the_prefill():
    run = run_rules(project=ProjectFactory(), actor=None)
    assert run.manifest["n_out"] == 0
    assert not run.is_prefill
    with pytest.raises(UserError, match="no labels"):
        choose_prefill(run=run, actor=None)


def killed(project, *, seconds_ago):
    """A run whose process is gone; its last sign of life is as old as that."""
    started_at = timezone.now() - timedelta(hours=1)
    run = Run.objects.create(
        project=project, schema=project.schema, labeler="rules", started_at=started_at, manifest={"labeler": "rules"}
    )
    if seconds_ago is not None:
        at = timezone.now() - timedelta(seconds=seconds_ago)
        run.manifest |= {rules.HEARTBEAT: at.isoformat()}
        run.save(update_fields=["manifest"])
    return run


@pytest.mark.parametrize(
    ("seconds_ago", "state"),
    [(None, "failed"), (rules.STALE_S + 60, "failed"), (rules.STALE_S - 60, "running")],
)
def test_run_without_a_sign_of_life_has_failed_when_the_next_starts(project, seconds_ago, state):
    run = killed(project, seconds_ago=seconds_ago)
    run_rules(project=project, actor=None)
    run.refresh_from_db()
    assert run.state == state
    assert (rules.HEARTBEAT in run.manifest) is (state == "running")
    assert (run.finished_at is None) is (state == "running")


def test_run_shows_signs_of_life_and_drops_them_at_its_end(project, monkeypatch):
    monkeypatch.setattr(rules, "BEAT_S", 0)
    seen = []

    def look(text, schema):
        seen.append(rules.HEARTBEAT in Run.objects.get().manifest)
        return label_report(text, schema)

    monkeypatch.setattr(rules, "label_report", look)
    run = run_rules(project=project, actor=None)
    assert all(seen)
    assert rules.HEARTBEAT not in run.manifest
    assert rules.HEARTBEAT not in Run.objects.get().manifest


def test_run_that_was_given_up_does_not_finish_after_all(project):
    run = start_run(project=project, labeler="rules", inputs={}, actor=None)
    Run.objects.update(state=Run.State.FAILED, finished_at=timezone.now(), running_since=None)
    with pytest.raises(UserError, match="given up"):
        finish_run(run, counts={})
    assert Run.objects.get().state == Run.State.FAILED


@pytest.mark.parametrize("keep_chosen", [True, False])
def test_labels_chosen_while_a_run_goes_on_stay_when_asked_for(project, keep_chosen):
    chosen = RunFactory(project=project, labeler="imported")
    run = run_rules(project=project, actor=None, keep_chosen=keep_chosen)
    assert run.manifest["n_out"] == 5
    assert prefill_run(project) == (chosen if keep_chosen else run)
