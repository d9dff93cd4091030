"""Drafts: nothing acknowledged is lost, a stale write shows both versions."""

import pytest
from django.db import connection, transaction

from annotator.exceptions import StaleDraftError
from annotator.models import Draft, Event
from annotator.services.drafts import DraftContent, save_draft
from tests.annotator.worlds import NOW, draft_body

pytestmark = pytest.mark.django_db


def put(client, case, body):
    return client.put(f"/api/projects/{case.project.slug}/cases/{case.pk}/draft", body, content_type="application/json")


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


@pytest.mark.parametrize("raw", ["", "[]", "nonsense", '"x"'])
def test_what_is_not_an_object_is_refused(reader_client, world, raw):
    case = world.cases[0]
    url = f"/api/projects/{case.project.slug}/cases/{case.pk}/draft"
    answer = reader_client.put(url, raw, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid"


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
    content = DraftContent(0, "+.0.+.+.", "_" * 8, {"cells": {}}, 0, "tab-1")
    with pytest.raises(RuntimeError), transaction.atomic():
        save_draft(case=world.cases[0], reader=world.reader, content=content, now=NOW)
    assert not Draft.objects.exists()
