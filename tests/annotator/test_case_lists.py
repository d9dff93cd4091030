"""The list of all cases with how far they are, and the exclusion of cases."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from annotator.core.case_states import CaseState
from annotator.exceptions import UserError
from annotator.models import Arm, Event, Exclusion, Gold, Reading, Seat, StudyRules
from annotator.selectors.case_lists import CaseFilter, case_list
from annotator.services.exclusions import exclude_case, include_case
from annotator.services.notes import SentNote, write_note
from tests.annotator.worlds import NOW, add_case, draft_body, submission_body
from tests.factories import CaseFactory, DraftFactory, ReadingFactory

pytestmark = pytest.mark.django_db


def gold_of(case, state, *, n_open=0):
    return Gold.objects.create(
        case=case,
        project=case.project,
        schema=case.project.schema,
        state=state,
        values="+.0.+.+.",
        urgencies="_" * 8,
        origins="d" * 8,
        n_voices="2" * 8,
        n_agreeing="2" * 8,
        n_readings=2,
        n_open=n_open,
        rules_version=1,
        version=1,
        settled_at=NOW,
    )


def read_by(case, *readers):
    for reader in readers:
        ReadingFactory(case=case, reader=reader)


@pytest.fixture
def study(world):
    """Two readers per case; a case in each state, in the order of the states."""
    StudyRules.objects.create(project=world.project, readers_per_case=2)
    cases = [*world.cases, *(add_case(world.project, position) for position in (4, 5, 6))]
    both = (world.reader, world.other_reader)
    DraftFactory(case=cases[1], reader=world.reader)
    for case in cases[2:5]:
        read_by(case, *both)
    gold_of(cases[3], "in_adjudication", n_open=3)
    gold_of(cases[4], "final")
    exclude_case(case=cases[5], actor=world.manager, reason="another patient", now=NOW)
    return cases


def listed(world, **wanted):
    return case_list(project=world.project, wanted=CaseFilter(**wanted))


def test_the_database_and_the_rules_say_the_same_of_how_far_a_case_is(world, study):
    page = listed(world)
    assert [row.state for row in page.rows] == list(CaseState)
    assert page.n_by_state == dict.fromkeys((state.value for state in CaseState), 1)
    for state in CaseState:
        assert [row.state for row in listed(world, state=state.value).rows] == [state]


def test_seats_say_how_many_readings_are_wanted(world, study):
    Seat.objects.create(project=world.project, case=study[2], slot=1, reader=world.manager, arm=Arm.BLANK)
    assert listed(world).rows[2].n_wanted == 1
    for slot, person in ((2, world.reader), (3, world.other_reader)):
        Seat.objects.create(project=world.project, case=study[2], slot=slot, reader=person, arm=Arm.BLANK)
    row = listed(world).rows[2]
    assert (row.n_submitted, row.n_wanted, row.state) == (2, 3, CaseState.IN_PROGRESS)
    assert row in listed(world, state="in_progress").rows


def test_cases_are_found_by_id_and_by_open_flags(world, study):
    write_note(case=study[0], reader=world.reader, round=1, sent=SentNote(kind="flag", cell="", text="look"), now=NOW)
    assert [row.key for row in listed(world, query="BAR-4").rows] == ["lumbar-4"]
    assert [(row.key, row.n_flags) for row in listed(world, flagged=True).rows] == [("lumbar-1", 1)]
    assert listed(world).n_flagged == 1


def test_pages_lead_forth_and_back_without_a_gap(world):
    CaseFactory.create_batch(4, project=world.project)
    first = case_list(project=world.project, wanted=CaseFilter(), size=3)
    second = case_list(project=world.project, wanted=CaseFilter(after=first.after), size=3)
    third = case_list(project=world.project, wanted=CaseFilter(after=second.after), size=3)
    assert [[row.position for row in page.rows] for page in (first, second, third)] == [[1, 2, 3], [4, 5, 6], [7]]
    assert (first.before, third.after) == (None, None)
    back = case_list(project=world.project, wanted=CaseFilter(before=third.before), size=3)
    assert [row.position for row in back.rows] == [4, 5, 6]


def test_queries_do_not_grow_with_cases(client, world, study):
    client.force_login(world.manager)
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            page = client.get(reverse("cases", args=["lumbar"]))
        assert page.status_code == 200
        counts.append(len(queries))
        CaseFactory.create_batch(20, project=world.project)
    assert counts[0] == counts[1]


def test_an_excluded_case_leaves_what_readers_are_given_and_takes_no_writing(client, world):
    case = world.cases[0]
    exclude_case(case=case, actor=world.manager, reason="another patient", now=NOW)
    client.force_login(world.reader)
    assert client.get("/api/projects/lumbar/next").json()["case"]["case"]["key"] == "lumbar-2"
    assert client.get("/api/projects/lumbar/next").json()["remaining"] == 2
    assert "lumbar-1" not in client.get(reverse("worklist", args=["lumbar"])).content.decode()
    assert [each["key"] for each in client.get("/api/projects/lumbar/jump").json()["cases"]] == ["lumbar-2", "lumbar-3"]
    url = f"/api/projects/lumbar/cases/{case.pk}"
    assert client.get(url).json()["excluded"] == "another patient"
    for answer in (
        client.put(f"{url}/draft", draft_body(world), content_type="application/json"),
        client.post(f"{url}/submit", submission_body(world), content_type="application/json"),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "excluded")
    assert not Reading.objects.exists()


def test_an_exclusion_and_its_end_are_both_kept(world):
    case = world.cases[0]
    exclude_case(case=case, actor=world.manager, reason="another patient", now=NOW)
    with pytest.raises(UserError, match="excluded already"):
        exclude_case(case=case, actor=world.manager, reason="again", now=NOW)
    include_case(case=case, actor=world.manager, reason="the key was wrong", now=NOW)
    with pytest.raises(UserError, match="not excluded"):
        include_case(case=case, actor=world.manager, reason="again", now=NOW)
    exclude_case(case=case, actor=world.manager, reason="a duplicate", now=NOW)
    assert list(Exclusion.objects.values_list("reason", "end_reason")) == [
        ("another patient", "the key was wrong"),
        ("a duplicate", ""),
    ]
    verbs = Event.objects.filter(verb__startswith="case_").values_list("verb", flat=True)
    assert list(verbs) == ["case_excluded", "case_included", "case_excluded"]
    with pytest.raises(IntegrityError), transaction.atomic():
        Exclusion.objects.update(reason="none")


@pytest.mark.parametrize("reason", ["", "  ", "x" * 1001])
def test_an_exclusion_needs_a_reason(world, reason):
    with pytest.raises(UserError, match="Give a reason"):
        exclude_case(case=world.cases[0], actor=world.manager, reason=reason, now=NOW)


def test_a_manager_sends_back_excludes_and_takes_back_on_the_page_of_a_case(client, world):
    case = world.cases[0]
    client.force_login(world.reader)
    url = f"/api/projects/lumbar/cases/{case.pk}/submit"
    client.post(url, submission_body(world, key_presses_delta=7), content_type="application/json")
    client.force_login(world.manager)
    page = reverse("case", args=["lumbar", case.pk])
    assert "lumbar-reader" in client.get(page).content.decode()

    def act(**sent):
        return client.post(page, sent, follow=True).content.decode()

    assert "Say in a note" in act(action="return", round=1, reader=world.reader.pk, text="")
    assert "Nobody with this key" in act(action="return", round=1, reader=world.other_reader.pk, text="look")
    assert "is back with lumbar-reader" in act(action="return", round=1, reader=world.reader.pk, text="Look at L4-5.")
    assert "Look at L4-5." in client.get(page).content.decode()
    assert "is excluded. What was read of it is kept" in act(action="exclude", reason="a duplicate")
    assert "take it back in first" in act(action="return", round=1, reader=world.reader.pk, text="look")
    assert "counts again" in act(action="include", reason="it is none")
    assert client.post(page, {"action": "delete"}).status_code == 404
