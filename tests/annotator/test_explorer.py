"""The cases behind a figure: the same cells as the figure, as it was computed."""

import csv
import io
import re
import uuid

import numpy as np
import pytest
from django.urls import reverse

from annotator.core.figure_requests import METHOD_VERSION, FigureRequest, Kind
from annotator.models import Arm, Event, Reading
from annotator.selectors import figure_pages, matrices
from annotator.selectors.explorer_pages import PAGE_SIZE, explorer_page
from annotator.selectors.matrices import inputs_of, label_matrix, read_matrix
from annotator.services.figures import ask, compute
from labeling.core.schema_yaml import load_preset
from labeling.models import MachineLabel
from tests.study import make_study

pytestmark = pytest.mark.django_db

LABELER_TABS = ["differ", "missed", "invented", "agreed-positive", "agreed-negative", "unanswered"]
READER_TABS = ["readers-differ", "certainty-differ", "urgency-differ"]


@pytest.fixture
def study():
    return make_study("study", n_cases=40, n_readers=4)


def figures_of(study, *, kind=Kind.LABELER, **query):
    """Stored figures, computed here."""
    run = str(study.runs[0].run_id)
    request = FigureRequest.of(kind, {"run": run} | query)
    figures = ask(project=study.project, actor=None, request=request, send=lambda key: None)
    return compute(figures.pending.pk)


def counts_of(page):
    return {tab.name: tab.n for tab in page.found.tabs}


def submit_again(reading, *, values, urgencies=None):
    """A further revision by the same reader."""
    return Reading.objects.create(
        **{name: getattr(reading, name) for name in ("project", "case", "reader", "schema", "arm")},
        revision=2,
        supersedes=reading,
        submission_id=uuid.UUID(int=reading.pk),
        values=values,
        urgencies=urgencies or reading.urgencies,
        active_seconds=1,
        submitted_at=reading.submitted_at,
    )


@pytest.mark.parametrize("preset", ["spine-mri", "abdomen-ct"])
def test_chosen_cells_are_those_of_the_full_load(preset):
    study = make_study("study", preset=preset, n_cases=12)
    schema, run = load_preset(preset), str(study.runs[0].run_id)
    request = FigureRequest(Kind.LABELER, run=run)
    inputs = inputs_of(study.project, request)
    places = [len(schema.cells) - 2, 1, 3]
    common = {"schema": schema, "inputs": inputs}
    readers = read_matrix(study.project, request=request, **common)
    labels = label_matrix(study.project, run=run, axis=readers.axis, **common)
    for chosen in (places, places[:1]):
        cells, wanted = [schema.cells[place] for place in chosen], sorted(chosen)
        part = read_matrix(study.project, request=request, cells=cells, **common)
        labels_part = label_matrix(study.project, run=run, axis=part.axis, cells=cells, **common)
        for few, all_of in ((part.ratings, readers.ratings), (labels_part, labels)):
            assert few.cells == tuple(schema.cells[place] for place in wanted)
            np.testing.assert_array_equal(few.ranks, all_of.ranks[..., wanted])
            np.testing.assert_array_equal(few.urgencies, all_of.urgencies[..., wanted])
            np.testing.assert_array_equal(few.rated, all_of.rated)


@pytest.mark.parametrize("level", ["cells", "groups"])
@pytest.mark.parametrize("truth", ["", "study-reader2"])
def test_the_list_counts_what_the_figures_count(study, level, truth):
    evaluation = figures_of(study, level=level, truth=truth)
    rows = {(row["row"], row["metric"]): row for row in evaluation.result["rows"]}
    for name in {row for row, metric in rows if metric == "coverage"}:
        query = {"run": str(study.runs[0].run_id), "level": level, "truth": truth, "row": name}
        n = counts_of(explorer_page(study.project, query))
        recall, coverage = rows[name, "recall"], rows[name, "coverage"]
        assert n["missed"] + n["agreed-positive"] == recall["n_positive"], name
        assert recall["value"] == pytest.approx(n["agreed-positive"] / recall["n_positive"])
        assert rows[name, "precision"]["value"] == pytest.approx(
            n["agreed-positive"] / (n["agreed-positive"] + n["invented"])
        )
        assert sum(n[kind] for kind in LABELER_TABS[3:5]) + n["differ"] == recall["n"]
        assert n["unanswered"] == coverage["n"] - recall["n"]


