"""Comparing two runs on a page and as a table: who may, what is counted, what is listed, what it costs."""

import csv
import io
import re
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from annotator.models import Event
from annotator.selectors import run_comparisons
from labeling.models import MachineLabel, Run
from labeling.selectors import comparisons
from labeling.selectors.run_list import runs_to_compare
from tests.annotator.worlds import NOW, TEXT, add_case, label_schema
from tests.factories import MachineLabelFactory, RunFactory

pytestmark = pytest.mark.django_db

NONE = "_" * 8
FIRST = "spine|stenosis"
QUOTE = "disc protrusion compresses the thecal sac."
START = TEXT.index(QUOTE)


@pytest.fixture
def runs(world):
    """A over all three reports, B over the first two and a fourth of its own.

    First report: A only in cell 1, urgency apart equal otherwise. Second: unreadable in B in cell 1, B only in cell 2.
    """
    world.cases.append(add_case(world.project, 4))
    a = RunFactory(project=world.project, is_prefill=False, manifest={"labeler": "rules", "code_version": 1})
    b = RunFactory(
        project=world.project,
        is_prefill=False,
        labeler="leavs-fast",
        manifest={"labeler": "leavs-fast", "model": "tiny"},
        request={"model": "tiny"},
    )
    add(a, world.cases[0], "+.0.+.+.", {FIRST: {"evidence": [[START, START + len(QUOTE)]], "reason": "compresses it"}})
    add(a, world.cases[1], "+.0.+.+.")
    add(a, world.cases[2], "+.0.+.+.")
    add(b, world.cases[0], "0.0.+.+.", {FIRST: {"probability": 0.125, "logit_difference": -1.9459101490553135}})
    add(b, world.cases[1], "!+0.+.+.")
    add(b, world.cases[3], "+.0.+.+.")
    return a, b


def add(run, case, values, cells=None):
    return MachineLabelFactory(run=run, report=case.report, values=values, urgencies=NONE, body={"cells": cells or {}})


@pytest.fixture
def see(client, world):
    """The page for these runs, as its manager sees it."""
    client.force_login(world.manager)

    def ask(first=None, second=None, **query):
        named = {name: str(run.run_id) for name, run in (("a", first), ("b", second)) if run}
        return client.get(reverse("run_compare", args=[world.project.slug]), named | query)

    return ask


@pytest.fixture
def table(client, world):
    """The rows of the table for these runs."""
    client.force_login(world.manager)

    def ask(a, b, **query):
        url = reverse("run_compare_csv", args=[world.project.slug])
        answer = client.get(url, {"a": str(a.run_id), "b": str(b.run_id)} | query)
        assert answer.status_code == 200
        assert answer["Content-Type"] == "text/csv; charset=utf-8"
        text = b"".join(answer.streaming_content).decode()
        return list(csv.DictReader(io.StringIO(text, newline="")))

    return ask


def text_of(answer):
    """What stands on the page, without markup and runs of blanks."""
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def test_without_runs_the_page_offers_those_with_labels(world, runs, see):
    empty = RunFactory(project=world.project, is_prefill=False)
    html = see().content.decode()
    for run in (world.run, *runs):
        assert html.count(f'value="{run.run_id}"') == 2
    assert str(empty.run_id) not in html
    assert "leavs-fast · tiny" in html


def test_only_the_latest_runs_are_offered_and_an_older_one_that_was_chosen_stays_so(world, runs, see, monkeypatch):
    for module in (comparisons, run_comparisons):
        monkeypatch.setattr(module, "MAX_COMPARED", 2)
    oldest, *latest = sorted((world.run, *runs), key=lambda run: (run.started_at, run.pk))
    assert str(oldest.run_id) not in see().content.decode()
    answer = see(oldest, latest[0])
    assert "Only the latest 2 runs with labels are offered." in text_of(answer)
    assert re.search(rf'value="{oldest.run_id}"\s+selected', answer.content.decode())


def test_both_pages_offer_the_same_runs_and_read_no_manifests(world, runs):
    RunFactory(project=world.project, is_prefill=False)
    rater = RunFactory(project=world.project, is_prefill=False, labeler="imported", manifest={"rater": "Dr. No"})
    add(rater, world.cases[0], "+.0.+.+.")
    offered = comparisons.comparable_runs(world.project)
    assert all("manifest" in run.get_deferred_fields() for run, _ in offered)
    assert {name for _, name in offered} == {"rules", "leavs-fast · tiny", "imported · Dr. No"}
    assert [key for key, _ in runs_to_compare(world.project)] == [str(run.run_id) for run, _ in offered]


def test_a_project_with_one_run_has_nothing_to_compare(world, see):
    assert "Only one run has labels" in see().content.decode()


