"""A person's preferences: kept on the server, their own, changed key by key, embedded in the reading page."""

import json

import pytest

from annotator.models import Preferences

pytestmark = pytest.mark.django_db

URL = "/api/me/preferences"


@pytest.fixture
def reader_client(client, world):
    client.force_login(world.reader)
    return client


def put(client, sent, **headers):
    return client.put(URL, json.dumps(sent), content_type="application/json", headers=headers)


def test_nothing_is_set_at_first(reader_client):
    assert reader_client.get(URL).json() == {}
    assert not Preferences.objects.exists()


def test_what_is_put_replaces_only_what_it_names(reader_client, world):
    assert put(reader_client, {"layout": "image", "tour_done": True}).status_code == 200
    assert put(reader_client, {"layout": "report"}).json() == {"layout": "report", "tour_done": True}
    assert put(reader_client, {"tour_done": None}).json() == {"layout": "report"}
    assert reader_client.get(URL).json() == {"layout": "report"}
    assert Preferences.objects.get().user_id == world.reader.pk


def test_everybody_has_their_own(reader_client, world):
    put(reader_client, {"layout": "image"})
    reader_client.force_login(world.other_reader)
    assert reader_client.get(URL).json() == {}


@pytest.mark.parametrize("sent", [{"colour": "red"}, {"layout": "x"}, []])
def test_what_is_not_known_is_refused_and_nothing_is_stored(reader_client, sent):
    answer = put(reader_client, sent)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid")
    assert not Preferences.objects.exists()


def test_a_page_that_somebody_else_opened_sets_nothing(reader_client, world):
    answer = put(reader_client, {"layout": "image"}, **{"X-Reader": str(world.other_reader.pk)})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "other_reader")
    assert not Preferences.objects.exists()


@pytest.mark.parametrize("page", ["", "viewer/"])
def test_pages_carry_them_so_that_no_request_is_needed(reader_client, world, page):
    put(reader_client, {"layout": "image"})
    shown = reader_client.get(f"/projects/lumbar/cases/{world.cases[0].pk}/{page}").content.decode()
    embedded = shown.split('id="preferences-data" type="application/json">')[1].split("</script>")[0]
    assert json.loads(embedded) == {"layout": "image"}
