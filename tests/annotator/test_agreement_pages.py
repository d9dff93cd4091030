"""Agreement of readers and urgencies on their pages: what is shown, what is undefined, where links lead."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.urls import reverse

from annotator.core.figure_requests import FigureRequest, Kind
from annotator.models import Evaluation
from annotator.selectors.matrices import inputs_of, read_matrix
from annotator.selectors.schemas import parsed_schema
from annotator.services.figures import compute
from labeling.core.evaluation.agreement import agreement
from labeling.core.evaluation.sound import Clusters
from tests.study import Study, make_study

pytestmark = pytest.mark.django_db


@pytest.fixture
def ring(db: None) -> Study:
    """Four readers, each case read by two neighbours: the first and the third share no case."""
    return make_study("ring", n_cases=12, n_readers=4, n_per_case=2, n_runs=0)


@pytest.fixture
def abdomen(db: None) -> Study:
    return make_study("abdomen", preset="abdomen-ct", n_cases=9, n_readers=3, n_runs=1)


def page(client, study, name, **query):
    """A page of the dashboard with its figures computed."""
    client.force_login(study.manager)
    address = reverse(name, args=[study.project.slug])
    client.get(address, query)
    for evaluation in Evaluation.objects.filter(state=Evaluation.State.QUEUED):
        assert compute(evaluation.pk).state == Evaluation.State.DONE
    return client.get(address, query)


def query_of(href):
    return {name: values[0] for name, values in parse_qs(urlsplit(href).query).items()}


def links(answer, name):
    return {link.words: link for link in answer.context["links"][name]}


def test_each_stage_has_its_figures_with_what_is_behind_them(client, ring):
    answer = page(client, ring, "dashboard_readers")
    request = FigureRequest(Kind.READERS)
    schema = parsed_schema(ring.project.schema)
    matrix = read_matrix(ring.project, schema=schema, request=request, inputs=inputs_of(ring.project, request))
    patients = dict(zip(matrix.axis.keys, matrix.axis.patients, strict=True))
    clusters = Clusters.of(matrix.axis.keys, patients, n_resamples=request.n_resamples, seed=request.seed)
    known = {
        (each.stage, each.coefficient): each
        for each in agreement(matrix.ratings, clusters).agreed
        if each.scope == "overall"
    }
    alpha = known["presence", "krippendorff_alpha"]
    text = answer.content.decode()
    assert f"{alpha.value:.3f}" in text
    assert f"{alpha.low:.3f} to {alpha.high:.3f}" in text
    # 12 cases of 8 cells, each read by two; certainty only where both call it positive.
    stages = [(each["line"].stage, each["line"].n_units) for each in answer.context["overall"]]
    assert stages == [("presence", 96), ("certainty", known["certainty", "gwet_ac1"].n_units)]
    assert 0 < stages[1][1] < 96


def test_the_stage_of_urgency_is_there_where_the_schema_asks_for_it(client, abdomen):
    answer = page(client, abdomen, "dashboard_readers", stage="urgency", finding="focal")
    assert [each["line"].stage for each in answer.context["overall"]] == ["presence", "certainty", "urgency"]
    assert answer.context["heads"] == ["same answer", "Krippendorff α, ordinal", "Gwet AC2"]


def test_the_cases_listed_for_two_readers_are_those_that_their_figure_counts(client, ring):
    pair = page(client, ring, "dashboard_readers").context["pairs"][0]
    n_units, same = pair["line"].n_units, pair["line"].record["percent_agreement"]
    listed = client.get(pair["href"]).content.decode()
    assert f"{round(n_units * (1 - same))} of {n_units} cells" in " ".join(listed.split())


def test_readers_who_share_no_case_are_undefined_and_not_left_out(client, ring):
    answer = page(client, ring, "dashboard_readers")
    line = next(
        each["line"]
        for each in answer.context["pairs"]
        if (each["line"].first, each["line"].second) == ("ring-reader1", "ring-reader3")
    )
    assert (line.n_units, line.kappa.why) == (0, "they judged no case in common")
    assert "Undefined: they judged no case in common" in answer.content.decode()
    square = next(
        each
        for each in answer.context["plots"]["matrix"]
        if (each["row"], each["column"]) == ("ring-reader3", "ring-reader1")
    )
    assert (square["value"], square["text"], square["href"]) == (None, "none shared", None)


def test_the_matrix_is_symmetric_and_has_every_reader_beside_every_other(client, ring):
    squares = page(client, ring, "dashboard_readers").context["plots"]["matrix"]
    value = {(each["row"], each["column"]): each["value"] for each in squares}
    assert len(squares) == len(value) == 16
    assert all(value[there, here] == found for (here, there), found in value.items())


def test_links_lead_to_the_cases_in_which_readers_differ(client, ring):
    answer = page(client, ring, "dashboard_readers", stage="certainty", finding="herniation")
    done = Evaluation.objects.get()
    common = {"kind": "certainty-differ", "origin": "blind-first", "level": "cells", "figures": str(done.pk)}
    line = next(each for each in answer.context["table"] if each["line"].name == "herniation")
    assert query_of(line["href"]) == common | {"row": "finding herniation"}
    first = answer.context["pairs"][0]
    both = {"reader": "ring-reader1", "other_reader": "ring-reader2"}
    assert query_of(first["href"]) == common | both | {"finding": "herniation"}
    assert urlsplit(first["href"]).path == reverse("dashboard_cases", args=["ring"])


def test_what_was_chosen_stays_when_something_else_is(client, ring):
    answer = page(client, ring, "dashboard_readers", stage="certainty", by="target", coefficient="fleiss_kappa")
    assert links(answer, "by")["by target"].is_chosen
    assert query_of(links(answer, "by")["by cell"].href) == {
        "stage": "certainty",
        "by": "cell",
        "coefficient": "fleiss_kappa",
    }
    # Another stage may have no such coefficient.
    assert query_of(links(answer, "stage")["presence: is it there?"].href) == {"stage": "presence", "by": "target"}
    for name, value in (("stage", "certainty"), ("by", "target")):
        assert f'<input type="hidden" name="{name}" value="{value}">' in answer.content.decode()


def test_by_cell_there_is_a_square_for_each_target_and_finding(client, ring):
    answer = page(client, ring, "dashboard_readers", by="cell")
    squares = answer.context["plots"]["cells"]
    cells = parsed_schema(ring.project.schema).cells
    assert [(each["row"], each["column"]) for each in squares] == [(cell.target, cell.finding) for cell in cells]
    assert answer.context["plots"]["dots"] is None


@pytest.mark.parametrize("query", [{"by": "reader"}, {"stage": "urgency"}, {"finding": "focal"}, {"figure": "f1"}])
def test_an_address_that_the_figures_cannot_answer_is_not_found(client, ring, query):
    page(client, ring, "dashboard_readers")
    assert client.get(reverse("dashboard_readers", args=["ring"]), query).status_code == 404


def test_a_single_reader_is_told_that_agreement_needs_a_second(client, db):
    study = make_study("alone", n_cases=3, n_readers=1, n_runs=0)
    answer = page(client, study, "dashboard_readers")
    assert "Agreement needs a second reader" in answer.content.decode()
    assert "alone-reader1" in answer.content.decode()
    assert "plots-data" not in answer.content.decode()


def test_without_readings_the_page_says_what_is_missing(client, ring):
    empty = make_study("empty", n_cases=0, n_readers=2, n_runs=0)
    client.force_login(empty.manager)
    answer = client.get(reverse("dashboard_readers", args=["empty"]))
    assert "Nobody has submitted a case yet" in answer.content.decode()


def test_readers_see_no_agreement(client, ring):
    client.force_login(ring.readers[0])
    assert client.get(reverse("dashboard_readers", args=["ring"])).status_code == 403


def test_csv_of_the_readers_has_their_names(client, ring):
    page(client, ring, "dashboard_readers")
    done = Evaluation.objects.get()
    written = client.get(reverse("dashboard_csv", args=["ring", done.pk])).content.decode().splitlines()
    assert written[0].startswith("scope,name,stage,coefficient,reader,other_reader,value,")
    assert any(
        line.startswith("overall,overall,presence,cohen_kappa,ring-reader1,ring-reader3,,,,0,0,") for line in written
    )


# Urgency


def test_urgencies_of_each_reader_and_the_run_are_counted_by_level(client, abdomen):
    answer = page(client, abdomen, "dashboard_urgency")
    assert answer.context["levels"] == ("normal or chronic", "low", "medium", "high")
    raters = answer.context["raters"]
    assert [rater.rater for rater in raters] == [f"abdomen-reader{number}" for number in (1, 2, 3)] + ["the labeler"]
    from_database = "".join(label.urgencies for label in abdomen.runs[0].labels.all())
    for share in raters[-1].shares:
        assert share.count == from_database.count(str(share.level))
    assert all(sum(share.count for share in rater.shares) == rater.n for rater in raters)


def test_order_of_urgencies_stands_by_target_and_by_cell_with_the_mean(client, abdomen):
    answer = page(client, abdomen, "dashboard_urgency")
    targets = [target.name for target in parsed_schema(abdomen.project.schema).targets]
    assert [each["line"].name for each in answer.context["table"]] == targets
    assert [each["row"] for each in answer.context["plots"]["dots"][:2]] == ["all cells together", "mean of cells"]
    by_cell = page(client, abdomen, "dashboard_urgency", by="cell", metric="kappa_linear")
    assert len(by_cell.context["table"]) == 99
    run = str(abdomen.runs[0].run_id)
    asked = query_of(by_cell.context["table"][0]["href"])
    assert (asked["kind"], asked["row"], asked["run"]) == ("agreed-positive", "spleen normal", run)


def test_a_schema_without_urgency_is_said_to_have_none(client, db):
    study = make_study("spine", n_cases=3, n_runs=1)
    answer = page(client, study, "dashboard_urgency")
    assert "This schema asks for no urgency" in answer.content.decode()
    assert "plots-data" not in answer.content.decode()


def test_without_a_run_the_urgency_page_says_what_is_missing(client, ring):
    client.force_login(ring.manager)
    answer = client.get(reverse("dashboard_urgency", args=["ring"]))
    assert "No run has labels yet" in answer.content.decode()


def test_a_word_that_is_no_figure_of_urgency_is_not_found(client, abdomen):
    page(client, abdomen, "dashboard_urgency")
    assert client.get(reverse("dashboard_urgency", args=["abdomen"]), {"metric": "f1"}).status_code == 404
