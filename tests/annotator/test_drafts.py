"""Drafts: nothing acknowledged is lost, a stale write shows both versions."""

import json

import pytest
from django.db import connection, transaction

from annotator.exceptions import StaleDraftError
from annotator.models import Draft, Event
from annotator.services.drafts import DraftContent, save_draft
from labeling.models import Run
from tests.annotator.worlds import NOW, add_run, draft_body

pytestmark = pytest.mark.django_db


def put(client, case, body):
    return client.put(f"/api/projects/{case.project.slug}/cases/{case.pk}/draft", body, content_type="application/json")


def add_run_without_labels(world):
    return Run.objects.create(
        project=world.project, schema=world.project.schema, labeler="rules", state=Run.State.RUNNING, started_at=NOW
    )


@pytest.fixture
def reader_client(client, world):
    client.force_login(world.reader)
    return client


def test_versions_count_up_and_the_last_state_is_kept(reader_client, world):
    case = world.cases[0]
    first = put(reader_client, case, draft_body(world))
    second = put(reader_client, case, draft_body(world, version=1, values="+.+.+.+."))
    assert (first.json()["version"], second.json()["version"]) == (1, 2)
    draft = Draft.objects.get(case=case, reader=world.reader)
    assert (draft.version, draft.values, draft.active_seconds) == (2, "+.+.+.+.", 10)


def test_a_stale_write_gets_409_with_both_versions_and_changes_nothing(reader_client, world):
    case = world.cases[0]
    put(reader_client, case, draft_body(world, client_id="tab-1", values="+.+.+.+."))
    answer = put(reader_client, case, draft_body(world, client_id="tab-2", values="0.0.+.+."))
    assert answer.status_code == 409
    error = answer.json()["error"]
    assert error["code"] == "stale"
    assert error["details"]["theirs"]["values"] == "+.+.+.+."
    assert error["details"]["theirs"]["version"] == 1
    assert error["details"]["yours"]["values"] == "0.0.+.+."
    assert Draft.objects.get(case=case).values == "+.+.+.+."


def test_a_version_from_nowhere_is_stale_too(reader_client, world):
    answer = put(reader_client, world.cases[0], draft_body(world, version=7))
    assert answer.status_code == 409
    assert answer.json()["error"]["details"]["theirs"] is None
    assert not Draft.objects.exists()


def test_two_readers_have_a_draft_each(client, world):
    case = world.cases[0]
    for reader in (world.reader, world.other_reader):
        client.force_login(reader)
        assert put(client, case, draft_body(world)).status_code == 200
    assert Draft.objects.filter(case=case).count() == 2


def test_every_change_leaves_an_event_with_what_it_was_before(reader_client, world):
    case = world.cases[0]
    put(reader_client, case, draft_body(world))
    put(reader_client, case, draft_body(world, version=1, values="+.+.+.+."))
    events = Event.objects.filter(case=case, verb=Event.Verb.DRAFT_SAVED).order_by("pk")
    assert [event.payload["version"] for event in events] == [1, 2]
    assert events[1].payload["changes"] == {"spine|spondylolisthesis": ["0_", "+_"]}
    assert all(event.actor_id == world.reader.pk for event in events)


def test_a_draft_may_hold_cells_that_are_still_undecided(reader_client, world):
    assert put(reader_client, world.cases[0], draft_body(world, values="!_0.+.+.")).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"values": "+"},
        {"values": "x" * 8},
        {"version": -1},
        {"version": "0"},
        {"version": True},
        {"active_seconds_delta": -5},
        {"client_id": ""},
        {"client_id": "x" * 65},
        {"body": {"cells": {"spine|cancer": {"evidence": [[0, 100000]]}}}},
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_stored(reader_client, world, changes):
    answer = put(reader_client, world.cases[0], draft_body(world, **changes))
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid"
    assert not Draft.objects.exists()