@pytest.mark.parametrize("level", ["cells", "groups"])
def test_the_list_of_who_is_right_alone_is_as_long_as_the_comparison_counts(study, level):
    labels = list(study.runs[1].labels.exclude(report__in=[case.report for case in study.cases[:2]]))
    other = study.runs[1]
    other.pk, other.run_id = None, uuid.uuid4()
    other.save()
    # It did not label two cases: no pair of them counts.
    for label in labels:
        MachineLabel.objects.create(run=other, report=label.report, values=label.values, urgencies=label.urgencies)
    runs = {"run": str(study.runs[0].run_id), "other": str(other.run_id)}
    evaluation = figures_of(study, kind=Kind.COMPARISON, level=level, **runs)
    for line in evaluation.result["counts"]:
        page = explorer_page(study.project, runs | {"level": level, "row": line["row"], "kind": "second-only"})
        n = counts_of(page)
        assert (n["first-only"], n["second-only"]) == (line["first_only"], line["second_only"]), line["row"]
        assert page.found.n_judged == sum(
            line[name] for name in ("both_right", "first_only", "second_only", "both_wrong")
        )
        assert (page.basis.evaluation, page.basis.is_current) == (evaluation, True)


def test_both_labelers_of_a_comparison_are_shown_and_exported(client, study):
    client.force_login(study.manager)
    query = {"run": study.runs[0].run_id, "other": study.runs[1].run_id, "kind": "first-only"}
    page = client.get(reverse("dashboard_cases", args=["study"]), query).context["page"]
    positive = {"present", "possible"}
    for shown in page.found.rows:
        for line in shown.lines:
            assert (line.labeler.value in positive) == (line.truth == "positive") != (line.other.value in positive)
    answer = client.get(reverse("dashboard_cases_csv", args=["study"]), query)
    lines = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert {line["kind"] for line in lines} == {"first-only"}
    assert all((line["labeler"] in positive) != (line["other"] in positive) for line in lines)


def test_cells_of_a_case_that_a_list_leaves_out_are_in_the_list_of_the_case(client):
    study = make_study("abdomen", preset="abdomen-ct", n_cases=6)
    client.force_login(study.manager)
    url = reverse("dashboard_cases", args=["abdomen"])
    answer = client.get(url, {"kind": "agreed-positive"})
    shown = next(case for case in answer.context["page"].found.rows if case.n_more)
    assert f"case={shown.pk}" in answer.content.decode()
    alone = client.get(url, {"kind": "agreed-positive", "case": shown.pk}).context["page"].found
    assert [(case.pk, len(case.lines), case.n_more) for case in alone.rows] == [(shown.pk, shown.n_cells, 0)]
    assert (alone.n_cells, alone.chosen.n) == (shown.n_cells, shown.n_cells)
    query = {"kind": "agreed-positive", "case": shown.pk}
    answer = client.get(reverse("dashboard_cases_csv", args=["abdomen"]), query)
    text = b"".join(answer.streaming_content).decode()
    assert len(list(csv.DictReader(io.StringIO(text)))) == shown.n_cells


def test_the_list_stays_with_the_figures_until_they_are_computed_anew(study):
    evaluation = figures_of(study)
    query = {"run": str(study.runs[0].run_id)}
    before = explorer_page(study.project, query)
    assert (before.basis.evaluation, before.basis.is_current) == (evaluation, True)
    reading = Reading.objects.order_by("pk").first()
    submit_again(reading, values="".join("." if code in "+?" else "+" for code in reading.values))
    stale = explorer_page(study.project, query)
    assert counts_of(stale) == counts_of(before)
    assert not stale.basis.is_current
    newer = figures_of(study)
    after = explorer_page(study.project, query)
    assert (after.basis.evaluation, after.basis.is_current) == (newer, True)
    assert counts_of(after) != counts_of(before)
    # An address that names figures keeps to them.
    named = explorer_page(study.project, query | {"figures": str(evaluation.pk)})
    assert counts_of(named) == counts_of(before)
    assert not named.basis.is_current


def test_without_figures_the_list_is_of_now(study):
    page = explorer_page(study.project, {})
    assert page.basis.evaluation is None
    assert page.basis.is_current
    assert [tab.name for tab in page.found.tabs] == LABELER_TABS + READER_TABS


