"""Notes on cases and cells: who sees whose, and what becomes of them."""

import pytest
from django.urls import reverse

from annotator.models import Arm, Event, Membership, Note, Role, Seat
from annotator.services.notes import SentNote, answer_note, write_note
from tests.annotator.worlds import NOW, user

pytestmark = pytest.mark.django_db

CELL = "spine|cancer"


def write(world, *, reader=None, text="is this old?", kind="comment", cell=CELL, round=1, case=None):
    sent = SentNote(kind=kind, cell=cell, text=text)
    return write_note(case=case or world.cases[0], reader=reader or world.reader, round=round, sent=sent, now=NOW)


def adjudicator_of(world):
    person = user("judge")
    Membership.objects.create(project=world.project, user=person, role=Role.ADJUDICATOR)
    return person


def notes_of(client, world, person):
    client.force_login(person)
    return client.get(reverse("api_notes", args=["lumbar", world.cases[0].pk])).json()["notes"]


def post(client, world, **sent):
    url = reverse("api_notes", args=["lumbar", world.cases[0].pk])
    return client.post(url, {"kind": "comment", "cell": CELL, "text": "old?"} | sent, content_type="application/json")


def test_a_reader_writes_a_note_and_sees_the_answer_without_a_name(client, world):
    client.force_login(world.reader)
    assert post(client, world).status_code == 201
    answer_note(thread=Note.objects.get(), author=world.manager, text="yes, see 2019", now=NOW)
    (thread,) = notes_of(client, world, world.reader)
    assert (thread["author"], thread["cell"], thread["text"]) == ("you", CELL, "old?")
    assert [(answer["author"], answer["text"]) for answer in thread["answers"]] == [("manager", "yes, see 2019")]
    assert "manager" not in Event.objects.filter(verb=Event.Verb.NOTE_WRITTEN).first().payload


def test_nobody_sees_the_threads_of_another_reader_on_the_reading_screen(client, world):
    write(world)
    assert notes_of(client, world, world.other_reader) == []
    assert client.get(reverse("api_case", args=["lumbar", world.cases[0].pk])).json()["notes"] == []
    client.force_login(world.manager)
    assert client.get(reverse("api_notes", args=["lumbar", world.cases[0].pk])).status_code == 403


def test_a_repeat_does_not_show_what_was_said_in_the_first_round(client, world):
    write(world, round=2)
    assert notes_of(client, world, world.reader) == []


def test_a_reader_answers_only_in_threads_of_their_own(client, world):
    thread = write(world)
    client.force_login(world.other_reader)
    assert post(client, world, parent=thread.pk).status_code == 404
    client.force_login(world.reader)
    assert post(client, world, parent=thread.pk, text="thank you").status_code == 201
    assert Note.objects.get(parent=thread).text == "thank you"
    answer = Note.objects.get(parent=thread)
    assert post(client, world, parent=answer.pk).status_code == 404


@pytest.mark.parametrize(
    "sent", [{"kind": "return"}, {"kind": ""}, {"text": " "}, {"text": None}, {"cell": "liver|focal"}, {"parent": "x"}]
)
def test_a_note_that_is_none_is_refused(client, world, sent):
    client.force_login(world.reader)
    assert post(client, world, **sent).status_code == 400
    assert not Note.objects.exists()


def test_managers_answer_and_settle_in_their_inbox(client, world):
    flag = write(world, kind="flag", cell="", text="wrong study")
    write(world, reader=world.other_reader, text="a comment")
    client.force_login(world.manager)
    url = reverse("notes", args=["lumbar"])
    page = client.get(url).content.decode()
    assert "wrong study" in page
    assert "lumbar-reader" in page
    assert "a comment" not in page
    client.post(url, {"note": flag.pk, "action": "settle", "text": "will be imported anew"})
    flag.refresh_from_db()
    assert (flag.settled_by, flag.answers.get().text) == (world.manager, "will be imported anew")
    assert "wrong study" not in client.get(url).content.decode()
    assert "wrong study" in client.get(url, {"state": "settled"}).content.decode()
    client.post(url, {"note": flag.pk, "action": "reopen"})
    flag.refresh_from_db()
    assert flag.settled_at is None


def test_an_empty_answer_says_so(client, world):
    flag = write(world, kind="flag")
    client.force_login(world.manager)
    answer = client.post(reverse("notes", args=["lumbar"]), {"note": flag.pk, "action": "answer"}, follow=True)
    assert "Write an answer first" in answer.content.decode()


def test_adjudicators_see_notes_without_names_and_none_of_cases_they_read(client, world):
    judge = adjudicator_of(world)
    write(world, text="first case")
    mine = write(world, case=world.cases[1], text="second case")
    Seat.objects.create(project=world.project, case=world.cases[1], slot=1, reader=judge, arm=Arm.PREFILLED)
    client.force_login(judge)
    page = client.get(reverse("notes", args=["lumbar"]), {"kind": "all"}).content.decode()
    assert "first case" in page
    assert "second case" not in page
    assert "lumbar-reader" not in page
    answer = client.post(reverse("notes", args=["lumbar"]), {"note": mine.pk, "action": "answer", "text": "hm"})
    assert answer.status_code == 404


def test_who_still_has_to_read_blindly_does_not_see_the_notes_of_others(client, world):
    write(world)
    Seat.objects.create(project=world.project, case=world.cases[0], slot=1, reader=world.manager, arm=Arm.BLANK)
    client.force_login(world.manager)
    for name, arguments in (("notes", ["lumbar"]), ("case", ["lumbar", world.cases[0].pk])):
        assert client.get(reverse(name, args=arguments)).status_code == 403


def test_an_answer_leads_back_to_the_page_it_was_written_on_and_to_no_other_host(client, world):
    flag = write(world, kind="flag")
    client.force_login(world.manager)
    url = reverse("notes", args=["lumbar"])
    sent = {"note": flag.pk, "action": "answer", "text": "seen"}
    case_url = reverse("case", args=["lumbar", world.cases[0].pk])
    assert client.post(url, sent | {"next": case_url})["Location"] == case_url
    assert client.post(url, sent | {"next": "https://evil.example/"})["Location"] == url


def test_pages_of_notes_lead_to_earlier_ones(client, world):
    for number in range(51):
        write(world, kind="flag", text=f"flag number {number:02}.")
    client.force_login(world.manager)
    first = client.get(reverse("notes", args=["lumbar"]))
    assert "number 50." in first.content.decode()
    assert "number 00." not in first.content.decode()
    earlier = client.get(reverse("notes", args=["lumbar"]), {"before": first.context["page"].before})
    assert "number 00." in earlier.content.decode()
