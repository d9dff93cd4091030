"""Thresholds that a manager picks: kept with what they were made from, never changed, and taken along as a file."""

import csv

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from annotator.core.figure_requests import Kind
from annotator.models import Evaluation, Event, PickedThreshold
from annotator.selectors.figure_pages import request_of
from annotator.services.figures import ask, compute
from annotator.services.thresholds import pick_threshold
from labeling.exceptions import UserError
from tests.study import make_study

pytestmark = pytest.mark.django_db
CELL = "spine|stenosis"


@pytest.fixture
def study():
    return make_study("spine", n_cases=24, n_readers=3, n_runs=2)


def figures_of(study, **query):
    """The scores of a run, computed now."""
    request = request_of(study.project, Kind.SCORES, query)
    figures = ask(project=study.project, actor=study.manager, request=request, send=lambda _: None)
    return compute(figures.pending.pk) if figures.pending else figures.done


def pick(study, evaluation, threshold, cell=CELL):
    return pick_threshold(
        evaluation=evaluation, actor=study.manager, cell=cell, threshold=threshold, now=timezone.now()
    )


def condition(evaluation, cell=CELL):
    return next(each for each in evaluation.result["scores"]["conditions"] if each["cell"] == cell)


def test_a_threshold_is_kept_with_what_it_was_made_from(study):
    evaluation = figures_of(study)
    picked = pick(study, evaluation, 0.25)
    assert (str(picked.run), picked.cell, picked.threshold) == (str(study.runs[0].run_id), CELL, 0.25)
    assert (picked.scale, picked.method, picked.picked_by) == ("logit_difference", "picked", study.manager)
    assert picked.made_from["request"] == evaluation.request
    assert picked.made_from["inputs"] == evaluation.inputs
    assert picked.made_from["n"] == condition(evaluation)["n"]
    event = Event.objects.get(verb=Event.Verb.THRESHOLD_PICKED)
    assert (event.actor, event.payload["threshold"], event.payload["before"]) == (study.manager, 0.25, None)


def test_the_threshold_of_the_equal_error_rate_is_known_as_such(study):
    evaluation = figures_of(study)
    equal = condition(evaluation)["figures"]["threshold"]["value"]
    assert pick(study, evaluation, equal).method == PickedThreshold.Method.EQUAL_ERROR


def test_another_choice_leaves_the_first_in_place_and_the_same_adds_nothing(study):
    evaluation = figures_of(study)
    for threshold in (0.25, 0.5, 0.5):
        pick(study, evaluation, threshold)
    assert [each.threshold for each in PickedThreshold.objects.all()] == [0.25, 0.5]
    payloads = [event.payload["before"] for event in Event.objects.filter(verb=Event.Verb.THRESHOLD_PICKED)]
    assert payloads == [None, 0.25]


@pytest.mark.parametrize("threshold", [float("nan"), float("inf"), float("-inf")])
def test_what_no_score_can_be_compared_with_is_refused(study, threshold):
    with pytest.raises(UserError, match="finite"):
        pick(study, figures_of(study), threshold)


def test_a_cell_without_scores_is_refused(study):
    evaluation = figures_of(study)
    with pytest.raises(UserError, match="no scores in that cell"):
        pick(study, evaluation, 0.5, cell="spine|nothing")
    without = figures_of(study, run=str(study.runs[1].run_id))
    assert without.result["scores"] is None
    with pytest.raises(UserError, match="no scores in that cell"):
        pick(study, without, 0.5)
    assert not PickedThreshold.objects.exists()


def test_a_probability_beyond_0_to_1_is_refused(study):
    evaluation = figures_of(study)
    for each in evaluation.result["scores"]["conditions"]:
        each["scale"] = "probability"
    with pytest.raises(UserError, match="expected a probability"):
        pick(study, evaluation, 1.5)
    assert pick(study, evaluation, 0.5).scale == "probability"


@pytest.mark.parametrize(
    "statement", ["UPDATE annotator_pickedthreshold SET threshold = 1", "DELETE FROM annotator_pickedthreshold"]
)
def test_what_was_picked_is_never_changed(study, statement):
    pick(study, figures_of(study), 0.25)
    with connection.cursor() as cursor, pytest.raises(DatabaseError), transaction.atomic():
        cursor.execute(statement)
    assert PickedThreshold.objects.get().threshold == 0.25


def test_a_manager_picks_on_the_page_and_finds_it_there(client, study):
    evaluation = figures_of(study)
    client.force_login(study.manager)
    url = reverse("threshold_pick", args=["spine", evaluation.pk])
    answer = client.post(url, {"cell": CELL, "threshold": "0.25"}, follow=True)
    page = answer.content.decode()
    assert "Threshold 0.25 is kept for spine stenosis." in page
    assert 'class="kept">kept 0.25' in page
    assert "by spine-manager" in page
    assert answer.redirect_chain[0][0].endswith("cell=spine%7Cstenosis#cell")


@pytest.mark.parametrize(
    "sent", [{"cell": CELL, "threshold": "high"}, {"cell": CELL}, {"cell": "x", "threshold": "1"}, {}]
)
def test_a_choice_that_makes_no_sense_keeps_nothing_and_says_so(client, study, sent):
    client.force_login(study.manager)
    answer = client.post(reverse("threshold_pick", args=["spine", figures_of(study).pk]), sent, follow=True)
    assert "No threshold kept" in answer.content.decode()
    assert not PickedThreshold.objects.exists()


def test_only_managers_pick_with_the_token_and_only_in_their_project(study):
    evaluation = figures_of(study)
    other = make_study("other", n_cases=6, n_readers=1, n_runs=1)
    sent = {"cell": CELL, "threshold": "0.25"}
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(study.manager)
    assert strict.post(reverse("threshold_pick", args=["spine", evaluation.pk]), sent).status_code == 403
    reader, outsider = Client(), Client()
    reader.force_login(study.readers[0])
    outsider.force_login(other.manager)
    assert reader.post(reverse("threshold_pick", args=["spine", evaluation.pk]), sent).status_code == 403
    assert outsider.post(reverse("threshold_pick", args=["spine", evaluation.pk]), sent).status_code == 404
    assert outsider.post(reverse("threshold_pick", args=["other", evaluation.pk]), sent).status_code == 404
    assert not PickedThreshold.objects.exists()


def test_all_thresholds_are_downloaded_with_their_history(client, study):
    evaluation = figures_of(study)
    for threshold in (0.0, 0.5):
        pick(study, evaluation, threshold)
    client.force_login(study.manager)
    lines = list(csv.DictReader(client.get("/projects/spine/dashboard/thresholds.csv").content.decode().splitlines()))
    assert [(line["threshold"], line["is_latest"]) for line in lines] == [("0.0", "0"), ("0.5", "1")]
    # The logistic function of 0 is 0.5.
    assert lines[0]["probability"] == "0.5"
    assert (lines[0]["target"], lines[0]["finding"], lines[0]["truth"]) == ("spine", "stenosis", "most readers")
    told = client.get("/projects/spine/dashboard/thresholds.json").json()
    assert [(each["threshold"], each["is_latest"]) for each in told["thresholds"]] == [(0.0, False), (0.5, True)]
    assert told["thresholds"][1]["picked_by"] == "spine-manager"


def test_thresholds_stay_when_the_figures_they_were_made_from_are_gone(study):
    picked = pick(study, figures_of(study), 0.25)
    Evaluation.objects.filter(state="failed").delete()
    Evaluation.objects.all().delete()
    picked.refresh_from_db()
    assert picked.made_from["request"]["run"] == str(study.runs[0].run_id)
