"""Submitting: immutable revisions, contradictions, undecided cells, and the next case."""

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from annotator.models import Arm, Draft, Event, Reading
from tests.annotator.worlds import add_run, draft_body, submission_body

pytestmark = pytest.mark.django_db


def post(client, case, body):
    return client.post(
        f"/api/projects/{case.project.slug}/cases/{case.pk}/submit", body, content_type="application/json"
    )


@pytest.fixture
def reader_client(client, world):
    client.force_login(world.reader)
    return client


def test_a_normal_case_is_accepted_in_one_request_which_names_the_next(reader_client, world):
    answer = post(reader_client, world.cases[0], submission_body(world))
    assert answer.status_code == 201
    assert answer.json() == {"revision": 1, "next": world.cases[1].pk}
    reading = Reading.objects.get()
    assert (reading.values, reading.arm, reading.prefill_run) == ("+.0.+.+.", Arm.PREFILLED, world.run.run_id)
    assert reading.active_seconds == 5


def test_the_last_case_has_no_next_and_skipped_ones_come_again(reader_client, world):
    answers = [post(reader_client, case, submission_body(world)).json()["next"] for case in world.cases[1:]]
    assert answers == [world.cases[2].pk, world.cases[0].pk]
    assert post(reader_client, world.cases[0], submission_body(world)).json()["next"] is None


def test_sending_a_submission_twice_stores_it_once(reader_client, world):
    body = submission_body(world)
    first, second = (post(reader_client, world.cases[0], body) for _ in range(2))
    assert first.json() == second.json()
    assert Reading.objects.count() == 1
    assert Event.objects.filter(verb=Event.Verb.READING_SUBMITTED).count() == 1


def test_one_submission_id_cannot_serve_two_cases(reader_client, world):
    body = submission_body(world)
    post(reader_client, world.cases[0], body)
    assert post(reader_client, world.cases[1], body).status_code == 400
    assert Reading.objects.count() == 1


def test_a_correction_is_a_new_revision_and_the_old_one_stays(reader_client, world):
    case = world.cases[0]
    post(reader_client, case, submission_body(world))
    url = f"/api/projects/{case.project.slug}/cases/{case.pk}/reopen"
    reader_client.post(url, {"version": 1, "reason": "slip", "note": ""}, content_type="application/json")
    answer = post(reader_client, case, submission_body(world, version=2, values="0.0.0.0."))
    assert answer.json()["revision"] == 2
    first, second = Reading.objects.order_by("revision")
    assert (first.values, second.values) == ("+.0.+.+.", "0.0.0.0.")
    assert second.supersedes_id == first.pk


def test_a_stale_submission_is_refused_with_both_versions(reader_client, world):
    case = world.cases[0]
    url = f"/api/projects/{case.project.slug}/cases/{case.pk}/draft"
    reader_client.put(url, draft_body(world, client_id="tab-2"), content_type="application/json")
    answer = post(reader_client, case, submission_body(world))
    assert answer.status_code == 409
    assert answer.json()["error"]["details"]["theirs"]["client_id"] == "tab-2"
    assert not Reading.objects.exists()


def test_undecided_cells_are_named_and_stand_in_the_way(reader_client, world):
    answer = post(reader_client, world.cases[0], submission_body(world, values="!_0.+.+."))
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "undecided"
    assert answer.json()["error"]["details"]["cells"] == ["spine|stenosis", "spine|cancer"]
    assert not Reading.objects.exists()
    assert not Draft.objects.exists()


def test_a_contradiction_is_pointed_out_and_can_be_let_stand(reader_client, world):
    case = world.cases[0]
    body = submission_body(world, urgencies="_1______")
    answer = post(reader_client, case, body)
    assert answer.status_code == 422
    [found] = answer.json()["error"]["details"]["contradictions"]
    assert found["key"] == "spine|cancer|urgency"
    assert not Reading.objects.exists()
    assert post(reader_client, case, body | {"acknowledged": [found["key"]]}).status_code == 201
    assert Reading.objects.get().body["acknowledged"] == ["spine|cancer|urgency"]


@pytest.mark.parametrize("run", ["5f0c1d9e-0000-4000-8000-000000000001", "rules", 5])
def test_a_prefill_run_of_nowhere_is_refused(reader_client, world, run):
    assert post(reader_client, world.cases[0], submission_body(world, prefill_run=run)).status_code == 400


def test_the_prefill_run_of_another_project_is_refused(reader_client, world, other_world):
    body = submission_body(world, prefill_run=str(other_world.run.run_id))
    assert post(reader_client, world.cases[0], body).status_code == 400