def test_reports_and_cells_are_counted(runs, see):
    answer = see(*runs)
    compared = answer.context["compared"]
    assert compared.n_both == "2"
    assert [(side.n_labeled, side.n_alone) for side in compared.sides] == [("3", "1"), ("3", "1")]
    # Of 16 pairs one is unreadable; of the other 15, cell 1 of the first and cell 2 of the second report differ.
    together = compared.heat.together
    assert (together.n, together.n_same, together.n_other, together.percent) == ("15", "13", "2", "86.7 %")
    assert together.some == {"same": "13", "a_only": "1", "b_only": "1", "unreadable": "1"}
    said = text_of(answer)
    assert "13 of 15 (86.7 %)" in said
    assert "Over the 2 reports that both labeled" in said


def test_page_says_what_differs_in_how_they_were_made(runs, see):
    said = text_of(see(*runs))
    assert "labeler rules leavs-fast" in said
    assert "model – not stated tiny" in said


def test_chosen_cell_lists_its_reports_with_what_both_said_and_why(world, runs, see):
    answer = see(*runs, cell=FIRST)
    [report] = answer.context["compared"].reports.rows
    [cell] = report.cells
    assert (report.case_key, cell.kind) == (world.cases[0].key, "present or possible in A only")
    assert (cell.a.value, cell.a.quotes, cell.a.reason) == ("present", (QUOTE,), "compresses it")
    assert (cell.b.value, cell.b.probability, cell.b.quotes) == ("absent", "0.125", ())
    html = answer.content.decode()
    assert reverse("read", args=[world.project.slug, world.cases[0].pk]) in html
    for run in runs:
        assert reverse("run_case", args=[world.project.slug, run.run_id, world.cases[0].pk]) in html
    # The table of values is that of this cell: present by absent, and present by unreadable.
    assert [row.total for row in answer.context["compared"].states.rows] == ["2", "0", "0", "0", "0", "0", "0"]


def test_without_a_cell_the_report_with_most_differences_comes_first(world, runs, see):
    a, b = runs
    add(b, world.cases[2], "+?0.0.+.")
    rows = see(a, b).context["compared"].reports.rows
    # Third report: B only in cell 2, A only in cell 5. The others have one each.
    assert [(row.case_key, row.n_cells) for row in rows] == [
        (world.cases[2].key, 2),
        (world.cases[0].key, 1),
        (world.cases[1].key, 1),
    ]


@pytest.mark.parametrize(
    ("kind", "listed"),
    [("", [1, 2]), ("a_only", [1]), ("b_only", [2]), ("unreadable", [2]), ("certainty", []), ("not_asked", [])],
)
def test_list_and_table_hold_the_wanted_kind(world, runs, see, table, kind, listed):
    keys = [world.cases[number - 1].key for number in listed]
    assert [row.case_key for row in see(*runs, kind=kind).context["compared"].reports.rows] == keys
    assert [row["case"] for row in table(*runs, kind=kind)] == keys


def test_unreadable_and_not_asked_are_not_in_the_list_of_differences(world, runs, see, table):
    a, _ = runs
    silent = RunFactory(project=world.project, is_prefill=False)
    for case in world.cases[:3]:
        add(silent, case, "!_!_!_!_")
    compared = see(a, silent).context["compared"]
    assert (compared.heat.together.percent, compared.reports.n_reports) == ("no data", 0)
    assert compared.scope.n_of["unreadable"] == compared.scope.n_of["not_asked"] == "12"  # 3 reports x 4 cells
    assert table(a, silent) == []
    assert len(table(a, silent, kind="not_asked")) == 12


def test_table_has_a_row_per_listed_cell_with_all_that_is_known(world, runs, table):
    a, b = runs
    first, second = table(a, b)
    assert first == {
        "report_id": world.cases[0].report.report_id,
        "case": world.cases[0].key,
        "target": "spine",
        "finding": "stenosis",
        "difference": "a_only",
        "value_a": "present",
        "value_b": "absent",
        "urgency_a": "",
        "urgency_b": "",
        "probability_a": "",
        "probability_b": "0.125",
        "logit_difference_a": "",
        "logit_difference_b": "-1.9459101490553135",  # unrounded
        "run_a": str(a.run_id),
        "run_b": str(b.run_id),
    }
    assert (second["case"], second["difference"]) == (world.cases[1].key, "b_only")


def test_table_is_safe_in_a_spreadsheet_and_written_down(client, world, runs):
    a, b = runs
    evil = MachineLabelFactory(run=a, report__project=world.project, report__report_id="=1+1", values="+" * 8)
    MachineLabelFactory(run=b, report=evil.report, values="0" * 8)
    client.force_login(world.manager)
    url = reverse("run_compare_csv", args=[world.project.slug])
    answer = client.get(url, {"a": str(a.run_id), "b": str(b.run_id)})
    text = b"".join(answer.streaming_content).decode()
    assert "\r\n'=1+1,," in text
    event = Event.objects.filter(verb=Event.Verb.LABELS_EXPORTED).get()
    assert (event.actor, event.payload["run_a"], event.payload["what"]) == (world.manager, str(a.run_id), "comparison")