@pytest.mark.parametrize("raw", ["", "[]", "nonsense", '"x"', "[" * 200_000], ids=range(5))
def test_what_is_not_an_object_is_refused(reader_client, world, raw):
    case = world.cases[0]
    url = f"/api/projects/{case.project.slug}/cases/{case.pk}/draft"
    answer = reader_client.put(url, raw, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid"


def in_cell(**entry):
    return {"cells": {"spine|cancer": entry}}


@pytest.mark.parametrize(
    "body",
    [
        in_cell(comment="a\x00b"),
        in_cell(comment="half \ud800 pair"),
        in_cell(flags=["a\x00b"]),
        in_cell(flags=["half \ud800 pair"]),
        in_cell(flags=["x"] * 21),
        in_cell(attributes={"grade": "high"}),
        in_cell(attributes={"grade": float("nan")}),
        in_cell(probability=float("inf")),
        in_cell(comment="x" * 3_000_000),
        {"cells": {}, "acknowledged": ["a\x00b"]},
    ],
    ids=range(10),
)
def test_what_a_database_cannot_store_is_refused_not_a_failure(reader_client, world, body):
    case = world.cases[0]
    url = f"/api/projects/{case.project.slug}/cases/{case.pk}/draft"
    raw = json.dumps(draft_body(world, body=body))  # in ASCII, as a browser may send it too
    answer = reader_client.put(url, raw, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid"
    assert not Draft.objects.exists()


def test_a_page_that_somebody_else_opened_saves_nothing(client, world):
    case = world.cases[0]
    client.force_login(world.other_reader)  # signed in over the session of world.reader, whose page is still open
    url = f"/api/projects/{case.project.slug}/cases/{case.pk}/draft"
    body = draft_body(world)
    headers = {"X-Reader": str(world.reader.pk)}
    answer = client.put(url, body, content_type="application/json", headers=headers)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "other_reader"
    assert not Draft.objects.exists()
    headers = {"X-Reader": str(world.other_reader.pk)}
    assert client.put(url, body, content_type="application/json", headers=headers).status_code == 200


def test_a_draft_keeps_the_prefill_it_started_from(reader_client, world):
    case = world.cases[0]
    put(reader_client, case, draft_body(world))
    first = world.run
    first.is_prefill = False
    first.save(update_fields=["is_prefill"])
    newer = add_run(world.project, world.cases, values="0.0.0.0.")
    payload = reader_client.get(f"/api/projects/lumbar/cases/{case.pk}").json()
    assert payload["prefill"]["run"] == str(first.run_id)
    put(reader_client, case, draft_body(world, version=1, prefill_run=str(newer.run_id)))
    assert Draft.objects.get().prefill_run == first.run_id
    other = reader_client.get(f"/api/projects/lumbar/cases/{world.cases[1].pk}").json()
    assert other["prefill"]["run"] == str(newer.run_id)


def test_a_draft_that_started_blank_stays_blank(reader_client, world):
    case = world.cases[0]
    put(reader_client, case, draft_body(world, prefill_run=None))
    payload = reader_client.get(f"/api/projects/lumbar/cases/{case.pk}").json()
    assert (payload["arm"], payload["prefill"]) == ("blank", None)


def test_a_run_that_is_not_finished_prefills_nothing(reader_client, world):
    run = add_run_without_labels(world)
    assert put(reader_client, world.cases[0], draft_body(world, prefill_run=str(run.run_id))).status_code == 400


def test_one_save_counts_at_most_an_hour_of_activity(reader_client, world):
    put(reader_client, world.cases[0], draft_body(world, active_seconds_delta=999_999))
    assert Draft.objects.get().active_seconds == 3600


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(
    "connection.vendor != 'postgresql'",
    reason="two saves at once need PostgreSQL: scripts/with_postgres.py pytest tests/annotator",
)
def test_of_two_saves_at_once_exactly_one_wins(world):
    from concurrent.futures import ThreadPoolExecutor
    from threading import Barrier

    case, barrier = world.cases[0], Barrier(4)

    def save(number):
        content = DraftContent(
            version=0,
            values="+.0.+.+.",
            urgencies="_" * 8,
            body={"cells": {}},
            active_seconds_delta=0,
            client_id=f"tab-{number}",
            prefill_run=None,
        )
        barrier.wait()
        try:
            save_draft(case=case, reader=world.reader, content=content, now=NOW)
        except StaleDraftError as stale:
            return stale.theirs.client_id
        finally:
            connection.close()
        return "won"

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(save, range(4)))
    winner = Draft.objects.get(case=case).client_id
    assert sorted(outcomes) == sorted(["won", winner, winner, winner])


def test_a_failed_event_takes_the_draft_with_it(world, monkeypatch):
    def fail(**_):
        raise RuntimeError("disk full")

    monkeypatch.setattr(Event.objects, "create", fail)
    content = DraftContent(0, "+.0.+.+.", "_" * 8, {"cells": {}}, 0, "tab-1", None)
    with pytest.raises(RuntimeError), transaction.atomic():
        save_draft(case=world.cases[0], reader=world.reader, content=content, now=NOW)
    assert not Draft.objects.exists()
