"""Who may read and who may decide, and which readings are blind: roles, decisions, and what one could look at."""

import json
import uuid

import pytest
from django.utils import timezone

from annotator.api.requests import draft_content
from annotator.core.resolution import Origin
from annotator.exceptions import DecidedCaseError
from annotator.models import (
    Arm,
    Decision,
    Dispute,
    Draft,
    DraftState,
    Gold,
    Membership,
    Note,
    Reading,
    Reads,
    Role,
    Seat,
    SeatState,
)
from annotator.selectors.disputes import decidable, may_decide
from annotator.selectors.seat_worklists import worklist_of
from annotator.selectors.seats import seats_in_play, sitting_for
from annotator.selectors.worklists import WorklistFilter
from annotator.services.drafts import reader_sitting
from annotator.services.projects import set_roles
from annotator.services.queue import take_next
from annotator.services.readings import Submission, submit_reading
from annotator.services.reopening import return_reading
from annotator.services.seat_changes import give_seats
from tests.annotator.seat_worlds import add_seat, api, queue_of, set_reads
from tests.annotator.worlds import NOW, draft_body, submission_body

pytestmark = pytest.mark.django_db
CELL = "spine|stenosis"


def post(client, case, what, body):
    return client.post(api(case, what), json.dumps(body), content_type="application/json")


def submit(client, world, case, **changes):
    answer = post(client, case, "/submit", submission_body(world, **({"prefill_run": None} | changes)))
    assert answer.status_code == 201, answer.content
    return Reading.objects.filter(case=case).order_by("-pk").first()


def reopen(client, case, reason="slip"):
    draft = Draft.objects.get(case=case)
    assert post(client, case, "/reopen", {"reason": reason, "note": "", "version": draft.version}).status_code == 201
    return draft.version + 1


def decide(world, case, by):
    return Decision.objects.create(
        project=world.project,
        case=case,
        schema=world.project.schema,
        cell=CELL,
        revision=1,
        value="+",
        urgency="_",
        reason="reader_slip",
        basis="0" * 64,
        decided_by=by,
        decided_at=NOW,
    )


@pytest.fixture
def unlabeled(world):
    """No run pre-fills, so that whoever reads in this open project begins blank."""
    world.run.is_prefill = False
    world.run.save(update_fields=["is_prefill"])
    return world


class TestReadingNeedsTheRole:
    @pytest.mark.parametrize("role", [Role.MANAGER, Role.ADJUDICATOR])
    def test_in_an_open_project_too(self, client, world, role):
        set_roles(project=world.project, user=world.reader, roles={role}, actor=world.manager)
        client.force_login(world.reader)
        case, body = world.cases[0], submission_body(world)
        answers = [
            client.put(api(case, "/draft"), json.dumps(draft_body(world)), content_type="application/json"),
            post(client, case, "/submit", body),
            post(client, case, "/skip", body | {"reason": "later", "note": ""}),
            post(client, case, "/notes", {"kind": "comment", "cell": "", "text": "here"}),
        ]
        assert [(answer.status_code, answer.json()["error"]["code"]) for answer in answers] == [(403, "not_reader")] * 4
        assert [model.objects.count() for model in (Draft, Reading, Note)] == [0, 0, 0]
        assert client.get(api(case)).json()["case"]["is_own"] is False

    def test_nobody_else_has_a_next_case(self, client, world):
        client.force_login(world.manager)
        assert client.get(f"/api/projects/{world.project.slug}/next").json()["case"] is None
        page = client.get(f"/projects/{world.project.slug}/next/", follow=True)
        assert "You are no reader of this project" in page.content.decode()


class TestWhoDecidedACase:
    @pytest.fixture
    def decided(self, world):
        Membership.objects.create(project=world.project, user=world.reader, role=Role.ADJUDICATOR)
        decide(world, world.cases[0], world.reader)
        return world

    def test_does_not_read_it_in_an_open_project(self, client, decided):
        client.force_login(decided.reader)
        answer = post(client, decided.cases[0], "/submit", submission_body(decided))
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "decided_case")
        assert client.get("/api/projects/lumbar/next").json()["case"]["case"]["key"] == "lumbar-2"
        page = client.get("/projects/lumbar/").context["page"]
        assert ([row.key for row in page.rows], page.n_cases) == (["lumbar-2", "lumbar-3"], 2)

    def test_reads_it_where_the_rules_let_readers_adjudicate(self, client, decided):
        set_reads(decided.project, Reads.OPEN, readers_may_adjudicate=True)
        client.force_login(decided.reader)
        assert submit(client, decided, decided.cases[0], prefill_run=str(decided.run.run_id)).arm == Arm.PREFILLED

    def test_does_not_get_it_from_the_queue(self, decided):
        queue_of(decided)
        assert take_next(project=decided.project, reader=decided.reader, now=NOW).case == decided.cases[1]

    def test_is_not_handed_it(self, decided):
        set_reads(decided.project, Reads.ASSIGNED)
        for case in decided.cases[:2]:
            add_seat(case, decided.other_reader)
        given = give_seats(
            project=decided.project,
            source=decided.other_reader,
            to=decided.reader,
            actor=decided.manager,
            reason="on leave",
            now=NOW,
        )
        assert given == (1, 1)
        assert Seat.objects.get(reader=decided.reader).case == decided.cases[1]

    def test_has_it_not_in_play_where_a_seat_was_there(self, decided):
        set_reads(decided.project, Reads.ASSIGNED)
        add_seat(decided.cases[0], decided.reader)
        assert not seats_in_play(project=decided.project, reader=decided.reader, now=NOW).exists()

    def test_cannot_submit_what_was_open_when_they_decided(self, world):
        sitting = reader_sitting(world.cases[0], world.reader)
        content = draft_content(draft_body(world))
        decide(world, world.cases[0], world.reader)
        sent = Submission(content=content, submission_id=uuid.uuid4(), acknowledged=frozenset())
        with pytest.raises(DecidedCaseError, match="lumbar-1"):
            submit_reading(case=world.cases[0], reader=world.reader, submission=sent, sitting=sitting, now=NOW)
        assert [model.objects.count() for model in (Draft, Reading)] == [0, 0]


