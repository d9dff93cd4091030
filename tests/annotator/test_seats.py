"""Whose case it is, in which round and arm: seats lead every screen of a reader."""

import json
import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from annotator.models import Arm, Draft, Exclusion, Membership, Reading, Reads, Role, Seat, SeatState
from annotator.selectors.seats import seats_in_play, sitting_for
from tests.annotator.seat_worlds import add_seat, api, set_reads
from tests.annotator.test_routes import call
from tests.annotator.worlds import add_run, draft_body, submission_body
from tests.vision.stored import stored_mask, stored_series

pytestmark = pytest.mark.django_db
CASE_ROUTES = ["", "/labels", "/images"]


@pytest.fixture
def assigned(world):
    """Of three cases the reader has the first in the blank arm and the second pre-filled."""
    set_reads(world.project, Reads.ASSIGNED)
    world.seats = [
        add_seat(world.cases[0], world.reader, arm=Arm.BLANK, place=2),
        add_seat(world.cases[1], world.reader, arm=Arm.PREFILLED, place=1),
    ]
    return world


@pytest.fixture
def reader(client, assigned):
    client.force_login(assigned.reader)
    return client


def payload(client, case):
    return client.get(api(case)).json()


def save(client, case, body):
    return client.put(api(case, "/draft"), json.dumps(body), content_type="application/json")


def submit(client, case, body):
    return client.post(api(case, "/submit"), json.dumps(body), content_type="application/json")


@pytest.mark.parametrize("what", CASE_ROUTES)
def test_a_case_without_a_seat_is_not_found(reader, assigned, what):
    assert reader.get(api(assigned.cases[1], what)).status_code == 200
    assert reader.get(api(assigned.cases[2], what)).status_code == 404


@pytest.mark.parametrize("page", ["", "viewer/"])
def test_pages_of_a_case_without_a_seat_are_not_found(reader, assigned, page):
    assert reader.get(f"/projects/lumbar/cases/{assigned.cases[1].pk}/{page}").status_code == 200
    assert reader.get(f"/projects/lumbar/cases/{assigned.cases[2].pk}/{page}").status_code == 404


def test_nothing_is_stored_of_a_case_without_a_seat(reader, assigned):
    case = assigned.cases[2]
    assert save(reader, case, draft_body(assigned)).status_code == 404
    assert submit(reader, case, submission_body(assigned)).status_code == 404
    body = json.dumps(draft_body(assigned, reason="later", note=""))
    assert reader.post(api(case, "/skip"), body, content_type="application/json").status_code == 404
    assert not Draft.objects.exists()


def test_images_are_those_of_own_cases(reader, assigned):
    for case, status in ((assigned.cases[1], 200), (assigned.cases[2], 404)):
        series = stored_series(case, uid=f"2.25.{case.pk}")
        mask = stored_mask(series)
        for address in (f"series/{series.pk}/pack", f"series/{series.pk}/images/0.dcm", f"masks/{mask.pk}/mask.nii.gz"):
            assert call(reader, "get", f"/api/projects/lumbar/{address}").status_code == status, address


def test_the_seat_and_not_the_run_decides_the_arm(reader, assigned):
    blank, prefilled = (payload(reader, case) for case in assigned.cases[:2])
    assert (blank["arm"], blank["prefill"]) == ("blank", None)
    assert (prefilled["arm"], prefilled["prefill"]["run"]) == ("prefilled", str(assigned.run.run_id))


def test_a_save_that_names_the_other_arm_is_refused(reader, assigned):
    assert save(reader, assigned.cases[0], draft_body(assigned)).status_code == 400
    assert save(reader, assigned.cases[1], draft_body(assigned, prefill_run=None)).status_code == 400
    assert not Draft.objects.exists()


def test_a_blank_case_stays_blank_after_it_is_submitted_and_another_run_prefills(reader, assigned):
    case = assigned.cases[0]
    assert submit(reader, case, submission_body(assigned, prefill_run=None)).status_code == 201
    assigned.run.is_prefill = False
    assigned.run.save(update_fields=["is_prefill"])
    add_run(assigned.project, assigned.cases)
    assert payload(reader, case)["prefill"] is None
    assert reader.get(api(case, "/labels")).json()["arm"] == "blank"
    assert Reading.objects.get(case=case).arm == Arm.BLANK
    assert Seat.objects.get(case=case).state == SeatState.SUBMITTED