def by_reader(case):
    return Reading.objects.filter(case=case).order_by("reader__username")


def say(study, case, *, place, codes, urgencies="___"):
    """Let the readers of a case say these codes of one cell."""
    for reading, code, level in zip(by_reader(case), codes, urgencies, strict=True):
        values, given = list(reading.values), list(reading.urgencies)
        values[place], given[place] = code, level
        submit_again(reading, values="".join(values), urgencies="".join(given))


def relabel(study, case, *, place, code, entry):
    """Another run, which says only this of one case."""
    schema = study.project.schema.parsed()
    values = ["."] * len(schema.cells)
    values[place] = code
    run = study.runs[1]
    run.pk, run.run_id = None, uuid.uuid4()
    run.save()
    body = {"cells": {str(schema.cells[place]): entry}}
    MachineLabel.objects.create(
        run=run, report=case.report, values="".join(values), urgencies="_" * len(values), body=body
    )
    return run


def test_a_line_says_what_everybody_said_and_why_the_labeler_did():
    study = make_study("study", preset="abdomen-ct", n_cases=6)
    case, cell = study.cases[4], str(study.project.schema.parsed().cells[2])
    say(study, case, place=2, codes="+?0", urgencies="31_")
    entry = {"evidence": [[8, 16]], "logit_difference": -1.5, "reason": "it says so"}
    run = relabel(study, case, place=2, code=".", entry=entry)
    page = explorer_page(study.project, {"run": str(run.run_id), "cell": cell, "kind": "missed"})
    assert [shown.key for shown in page.found.rows] == [case.key]
    (line,) = page.found.rows[0].lines
    assert (line.key, line.truth, line.votes, line.verdict) == (cell, "positive", "2 of 3", "missed")
    assert [(said.value, said.urgency) for said in line.readers] == [
        ("present", "high"),
        ("possible", "low"),
        ("absent", ""),
    ]
    assert line.labeler.value == "not mentioned"
    # Characters 8 to 16 of "Made-up report 5. Nothing to add."
    assert (line.why.quotes, line.why.logit_difference) == (("report 5",), "-1.5")


def test_a_case_that_the_run_did_not_label_is_unanswered(study):
    run = relabel(study, study.cases[0], place=0, code="0", entry={})
    page = explorer_page(study.project, {"run": str(run.run_id), "kind": "unanswered"})
    assert page.found.n_cases == len(study.cases) - 1
    assert page.found.rows[0].lines[0].labeler is None


def test_members_are_shown_under_their_group():
    study = make_study("abdomen", preset="abdomen-ct", n_cases=30)
    query = {"level": "wide", "cell": "kidneys|any abnormality", "kind": "agreed-positive"}
    line, *members = explorer_page(study.project, query).found.rows[0].lines
    assert (line.title, line.key, line.is_member) == ("kidneys, any abnormality", "", False)
    assert members
    assert all(member.is_member and "kidney|" in member.key for member in members)
    positive = {"present", "possible"}
    for reader, said in enumerate(line.readers):
        assert (said.value in positive) == any(member.readers[reader].value in positive for member in members)


def test_kinds_among_readers_need_no_run_and_take_a_pair(study):
    page = explorer_page(study.project, {"kind": "readers-differ"})
    assert [tab.name for tab in page.found.tabs] == READER_TABS
    assert not page.has_run
    pair = explorer_page(study.project, {"reader": "study-reader1", "other_reader": "study-reader2"})
    assert pair.asked.kind == "readers-differ"
    assert 0 < pair.found.n_cells < page.found.n_cells
    for shown in pair.found.rows:
        said = {said.name: said.value in {"present", "possible"} for said in shown.lines[0].readers if said.counts}
        assert said["study-reader1"] != said["study-reader2"]


