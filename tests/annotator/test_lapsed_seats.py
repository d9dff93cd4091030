"""A seat that went back to the queue keeps the arm and the errors that its reader began with."""

import json
import uuid

import pytest
from django.utils import timezone

from annotator.models import Arm, Draft, Reading, Reads, Seat, SeatState
from annotator.selectors.seats import sitting_for
from annotator.services.queue import give_back, take_next
from labeling.models import Run
from tests.annotator.seat_worlds import add_seat, api, set_reads
from tests.annotator.worlds import add_run, draft_body, submission_body

pytestmark = pytest.mark.django_db


@pytest.fixture
def training(world):
    """A queue of a training project with one case, the first."""
    set_reads(world.project, Reads.QUEUE, is_training=True)
    return world


@pytest.fixture
def reader(client, training):
    client.force_login(training.reader)
    return client


def send(client, method, case, what, body):
    return getattr(client, method)(api(case, what), json.dumps(body), content_type="application/json")


def take(world, who=None):
    return take_next(project=world.project, reader=who or world.reader, now=timezone.now())


def lose(world, case):
    give_back(case=case, reader=world.reader, now=timezone.now())


def seeded(case, *, n_errors):
    """A seeded seat of the case that plants so many errors: as many as its key says (see `services.planting`)."""
    seat = add_seat(case, arm=Arm.SEEDED)
    while seat.pk % 4 != n_errors:
        Seat.objects.filter(pk=seat.pk).update(state=SeatState.WITHDRAWN)
        seat = add_seat(case, arm=Arm.SEEDED)
    return seat


def begun(client, world, seat):
    """What was shown of the seat, once a draft of it was saved."""
    assert take(world) == seat
    shown = client.get(api(seat.case)).json()
    assert send(client, "put", seat.case, "/draft", draft_body(world)).status_code == 200
    return shown


def test_a_seeded_case_that_lapsed_is_shown_with_the_errors_it_was_begun_with(reader, training):
    case = training.cases[0]
    seat = seeded(case, n_errors=2)
    shown = begun(reader, training, seat)
    lose(training, case)
    late = reader.get(api(case)).json()
    assert (late["reservation"]["is_lapsed"], late["prefill"]) == (True, shown["prefill"])
    seat.refresh_from_db()
    assert (seat.prefill_run, len(seat.planted)) == (training.run.run_id, 2)


@pytest.mark.parametrize("other", [Arm.PREFILLED, Arm.SEEDED])
def test_a_seeded_case_that_lapsed_takes_its_own_seat_again_and_no_other(reader, training, other):
    case = training.cases[0]
    seat = seeded(case, n_errors=1)
    begun(reader, training, seat)
    lose(training, case)
    assert take(training, training.other_reader) == seat
    add_seat(case, arm=other)
    assert take(training) is None
    answer = send(reader, "post", case, "/submit", submission_body(training, version=1))
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "seat_taken")
    give_back(case=case, reader=training.other_reader, now=timezone.now())
    assert send(reader, "post", case, "/submit", submission_body(training, version=1)).status_code == 201
    assert (Reading.objects.get().arm, Seat.objects.get(state=SeatState.SUBMITTED)) == (Arm.SEEDED, seat)


def test_a_seeded_case_that_lapsed_is_offered_again(reader, training):
    seat = seeded(training.cases[0], n_errors=1)
    begun(reader, training, seat)
    lose(training, training.cases[0])
    assert take(training) == seat


@pytest.mark.parametrize("other", [Arm.PREFILLED, Arm.SEEDED, Arm.BLANK])
def test_whoever_was_shown_planted_errors_gets_no_other_seat_of_the_case(reader, training, other):
    case = training.cases[0]
    seat = seeded(case, n_errors=1)
    assert take(training) == seat
    lose(training, case)
    Seat.objects.filter(pk=seat.pk).update(state=SeatState.WITHDRAWN)
    another = add_seat(case, arm=other)
    assert take(training) is None
    assert take(training, training.other_reader) == another


def test_a_pre_filled_seat_that_was_read_from_an_empty_form_is_taken_back(reader, training):
    case = training.cases[0]
    Run.objects.update(is_prefill=False)
    seat = add_seat(case, arm=Arm.PREFILLED)
    take(training)
    assert send(reader, "put", case, "/draft", draft_body(training, prefill_run=None)).status_code == 200
    lose(training, case)
    assert sitting_for(case, reader=training.reader).arm == Arm.PREFILLED
    assert take(training) == seat
    body = submission_body(training, version=1, prefill_run=None)
    assert send(reader, "post", case, "/submit", body).status_code == 201
    assert Reading.objects.get().arm == Arm.BLANK


def test_a_seat_without_errors_keeps_the_run_that_was_shown_first(reader, training):
    case = training.cases[0]
    seat = seeded(case, n_errors=0)
    take(training)
    first = reader.get(api(case)).json()["prefill"]
    Run.objects.update(is_prefill=False)
    add_run(training.project, training.cases)
    assert reader.get(api(case)).json()["prefill"] == first
    seat.refresh_from_db()
    assert (seat.prefill_run, seat.planted) == (uuid.UUID(first["run"]), {})


def test_no_errors_are_planted_under_a_draft_that_began_empty(reader, training):
    case = training.cases[0]
    Run.objects.update(is_prefill=False)
    seat = seeded(case, n_errors=1)
    take(training)
    assert send(reader, "put", case, "/draft", draft_body(training, prefill_run=None)).status_code == 200
    Run.objects.update(is_prefill=True)
    assert reader.get(api(case)).json()["prefill"] is None
    body = submission_body(training, version=1, prefill_run=None)
    assert send(reader, "post", case, "/submit", body).status_code == 201
    seat.refresh_from_db()
    # It trains all the same: no voice of the gold.
    assert (seat.planted, Reading.objects.get().arm) == ({}, Arm.SEEDED)


def test_the_draft_keeps_the_seat_it_was_begun_on(reader, training):
    seat = add_seat(training.cases[0])
    begun(reader, training, seat)
    assert Draft.objects.get().seat == seat
