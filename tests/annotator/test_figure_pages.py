"""Pages of the dashboard as the server makes them."""

import json
from datetime import timedelta

import pytest
from django.http import Http404
from django.urls import reverse

from annotator.core.figure_requests import Kind
from annotator.models import Evaluation, Event, LabelSchema
from annotator.selectors.figure_pages import choices_of, request_of
from labeling.models import Run
from labeling.selectors import comparisons
from tests.annotator.test_matrices import add_label
from tests.annotator.worlds import stored_evaluation
from tests.study import make_study

pytestmark = pytest.mark.django_db


@pytest.fixture
def study():
    return make_study("lumbar", n_cases=3)


@pytest.fixture
def few(monkeypatch):
    """Only one run is offered."""
    monkeypatch.setattr(comparisons, "MAX_COMPARED", 1)


def offered(study, **query):
    asked = request_of(study.project, Kind.LABELER, query)
    return [choice.value for choice in choices_of(study.project, asked).runs if choice.is_chosen]


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (Evaluation.State.QUEUED, "not computed yet"),
        (Evaluation.State.RUNNING, "being computed"),
        (Evaluation.State.FAILED, "could not be computed"),
    ],
)
def test_a_file_of_figures_that_are_not_there_leads_to_the_page_that_says_why(client, world, state, words):
    client.force_login(world.manager)
    evaluation = stored_evaluation(world.project, state=state)
    answer = client.get(f"/projects/lumbar/dashboard/figures/{evaluation.pk}.csv", follow=True)
    assert answer.redirect_chain == [("/projects/lumbar/dashboard/readers/?truth=&origin=blind-first&level=cells", 302)]
    assert words in answer.content.decode()


@pytest.mark.parametrize("route", ["dashboard_csv", "dashboard_json"])
def test_a_file_of_figures_that_are_forgotten_says_so(client, world, other_world, route):
    client.force_login(world.manager)
    for key in (99, stored_evaluation(other_world.project).pk):
        answer = client.get(reverse(route, args=["lumbar", key]))
        assert answer.status_code == 404
        assert "does not keep these figures" in answer.content.decode()


def test_a_file_is_called_by_project_kind_and_day(client, world):
    client.force_login(world.manager)
    done = stored_evaluation(world.project)
    answer = client.get(reverse("dashboard_csv", args=["lumbar", done.pk]))
    name = f"lumbar-figures-readers-{done.finished_at:%Y-%m-%d}-{done.pk}.csv"
    assert answer["Content-Disposition"] == f'attachment; filename="{name}"'


def test_a_file_says_of_what_the_figures_are_and_how_they_were_made(client, world):
    client.force_login(world.manager)
    done = stored_evaluation(world.project)
    run, inputs = str(world.run.run_id), {"method": 1, "labels": {str(world.run.run_id): {"n": 3, "last": 3}}}
    done = Evaluation.objects.create(
        **{name: getattr(done, name) for name in ("project", "schema", "kind", "request", "request_hash", "result")},
        **{name: getattr(done, name) for name in ("state", "requested_at", "finished_at")},
        inputs=inputs,
        inputs_hash="1" * 64,
    )
    answer = client.get(reverse("dashboard_json", args=["lumbar", done.pk]))
    assert answer["Content-Type"].startswith("application/json")
    stored = json.loads(answer.content)
    assert stored["result"] == done.result
    assert (stored["project"], stored["schema"]["hash"]) == ("lumbar", world.project.schema.hash)
    assert (stored["request"], stored["inputs"]) == (done.request, inputs)
    assert stored["runs"][run]["started_at"] == world.run.started_at.isoformat()
    assert stored["finished_at"] == done.finished_at.isoformat()


@pytest.mark.parametrize("file_format", ["csv", "json"])
def test_that_a_file_was_fetched_is_in_the_audit_trail(client, world, file_format):
    client.force_login(world.manager)
    done = stored_evaluation(world.project)
    client.get(reverse(f"dashboard_{file_format}", args=["lumbar", done.pk]))
    event = Event.objects.get(verb=Event.Verb.LABELS_EXPORTED)
    assert event.actor == world.manager
    assert (event.payload["what"], event.payload["evaluation"], event.payload["format"]) == (
        "figures",
        done.pk,
        file_format,
    )


@pytest.mark.parametrize("truth", ["\x00x", "nobody", "lumbar-manager"])
def test_only_who_has_read_can_be_the_truth(study, truth):
    with pytest.raises(Http404):
        request_of(study.project, Kind.LABELER, {"truth": truth})


def test_figures_are_of_the_run_that_readers_start_from_however_old_it_is(study, few):
    older, newer = study.runs
    assert older.is_prefill
    assert offered(study) == [str(older.run_id)]
    Run.objects.filter(pk=older.pk).update(is_prefill=False)
    assert offered(study) == [str(newer.run_id)]


def test_a_run_that_is_asked_for_can_be_seen_in_the_form_however_old_it_is(study, few):
    for run in study.runs:
        assert offered(study, run=str(run.run_id)) == [str(run.run_id)]


def test_runs_under_another_schema_take_no_place_from_others(study, few):
    stored = study.project.schema
    other = LabelSchema.objects.create(name=stored.name, version=2, hash="e" * 64, source=stored.source)
    Run.objects.update(is_prefill=False)
    newer = study.runs[1]
    later = newer.started_at + timedelta(days=1)
    ended = {"state": Run.State.COMPLETE, "started_at": later, "finished_at": later}
    newest = Run.objects.create(project=study.project, schema=other, labeler="rules", **ended)
    add_label(newest, study.cases[0])
    assert offered(study) == [str(newer.run_id)]


def test_tabs_keep_what_was_chosen(client, study):
    client.force_login(study.manager)
    first, second = (str(run.run_id) for run in study.runs)
    chosen = f"run={first}&other={second}&truth=lumbar-reader1&origin=all&level=cells"
    for route in ("dashboard", "dashboard_cases", "dashboard_readers"):
        page = client.get(f"{reverse(route, args=['lumbar'])}?{chosen}&metric=f1&page=2").content.decode()
        wanted = f"{reverse('dashboard_compare', args=['lumbar'])}?{chosen}".replace("&", "&amp;")
        assert f'href="{wanted}"' in page
