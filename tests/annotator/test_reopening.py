"""Submitted readings: only looked at until they are reopened, or sent back."""

import pytest
from django.db import IntegrityError, transaction

from annotator.core.reopening import Reopening
from annotator.exceptions import StaleDraftError, UserError
from annotator.models import Draft, DraftState, Event, Note, Reading
from annotator.selectors.worklists import WorklistFilter, worklist_page
from annotator.services.reopening import reopen_reading, return_reading
from tests.annotator.worlds import NOW, draft_body, submission_body

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader_client(client, world):
    client.force_login(world.reader)
    return client


def call(client, case, verb, body):
    send = client.put if verb == "draft" else client.post
    url = f"/api/projects/{case.project.slug}/cases/{case.pk}/{verb}"
    return send(url, body, content_type="application/json")


def submitted(client, world, case=None):
    """The address of a case that the reader has submitted at version 1."""
    case = case or world.cases[0]
    assert call(client, case, "submit", submission_body(world)).status_code == 201
    return case


def reopen(client, case, **changes):
    return call(client, case, "reopen", {"version": 1, "reason": "slip", "note": ""} | changes)


def stored(client, case):
    return client.get(f"/api/projects/{case.project.slug}/cases/{case.pk}").json()


@pytest.mark.parametrize("verb", ["draft", "submit", "skip"])
def test_nothing_is_written_over_a_submitted_reading(reader_client, world, verb):
    case = submitted(reader_client, world)
    body = submission_body(world, version=1, values="0.0.0.0.", reason="later", note="")
    answer = call(reader_client, case, verb, body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "submitted")
    assert Draft.objects.get().values == Reading.objects.get().values == "+.0.+.+."


def test_reopened_it_is_changed_and_the_next_reading_says_why(reader_client, world):
    case = submitted(reader_client, world)
    payload = reopen(reader_client, case, reason="guideline", note="cysts count").json()["case"]
    assert (payload["case"]["state"], payload["draft"]["version"], payload["reading"]["revision"]) == ("draft", 2, 1)
    assert call(reader_client, case, "draft", draft_body(world, version=2, values="0.0.0.0.")).status_code == 200
    assert call(reader_client, case, "submit", submission_body(world, version=3, values="0.0.0.0.")).status_code == 201
    first, second = Reading.objects.order_by("revision")
    assert (first.values, "reopened" in first.body) == ("+.0.+.+.", False)
    assert second.body["reopened"] == {"reason": "guideline", "note": "cysts count", "revision": 1}
    assert "reopened" not in Draft.objects.get().body


def test_the_event_says_which_revision_and_why_but_not_in_the_readers_words(reader_client, world):
    case = submitted(reader_client, world)
    reopen(reader_client, case, reason="asked", note="Mrs Smith again")
    event = Event.objects.get(verb=Event.Verb.READING_REOPENED)
    assert event.payload == {"revision": 1, "round": 1, "reason": "asked", "version": 2}


def test_reopening_twice_is_harmless(reader_client, world):
    case = submitted(reader_client, world)
    assert [reopen(reader_client, case).status_code for _ in range(2)] == [201, 201]
    assert Event.objects.filter(verb=Event.Verb.READING_REOPENED).count() == 1


@pytest.mark.parametrize(
    "changes",
    [{"reason": "returned"}, {"reason": "nonsense"}, {"reason": "other"}, {"version": "1"}, {"note": "x" * 1001}],
)
def test_a_reopening_without_a_reason_or_version_is_refused(reader_client, world, changes):
    case = submitted(reader_client, world)
    assert reopen(reader_client, case, **changes).status_code == 400
    assert Draft.objects.get().state == DraftState.SUBMITTED


def test_a_case_that_was_never_submitted_cannot_be_reopened(reader_client, world):
    assert reopen(reader_client, world.cases[0]).status_code == 400


def test_a_window_that_knows_an_older_version_does_not_reopen(reader_client, world):
    case = submitted(reader_client, world)
    answer = reopen(reader_client, case, version=0)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "stale")


def test_of_two_windows_that_reopen_at_once_one_is_told(reader_client, world):
    case = submitted(reader_client, world)
    here, there = (Draft.objects.get() for _ in range(2))
    reopen_reading(case=case, draft=here, version=1, why=Reopening("slip"), now=NOW)
    with pytest.raises(StaleDraftError):
        reopen_reading(case=case, draft=there, version=1, why=Reopening("slip"), now=NOW)


def test_a_browser_cannot_say_why_a_reading_was_reopened(reader_client, world):
    body = {"cells": {}, "reopened": {"reason": "slip", "note": "", "revision": 1}}
    answer = call(reader_client, world.cases[0], "draft", draft_body(world, body=body))
    assert (answer.status_code, "reopened" in answer.json()["error"]["message"]) == (400, True)


def test_what_was_sent_back_is_first_in_the_worklist_with_its_note_until_it_is_submitted(reader_client, world):
    case = submitted(reader_client, world, world.cases[1])
    return_reading(case=case, reader=world.reader, round=1, actor=world.manager, text="Look at L4-5.", now=NOW)
    page = worklist_page(project=world.project, reader=world.reader, wanted=WorklistFilter())
    assert [(row.key, row.note) for row in page.returned] == [("lumbar-2", "Look at L4-5.")]
    assert page.n_by_state["returned"] == 1
    payload = reader_client.get("/api/projects/lumbar/next").json()["case"]
    assert (payload["case"]["key"], payload["case"]["state"]) == ("lumbar-2", "returned")
    assert [(note["kind"], note["author"], note["text"]) for note in payload["notes"]] == [
        ("return", "manager", "Look at L4-5.")
    ]
    assert call(reader_client, case, "draft", draft_body(world, version=2, values="0.0.0.0.")).status_code == 200
    assert Draft.objects.get().state == DraftState.RETURNED
    assert call(reader_client, case, "submit", submission_body(world, version=3)).status_code == 201
    assert Reading.objects.get(revision=2).body["reopened"]["reason"] == "returned"
    assert Note.objects.get().settled_by == world.reader


def test_only_what_is_submitted_can_be_sent_back(reader_client, world):
    case = world.cases[0]
    call(reader_client, case, "draft", draft_body(world))
    with pytest.raises(UserError, match="Nothing to return: lumbar-reader"):
        return_reading(case=case, reader=world.reader, round=1, actor=world.manager, text="again", now=NOW)
    assert not Note.objects.exists()


def test_key_presses_add_up_and_stay_unknown_where_nobody_counted(reader_client, world):
    first, second = world.cases[:2]
    call(reader_client, first, "draft", draft_body(world, key_presses_delta=12))
    call(reader_client, first, "submit", submission_body(world, version=1, key_presses_delta=5))
    call(reader_client, second, "draft", draft_body(world))
    call(reader_client, second, "submit", submission_body(world, version=1, key_presses_delta=5))
    assert list(Reading.objects.order_by("pk").values_list("key_presses", flat=True)) == [17, None]


def test_a_count_that_is_none_is_refused(reader_client, world):
    answer = call(reader_client, world.cases[0], "draft", draft_body(world, key_presses_delta=-1))
    assert answer.status_code == 400


def test_what_was_said_of_a_case_is_never_changed(reader_client, world):
    case = submitted(reader_client, world)
    return_reading(case=case, reader=world.reader, round=1, actor=world.manager, text="again", now=NOW)
    with pytest.raises(IntegrityError), transaction.atomic():
        Note.objects.update(text="nothing")