def test_next_follows_the_places_of_the_reader(reader, assigned):
    first = reader.get("/api/projects/lumbar/next").json()["case"]
    assert (first["case"]["key"], first["case"]["position"], first["case"]["total"]) == ("lumbar-2", 1, 2)
    behind = reader.get(first["urls"]["next"]).json()["case"]
    assert (behind["case"]["key"], behind["case"]["position"]) == ("lumbar-1", 2)
    answer = submit(reader, assigned.cases[1], submission_body(assigned))
    assert answer.json()["next"] == assigned.cases[0].pk
    body = draft_body(assigned, prefill_run=None, reason="later", note="")
    answer = reader.post(api(assigned.cases[0], "/skip"), json.dumps(body), content_type="application/json")
    assert answer.json()["next"] is None
    again = reader.get("/api/projects/lumbar/next").json()
    assert (again["case"]["case"]["key"], again["remaining"]) == ("lumbar-1", 1)


def test_worklist_and_jump_list_hold_own_cases_by_place_and_no_machine_values_of_blank_ones(reader, assigned):
    page = reader.get("/projects/lumbar/").context["page"]
    assert [(row.key, row.position, row.machine is None) for row in page.rows] == [
        ("lumbar-2", 1, False),
        ("lumbar-1", 2, True),
    ]
    assert page.n_cases == 2
    jumps = reader.get("/api/projects/lumbar/jump").json()["cases"]
    assert [(row["key"], row["position"]) for row in jumps] == [("lumbar-2", 1), ("lumbar-1", 2)]


def test_pages_of_the_worklist_follow_the_places(reader, assigned):
    from annotator.selectors.seat_worklists import worklist_of
    from annotator.selectors.worklists import Spot, WorklistFilter

    def page(**wanted):
        found = WorklistFilter(**wanted)
        return worklist_of(project=assigned.project, reader=assigned.reader, wanted=found, now=timezone.now(), size=1)

    first = page()
    spots = [Spot(seat.place, seat.pk) for seat in assigned.seats]
    assert ([row.key for row in first.rows], first.before, first.after) == (["lumbar-2"], None, spots[1])
    second = page(after=first.after)
    assert ([row.key for row in second.rows], second.before, second.after) == (["lumbar-1"], spots[0], None)
    assert [row.key for row in page(before=second.before).rows] == ["lumbar-2"]
    assert [row.key for row in page(state="new", query="r-1").rows] == ["lumbar-1"]
    assert page(state="submitted").rows == []


def test_a_manager_looks_at_a_case_without_a_seat_and_stores_nothing(client, assigned):
    client.force_login(assigned.manager)
    case = assigned.cases[2]
    seen = payload(client, case)
    assert (seen["case"]["is_own"], seen["arm"], seen["draft"]) == (False, "prefilled", None)
    refused = save(client, case, draft_body(assigned))
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "not_reader")
    assert not Draft.objects.exists()


def test_a_manager_who_reads_cannot_look_at_others_cases_before_the_own_blank_ones_are_done(client, assigned):
    Membership.objects.create(project=assigned.project, user=assigned.reader, role=Role.MANAGER)
    client.force_login(assigned.reader)
    assert client.get(api(assigned.cases[2])).status_code == 403
    assert client.get(api(assigned.cases[2], "/labels")).json()["error"]["code"] == "blinded"
    assert payload(client, assigned.cases[1])["prefill"] is not None
    assert submit(client, assigned.cases[0], submission_body(assigned, prefill_run=None)).status_code == 201
    assert client.get(api(assigned.cases[2])).status_code == 200


def test_excluded_cases_close_no_page_and_repeats_to_come_are_named(client, assigned):
    Membership.objects.create(project=assigned.project, user=assigned.reader, role=Role.MANAGER)
    client.force_login(assigned.reader)
    first = Seat.objects.get(case=assigned.cases[0])
    repeat = add_seat(first.case, assigned.reader, arm=Arm.BLANK, round=2, repeats=first, washout_days=9)
    page = client.get(f"/projects/lumbar/cases/{assigned.cases[2].pk}/").content.decode()
    assert "still to read 2 cases without machine labels, 1 of them not on your worklist yet" in page
    Exclusion.objects.create(
        project=assigned.project,
        case=repeat.case,
        reason="twice",
        excluded_by=assigned.manager,
        excluded_at=timezone.now(),
    )
    assert client.get(api(assigned.cases[2])).status_code == 200