def many(world, n):
    """Two runs over `n` more reports that differ in their first two cells."""
    a, b = (RunFactory(project=world.project, is_prefill=False) for _ in range(2))
    cases = [add_case(world.project, position) for position in range(10, 10 + n)]
    for run, values in ((a, "+.0.+.+."), (b, "0+0.+.+.")):
        MachineLabel.objects.bulk_create(
            MachineLabel(run=run, report=case.report, values=values, urgencies=NONE) for case in cases
        )
    return a, b, cases


def test_pages_hold_every_report_once_and_as_many_cells_as_the_table(world, see, table):
    a, b, cases = many(world, 45)
    seen = []
    for number in (1, 2, 3):
        reports = see(a, b, cell=FIRST, page=str(number)).context["compared"].reports
        assert (reports.n_pages, reports.n_reports) == (3, 45)  # pages of 20
        seen += [row.case_key for row in reports.rows]
    assert seen == [case.key for case in cases]
    assert (reports.before, reports.after) == (2, None)
    whole = see(a, b).context["compared"].reports
    assert (whole.total, whole.n_cells) == ("45 reports, 90 cells", len(table(a, b)))
    assert whole.n_cells == 2 * len(table(a, b, cell=FIRST))


def test_queries_do_not_grow_with_reports_and_runs(client, world, see):
    a, b, _ = many(world, 3)
    counts = []
    for more in (0, 40):
        if more:
            for case in [add_case(world.project, position) for position in range(100, 100 + more)]:
                add(a, case, "+.0.+.+.")
                add(b, case, "0+0.+.+.")
            for _ in range(5):
                add(RunFactory(project=world.project, is_prefill=False), world.cases[0], "+.0.+.+.")
        see(a, b, cell=FIRST)
        with CaptureQueriesContext(connection) as queries:
            see(a, b, cell=FIRST)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 18


def test_same_run_twice_is_said(runs, see):
    answer = see(runs[0], runs[0])
    assert answer.status_code == 422
    assert "A and B are the same run" in answer.content.decode()


def test_runs_under_two_schemas_are_refused_with_their_names(world, runs, see):
    other = RunFactory(project=world.project, schema=label_schema("abdomen-ct"), is_prefill=False)
    MachineLabelFactory(run=other, report=world.cases[0].report, values="+" * 99, urgencies="_" * 99)
    answer = see(runs[0], other)
    assert answer.status_code == 422
    assert "A was made under spine-mri v1, B under abdomen-ct v1" in answer.content.decode()
    assert '<optgroup label="abdomen-ct v1">' in answer.content.decode()


@pytest.mark.parametrize("name", ["run_compare", "run_compare_csv"])
def test_run_of_another_project_is_not_found(client, world, other_world, runs, name):
    client.force_login(world.manager)
    for a, b in ((runs[0], other_world.run), (other_world.run, runs[0])):
        query = {"a": str(a.run_id), "b": str(b.run_id)}
        assert client.get(reverse(name, args=[world.project.slug]), query).status_code == 404


@pytest.mark.parametrize("name", ["run_compare", "run_compare_csv"])
def test_reader_is_refused(client, world, runs, name):
    client.force_login(world.reader)
    query = {"a": str(runs[0].run_id), "b": str(runs[1].run_id)}
    assert client.get(reverse(name, args=[world.project.slug]), query).status_code == 403


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"a": "x"}, 404),
        ({"a": str(uuid.uuid4())}, 404),
        ({"cell": "spine|no such"}, 404),
        ({"cell": "\x00"}, 404),
        ({"kind": "same"}, 200),
        ({"page": "-1"}, 200),
        ({"page": "9" * 30}, 200),
        ({"page": "99"}, 200),
        ({"page": "٣"}, 200),
    ],
)
def test_odd_addresses_are_harmless(runs, see, query, status):
    assert see(*runs, **query).status_code == status


def test_run_that_goes_on_is_compared_as_far_as_it_is(world, runs, see):
    going = Run.objects.create(
        project=world.project, schema=world.project.schema, labeler="leavs", started_at=NOW, n_reports=4
    )
    add(going, world.cases[0], "+.0.+.+.")
    assert "running, 1 of 4 labeled" in text_of(see(runs[0], going))


def test_table_without_two_runs_leads_back_with_the_reason(client, world, runs):
    client.force_login(world.manager)
    answer = client.get(reverse("run_compare_csv", args=[world.project.slug]), follow=True)
    assert "No file: choose two runs." in answer.content.decode()


def test_what_reports_and_models_say_is_escaped(world, runs, see):
    a, b = runs
    case = add_case(world.project, 6, text="<script>alert(1)</script> and more")
    add(a, case, "+.0.+.+.", {FIRST: {"evidence": [[0, 25]], "reason": "<b>bold</b>"}})
    add(b, case, "0.0.+.+.")
    html = see(a, b, cell=FIRST).content.decode()
    assert "<script>alert" not in html
    assert "<b>bold" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert " style=" not in html
