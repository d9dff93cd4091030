"""Around reading: cases put off, notes on a case, the jump list, and what was read today."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from annotator.models import Draft, DraftState, Event, Reading
from annotator.selectors.recent_work import recent_work
from tests.annotator.worlds import NOW, add_case, draft_body, submission_body
from tests.factories import CaseFactory, DraftFactory, ProjectFactory, ReadingFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader_client(client, world):
    client.force_login(world.reader)
    return client


def post(client, case, what, body):
    url = f"/api/projects/{case.project.slug}/cases/{case.pk}/{what}"
    return client.post(url, json.dumps(body), content_type="application/json")


def put(client, case, body):
    url = f"/api/projects/{case.project.slug}/cases/{case.pk}/draft"
    return client.put(url, json.dumps(body), content_type="application/json")


def skip(client, world, case, **changes):
    return post(client, case, "skip", draft_body(world, reason="images", note="CT of another day") | changes)


def next_key(client, after=0):
    case = client.get("/api/projects/lumbar/next", {"after": after}).json()["case"]
    return case["case"]["key"] if case else None


def test_a_skipped_case_keeps_the_screen_and_says_why(reader_client, world):
    case = world.cases[0]
    answer = skip(reader_client, world, case, values="!.0.+.+.")
    assert (answer.status_code, answer.json()) == (201, {"version": 1, "next": world.cases[1].pk})
    draft = Draft.objects.get(case=case)
    assert (draft.state, draft.values) == (DraftState.SKIPPED, "!.0.+.+.")
    assert draft.body["case"]["skipped"] == {"reason": "images", "note": "CT of another day"}
    event = Event.objects.get(case=case)
    assert (event.verb, event.payload["reason"]) == (Event.Verb.CASE_SKIPPED, "images")
    assert "CT of another day" not in json.dumps(event.payload)


def test_skipped_cases_come_again_once_no_other_is_left(reader_client, world):
    skip(reader_client, world, world.cases[0])
    assert next_key(reader_client) == "lumbar-2"
    for case in world.cases[1:]:
        post(reader_client, case, "submit", submission_body(world))
    assert next_key(reader_client) == "lumbar-1"
    assert next_key(reader_client, after=2) == "lumbar-1"


def test_a_skipped_case_is_taken_up_by_saving_and_read_by_submitting(reader_client, world):
    case = world.cases[0]
    skip(reader_client, world, case)
    put(reader_client, case, draft_body(world, version=1))
    draft = Draft.objects.get(case=case)
    assert (draft.state, "case" in draft.body) == (DraftState.OPEN, False)
    skip(reader_client, world, case, version=2)
    assert post(reader_client, case, "submit", submission_body(world, version=3)).status_code == 201
    assert "case" not in Reading.objects.get(case=case).body


@pytest.mark.parametrize(
    "changes",
    [
        {"reason": "boredom"},
        {"reason": None},
        {"reason": "other", "note": "  "},
        {"note": "x" * 1001},
        {"note": "\x00"},
    ],
    ids=range(5),
)
def test_a_reason_is_needed(reader_client, world, changes):
    answer = skip(reader_client, world, world.cases[0], **changes)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid")
    assert not Draft.objects.exists()


def test_a_stale_skip_is_told_so_and_changes_nothing(reader_client, world):
    put(reader_client, world.cases[0], draft_body(world))
    answer = skip(reader_client, world, world.cases[0])
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "stale")
    assert Draft.objects.get().state == DraftState.OPEN


def test_a_browser_cannot_write_a_reason_into_a_draft(reader_client, world):
    body = {"cells": {}, "case": {"skipped": {"reason": "later", "note": ""}}}
    assert put(reader_client, world.cases[0], draft_body(world, body=body)).status_code == 400


@pytest.mark.parametrize(
    "note",
    [[], {"comment": 1}, {"comment": "a\x00"}, {"comment": "x" * 4001}, {"flagged": "yes"}, {"colour": "red"}],
    ids=range(6),
)
def test_a_note_on_a_case_that_does_not_fit_is_refused(reader_client, world, note):
    body = {"cells": {}, "case": note}
    assert put(reader_client, world.cases[0], draft_body(world, body=body)).status_code == 400


def test_comment_and_flag_stay_with_the_reading_and_in_the_worklist(reader_client, world):
    case = world.cases[0]
    body = {"cells": {}, "case": {"comment": "discuss on Monday", "flagged": True}}
    assert post(reader_client, case, "submit", submission_body(world, body=body)).status_code == 201
    assert Reading.objects.get(case=case).body["case"] == body["case"]
    assert Draft.objects.get(case=case).flagged
    page = reader_client.get("/projects/lumbar/", {"flagged": "on"})
    assert [row.key for row in page.context["page"].rows] == ["lumbar-1"]
    assert page.context["page"].n_flagged == 1
    assert "discuss on Monday" in page.content.decode()


def test_submitting_twice_compares_the_notes_too(reader_client, world):
    sent = submission_body(world, body={"cells": {}, "case": {"flagged": True}})
    post(reader_client, world.cases[0], "submit", sent)
    assert post(reader_client, world.cases[0], "submit", sent).status_code == 201
    other = sent | {"body": {"cells": {}}}
    assert post(reader_client, world.cases[0], "submit", other).status_code == 400


def jump(client, **query):
    return client.get("/api/projects/lumbar/jump", query).json()


def test_the_jump_list_says_state_flag_and_address(reader_client, world):
    skip(reader_client, world, world.cases[1], body={"cells": {}, "case": {"flagged": True}})
    listed = jump(reader_client)
    assert [(case["key"], case["state"], case["flagged"]) for case in listed["cases"]] == [
        ("lumbar-1", "new", False),
        ("lumbar-2", "skipped", True),
        ("lumbar-3", "new", False),
    ]
    assert listed["cases"][1]["url"] == f"/projects/lumbar/cases/{world.cases[1].pk}/"
    assert [case["key"] for case in jump(reader_client, state="skipped")["cases"]] == ["lumbar-2"]
    assert [case["key"] for case in jump(reader_client, flagged="on")["cases"]] == ["lumbar-2"]


def test_the_jump_list_finds_by_id_and_by_place(reader_client, world):
    assert [case["key"] for case in jump(reader_client, q="BAR-3")["cases"]] == ["lumbar-3"]
    assert [case["key"] for case in jump(reader_client, q="2")["cases"]] == ["lumbar-2"]
    assert jump(reader_client, q="9" * 30)["cases"] == []


def test_the_jump_list_comes_in_pages_that_cost_the_same(reader_client, world, django_assert_max_num_queries):
    for position in range(4, 124):
        add_case(world.project, position)
    seen, after = [], 0
    while after is not None:
        with django_assert_max_num_queries(6):  # session, user, membership, rules, cases, drafts
            page = jump(reader_client, after=after)
        seen += [case["position"] for case in page["cases"]]
        after = page["after"]
    assert seen == list(range(1, 124))


def test_a_summary_counts_the_seconds_of_each_revision_once():
    project, reader = ProjectFactory(), UserFactory()
    cases = [CaseFactory(project=project) for _ in range(3)]
    first = ReadingFactory(case=cases[0], reader=reader, active_seconds=100, submitted_at=NOW - timedelta(days=1))
    ReadingFactory(case=cases[0], reader=reader, active_seconds=130, revision=2, supersedes=first, submitted_at=NOW)
    ReadingFactory(case=cases[1], reader=reader, active_seconds=50, submitted_at=NOW + timedelta(minutes=1))
    ReadingFactory(case=cases[1], active_seconds=999, submitted_at=NOW)
    DraftFactory(case=cases[2], reader=reader, state=DraftState.SKIPPED, saved_at=NOW)
    done = recent_work(project=project, reader=reader, since=NOW - timedelta(hours=1))
    assert [(read.key, read.seconds) for read in done.cases] == [(cases[1].key, 50), (cases[0].key, 30)]
    assert (done.n_cases, done.n_skipped, done.total_seconds, done.median_seconds) == (2, 1, 80, 40)


def test_an_empty_summary_has_no_median(reader_client):
    answer = reader_client.get("/api/projects/lumbar/summary", {"since": timezone.now().isoformat()})
    assert answer.json() == {
        "cases": [],
        "n_cases": 0,
        "n_skipped": 0,
        "total_seconds": 0,
        "median_seconds": None,
    }


@pytest.mark.parametrize("since", ["", "yesterday", "2026-13-40T00:00:00Z", "2026-03-02T09:00:00"])
def test_a_moment_that_is_none_is_refused(reader_client, since):
    answer = reader_client.get("/api/projects/lumbar/summary", {"since": since})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid")
