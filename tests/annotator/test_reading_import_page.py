"""Readings of people that were made elsewhere: their readers are named, their arm is stated, nothing is guessed."""

import io
import json
import zipfile

import pytest
from django.urls import reverse

from annotator.models import Arm, Event, Reading, Seat, SeatState, User
from labeling.models import Run
from tests.annotator.test_label_import_page import choice, looked_at

pytestmark = pytest.mark.django_db
UNSAID = json.dumps({"unsaid": "not_mentioned"})


@pytest.fixture(autouse=True)
def upload_dir(settings, tmp_path):
    settings.UPLOAD_DIR = tmp_path / "uploads"


@pytest.fixture
def project(world):
    return world.project


@pytest.fixture
def client(client, world):
    client.force_login(world.manager)
    return client


def exported(*said):
    """An export of Label Studio in which people said a value of spinal stenosis, each in 12.5 seconds."""
    annotations = [
        {"completed_by": who, "result": [choice(value)], "was_cancelled": False, "lead_time": 12.5}
        for who, value in said
    ]
    return json.dumps([{"id": 1, "data": {"report_id": "lumbar-1"}, "annotations": annotations}]).encode()


TWO = exported(("ann@example.org", "present"), ("eve@example.org", "absent"))


def chosen(**more):
    return {"arm": "blank", "mapping": UNSAID, "create_readers": "on", "several": "True"} | more


def took(*names):
    """The raters of the file that are taken, and who they are here."""
    raters = ["ann@example.org", "eve@example.org"]
    return {"raters": raters, "reader_of": raters, "reader": list(names)}


def preview(client, url, **sent):
    return client.post(url, {"action": "look", **chosen(**sent)})


def test_program_is_taken_to_have_made_labels_until_somebody_says_otherwise(client, project):
    url = looked_at(client, project, TWO, "export.json")
    assert len(client.get(url).context["said"].runs) == 2
    assert not Reading.objects.exists()


def test_preview_says_what_would_come_in_and_from_whom(client, project, world):
    url = looked_at(client, project, TWO, "export.json")
    answer = preview(client, url, **took(world.reader.username, "eve"))
    assert answer.context["said"].counts["created"] == 2
    assert [(row.rater, row.username, row.state) for row in answer.context["readers"]] == [
        ("ann@example.org", world.reader.username, "a member"),
        ("eve@example.org", "eve", "nobody here"),
    ]
    assert not Reading.objects.exists()
    assert not User.objects.filter(username="eve").exists()


def test_annotators_become_readers_under_the_names_they_are_given(client, project, world):
    url = looked_at(client, project, TWO, "export.json")
    preview(client, url, **took(world.reader.username, "eve"))
    client.post(url, {"action": "import", **chosen(**took(world.reader.username, "eve"))})
    readings = Reading.objects.order_by("reader__username")
    assert {reading.reader.username for reading in readings} == {world.reader.username, "eve"}
    assert {(reading.arm, reading.active_seconds) for reading in readings} == {(Arm.BLANK, 12)}
    assert sorted(reading.values for reading in readings) == sorted(["+.......", "0......."])
    eve = User.objects.get(username="eve")
    assert (eve.is_active, eve.has_usable_password()) == (False, False)
    assert not Run.objects.filter(labeler="imported").exists()
    payload = Event.objects.get(verb=Event.Verb.LABELS_IMPORTED).payload
    assert payload["readers"]["eve@example.org"] == "eve"
    assert payload["mapping"]["unsaid"] == "not_mentioned"


def test_two_raters_cannot_become_one_reader(client, project):
    url = looked_at(client, project, TWO, "export.json")
    answer = preview(client, url, **took("eve", "eve"))
    assert answer.status_code == 422
    assert "cannot both be eve" in answer.content.decode()


def test_reader_who_is_nobody_is_refused_where_no_account_may_be_made(client, project):
    url = looked_at(client, project, TWO, "export.json")
    answer = preview(client, url, create_readers="", **took("zoe", "eve"))
    assert answer.context["said"].counts == {"created": 0, "unchanged": 0, "refused": 2}
    assert "there is no user &#x27;zoe&#x27; here" in answer.content.decode()


def test_reading_that_leaves_cells_open_is_refused_with_the_first_of_them(client, project):
    url = looked_at(client, project, exported((4, "present")), "export.json")
    answer = client.post(url, {"action": "look", **chosen(mapping="", several="")})
    assert "7 cells have no value, the first is spine|cancer" in answer.content.decode()


def test_archive_of_doccano_brings_readings_without_times(client, project):
    entry = {"id": 1, "report_id": "lumbar-1", "label": ["spine|stenosis"], "Comments": ["sure"]}
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as packed:
        packed.writestr("ann.jsonl", json.dumps(entry))
    url = looked_at(client, project, content.getvalue(), "export.zip")
    mapping = json.dumps({"selected": "present", "unsaid": "absent"})
    client.post(url, {"action": "import", **chosen(mapping=mapping, several="")})
    reading = Reading.objects.get()
    assert (reading.reader.username, reading.values, reading.active_seconds) == ("ann", "+0000000", None)
    assert reading.body["case"] == {"comment": "sure"}
    assert reading.body["imported"] == {"untimed": True}
    again = looked_at(client, project, content.getvalue(), "export.zip")
    answer = client.post(again, {"action": "look", **chosen(mapping=mapping, several="")})
    assert answer.context["said"].counts == {"created": 0, "unchanged": 1, "refused": 0}


@pytest.mark.parametrize(("arm", "state"), [(Arm.BLANK, SeatState.SUBMITTED), (Arm.PREFILLED, SeatState.OPEN)])
def test_seat_that_waits_for_a_reading_of_its_arm_is_filled(client, project, world, arm, state):
    seat = Seat.objects.create(
        project=project, case=world.cases[0], slot=1, reader=world.reader, arm=arm, state=SeatState.OPEN
    )
    url = looked_at(client, project, exported((world.reader.username, "present")), "export.json")
    client.post(url, {"action": "import", **chosen(several="")})
    seat.refresh_from_db()
    assert seat.state == state


def test_only_managers_import_readings(client, project, world):
    client.force_login(world.reader)
    assert client.get(reverse("label_import", args=[project.slug])).status_code == 403
