"""The pages of scores and of the gold set."""

import csv
import re

import numpy as np
import pytest

from annotator.core.figure_requests import FigureRequest, Kind
from annotator.core.shown_figures import Shown
from annotator.models import Case, Reading
from annotator.selectors.figure_pages import request_of
from annotator.selectors.matrices import inputs_of, read_matrix
from annotator.selectors.schemas import parsed_schema
from annotator.selectors.score_matrices import machine_scores, reading_order
from annotator.selectors.score_pages import score_line
from annotator.services.figures import ask, compute
from annotator.templatetags.figures import figure_cell
from labeling.models import MachineLabel
from tests.annotator.worlds import add_case
from tests.study import make_study

pytestmark = pytest.mark.django_db


@pytest.fixture
def study():
    return make_study("spine", n_cases=24, n_readers=3, n_runs=2)


@pytest.fixture
def manager(client, study):
    client.force_login(study.manager)
    return client


def computed(study, kind, **query):
    request = request_of(study.project, kind, query)
    figures = ask(project=study.project, actor=study.manager, request=request, send=lambda _: None)
    return compute(figures.pending.pk)


def loaded(study, run):
    request = FigureRequest(Kind.SCORES, run=str(run.run_id))
    inputs = inputs_of(study.project, request)
    schema = parsed_schema(study.project.schema)
    matrix = read_matrix(study.project, schema=schema, request=request, inputs=inputs)
    return matrix, machine_scores(study.project, schema=schema, run=request.run, axis=matrix.axis, inputs=inputs)


def change_bodies(run, change):
    """Another run with the bodies of `run` changed: labels that are stored never are."""
    return MachineLabel.objects.bulk_create(
        MachineLabel(
            run=run,
            report=label.report,
            values=label.values,
            urgencies=label.urgencies,
            body={"cells": {key: change(entry) for key, entry in label.body["cells"].items()}},
        )
        for label in MachineLabel.objects.filter(run__labeler="rules")
    )


@pytest.fixture
def one_run():
    return make_study("single", n_cases=12, n_readers=1, n_per_case=1, n_runs=1)


def another_run(study, change):
    first = study.runs[0]
    run = type(first).objects.create(
        project=study.project, schema=study.project.schema, labeler="imported", started_at=first.started_at
    )
    change_bodies(run, change)
    return run


def test_scores_stand_where_each_label_says(one_run):
    matrix, scores = loaded(one_run, one_run.runs[0])
    assert scores.scale == "logit_difference"
    for place, (case, cell) in enumerate(np.ndindex(scores.values.shape)):
        if place % 7 == 0:
            label = MachineLabel.objects.get(report_id=matrix.axis.report_pks[case])
            key = str(matrix.ratings.cells[cell])
            assert scores.values[case, cell] == label.body["cells"][key]["logit_difference"]


def test_probabilities_count_where_a_run_gave_no_logit_differences(one_run):
    run = another_run(one_run, lambda _: {"probability": 0.75})
    _, scores = loaded(one_run, run)
    assert scores.scale == "probability"
    assert (scores.values == 0.75).all()


def test_logit_differences_go_before_probabilities(one_run):
    run = another_run(one_run, lambda entry: entry | {"probability": 0.75})
    _, scores = loaded(one_run, run)
    assert scores.scale == "logit_difference"
    assert not (scores.values == 0.75).any()


def test_a_run_without_scores_has_none_and_not_0(one_run):
    run = another_run(one_run, lambda _: {"reason": "so"})
    assert loaded(one_run, run)[1] is None


def test_cases_are_in_the_order_in_which_they_were_read_first(study):
    matrix, _ = loaded(study, study.runs[0])
    inputs = inputs_of(study.project, FigureRequest(Kind.SCORES, run=str(study.runs[0].run_id)))
    order = reading_order(study.project, matrix.axis, inputs)
    first = {}
    for case_id in Reading.objects.order_by("pk").values_list("case_id", flat=True):
        first.setdefault(case_id, len(first))
    assert [first[pk] for pk in matrix.axis.pks[order].tolist()] == list(range(Case.objects.count()))