def test_pages_hold_every_case_once(study):
    query = {"kind": "agreed-negative"}
    first = explorer_page(study.project, query)
    assert first.found.n_pages == -(-first.found.n_cases // PAGE_SIZE) > 1
    numbers = range(1, first.found.n_pages + 1)
    pages = [explorer_page(study.project, query | {"page": str(number)}) for number in numbers]
    keys = [shown.key for page in pages for shown in page.found.rows]
    assert len(keys) == len(set(keys)) == first.found.n_cases
    assert [page.found.after for page in pages][-1] is None
    assert explorer_page(study.project, query | {"page": "99"}).found.number == first.found.n_pages


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ({"kind": "missed", "reader": "study-reader1", "other_reader": "study-reader2"}, "choose a run"),
        ({"kind": "first-only"}, "takes two runs"),
        ({"reader": "nobody", "other_reader": "study-reader1"}, "'nobody' has submitted no case that counts"),
    ],
)
def test_what_cannot_be_listed_says_why(client, study, query, problem):
    client.force_login(study.manager)
    answer = client.get(reverse("dashboard_cases", args=["study"]), query)
    assert problem in answer.content.decode().replace("&#x27;", "'")


def test_nothing_read_says_so(client, world):
    client.force_login(world.manager)
    answer = client.get(reverse("dashboard_cases", args=[world.project.slug]))
    assert "nobody has submitted a case" in answer.content.decode().lower()


@pytest.mark.parametrize(
    "query",
    [
        {"kind": "wrong"},
        {"cell": "moon|focal"},
        {"run": "00000000-0000-0000-0000-000000000000"},
        {"run": "no-id"},
        {"origin": "wrong"},
        {"reader": "study-reader1"},
        {"truth": "nobody"},
    ],
)
def test_what_is_not_in_the_project_is_not_found(client, study, query):
    client.force_login(study.manager)
    assert client.get(reverse("dashboard_cases", args=["study"]), query).status_code == 404


def test_figures_of_another_run_are_not_found(client, study):
    client.force_login(study.manager)
    query = {"figures": figures_of(study).pk, "run": str(study.runs[1].run_id)}
    assert client.get(reverse("dashboard_cases", args=["study"]), query).status_code == 404


def test_figures_that_are_not_there_are_replaced_with_a_warning(client, study):
    gone = figures_of(study).pk + 1000
    of_another_project = figures_of(make_study("other", n_cases=6)).pk
    client.force_login(study.manager)
    for figures in (gone, of_another_project):
        answer = client.get(reverse("dashboard_cases", args=["study"]), {"figures": figures})
        assert "no longer kept" in answer.content.decode()
        assert answer.context["page"].found.n_read == len(study.cases)


def test_lists_are_of_no_figures_of_another_method(study, monkeypatch):
    old = figures_of(study)
    monkeypatch.setattr(figure_pages, "METHOD_VERSION", METHOD_VERSION + 1)
    monkeypatch.setattr(matrices, "METHOD_VERSION", METHOD_VERSION + 1)
    run = str(study.runs[0].run_id)
    for query in ({"run": run}, {"run": run, "figures": str(old.pk)}):
        assert explorer_page(study.project, query).basis.evaluation is None


def test_the_file_has_every_cell_of_the_list_and_no_word_of_a_report(client, study):
    client.force_login(study.manager)
    query = {"kind": "differ"}
    page = explorer_page(study.project, query)
    answer = client.get(reverse("dashboard_cases_csv", args=["study"]), query)
    text = b"".join(answer.streaming_content).decode()
    lines = list(csv.DictReader(io.StringIO(text)))
    assert len(lines) == page.found.n_cells
    kinds = [line["kind"] for line in lines]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {
        kind: counts_of(page)[kind] for kind in ("missed", "invented")
    }
    said = next(line for line in lines if line["kind"] == "missed")
    assert (said["truth"], said["labeler"]) == ("positive", "not_mentioned")
    assert {said[f"value study-reader{number}"] for number in range(1, 5)} <= {
        "present",
        "possible",
        "not_mentioned",
        "",
    }
    assert "Made-up" not in text
    event = Event.objects.get(verb=Event.Verb.LABELS_EXPORTED)
    assert (event.actor, event.payload["kind"]) == (study.manager, "differ")


def test_readings_that_started_from_machine_labels_are_called_assisted(client):
    study = make_study("study", n_cases=10, arm=Arm.PREFILLED)
    client.force_login(study.manager)
    url = reverse("dashboard_cases", args=["study"])
    assert re.search(r"badge-warn\">assisted", client.get(url).content.decode())
    assert "no reading was made without machine labels" in client.get(url, {"origin": "blind"}).content.decode().lower()


def test_a_list_takes_as_many_queries_for_many_cases_as_for_few(study, django_assert_max_num_queries):
    with django_assert_max_num_queries(23):
        explorer_page(study.project, {"kind": "agreed-negative"})
