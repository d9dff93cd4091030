"""Pages and routes of adjudication: who sees what, and what they answer."""

import json

import pytest
from django.urls import reverse

from annotator.models import Arm, Decision, Dispute, Membership, Role, Seat
from annotator.selectors.dispute_pages import dispute_figures
from annotator.selectors.disputed_cells import mark_of, sealed
from tests.annotator.disputed import FOCAL, SPLEEN, make_disputed, read

pytestmark = pytest.mark.django_db
DIFFERS = {FOCAL: ["+1", "+1", "0_"]}
ALIKE = {"finding": "focal", "kind": "presence", "pattern": "+1,+1,0_"}


@pytest.fixture
def disputed():
    return make_disputed("disputed", [DIFFERS, DIFFERS, {SPLEEN: ["+_", "0_", "0_"]}])


@pytest.fixture
def adjudicator(client, disputed):
    client.force_login(disputed.adjudicator)
    return client


def url(name, world, **more):
    return reverse(name, kwargs={"slug": world.project.slug, **more})


def case_url(name, world, case=0):
    return url(name, world, case_id=world.cases[case].pk)


def post_decision(client, world, *, case=0, revision=0, name="api_decide", **more):
    sent = {"cell": FOCAL, "basis": sealed(world.dispute(case)), "revision": revision}
    sent |= {"value": "+", "urgency": "1", "reason": "reader_slip", "note": "", "evidence": []}
    return client.post(case_url(name, world, case), json.dumps(sent | more), content_type="application/json")


def test_the_queue_lists_patterns_and_cases_and_no_names(adjudicator, disputed):
    page = adjudicator.get(url("adjudicate", disputed)).content.decode()
    assert "Decide 3" in page
    assert page.count("all alike") == 1
    assert all(case.key in page for case in disputed.cases)
    assert "reader1" not in page


def test_managers_see_counts_and_decide_nothing(client, disputed):
    client.force_login(disputed.manager)
    page = client.get(url("adjudicate", disputed)).content.decode()
    assert "0 of 3 disputed cells decided" in page
    assert "one by one" not in page
    assert "reader1" not in page
    assert client.get(case_url("adjudicate_case", disputed)).status_code == 403


def test_readers_are_refused(client, disputed):
    client.force_login(disputed.readers[0])
    assert client.get(url("adjudicate", disputed)).status_code == 403


def test_an_adjudicator_who_is_to_read_blind_waits(adjudicator, disputed):
    Seat.objects.create(
        project=disputed.project, case=disputed.cases[2], slot=9, reader=disputed.adjudicator, arm=Arm.BLANK
    )
    for address in (url("adjudicate", disputed), case_url("adjudicate_case", disputed)):
        answer = adjudicator.get(address)
        assert answer.status_code == 403
        assert "blank arm" in answer.content.decode()


def test_a_case_that_one_read_is_not_there(adjudicator, disputed):
    Membership.objects.create(project=disputed.project, user=disputed.adjudicator, role=Role.READER)
    read(disputed.cases[0], disputed.adjudicator, {FOCAL: "+1"})
    for name in ("adjudicate_case", "api_disputed_case"):
        assert adjudicator.get(case_url(name, disputed)).status_code == 404
    assert post_decision(adjudicator, disputed).status_code == 404
    page = adjudicator.get(url("adjudicate", disputed)).content.decode()
    assert "D-1" not in page
    assert "1 more of cases that you read yourself is left to others" in " ".join(page.split())


def test_the_way_leads_through_what_is_filtered(adjudicator, disputed):
    answer = adjudicator.get(url("adjudicate_next", disputed), {"finding": "normal"})
    assert answer["Location"] == case_url("adjudicate_case", disputed, 2) + "?finding=normal"
    data = adjudicator.get(answer["Location"]).context["case_data"]
    assert data["urls"]["next"].endswith("?finding=normal&after=3")
    assert adjudicator.get(data["urls"]["next"]).json() == {"case": None}
    following = adjudicator.get(url("api_next_disputed", disputed), {"after": "1"}).json()["case"]
    assert following["case"]["key"] == "D-2"
    assert adjudicator.get(url("adjudicate_next", disputed), {"finding": "atrophy"})["Location"] == url(
        "adjudicate", disputed
    )


def test_a_case_without_disputes_leads_back_to_the_queue(adjudicator, disputed):
    Dispute.objects.filter(case=disputed.cases[0]).update(state="withdrawn")
    answer = adjudicator.get(case_url("adjudicate_case", disputed), follow=True)
    assert "Case D-1 has no disputed cells" in answer.content.decode()