def test_a_revision_does_not_move_a_case_to_the_end(study):
    last = Reading.objects.order_by("pk").first()
    revised = Reading.objects.create(
        project=study.project,
        case=last.case,
        reader=last.reader,
        schema=last.schema,
        revision=2,
        supersedes=last,
        submission_id="00000000-0000-0000-0000-000000000001",
        arm=last.arm,
        values=last.values,
        urgencies=last.urgencies,
        active_seconds=1,
        submitted_at=last.submitted_at,
    )
    matrix, _ = loaded(study, study.runs[0])
    inputs = inputs_of(study.project, FigureRequest(Kind.SCORES, run=str(study.runs[0].run_id)))
    order = reading_order(study.project, matrix.axis, inputs)
    assert matrix.axis.pks[order][0] == revised.case_id


def test_the_page_of_scores_shows_every_cell_and_one_at_large(manager, study):
    computed(study, Kind.SCORES)
    page = manager.get("/projects/spine/dashboard/scores/").content.decode()
    names = [str(cell).replace("|", " ") for cell in parsed_schema(study.project.schema).cells]
    assert all(page.count(f">{name}</a>") == 2 for name in names)
    assert "mean over cells" in page
    assert "all cells ranked together" in page
    assert page.count('data-plot="') == 3
    assert "Use this threshold" in page


def test_the_page_embeds_the_curves_of_one_cell_only(manager, study):
    evaluation = computed(study, Kind.SCORES)
    second = evaluation.result["scores"]["conditions"][1]
    answer = manager.get("/projects/spine/dashboard/scores/", {"cell": second["cell"]})
    assert answer.context["embedded"]["cell"] == second["cell"]
    assert answer.content.decode().count('"threshold_table"') == 1


@pytest.mark.parametrize(("sort", "is_ascending"), [("auroc", False), ("-auroc", True)])
def test_cells_are_sorted_by_a_figure(manager, study, sort, is_ascending):
    computed(study, Kind.SCORES)
    lines = manager.get("/projects/spine/dashboard/scores/", {"sort": sort}).context["lines"]
    found = [float(line.figures[0].key) for line in lines]
    assert found == sorted(found, reverse=not is_ascending)
    assert len(set(found)) > 1


def test_a_run_without_scores_says_which_labelers_give_them(manager, study):
    run = str(study.runs[1].run_id)
    computed(study, Kind.SCORES, run=run)
    page = manager.get("/projects/spine/dashboard/scores/", {"run": run}).content.decode()
    assert "This run gave no scores" in page
    assert "direct-query" in page
    assert "/runs/new/" in page


def test_undefined_figures_are_dashes_with_a_reason(manager, study):
    evaluation = computed(study, Kind.SCORES)
    condition = dict(evaluation.result["scores"]["conditions"][0])
    none = {"value": None, "low": None, "high": None}
    figures = dict.fromkeys(condition["figures"], none)
    line = score_line(condition | {"n_positive": 0, "figures": figures})
    assert {figure.text for figure in (*line.figures, line.threshold)} == {"–"}
    assert all(figure.why for figure in line.figures)
    assert line.probability == ""


def test_scores_are_downloaded_as_csv(manager, study):
    evaluation = computed(study, Kind.SCORES)
    text = manager.get(f"/projects/spine/dashboard/scores/{evaluation.pk}.csv").content.decode()
    found = {(line["row"], line["cases"], line["metric"]): line["value"] for line in csv.DictReader(text.splitlines())}
    condition = evaluation.result["scores"]["conditions"][0]
    assert float(found[condition["name"], "all", "auroc"]) == condition["figures"]["auroc"]["value"]


