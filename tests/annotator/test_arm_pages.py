"""The page about arms and the page about planted errors: what they show, what they say of what cannot be known."""

import csv
import io
import json
import uuid

import pytest
from django.urls import reverse

from annotator.core.planting import PlantedError, stored_errors
from annotator.models import Arm, Evaluation, Event, Reading, Seat, SeatState, StudyRules
from annotator.services.figures import compute
from tests.arms_study import make_arms_study
from tests.study import NOW, make_study

pytestmark = pytest.mark.django_db


@pytest.fixture
def made(db):
    return make_arms_study("arms", n_cases=40, seed=4)


def page(client, study, **query):
    """The page with its figures computed."""
    client.force_login(study.manager)
    address = reverse("dashboard_arms", args=[study.project.slug])
    client.get(address, query)
    for evaluation in Evaluation.objects.filter(state=Evaluation.State.QUEUED):
        assert compute(evaluation.pk).state == Evaluation.State.DONE
    return client.get(address, query)


def test_arms_of_a_plan_have_effects_with_intervals_in_words(client, made):
    answer = page(client, made.study)
    said = {each.title: each for each in answer.context["sentences"]}
    assert all(each.is_estimated for each in said.values())
    assert "effects of pre-filling" in answer.context["design_words"][0]
    rate = next(line for line in answer.context["overall"] if line.asked.name == "Called positive")
    text = answer.content.decode()
    assert rate.difference.text in text
    assert rate.difference.interval in text
    # Readers keep six of ten wrong values and blank ones say them by chance: far more than chance explains.
    kept = next(line for line in answer.context["overall"] if "where it is wrong" in line.asked.name)
    assert kept.record["low"] > 0.1
    assert "saved" in said["Time"].text
    assert "saved" in said["Key presses"].text


def test_arms_that_no_plan_drew_are_called_associations(client):
    made = make_arms_study("arms", n_cases=24, is_planned=False)
    words = page(client, made.study).context["design_words"]
    assert "associations, not effects" in words[0]
    assert "72 of 72" in words[0]


def test_lines_are_of_the_figure_that_was_chosen(client, made):
    answer = page(client, made.study, metric="recall")
    assert answer.context["asked"].name == "Recall"
    names = [line.row for line in answer.context["detail"]]
    assert names[0] == "overall"
    assert {reader.username for reader in made.study.readers} < set(names)
    assert [each["row"] for each in answer.context["plots"]["effects"]] == names


@pytest.mark.parametrize("query", [{"metric": "kappa"}, {"measure": "hours"}])
def test_what_there_is_not_is_not_found(client, made, query):
    page(client, made.study)
    assert client.get(reverse("dashboard_arms", args=["arms"]), query).status_code == 404


def test_one_arm_alone_cannot_be_compared(client):
    study = make_study("blind", n_cases=12)
    answer = page(client, study)
    assert not answer.context["can_compare"]
    assert "No reading was made in the pre-filled arm" in answer.content.decode()


def test_project_without_a_run_says_what_it_needs(client):
    study = make_study("bare", n_cases=2, n_runs=0)
    client.force_login(study.manager)
    assert "No run has labels yet" in client.get(reverse("dashboard_arms", args=["bare"])).content.decode()


def test_files_hold_all_figures_and_where_they_come_from(client, made):
    done = page(client, made.study).context["figures"].done
    table = client.get(reverse("dashboard_csv", args=["arms", done.pk])).content.decode()
    rows = list(csv.DictReader(io.StringIO(table)))
    assert {"positive_rate", "anchored", "f1", "corrected", "seconds", "key_presses"} <= {row["metric"] for row in rows}
    stored = json.loads(client.get(reverse("dashboard_json", args=["arms", done.pk])).content)
    assert stored["request"]["kind"] == "arms"
    assert stored["result"]["design"]["is_randomized"]
    assert list(stored["runs"]) == [str(made.study.runs[0].run_id)]


ERRORS = [PlantedError("spine|stenosis", "+_", "0_"), PlantedError("spine|cancer", "0_", "+_")]


@pytest.fixture
def trained(made):
    """A reader who caught one of two planted errors, was told, and corrected the other."""
    case, reader = made.study.cases[0], made.study.readers[0]
    StudyRules.objects.update_or_create(project=case.project, defaults={"is_training": True})
    Seat.objects.create(
        project=case.project,
        case=case,
        slot=99,
        reader=reader,
        arm=Arm.SEEDED,
        round=2,
        repeats=Seat.objects.get(case=case, reader=reader),
        prefill_run=made.study.runs[0].run_id,
        planted=stored_errors(ERRORS),
        state=SeatState.SUBMITTED,
        submitted_at=NOW,
    )
    before = None
    # The first two cells of the schema are stenosis and cancer of the spine.
    for revision, said in enumerate(("++......", "+......."), start=1):
        before = Reading.objects.create(
            project=case.project,
            case=case,
            reader=reader,
            schema=case.project.schema,
            round=2,
            revision=revision,
            supersedes=before,
            submission_id=uuid.uuid4(),
            arm=Arm.SEEDED,
            prefill_run=made.study.runs[0].run_id,
            values=said,
            urgencies="_" * 8,
            active_seconds=30,
            submitted_at=NOW,
        )
    return made


def test_planted_errors_are_counted_as_they_were_first_answered(client, trained):
    client.force_login(trained.study.manager)
    training = client.get(reverse("dashboard_training", args=["arms"])).context["training"]
    (reader,) = training.readers
    assert (reader.tally.row, reader.tally.n, reader.tally.caught.value) == ("arms-reader1", 2, 0.5)
    assert (reader.n_missed, reader.n_omissions, reader.n_inventions) == (1, 0, 1)
    assert reader.few
    assert [(each.row, each.caught.value) for each in (line.tally for line in training.findings)] == [
        ("cancer", 0.0),
        ("stenosis", 1.0),
    ]
    (missed,) = training.missed
    assert (missed.cell, missed.kind, missed.true, missed.said) == (
        "spine cancer",
        "finding made up",
        "absent",
        "present",
    )


def test_file_of_planted_errors_is_written_down(client, trained):
    client.force_login(trained.study.manager)
    table = client.get(reverse("dashboard_training_csv", args=["arms"])).content.decode()
    assert [row["outcome"] for row in csv.DictReader(io.StringIO(table))] == ["caught", "missed"]
    event = Event.objects.get(verb=Event.Verb.LABELS_EXPORTED)
    assert (event.actor, event.payload["what"]) == (trained.study.manager, "planted errors")


def test_project_that_plants_nothing_says_how_it_could(client, made):
    client.force_login(made.study.manager)
    assert "This project plants no errors" in client.get(reverse("dashboard_training", args=["arms"])).content.decode()


def test_planted_readings_change_no_figure_of_the_arms(client, trained):
    answer = page(client, trained.study)
    assert answer.context["design"]["n_prefilled"] + answer.context["design"]["n_blank"] == 120