class TestBlind:
    """What a reading is by what its reader could look at before they submitted it."""

    def origin(self, case):
        return set(Gold.objects.get(case=case).origins)

    def test_a_plain_reader_of_an_open_project_is(self, client, unlabeled):
        client.force_login(unlabeled.reader)
        reading = submit(client, unlabeled, unlabeled.cases[0])
        assert (reading.arm, reading.is_informed) == (Arm.BLANK, False)
        assert self.origin(unlabeled.cases[0]) == {Origin.SINGLE_BLIND}

    @pytest.mark.parametrize("role", [Role.MANAGER, Role.ADJUDICATOR])
    def test_who_may_look_at_everything_in_an_open_project_is_not(self, client, unlabeled, role):
        Membership.objects.create(project=unlabeled.project, user=unlabeled.reader, role=role)
        client.force_login(unlabeled.reader)
        assert submit(client, unlabeled, unlabeled.cases[0]).is_informed
        assert self.origin(unlabeled.cases[0]) == {Origin.ASSISTED}

    def test_nor_is_who_could_before(self, client, unlabeled):
        roles = {Role.READER, Role.MANAGER}
        set_roles(project=unlabeled.project, user=unlabeled.reader, roles=roles, actor=unlabeled.manager)
        set_roles(project=unlabeled.project, user=unlabeled.reader, roles={Role.READER}, actor=unlabeled.manager)
        client.force_login(unlabeled.reader)
        assert submit(client, unlabeled, unlabeled.cases[0]).is_informed

    @pytest.fixture
    def submitted(self, client, world):
        """A blank seat, submitted by a reader who is a manager too; until then they could not look."""
        set_reads(world.project, Reads.ASSIGNED)
        Membership.objects.create(project=world.project, user=world.reader, role=Role.MANAGER)
        add_seat(world.cases[0], world.reader, arm=Arm.BLANK)
        client.force_login(world.reader)
        assert not submit(client, world, world.cases[0]).is_informed
        return world

    def test_a_blank_seat_keeps_who_may_look_blind_until_it_is_submitted_and_not_after(self, client, submitted):
        case = submitted.cases[0]
        changed = "0.0.+.+."  # the first cell, which the first revision called present
        reading = submit(client, submitted, case, version=reopen(client, case), values=changed)
        assert (reading.revision, reading.is_informed) == (2, True)
        gold = Gold.objects.get(case=case)
        assert (gold.values, set(gold.origins)) == ("+.0.+.+.", {Origin.SINGLE_BLIND})

    def test_a_correction_by_a_plain_reader_stays_blind(self, client, world):
        set_reads(world.project, Reads.ASSIGNED)
        add_seat(world.cases[0], world.reader, arm=Arm.BLANK)
        client.force_login(world.reader)
        submit(client, world, world.cases[0])
        version = reopen(client, world.cases[0])
        assert not submit(client, world, world.cases[0], version=version, values="0.0.+.+.").is_informed
        assert Gold.objects.get(case=world.cases[0]).values == "0.0.+.+."

    @pytest.mark.parametrize("how", ["returned", "asked"])
    def test_what_somebody_else_asked_for_is_not_and_neither_is_what_follows(self, client, unlabeled, how):
        case = unlabeled.cases[0]
        client.force_login(unlabeled.reader)
        submit(client, unlabeled, case)
        if how == "returned":
            told = {"actor": unlabeled.manager, "text": "look again", "round": 1}
            version = return_reading(case=case, reader=unlabeled.reader, now=NOW, **told).version
        else:
            version = reopen(client, case, reason="asked")
        assert submit(client, unlabeled, case, version=version).is_informed
        assert submit(client, unlabeled, case, version=reopen(client, case)).is_informed
        assert self.origin(case) == {Origin.SINGLE_BLIND}


