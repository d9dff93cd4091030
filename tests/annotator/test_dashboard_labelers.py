"""The pages about one labeler and about two: from readings and labels in the database to numbers on the page."""

import csv
import io
import json
import re
import uuid
from datetime import timedelta

import pytest
from django.urls import reverse

from annotator.core.figure_requests import FigureRequest, Kind
from annotator.models import Evaluation
from annotator.services.figures import compute
from labeling.models import MachineLabel, Run
from tests.study import NOW, make_study

pytestmark = pytest.mark.django_db


@pytest.fixture
def study():
    return make_study("study", n_cases=30)


@pytest.fixture
def page(client, study):
    """Gets a page of the dashboard with its figures computed: the response of the second request."""
    client.force_login(study.manager)

    def get(name="dashboard", **query):
        address = reverse(name, args=[study.project.slug])
        client.get(address, query)
        for evaluation in Evaluation.objects.filter(state=Evaluation.State.QUEUED):
            compute(evaluation.pk)
        return client.get(address, query)

    return get


def partial_run(study, cases, *, number=7):
    """The latest run: it says of some cases what the second says."""
    first = study.runs[1]
    run = Run.objects.create(
        run_id=uuid.UUID(int=number),
        project=study.project,
        schema=study.project.schema,
        labeler="direct-query",
        state=Run.State.COMPLETE,
        n_reports=len(cases),
        started_at=NOW + timedelta(days=1),
        finished_at=NOW + timedelta(days=1),
    )
    said = MachineLabel.objects.filter(run=first, report__in=[case.report for case in cases])
    for label in said:
        MachineLabel.objects.create(run=run, report=label.report, values=label.values, urgencies=label.urgencies)
    return str(run.run_id)


def runs(study):
    return [str(run.run_id) for run in study.runs]


def test_counts_are_those_that_the_figures_are_made_of(page):
    tables = page().context["tables"]
    assert len(tables.cells) == 8
    for line in tables.cells:
        # Recall by hand: what was found among what is there.
        found = line.n_positive - line.missed
        expected = f"{found / line.n_positive:.3f}" if line.n_positive else "–"
        assert line.figures[1].text == expected
    assert tables.micro.missed == sum(line.missed for line in tables.cells)


def test_every_count_leads_to_the_cases_behind_these_very_figures(page, study):
    response = page()
    done = Evaluation.objects.get()
    line = next(line for line in response.context["tables"].cells if line.missed)
    links = re.findall(r'href="([^"]*kind=missed)"', response.content.decode())
    wanted = f"run={runs(study)[0]}&amp;truth=&amp;origin=blind-first&amp;level=cells&amp;figures={done.pk}"
    assert all(wanted.replace("&amp;", "&") in link.replace("&amp;", "&") for link in links)
    assert any(f"row={line.row.replace(' ', '%20')}&" in link.replace("&amp;", "&") for link in links)


def test_one_reader_alone_cannot_be_judged(client):
    study = make_study("solo", n_cases=4, n_readers=1)
    client.force_login(study.manager)
    address = reverse("dashboard", args=[study.project.slug])
    client.get(address)
    compute(Evaluation.objects.get().pk)
    assert "No reader can be judged" in client.get(address).content.decode()


def test_a_reader_who_is_the_truth_is_not_judged_and_judges_the_others(page, study):
    first, second = (reader.username for reader in study.readers[:2])
    response = page(truth=first)
    names = [line.name for line in response.context["humans"][0].lines]
    assert second in names
    assert first not in names
    assert f"Each other reader is judged by what {first} says" in response.content.decode()


def test_a_mean_with_a_cell_that_many_resamples_lack_says_that_it_has_no_interval(page):
    # Of 30 cases some cells have one positive or two.
    response = page()
    recall, _ = response.context["macro"][1]
    assert min(line.n_positive for line in response.context["tables"].cells if line.n_positive) < 3
    assert (bool(recall.text), recall.interval) == (True, "")
    assert ">no interval<" in response.content.decode()


def test_groups_of_the_schema_are_rows_of_their_own(page):
    assert len(page(level="groups").context["tables"].cells) != len(page().context["tables"].cells)


