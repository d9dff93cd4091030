"""The queue: who gets which case, for how long, and what becomes of it when they leave."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from annotator.models import Arm, Draft, Event, Exclusion, Membership, Reading, Role, Seat, SeatState
from annotator.selectors.queues import MAX_HELD
from annotator.selectors.seats import sitting_for
from annotator.services.queue import extend, give_back, take_next
from tests.annotator.seat_worlds import add_seat, api, limit, queue_of
from tests.annotator.worlds import NOW, add_case, draft_body, submission_body

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=1)


def take(world, reader, now=NOW):
    seat = take_next(project=world.project, reader=reader, now=now)
    return seat.case.key if seat else None


def send(client, method, case, what, body):
    return getattr(client, method)(api(case, what), json.dumps(body), content_type="application/json")


def lapse(case):
    Seat.objects.filter(case=case, state=SeatState.HELD).update(reserved_until=timezone.now() - timedelta(seconds=1))


@pytest.fixture
def reader(client, world):
    client.force_login(world.reader)
    return client


def test_two_readers_get_two_cases_and_nobody_a_second_seat_of_one(world):
    queue_of(world, n_per_case=2)
    assert [take(world, world.reader), take(world, world.reader)] == ["lumbar-1", "lumbar-2"]
    assert take(world, world.other_reader) == "lumbar-1"
    seat = Seat.objects.get(reader=world.other_reader)
    assert (seat.state, seat.reserved_until) == (SeatState.HELD, NOW + timedelta(minutes=30))


def test_a_reader_holds_no_more_than_the_case_on_the_screen_and_the_one_ahead(world):
    queue_of(world)
    assert [take(world, world.reader) for _ in range(MAX_HELD + 1)] == ["lumbar-1", "lumbar-2", None]


def test_a_reader_who_was_shown_a_case_pre_filled_never_gets_it_blank(world):
    prefilled, *_ = queue_of(world)
    blank = add_seat(world.cases[0], arm=Arm.BLANK)
    Seat.objects.exclude(pk__in=[prefilled.pk, blank.pk]).update(state=SeatState.WITHDRAWN)
    assert take(world, world.reader) == "lumbar-1"
    give_back(case=world.cases[0], reader=world.reader, now=NOW)
    Seat.objects.filter(pk=prefilled.pk).update(state=SeatState.WITHDRAWN)
    assert take(world, world.reader) is None
    assert take(world, world.other_reader) == "lumbar-1"


def test_whoever_is_no_reader_of_the_project_gets_nothing(world):
    queue_of(world)
    assert take(world, world.manager) is None
    Membership.objects.create(project=world.project, user=world.manager, role=Role.READER)
    assert take(world, world.manager) == "lumbar-1"


@pytest.mark.parametrize("role", [Role.MANAGER, Role.ADJUDICATOR])
def test_whoever_may_open_pages_with_machine_labels_gets_no_blank_seat(world, role):
    queue_of(world, arm=Arm.BLANK)
    Membership.objects.create(project=world.project, user=world.reader, role=role)
    assert take(world, world.reader) is None
    assert take(world, world.other_reader) == "lumbar-1"


def test_a_quota_ends_the_queue_for_its_reader(world):
    limit(world, queue_of(world), quota=1)
    assert [take(world, world.reader), take(world, world.reader)] == ["lumbar-1", None]
    assert take(world, world.other_reader) == "lumbar-2"


def exclude(case, by):
    return Exclusion.objects.create(project=case.project, case=case, reason="twice", excluded_by=by, excluded_at=NOW)


def test_excluded_cases_hold_nobody_up_and_are_held_no_longer(world):
    queue_of(world)
    held = [take_next(project=world.project, reader=world.reader, now=NOW) for _ in range(MAX_HELD)]
    for seat in held:
        exclude(seat.case, world.manager)
    sitting = sitting_for(world.cases[0], reader=world.reader)
    extend(case=world.cases[0], reader=world.reader, sitting=sitting, now=NOW + timedelta(minutes=20))
    assert set(Seat.objects.filter(reader=world.reader).values_list("reserved_until", flat=True)) == {
        NOW + timedelta(minutes=30)
    }
    assert take(world, world.reader) == "lumbar-3"


def test_cases_whose_time_is_up_hold_their_own_reader_up_no_more(world):
    queue_of(world)
    for case in world.cases[:MAX_HELD]:
        Seat.objects.filter(case=case).update(
            state=SeatState.HELD, reader=world.reader, reserved_until=NOW - timedelta(seconds=1)
        )
    assert take(world, world.reader) == "lumbar-1"


def test_many_lapsed_seats_are_freed_a_few_at_a_time_in_two_statements(world):
    cases = [add_case(world.project, number) for number in range(4, 34)]
    queue_of(world)
    for case in cases:
        add_seat(
            case, world.other_reader, is_pulled=True, state=SeatState.HELD, reserved_until=NOW - timedelta(hours=1)
        )
    with CaptureQueriesContext(connection) as caught:
        take(world, world.reader)
    assert Seat.objects.filter(reader=world.other_reader).count() == 10
    assert Event.objects.filter(verb=Event.Verb.SEAT_GIVEN_BACK, payload__because="lapsed").count() == 20
    assert len(caught) < 20


def test_a_claim_takes_less_than_twenty_statements_whatever_the_reader_has_done(world):
    queue_of(world, is_training=True)
    Draft.objects.create(
        project=world.project,
        case=world.cases[0],
        reader=world.reader,
        version=1,
        values="+" * 8,
        urgencies="_" * 8,
        state="skipped",
        saved_at=NOW,
    )
    with CaptureQueriesContext(connection) as caught:
        assert take(world, world.reader) == "lumbar-2"
    assert len(caught) < 20


def test_an_excluded_case_is_given_to_nobody(world):
    queue_of(world)
    exclude(world.cases[0], world.manager)
    assert take(world, world.reader) == "lumbar-2"


def test_a_case_whose_time_is_up_goes_to_the_next_reader_and_the_event_says_so(world):
    queue_of(world)
    take(world, world.reader)
    assert take(world, world.other_reader, now=NOW + timedelta(minutes=30)) == "lumbar-2"
    assert take(world, world.other_reader, now=LATER) == "lumbar-1"
    event = Event.objects.get(verb=Event.Verb.SEAT_GIVEN_BACK)
    assert (event.actor, event.payload["because"], event.payload["reader"]) == (None, "lapsed", world.reader.pk)


def test_a_heartbeat_holds_the_case_on_the_screen_and_the_one_ahead(world):
    queue_of(world)
    take(world, world.reader), take(world, world.reader)
    at = NOW + timedelta(minutes=20)
    sitting = sitting_for(world.cases[0], reader=world.reader)
    seat = extend(case=world.cases[0], reader=world.reader, sitting=sitting, now=at)
    assert seat.reserved_until == at + timedelta(minutes=30)
    assert set(Seat.objects.filter(reader=world.reader).values_list("reserved_until", flat=True)) == {
        seat.reserved_until
    }


def test_a_save_holds_the_case_too(reader, world):
    queue_of(world)
    case = Seat.objects.get(pk=take_next(project=world.project, reader=world.reader, now=NOW).pk).case
    assert send(reader, "put", case, "/draft", draft_body(world)).status_code == 200
    assert Seat.objects.get(case=case).reserved_until > timezone.now()


def test_a_case_that_was_given_back_is_free_at_once(reader, world):
    queue_of(world)
    case = world.cases[0]
    take(world, world.reader)
    assert send(reader, "post", case, "/give-back", {}).json() == {"given_back": True}
    assert take(world, world.other_reader) == "lumbar-1"
    assert not give_back(case=case, reader=world.reader, now=NOW)


def test_a_skipped_case_goes_back_and_comes_again_when_no_other_is_left(reader, world):
    queue_of(world)
    case = world.cases[0]
    assert reader.get("/api/projects/lumbar/next").json()["case"]["case"]["id"] == case.pk
    answer = send(reader, "post", case, "/skip", draft_body(world, reason="later", note=""))
    assert answer.json()["next"] == world.cases[1].pk
    assert Seat.objects.get(case=case).state == SeatState.OPEN
    for other in world.cases[1:]:
        answer = send(reader, "post", other, "/submit", submission_body(world))
    assert answer.json()["next"] == case.pk
    assert send(reader, "post", case, "/submit", submission_body(world, version=1)).json()["next"] is None


def test_next_loads_one_case_ahead_and_no_more(reader, world):
    queue_of(world)
    first = reader.get("/api/projects/lumbar/next").json()["case"]
    ahead = [reader.get(first["urls"]["next"]).json()["case"]["case"]["key"] for _ in range(2)]
    assert (first["case"]["key"], ahead) == ("lumbar-1", ["lumbar-2", "lumbar-2"])
    assert Seat.objects.filter(state=SeatState.HELD).count() == 2
    answer = send(reader, "post", world.cases[0], "/submit", submission_body(world))
    assert answer.json()["next"] == world.cases[1].pk
    assert reader.get("/projects/lumbar/next/")["Location"].endswith(f"/cases/{world.cases[1].pk}/")


def test_a_case_of_the_queue_is_found_only_by_whoever_holds_it(reader, world):
    queue_of(world)
    assert reader.get(api(world.cases[0])).status_code == 404
    take(world, world.reader)
    shown = reader.get(api(world.cases[0])).json()
    assert shown["reservation"] == {"until": (NOW + timedelta(minutes=30)).isoformat(), "is_lapsed": False}


class TestLate:
    """A reader whose reservation ran out."""

    @pytest.fixture
    def begun(self, reader, world):
        """The first case, begun by the reader and lost; two seats, one of each arm."""
        queue_of(world, n_per_case=1)
        case = world.cases[0]
        reader.get("/projects/lumbar/next/")
        send(reader, "put", case, "/draft", draft_body(world, values="++0.+.+."))
        lapse(case)
        return case

    def submit(self, reader, world, case):
        body = submission_body(world, version=1, values="++0.+.+.")
        return send(reader, "post", case, "/submit", body)

    def test_is_welcome_while_nobody_else_has_taken_the_case(self, reader, world, begun):
        assert self.submit(reader, world, begun).status_code == 201
        seat = Seat.objects.get(case=begun)
        assert (seat.state, seat.reader, seat.reserved_until) == (SeatState.SUBMITTED, world.reader, None)

    def test_takes_the_seat_back_when_it_is_free_again(self, reader, world, begun):
        take(world, world.other_reader, now=timezone.now())
        give_back(case=begun, reader=world.other_reader, now=timezone.now())
        assert reader.get(api(begun)).json()["reservation"] == {"until": None, "is_lapsed": True}
        assert self.submit(reader, world, begun).status_code == 201

    def test_takes_another_free_seat_of_the_case_in_the_same_arm(self, reader, world, begun):
        assert take(world, world.other_reader, now=timezone.now()) == "lumbar-1"
        add = {"slot": 2, "is_pulled": True, "place": 1, "project": world.project, "case": begun}
        Seat.objects.create(arm=Arm.PREFILLED, **add)
        assert self.submit(reader, world, begun).status_code == 201
        assert Seat.objects.get(case=begun, slot=2).reader == world.reader
        assert Seat.objects.get(case=begun, slot=1).reader == world.other_reader

    def test_is_told_when_only_the_other_arm_is_free_and_keeps_the_draft(self, reader, world, begun):
        take(world, world.other_reader, now=timezone.now())
        add = {"slot": 2, "is_pulled": True, "place": 1, "project": world.project, "case": begun}
        Seat.objects.create(arm=Arm.BLANK, **add)
        answer = self.submit(reader, world, begun)
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "seat_taken")
        assert (Draft.objects.get().values, Draft.objects.get().version) == ("++0.+.+.", 1)
        assert send(reader, "put", begun, "/draft", draft_body(world, version=1)).status_code == 200
        assert not Reading.objects.exists()

    def test_gets_the_case_back_by_a_heartbeat_while_it_is_free(self, reader, world, begun):
        taker = take(world, world.other_reader, now=timezone.now())
        assert taker == "lumbar-1"
        assert send(reader, "post", begun, "/heartbeat", {}).json() == {"until": None, "is_lapsed": True}
        give_back(case=begun, reader=world.other_reader, now=timezone.now())
        assert not send(reader, "post", begun, "/heartbeat", {}).json()["is_lapsed"]
        assert Seat.objects.get(case=begun).reader == world.reader

    def test_is_offered_the_begun_case_before_others(self, reader, world, begun):
        take(world, world.other_reader, now=timezone.now())
        give_back(case=begun, reader=world.other_reader, now=timezone.now())
        assert reader.get("/api/projects/lumbar/next").json()["case"]["draft"]["values"] == "++0.+.+."

    def test_a_blank_case_is_lost_for_good_to_whoever_has_become_a_manager(self, reader, world):
        queue_of(world, arm=Arm.BLANK)
        case = world.cases[0]
        reader.get("/projects/lumbar/next/")
        send(reader, "put", case, "/draft", draft_body(world, prefill_run=None))
        give_back(case=case, reader=world.reader, now=timezone.now())
        Membership.objects.create(project=world.project, user=world.reader, role=Role.MANAGER)
        body = submission_body(world, version=1, prefill_run=None)
        assert send(reader, "post", case, "/submit", body).json()["error"]["code"] == "seat_taken"


def test_the_worklist_of_a_queue_offers_the_next_case_and_lists_what_was_taken(reader, world):
    queue_of(world)
    page = reader.get("/projects/lumbar/")
    assert b"Cases wait in the queue" in page.content
    assert b"Take the next one" in page.content
    reader.get("/projects/lumbar/next/")
    page = reader.get("/projects/lumbar/").context["page"]
    assert ([row.key for row in page.rows], page.n_unread, page.can_take) == (["lumbar-1"], 1, True)