def test_deciding_and_taking_back(adjudicator, disputed):
    answer = post_decision(adjudicator, disputed)
    assert answer.status_code == 201
    assert answer.json()["decision"]["revision"] == 1
    shown = adjudicator.get(case_url("api_disputed_case", disputed)).json()["cells"]
    assert [cell["decision"]["value"] for cell in shown] == ["+"]
    assert post_decision(adjudicator, disputed, revision=1, name="api_undo").status_code == 201
    assert disputed.dispute().state == "open"


def test_the_loser_gets_what_the_winner_decided(client, disputed):
    client.force_login(disputed.other_adjudicator)
    post_decision(client, disputed, value="0", urgency="_")
    client.force_login(disputed.adjudicator)
    answer = post_decision(client, disputed)
    assert answer.status_code == 409
    error = answer.json()["error"]
    assert (error["code"], error["details"]["theirs"]["value"]) == ("decided", "0")
    assert "adjudicator2" not in answer.content.decode()


def test_a_changed_basis_is_told(adjudicator, disputed):
    answer = post_decision(adjudicator, disputed, basis="0" * 64)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "stale")


@pytest.mark.parametrize("change", [{"value": "x"}, {"revision": "1"}, {"cell": "nose|focal"}, {"evidence": "all"}])
def test_what_cannot_be_meant_is_refused(adjudicator, disputed, change):
    assert post_decision(adjudicator, disputed, **change).status_code == 400


def marks(world, *cases):
    return [mark_of(world.dispute(case), revision=0) for case in cases]


def alike_url(world):
    return url("adjudicate_alike", world) + "?finding=focal&kind=presence&pattern=%2B1%2C%2B1%2C0_"


def test_cells_that_look_alike_are_listed_and_decided(adjudicator, disputed):
    page = adjudicator.get(alike_url(disputed)).content.decode()
    assert all(mark in page for mark in marks(disputed, 0, 1))
    assert "D-3" not in page
    sent = {"value": "+", "urgency": "1", "reason": "guideline_gap", "note": "", "cell": marks(disputed, 0, 1)}
    answer = adjudicator.post(alike_url(disputed), sent, follow=True)
    assert Decision.objects.filter(reason="guideline_gap").count() == 2
    assert "Take 2 decisions back" in answer.content.decode()
    adjudicator.post(answer.redirect_chain[-1][0])
    assert Dispute.objects.filter(state="open").count() == 3


def test_a_bulk_that_cannot_be_stored_says_why(adjudicator, disputed):
    sent = {"value": "0", "urgency": "1", "reason": "reader_slip", "note": "", "cell": marks(disputed, 0)}
    page = adjudicator.post(alike_url(disputed), sent).content.decode()
    assert "has none" in page
    page = adjudicator.post(alike_url(disputed), sent | {"urgency": "_", "cell": ["x"]}).content.decode()
    assert "cannot be read" in page
    assert not Decision.objects.exists()


def test_a_bulk_tells_of_what_it_left_out(adjudicator, disputed):
    chosen = marks(disputed, 0, 1)
    post_decision(adjudicator, disputed)
    sent = {"value": "+", "urgency": "1", "reason": "reader_slip", "note": "", "cell": chosen}
    answer = adjudicator.post(alike_url(disputed), sent, follow=True)
    assert "1 cell left out" in answer.content.decode()
    assert Decision.objects.count() == 2


def test_reasons_are_counted_on_the_dashboard_and_in_its_file(client, disputed):
    client.force_login(disputed.adjudicator)
    post_decision(client, disputed, reason="guideline_gap")
    counts = dispute_figures(disputed.project)
    assert (counts.n, counts.total.n_open, counts.total.n_decided) == (3, 2, 1)
    assert [(line.finding, line.n_open, line.n_decided) for line in counts.lines] == [("normal", 1, 0), ("focal", 1, 1)]
    client.force_login(disputed.manager)
    assert "guideline gap" in client.get(url("dashboard_disputes", disputed)).content.decode()
    lines = client.get(url("dashboard_disputes_csv", disputed)).content.decode().split("\r\n")
    assert lines == [
        "finding,kind,reason,cells",
        "focal,presence,guideline_gap,1",
        "focal,presence,open,1",
        "normal,presence,open,1",
        "",
    ]