def test_two_runs_are_compared_on_the_pairs_that_both_answered(page, study):
    other = partial_run(study, study.cases[1:])
    response = page("dashboard_compare")
    compared = response.context["compared"]
    assert (response.context["asked"].run, response.context["asked"].other) == (runs(study)[0], other)
    assert Evaluation.objects.get().result["n_shared"] == 29
    assert all(line.n <= 29 for line in compared.cells)
    # The second run errs twice as often.
    assert compared.micro.first_only > compared.micro.second_only
    assert compared.micro.difference.text.startswith("+")


def test_counts_of_who_is_right_alone_lead_to_these_cases(client, page):
    response = page("dashboard_compare")
    line = next(line for line in response.context["compared"].cells if line.first_only)
    row = line.row.replace(" ", "%20")
    (link,) = re.findall(rf'href="([^"]*row={row}&amp;kind=first-only)"', response.content.decode())
    assert client.get(link.replace("&amp;", "&")).context["page"].found.n_cells == line.first_only


def test_the_metric_of_a_comparison_is_chosen_without_computing_again(page):
    page("dashboard_compare")
    assert page("dashboard_compare", metric="recall").context["compared"].words == "Recall"
    assert page("dashboard_compare", metric="no such").context["compared"].words == "F1"
    assert Evaluation.objects.count() == 1


def test_a_run_is_not_compared_with_itself(page, study):
    response = page("dashboard_compare", run=runs(study)[0], other=runs(study)[0])
    assert "A and B are the same run" in response.content.decode()
    assert not Evaluation.objects.exists()


def test_runs_without_a_case_in_common_are_refused_with_the_reason(page, study):
    some, others = partial_run(study, study.cases[:1]), study.cases[1:]
    rest = partial_run(study, others, number=8)
    assert "labeled no case in common" in page("dashboard_compare", run=some, other=rest).content.decode()


def test_one_run_alone_is_told_to_be_too_few(client):
    study = make_study("lonely", n_cases=4, n_runs=1)
    client.force_login(study.manager)
    response = client.get(reverse("dashboard_compare", args=[study.project.slug]))
    assert "Only one run has labels" in response.content.decode()
    assert not Evaluation.objects.exists()


def test_a_comparison_is_downloaded_with_a_line_for_each_row_and_metric(client, page, study):
    page("dashboard_compare")
    done = Evaluation.objects.get()
    response = client.get(reverse("dashboard_csv", args=[study.project.slug, done.pk]))
    lines = list(csv.DictReader(io.StringIO(response.content.decode())))
    # Eight cells, micro and macro, in seven metrics.
    assert len(lines) == (8 + 2) * 7
    first = done.result["compared"][0]
    assert float(lines[0]["difference"]) == first["difference"]


def test_comparisons_take_enough_resamples_to_show_a_difference_among_a_hundred_cells():
    asked = FigureRequest.of(Kind.COMPARISON, {})
    assert 100 / (asked.n_resamples + 1) < 0.05


def embedded(response):
    found = re.search(r'<script id="figures-data"[^>]*>(.*?)</script>', response.content.decode(), re.DOTALL)
    return json.loads(found[1])


def test_pages_hold_the_data_that_they_draw_and_no_more(page):
    assert set(embedded(page())) == {"rows", "counts", "about"}
    compared = embedded(page("dashboard_compare", metric="recall"))
    assert set(compared) == {"compared", "counts"}
    assert {row["metric"] for row in compared["compared"]} == {"recall"}


def test_tables_that_scroll_can_be_reached_by_keyboard_and_have_names(page):
    for name in ("dashboard", "dashboard_compare"):
        boxes = re.findall(r'<div class="table-wrap figures-wrap"([^>]*)>', page(name).content.decode())
        assert boxes
        assert all(re.search(r'tabindex="0" role="region" aria-label="[^"]+"', box) for box in boxes)


@pytest.mark.parametrize("name", ["dashboard", "dashboard_compare", "dashboard_urgency"])
def test_what_readers_say_is_not_called_gold(page, name):
    assert "against gold" not in page(name).content.decode()