def test_there_is_no_csv_of_scores_that_there_are_not(manager, study):
    evaluation = computed(study, Kind.SCORES, run=str(study.runs[1].run_id))
    answer = manager.get(f"/projects/spine/dashboard/scores/{evaluation.pk}.csv", follow=True)
    assert "No file: these figures are of no scores" in answer.content.decode()


def test_the_gold_set_page_puts_what_is_needed_most_first(manager, study):
    computed(study, Kind.LABELER)
    answer = manager.get("/projects/spine/dashboard/gold/")
    needs = [line.need for line in answer.context["lines"]]
    assert len(needs) == 8
    told = [need.more for need in needs if need.more is not None]
    assert told == sorted(told, reverse=True)
    assert told[0] > 0
    assert re.search(r"<progress max=\"100\" value=\"\d+\"", answer.content.decode())


def test_the_gold_set_page_follows_the_figure_and_the_width(manager, study):
    computed(study, Kind.LABELER)
    wide, narrow = (
        manager.get("/projects/spine/dashboard/gold/", {"metric": "recall", "width": width}).context
        for width in ("0.1", "0.03")
    )
    assert wide["metric_words"] == narrow["metric_words"] == "Recall"
    assert (wide["wished"], narrow["wished"]) == ("±0.10", "±0.03")
    more = [sum(line.need.more or 0 for line in page["lines"]) for page in (wide, narrow)]
    assert more[0] < more[1]


def test_the_learning_curve_ends_with_the_figure_of_all_cases(study):
    result = computed(study, Kind.LABELER).result
    last = [point for point in result["learning"] if point["metric"] == "f1"][-1]
    micro = next(row for row in result["rows"] if (row["row"], row["metric"]) == ("micro", "f1"))
    assert (last["n_cases"], last["n"], last["n_positive"]) == (24, micro["n"], micro["n_positive"])
    assert last["value"] == pytest.approx(micro["value"])


def test_the_gold_set_is_downloaded_as_csv_for_the_figure_that_is_shown(manager, study):
    evaluation = computed(study, Kind.LABELER)
    url = f"/projects/spine/dashboard/gold/{evaluation.pk}.csv"
    lines = list(csv.DictReader(manager.get(url, {"metric": "precision"}).content.decode().splitlines()))
    assert len(lines) == 8
    assert {line["metric"] for line in lines} == {"precision"}


def test_unread_cases_that_the_run_calls_positive_are_offered(manager, study):
    cells = parsed_schema(study.project.schema).cells
    for number, values in enumerate(("+.......", "?......+", "0.......", "+.......", "+......."), start=101):
        case = add_case(study.project, number)
        MachineLabel.objects.create(run=study.runs[0], report=case.report, values=values, urgencies="_" * 8)
    result = computed(study, Kind.LABELER).result
    first = result["unread"][str(cells[0])]
    # Present or possible in four of the five; the first three by position are named. Nobody has read them.
    assert (first["n"], [key for _, key in first["cases"]]) == (4, ["spine-101", "spine-102", "spine-104"])
    assert set(result["unread"]) == {str(cells[0]), str(cells[7])}
    answer = manager.get("/projects/spine/dashboard/gold/")
    line = next(each for each in answer.context["lines"] if each.need.row == str(cells[0]).replace("|", " "))
    assert (line.n_unread, len(line.unread)) == (4, 3)
    assert f'/cases/{first["cases"][0][0]}/">spine-101</a>' in answer.content.decode()


def test_no_case_that_somebody_read_counts_as_unread(study):
    assert computed(study, Kind.LABELER).result["unread"] == {}


def test_a_cell_of_a_figure_keeps_what_is_no_markup():
    assert figure_cell(Shown("0.500", "0.400 to 0.600")) == ('<td class="num">0.500 <small>0.400 to 0.600</small></td>')
    assert "<b>" not in figure_cell(Shown("–", why="<b>so</b>"))
    assert "undefined: &lt;b&gt;so" in figure_cell(Shown("–", why="<b>so</b>"))