def test_a_reading_names_the_prefill_its_draft_started_from(reader_client, world):
    case = world.cases[0]
    url = f"/api/projects/{case.project.slug}/cases/{case.pk}/draft"
    reader_client.put(url, draft_body(world), content_type="application/json")
    world.run.is_prefill = False
    world.run.save(update_fields=["is_prefill"])
    newer = add_run(world.project, world.cases, values="0.0.0.0.")
    body = submission_body(world, version=1, prefill_run=str(newer.run_id))
    assert post(reader_client, case, body).status_code == 201
    assert Reading.objects.get().prefill_run == world.run.run_id


def test_the_same_submission_with_other_content_is_refused(reader_client, world):
    body = submission_body(world)
    post(reader_client, world.cases[0], body)
    assert post(reader_client, world.cases[0], body | {"values": "0.0.0.0."}).status_code == 400
    assert Reading.objects.get().values == "+.0.+.+."


def test_what_a_submission_changes_is_in_its_event(reader_client, world):
    case = world.cases[0]
    url = f"/api/projects/{case.project.slug}/cases/{case.pk}/draft"
    comment = {"cells": {"spine|cancer": {"comment": "ask again"}}}
    reader_client.put(url, draft_body(world, body=comment), content_type="application/json")
    post(reader_client, case, submission_body(world, version=1, values="+.+.+.+."))
    payload = Event.objects.get(verb=Event.Verb.READING_SUBMITTED).payload
    assert payload["changes"] == {"spine|spondylolisthesis": ["0_", "+_"]}
    assert payload["body_before"] == comment


@pytest.mark.parametrize("address", ["/api/projects/lumbar/cases/{}", "/projects/lumbar/cases/{}/"])
@pytest.mark.parametrize("submitted", [False, True])
def test_a_reader_sees_nothing_of_another_readers_work(client, world, address, submitted):
    case = world.cases[0]
    secret = {"cells": {"spine|cancer": {"comment": "the other reader wrote this"}}}
    client.force_login(world.other_reader)
    if submitted:
        post(client, case, submission_body(world, values="0?0?0?0?", body=secret))
    else:
        url = f"/api/projects/{case.project.slug}/cases/{case.pk}/draft"
        client.put(url, draft_body(world, values="0?0?0?0?", body=secret), content_type="application/json")
    client.force_login(world.reader)
    for _ in range(2):
        answer = client.get(address.format(case.pk))
        assert b"the other reader" not in answer.content
        assert b"0?0?0?0?" not in answer.content
        # Once more with work of one's own, which is then found and must be one's own.
        url = f"/api/projects/{case.project.slug}/cases/{case.pk}/draft"
        client.put(url, draft_body(world), content_type="application/json")


def test_a_blank_reading_says_so(reader_client, world):
    post(reader_client, world.cases[0], submission_body(world, prefill_run=None))
    assert (Reading.objects.get().arm, Reading.objects.get().prefill_run) == (Arm.BLANK, None)


@pytest.mark.parametrize(
    "operation",
    [
        lambda reading: reading.save(),
        lambda _: Reading.objects.update(active_seconds=1),
        lambda _: Reading.objects.all()._raw_delete("default"),
    ],
    ids=["save", "update", "delete"],
)
def test_the_database_refuses_to_change_a_reading(reader_client, world, operation):
    post(reader_client, world.cases[0], submission_body(world))
    reading = Reading.objects.get()
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        operation(reading)
    assert Reading.objects.get().values == "+.0.+.+."


def test_a_reader_who_has_read_cannot_be_deleted(reader_client, world):
    post(reader_client, world.cases[0], submission_body(world))
    with pytest.raises(IntegrityError):
        world.reader.delete()


def test_machine_labels_are_not_in_the_payload_of_a_case_without_prefill(client, world):
    world.run.is_prefill = False
    world.run.save(update_fields=["is_prefill"])
    client.force_login(world.reader)
    payload = client.get(f"/api/projects/lumbar/cases/{world.cases[0].pk}").json()
    assert (payload["arm"], payload["prefill"]) == ("blank", None)


def test_a_payload_offers_exact_offsets_into_the_report(reader_client, world):
    payload = reader_client.get(f"/api/projects/lumbar/cases/{world.cases[0].pk}").json()
    text = payload["report"]["text"]
    sentences = [text[start:end] for start, end in payload["report"]["sentences"]]
    assert "L4-5: disc protrusion compresses the thecal sac." in sentences
    kinds = [section["kind"] for section in payload["report"]["sections"]]
    assert kinds[0] == "history"
