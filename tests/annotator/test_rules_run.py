"""Runs of the rules: manifest, pre-fill, topping up, and what a failure leaves."""

import pytest
from django.db import IntegrityError, transaction

from annotator.models import Event
from labeling import services
from labeling.core.records import StoredLabels
from labeling.core.rules import label_report
from labeling.exceptions import UserError
from labeling.models import MachineLabel, Run
from labeling.selectors import machine_labels, prefill_for, prefill_run
from labeling.services import choose_prefill, run_rules
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
    assert (run.state, run.is_prefill, run.created_by) == (Run.State.FINISHED, True, actor)
    assert MachineLabel.objects.filter(run=run).count() == 5
    assert told[-1] == (5, 5)
    schema = project.schema.parsed()
    label = machine_labels(run).first()
    expected = StoredLabels.encode(label_report(label.report.text, schema), schema)
    assert (label.values, label.urgencies, label.body) == (expected.values, expected.urgencies, expected.body)
    assert prefill_for(project.cases.first()).run == run


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

    monkeypatch.setattr(services, "label_report", count)
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
    monkeypatch.setattr(services, what, "other" if what == "RULES_VERSION" else lambda: "other")
    run = run_rules(project=project, actor=None)
    assert run.manifest["n_taken_over"] == 0
    assert Run.objects.count() == 2


def test_failed_run_is_marked_and_never_the_prefill(project, monkeypatch):
    good = run_rules(project=project, actor=None)
    CaseFactory(project=project)
    monkeypatch.setattr(services, "label_report", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run_rules(project=project, actor=None)
    failed = Run.objects.exclude(pk=good.pk).get()
    assert failed.state == Run.State.FAILED
    assert prefill_run(project) == good
    with pytest.raises(UserError, match="only a finished run"):
        choose_prefill(run=failed, actor=None)


def test_killed_run_is_not_taken_for_a_finished_one(project):
    run = run_rules(project=project, actor=None)
    Run.objects.update(state=Run.State.RUNNING, finished_at=None, is_prefill=False)
    assert run_rules(project=project, actor=None) != run


def test_labels_are_committed_in_chunks(project, monkeypatch, django_assert_max_num_queries):
    monkeypatch.setattr(services, "CHUNK", 2)
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


def test_project_without_reports_gets_an_empty_run():
    run = run_rules(project=ProjectFactory(), actor=None)
    assert run.manifest["n_out"] == 0
