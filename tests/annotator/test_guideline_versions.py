"""Guidelines: versions, what readers are shown, and the past cells that a change may affect."""

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from annotator.exceptions import UserError
from annotator.models import Event, Guideline, Reading
from annotator.selectors.guidelines import affected_by, guidelines_payload
from annotator.selectors.schemas import parsed_schema
from annotator.services.exclusions import exclude_case
from annotator.services.guidelines import Wording, write_guideline
from tests.annotator.worlds import NOW, submission_body
from tests.factories import ReadingFactory

pytestmark = pytest.mark.django_db


def write(world, text="Count metastases.", *, finding="cancer", what_changed="", based_on=0):
    wording = Wording(finding=finding, text=text, what_changed=what_changed, based_on=based_on)
    return write_guideline(project=world.project, wording=wording, actor=world.manager, now=NOW)


def submit(client, world, case, **changes):
    url = f"/api/projects/lumbar/cases/{case.pk}/submit"
    return client.post(url, submission_body(world, **changes), content_type="application/json")


def test_a_change_is_a_new_version_and_the_old_one_stays(world):
    write(world)
    write(world, "Count metastases.\nNot scars.", what_changed="scars", based_on=1)
    assert list(Guideline.objects.values_list("version", "text")) == [
        (1, "Count metastases."),
        (2, "Count metastases.\nNot scars."),
    ]
    payload = Event.objects.filter(verb=Event.Verb.GUIDELINE_WRITTEN).last().payload
    assert payload == {"finding": "cancer", "version": 2}
    with pytest.raises(IntegrityError), transaction.atomic():
        Guideline.objects.filter(version=1).update(text="nothing")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"based_on": 0}, "later version"),
        ({"based_on": 1, "text": "Count metastases."}, "Nothing was changed"),
        ({"based_on": 1, "text": "All.", "what_changed": " "}, "what changed"),
        ({"based_on": 1, "text": "x" * 20_001, "what_changed": "long"}, "20,000"),
        ({"finding": "focal"}, "no finding 'focal'"),
    ],
)
def test_a_version_that_cannot_be_is_refused(world, changes, says):
    write(world)
    with pytest.raises(UserError, match=says):
        write(world, **changes)
    assert Guideline.objects.count() == 1


def test_a_reading_says_which_versions_were_shown(client, world):
    write(world)
    client.force_login(world.reader)
    answer = submit(client, world, world.cases[0], guidelines={"cancer": 2})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid")
    assert submit(client, world, world.cases[0], guidelines={"cancer": 1}).status_code == 201
    assert Reading.objects.get().body["guidelines"] == {"cancer": 1}
    assert submit(client, world, world.cases[1]).status_code == 201
    assert "guidelines" not in Reading.objects.get(case=world.cases[1]).body


def test_a_guideline_is_new_until_a_reading_says_that_it_was_shown(client, world):
    write(world)
    assert guidelines_payload(world.project, reader=world.reader)["cancer"]["is_new"] is False
    client.force_login(world.reader)
    submit(client, world, world.cases[0], guidelines={"cancer": 1})
    write(world, "All.", what_changed="all", based_on=1)
    write(world, "Read twice.", finding="")
    shown = client.get("/api/projects/lumbar/guidelines").json()["guidelines"]
    assert [(name, each["version"], each["is_new"]) for name, each in shown.items()] == [
        ("", 1, True),
        ("cancer", 2, True),
    ]
    submit(client, world, world.cases[1], guidelines={"cancer": 2, "": 1})
    assert not any(each["is_new"] for each in guidelines_payload(world.project, reader=world.reader).values())


def test_the_case_names_the_versions_in_force(client, world):
    write(world)
    client.force_login(world.reader)
    payload = client.get(f"/api/projects/lumbar/cases/{world.cases[0].pk}").json()
    assert payload["guidelines"] == {"cancer": 1}


def test_cells_read_before_a_version_are_listed_with_what_was_said(client, world):
    first, second, third = world.cases
    cancer = [str(cell) for cell in parsed_schema(world.project.schema).cells].index("spine|cancer")
    said = "0" * 8
    positive = said[:cancer] + "+" + said[cancer + 1 :]
    ReadingFactory(case=first, reader=world.reader, values=positive, body={"cells": {}, "guidelines": {"cancer": 1}})
    ReadingFactory(case=first, reader=world.other_reader, values=said, body={"cells": {}})
    ReadingFactory(case=second, reader=world.reader, values=positive, body={"cells": {}, "guidelines": {"cancer": 2}})
    ReadingFactory(case=third, reader=world.reader, values=positive, body={"cells": {}})
    exclude_case(case=third, actor=world.manager, reason="a duplicate", now=NOW)
    write(world)
    latest = write(world, "=All.", what_changed="all", based_on=1)
    (found,) = affected_by(latest)
    assert (found.case_key, found.cell, found.said, found.differs) == ("lumbar-1", "spine|cancer", "+0", True)
    client.force_login(world.manager)
    page = client.get(reverse("guideline_affected", args=["lumbar"]), {"finding": "cancer"}).content.decode()
    assert "1 cell of 1 case" in page
    file = client.get(reverse("guideline_affected_csv", args=["lumbar"]), {"finding": "cancer"}).content.decode()
    assert file.splitlines()[1] == 'lumbar-1,"spine|cancer","present;absent",yes,cancer,2'


def test_pages_show_and_change_guidelines(client, world):
    client.force_login(world.manager)
    assert "none yet" in client.get(reverse("guidelines", args=["lumbar"])).content.decode()
    url = reverse("guideline", args=["lumbar"]) + "?finding=cancer"
    page = client.post(url, {"text": "Count.\n<b>", "what_changed": "", "based_on": 0}, follow=True).content.decode()
    assert "Version 1 is in force" in page
    assert "<ins>&lt;b&gt;</ins>" in page
    stale = client.post(url, {"text": "Mine.", "what_changed": "mine", "based_on": 0})
    assert stale.status_code == 400
    assert "later version" in stale.content.decode()
    assert ">\nMine.</textarea>" in stale.content.decode()
    assert "Count." in client.get(reverse("guidelines", args=["lumbar"])).content.decode()
    for name in ("guideline", "guideline_affected", "guideline_affected_csv"):
        assert client.get(reverse(name, args=["lumbar"]), {"finding": "liver"}).status_code == 404