def test_a_withdrawn_seat_ends_the_reading(reader, assigned):
    save(reader, assigned.cases[1], draft_body(assigned))
    Seat.objects.filter(pk=assigned.seats[1].pk).update(state=SeatState.WITHDRAWN)
    assert reader.get(api(assigned.cases[1])).status_code == 404
    assert save(reader, assigned.cases[1], draft_body(assigned, version=1)).status_code == 404


@pytest.fixture
def repeated(reader, assigned):
    """The second case is submitted, and to be read again after ten days and two other cases."""
    body = submission_body(assigned, body={"cells": {}, "case": {"comment": "seen before", "flagged": True}})
    submit(reader, assigned.cases[1], body)
    first = Seat.objects.get(case=assigned.cases[1])
    repeat = add_seat(
        assigned.cases[1],
        assigned.reader,
        round=2,
        repeats=first,
        washout_days=10,
        after_others=2,
        place=9,
    )
    return first, repeat


def others_done(world, first, *, n):
    for number, case in enumerate(world.cases[::2][:n]):
        seat = Seat.objects.filter(case=case, reader=world.reader).first() or add_seat(case, world.reader)
        at = first.submitted_at + timedelta(hours=1 + number)
        Seat.objects.filter(pk=seat.pk).update(state=SeatState.SUBMITTED, submitted_at=at)


@pytest.mark.parametrize(("days", "n_others", "round_"), [(11, 2, 2), (9, 2, 1), (11, 1, 1)])
def test_a_repeat_waits_for_its_days_and_for_other_cases(repeated, assigned, days, n_others, round_):
    first, _ = repeated
    others_done(assigned, first, n=n_others)
    now = first.submitted_at + timedelta(days=days)
    assert sitting_for(assigned.cases[1], reader=assigned.reader, now=now).round == round_
    play = seats_in_play(project=assigned.project, reader=assigned.reader, now=now)
    assert play.get(case=assigned.cases[1]).round == round_


def test_a_repeat_is_a_new_case_on_every_screen_and_keeps_its_own_draft_and_reading(reader, repeated, assigned):
    first, repeat = repeated
    others_done(assigned, first, n=2)
    Seat.objects.filter(pk=repeat.pk).update(washout_days=0)
    case = assigned.cases[1]
    shown = payload(reader, case)
    assert (shown["case"]["state"], shown["draft"], shown["reading"]) == ("new", None, None)
    row = next(row for row in reader.get("/projects/lumbar/").context["page"].rows if row.key == case.key)
    assert (row.state, row.flagged, row.comment, row.saved_at) == ("new", False, "", None)
    assert reader.get("/api/projects/lumbar/next").json()["case"]["case"]["id"] == case.pk
    for text in (reader.get(api(case)).content, reader.get(f"/projects/lumbar/cases/{case.pk}/").content):
        assert b"seen before" not in text
    late = save(reader, case, draft_body(assigned, round=1, version=1))
    assert (late.status_code, late.json()["error"]["code"]) == (409, "other_round")
    assert save(reader, case, draft_body(assigned, round=shown["round"])).json()["version"] == 1
    assert submit(reader, case, submission_body(assigned, version=1, round=2)).json()["revision"] == 1
    assert sorted(Reading.objects.filter(case=case).values_list("round", "revision")) == [(1, 1), (2, 1)]
    assert sorted(Draft.objects.filter(case=case).values_list("round", "version")) == [(1, 1), (2, 2)]
    assert Seat.objects.get(pk=repeat.pk).state == SeatState.SUBMITTED


def test_in_an_open_project_everyone_reads_everything_in_round_one(client, world):
    client.force_login(world.reader)
    sitting = sitting_for(world.cases[0], reader=world.reader)
    assert (sitting.round, sitting.arm, sitting.seat) == (1, None, None)
    assert submit(client, world.cases[0], submission_body(world)).status_code == 201


def test_a_blank_seat_holds_in_a_project_that_was_opened_to_everybody(reader, assigned):
    set_reads(assigned.project, Reads.OPEN)
    assert payload(reader, assigned.cases[0])["prefill"] is None
    rows = {row.key: row.machine for row in reader.get("/projects/lumbar/").context["page"].rows}
    assert rows["lumbar-1"] is None
    assert rows["lumbar-3"] is not None


def test_the_same_submission_again_is_harmless(reader, assigned):
    body = submission_body(assigned, submission_id=str(uuid.uuid4()))
    for _ in range(2):
        assert submit(reader, assigned.cases[1], body).status_code == 201
    assert Reading.objects.count() == 1
