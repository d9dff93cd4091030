"""The report: every table on one page, with its provenance; and the same figures from the shell."""

import csv
import io
import json
import re
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from django.utils.html import escape

from annotator.core.figure_requests import METHOD_VERSION, Kind
from annotator.models import Arm, Evaluation
from annotator.selectors.figure_pages import request_of
from annotator.services.figures import ask, compute
from tests.arms_study import make_arms_study
from tests.study import make_study

pytestmark = pytest.mark.django_db


@pytest.fixture
def study():
    return make_study("study", n_cases=20)


def report(client, study, **query):
    """The page once its figures are computed."""
    client.force_login(study.manager)
    address = f"/projects/{study.project.slug}/dashboard/report/"
    client.get(address, query)
    for evaluation in Evaluation.objects.filter(state=Evaluation.State.QUEUED):
        compute(evaluation.pk)
    return client.get(address, query)


def test_the_report_says_where_its_figures_come_from(client, study):
    answer = report(client, study)
    facts = dict(answer.context["provenance"])
    done = answer.context["figures"].done
    assert study.project.schema.hash in facts["Schema"]
    assert facts["Truth"] == "what most readers say; a tie is no truth"
    assert facts["Readings"] == "blind readings, else all: made without machine labels"
    assert facts["Cases"] == "20 of 14 patients, 60 readings"
    assert facts["Readings by reader"] == "study-reader1 20, study-reader2 20, study-reader3 20"
    assert facts["Intervals"] == "95 %, 1,000 resamples of whole patients, seed 0"
    assert facts["Method"].startswith(f"version {METHOD_VERSION}, Python 3.")
    assert done.result["content"] in facts["Labels"]
    assert done.inputs_hash in facts["Inputs"]
    page = answer.content.decode()
    assert str(study.runs[0].run_id) in page
    assert "What these figures do not say" in page


def test_the_report_asks_for_the_labeler_its_scores_and_for_the_readers(client, study):
    answer = report(client, study)
    assert sorted(Evaluation.objects.values_list("kind", "state")) == [
        ("labeler", "done"),
        ("readers", "done"),
        ("scores", "done"),
    ]
    page = answer.content.decode()
    assert "Agreement of readers" in page
    scores = answer.context["score_tables"]
    assert len(scores["lines"]) == 8
    assert scores["lines"][0].figures[0].text in page[page.index('id="report-scores"') :]
    assert "What pre-filling does" not in page


def test_the_report_of_a_study_of_both_arms_says_what_pre_filling_does(client):
    made = make_arms_study("arms", n_cases=12, n_readers=3)
    answer = report(client, made.study)
    page = answer.content.decode()
    assert "What pre-filling does" in page
    assert [line.asked.name for line in answer.context["arms"]["overall"]]
    for each in answer.context["arms"]["sentences"]:
        assert escape(each.text) in page
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_a_report_of_assisted_readings_says_so(client):
    study = make_study("study", n_cases=10, arm=Arm.PREFILLED)
    page = report(client, study).content.decode()
    assert "Assisted" in page
    assert "in 10 cases readers started from machine labels" in page


def test_without_a_run_the_report_leads_to_one(client):
    study = make_study("study", n_cases=4, n_runs=0)
    page = report(client, study).content.decode()
    assert "No run has labels yet" in page
    assert not Evaluation.objects.exists()


def evaluate(*options):
    out = io.StringIO()
    call_command("evaluate", "study", *options, stdout=out)
    return out.getvalue()


def test_the_shell_computes_the_figures_of_the_dashboard_and_leaves_them_there(client, study):
    printed = evaluate()
    done = Evaluation.objects.get()
    [f1] = [row for row in done.result["rows"] if (row["row"], row["metric"]) == ("micro", "f1")]
    [line] = [line for line in printed.splitlines() if line.split()[:2] == ["micro", "f1"]]
    assert f"{f1['value']:.3f}" in line
    client.force_login(study.manager)
    assert client.get("/projects/study/dashboard/").context["figures"].done == done
    evaluate()
    assert Evaluation.objects.count() == 1


@pytest.mark.parametrize("kind", ["labeler", "comparison", "readers"])
def test_the_shell_writes_every_kind_as_csv_and_json(study, tmp_path, kind):
    first, second = (str(run.run_id) for run in study.runs)
    files = tmp_path / "out.csv", tmp_path / "out.json"
    evaluate("--kind", kind, "--run", first, "--other", second, "--csv", str(files[0]), "--json", str(files[1]))
    with files[0].open(newline="") as stream:
        assert len(list(csv.DictReader(stream))) > 8
    stored = json.loads(files[1].read_text())
    assert stored["result"] == Evaluation.objects.get().result
    assert stored["schema"] == study.project.schema.hash


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--run", "00000000-0000-0000-0000-000000000099"), "no such run"),
        (("--kind", "comparison", "--run", "{run}", "--other", "{run}"), "needs two runs"),
        (("--truth", "study-manager"), "no such reader in this project"),
    ],
)
def test_the_shell_says_what_it_cannot_compute(study, options, words):
    given = [option.format(run=study.runs[0].run_id) for option in options]
    with pytest.raises(CommandError, match=words):
        evaluate(*given)


def test_the_shell_leaves_figures_that_a_worker_computes_to_it(study):
    evaluation = _running(study)
    with pytest.raises(CommandError, match="a worker computes"):
        evaluate()
    evaluation.refresh_from_db()
    assert evaluation.state == Evaluation.State.RUNNING


def _running(study):
    pending = ask(
        project=study.project, actor=None, request=request_of(study.project, Kind.LABELER, {}), send=lambda _: None
    ).pending
    Evaluation.objects.update(
        state=Evaluation.State.RUNNING, attempts=1, lease_until=timezone.now() + timedelta(hours=1)
    )
    return pending
