"""The worklist of a reader: states, filters, pages, and how few queries it takes."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from annotator.core.summaries import abnormal_cells, glance
from annotator.models import Draft, DraftState
from annotator.selectors.worklists import Spot, WorklistFilter, worklist_page
from labeling.core.schema_yaml import load_preset
from tests.factories import (
    CaseFactory,
    DraftFactory,
    MachineLabelFactory,
    MembershipFactory,
    ProjectFactory,
    RunFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader():
    return UserFactory()


@pytest.fixture
def project(reader):
    project = ProjectFactory(slug="lumbar")
    MembershipFactory(project=project, user=reader)
    return project


@pytest.fixture
def cases(project, reader):
    """Seven cases: 1 and 2 submitted, 3 begun; another reader submitted 4."""
    cases = [CaseFactory(project=project, report__report_id=f"R{number}") for number in range(1, 8)]
    for case in cases[:2]:
        DraftFactory(case=case, reader=reader, state=DraftState.SUBMITTED)
    DraftFactory(case=cases[2], reader=reader)
    DraftFactory(case=cases[3], state=DraftState.SUBMITTED)
    return cases


def page(project, reader, *, size=3, **wanted):
    return worklist_page(project=project, reader=reader, wanted=WorklistFilter(**wanted), size=size)


def keys(found):
    return [row.key for row in found.rows]


def test_states_are_the_readers_own(project, reader, cases):
    found = page(project, reader, size=10)
    assert [row.state for row in found.rows] == ["submitted", "submitted", "draft", "new", "new", "new", "new"]
    assert found.n_by_state == {"new": 4, "returned": 0, "draft": 1, "skipped": 0, "submitted": 2}
    assert (found.n_cases, found.n_unread) == (7, 5)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"state": "new"}, ["R4", "R5", "R6", "R7"]),
        ({"state": "draft"}, ["R3"]),
        ({"state": "submitted"}, ["R1", "R2"]),
        ({"query": "r5"}, ["R5"]),
        ({"query": "R", "state": "draft"}, ["R3"]),
        ({"query": "%"}, []),
    ],
)
def test_filter(project, reader, cases, wanted, expected):
    assert keys(page(project, reader, size=10, **wanted)) == expected


def test_pages_lead_forwards_and_back_without_loss(project, reader, cases):
    first = page(project, reader)
    assert (keys(first), first.after, first.before) == (["R1", "R2", "R3"], Spot(3), None)
    second = page(project, reader, after=first.after)
    assert (keys(second), second.after, second.before) == (["R4", "R5", "R6"], Spot(6), Spot(4))
    last = page(project, reader, after=second.after)
    assert (keys(last), last.after, last.before) == (["R7"], None, Spot(7))
    back = page(project, reader, before=last.before)
    assert (keys(back), back.after, back.before) == (["R4", "R5", "R6"], Spot(6), Spot(4))
    start = page(project, reader, before=back.before)
    assert (keys(start), start.after, start.before) == (["R1", "R2", "R3"], Spot(3), None)


def test_machine_summary_counts_abnormal_cells_of_the_prefill_only(project, reader, cases):
    run = RunFactory(project=project)
    other = RunFactory(project=project, is_prefill=False)
    MachineLabelFactory(run=run, report=cases[0].report, values="+?0!....", urgencies="2_______")
    MachineLabelFactory(run=other, report=cases[1].report)
    Draft.objects.filter(case=cases[0]).update(prefill_run=run.run_id)
    first, second = page(project, reader).rows[:2]
    assert (first.machine.n_findings, first.machine.n_unreadable) == (2, 1)
    assert second.machine is None


def test_normal_organ_is_no_finding():
    schema = load_preset("abdomen-ct")
    places = abnormal_cells(schema)
    values = ["."] * 99
    urgencies = ["_"] * 99
    for finding, value, urgency in (
        ("normal", "+", "_"),
        ("focal", "?", "3"),
        ("device", "+", "1"),
        ("diffuse", "0", "_"),
    ):
        place = next(i for i, cell in enumerate(schema.cells) if cell == ("liver", finding))
        values[place], urgencies[place] = value, urgency
    seen = glance("".join(values), "".join(urgencies), places=places)
    assert (seen.n_findings, seen.urgency) == (1, 3)


def test_page_links_cases_and_says_how_far_one_is(client, project, reader, cases):
    client.force_login(reader)
    html = client.get(reverse("worklist", args=[project.slug])).content.decode()
    assert f'data-href="{reverse("read", args=[project.slug, cases[0].pk])}"' in html
    assert "Continue reading" in html
    assert "2 of 7 submitted" in html
    assert "<script>" not in html
    assert " style=" not in html


def test_page_of_a_fresh_reader_offers_to_start(client, project, cases):
    client.force_login(MembershipFactory(project=project).user)
    assert "Start reading" in client.get(reverse("worklist", args=[project.slug])).content.decode()


def test_page_when_all_is_read(client, project, reader):
    DraftFactory(case=CaseFactory(project=project), reader=reader, state=DraftState.SUBMITTED)
    client.force_login(reader)
    html = client.get(reverse("worklist", args=[project.slug])).content.decode()
    assert "all read" in html
    assert reverse("read_next", args=[project.slug]) not in html


def test_empty_project_tells_managers_to_import(client, project, reader):
    client.force_login(reader)
    html = client.get(reverse("worklist", args=[project.slug])).content.decode()
    assert "No cases yet" in html
    assert reverse("imports", args=[project.slug]) not in html
    client.force_login(MembershipFactory(project=project, role="manager").user)
    assert (
        reverse("imports", args=[project.slug]) in client.get(reverse("worklist", args=[project.slug])).content.decode()
    )


@pytest.mark.parametrize(
    "query", ["state=other", "after=x", "after=-1", "before=99999999999999999999", "after=1&before=2", "q=%00"]
)
def test_odd_addresses_are_harmless(client, project, reader, cases, query):
    client.force_login(reader)
    assert client.get(reverse("worklist", args=[project.slug]) + "?" + query).status_code == 200


def test_ids_are_escaped(client, project, reader):
    CaseFactory(project=project, report__report_id="<img src=x onerror=alert(1)>")
    client.force_login(reader)
    assert "<img src=x" not in client.get(reverse("worklist", args=[project.slug])).content.decode()


def test_queries_do_not_grow_with_cases(client, project, reader, cases):
    client.force_login(reader)
    url = reverse("worklist", args=[project.slug])
    client.get(url)
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            client.get(url)
        counts.append(len(queries))
        CaseFactory.create_batch(30, project=project)
    assert counts[0] == counts[1] <= 14