class TestReadersWhoAdjudicate:
    @pytest.fixture
    def both(self, world):
        set_reads(world.project, Reads.ASSIGNED, readers_may_adjudicate=True)
        Membership.objects.create(project=world.project, user=world.reader, role=Role.ADJUDICATOR)
        Dispute.objects.create(
            project=world.project,
            case=world.cases[0],
            cell=CELL,
            finding="stenosis",
            kind="presence",
            pattern="+_0_",
            basis="0" * 64,
            opened_at=NOW,
            changed_at=NOW,
        )
        return world

    def can(self, world):
        listed = decidable(world.project, world.reader).exists()
        assert may_decide(world.cases[0], world.reader) == listed
        return listed

    def test_decide_once_their_own_seat_is_submitted(self, both):
        seat = add_seat(both.cases[0], both.reader, arm=Arm.PREFILLED)
        assert not self.can(both)
        Seat.objects.filter(pk=seat.pk).update(state=SeatState.SUBMITTED, submitted_at=NOW)
        assert self.can(both)

    @pytest.mark.parametrize(("state", "may"), [(DraftState.OPEN, False), (DraftState.SUBMITTED, True)])
    def test_decide_once_what_they_began_is_submitted(self, both, state, may):
        vectors = {"values": "+.0.+.+.", "urgencies": "_" * 8, "version": 1, "saved_at": NOW}
        Draft.objects.create(project=both.project, case=both.cases[0], reader=both.reader, state=state, **vectors)
        assert self.can(both) == may


class TestRounds:
    @pytest.fixture
    def repeated(self, client, world):
        """The first case was submitted, and is due to be read again."""
        set_reads(world.project, Reads.ASSIGNED)
        first = add_seat(world.cases[0], world.reader, arm=Arm.BLANK)
        client.force_login(world.reader)
        submit(client, world, world.cases[0])
        first.refresh_from_db()
        world.again = add_seat(
            world.cases[0],
            world.reader,
            arm=Arm.BLANK,
            round=2,
            repeats=first,
            washout_days=0,
            after_others=0,
            place=9,
        )
        return world

    def test_a_repeat_waits_until_the_first_reading_is_closed_again(self, client, repeated):
        case = repeated.cases[0]
        told = {"actor": repeated.manager, "text": "look again", "round": 1}
        assert sitting_for(case, reader=repeated.reader).round == 2
        version = return_reading(case=case, reader=repeated.reader, now=NOW, **told).version
        assert sitting_for(case, reader=repeated.reader).round == 1
        play = seats_in_play(project=repeated.project, reader=repeated.reader, now=timezone.now())
        assert [seat.round for seat in play] == [1]
        page = client.get("/projects/lumbar/").context["page"]
        assert ([returned.note for returned in page.returned], page.n_unread) == (["look again"], 1)
        submit(client, repeated, case, version=version)
        assert sitting_for(case, reader=repeated.reader).round == 2

    def test_a_return_is_settled_by_a_revision_of_its_own_round(self, client, repeated):
        case = repeated.cases[0]
        submit(client, repeated, case, round=2)
        told = {"actor": repeated.manager, "reader": repeated.reader, "now": NOW}
        version = return_reading(case=case, text="the second time", round=2, **told).version
        first = return_reading(case=case, text="the first time", round=1, **told).version
        submit(client, repeated, case, version=version, round=2)
        waiting = Note.objects.filter(case=case, settled_at=None).values_list("text", flat=True)
        assert (first > 1, list(waiting)) == (True, ["the first time"])


def test_cases_at_one_place_all_come_in_pages_and_as_the_next(client, world):
    set_reads(world.project, Reads.ASSIGNED)
    for case in world.cases:
        add_seat(case, world.reader, place=1)
    seen, after = [], None
    while not seen or after is not None:
        wanted = WorklistFilter(after=after)
        page = worklist_of(project=world.project, reader=world.reader, wanted=wanted, now=NOW, size=1)
        seen += [(row.key, row.position) for row in page.rows]
        after = page.after
    assert seen == [("lumbar-1", 1), ("lumbar-2", 2), ("lumbar-3", 3)]
    client.force_login(world.reader)
    first = client.get("/api/projects/lumbar/next").json()["case"]
    second = client.get(first["urls"]["next"]).json()["case"]
    third = client.get(second["urls"]["next"]).json()["case"]
    assert [each["case"]["key"] for each in (first, second, third)] == ["lumbar-1", "lumbar-2", "lumbar-3"]


def test_places_of_a_filtered_list_count_all_cases_of_the_reader(client, world):
    set_reads(world.project, Reads.ASSIGNED)
    for place, case in enumerate(world.cases, start=11):
        add_seat(case, world.reader, place=place)
    client.force_login(world.reader)
    submit(client, world, world.cases[1], prefill_run=str(world.run.run_id))
    rows = client.get("/projects/lumbar/?state=new").context["page"].rows
    assert [(row.key, row.position) for row in rows] == [("lumbar-1", 1), ("lumbar-3", 3)]
    found = client.get("/api/projects/lumbar/jump?q=2").json()["cases"]
    assert [(case["key"], case["position"], case["state"]) for case in found] == [("lumbar-2", 2, "submitted")]
