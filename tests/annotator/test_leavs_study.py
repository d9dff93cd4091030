"""The published LEAVS study as a project: all that was published is there, and its figures are the published ones."""

import json

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from annotator.core.figure_requests import FigureRequest, Kind, Level
from annotator.models import Arm, AssignmentPlan, Case, Evaluation, Project, Reading, Report, Seat, SeatState, User
from annotator.services.figures import ask, compute
from annotator.services.leavs_study import make_leavs_study
from labeling.models import MachineLabel, Run
from labeling.services import run_rules
from tests.factories import UserFactory
from tests.shared_data import ROOT, shared_data

pytestmark = pytest.mark.django_db

TYPES = {"size": "enlarged_atrophy", "diffuse": "diffuse", "focal": "focal", "ps": "postsurgical_absent"}
NAMES = ("f1", "precision", "recall", "specificity", "mcc")


@pytest.fixture
def manager():
    shared_data("leavs")
    return UserFactory(username="boss")


@pytest.fixture
def study(manager):
    return make_leavs_study(data=ROOT, slug="leavs", manager=manager, now=timezone.now())


def figures(project, *, level=Level.CELLS):
    run = Run.objects.get(project=project)
    request = FigureRequest(Kind.LABELER, run=str(run.run_id), level=level, n_resamples=100)
    known = ask(project=project, actor=None, request=request, send=lambda pk: None)
    done = compute(known.pending.pk)
    assert done.state == Evaluation.State.DONE, done.reason
    return {(row["row"], row["metric"]): row for row in done.result["rows"]}


def test_everything_that_was_published_is_there(study):
    project = study.project
    assert (study.readings.created, study.labels.created) == (600, 200)
    assert project.cases.count() == 200
    assert MachineLabel.objects.filter(run__project=project).count() == 200
    readings = Reading.objects.filter(project=project)
    # PROTOCOL 1: H1 and H2 rated 150 reports each, the others 100 each, and each report has three raters.
    counts = {name: readings.filter(reader__username=name).count() for name in ("leavs-h1", "leavs-h2", "leavs-h5")}
    assert counts == {"leavs-h1": 150, "leavs-h2": 150, "leavs-h5": 100}
    assert readings.count() == 600
    assert set(readings.values_list("arm", "active_seconds")) == {(Arm.BLANK, None)}
    assert Seat.objects.filter(project=project, state=SeatState.SUBMITTED).count() == 600
    summary = AssignmentPlan.objects.get(project=project).summary
    assert summary["cases_by_readers"] == {"3": 200}
    assert summary["pairs"][2][3] == 0  # H3 and H4 never share a report
    assert not User.objects.filter(username__startswith="leavs-", is_active=True).exists()


def test_making_it_again_changes_nothing(study, manager):
    again = make_leavs_study(data=ROOT, slug="leavs", manager=manager, now=timezone.now())
    assert (again.readings.created, again.readings.unchanged) == (0, 600)
    assert (again.labels.created, again.labels.unchanged) == (0, 200)
    assert (again.n_cases, again.n_seats) == (200, 600)


def test_study_that_was_interrupted_is_completed(manager, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr("annotator.services.leavs_study.import_labels", _interrupted)
        with pytest.raises(KeyboardInterrupt):
            make_leavs_study(data=ROOT, slug="leavs", manager=manager, now=timezone.now())
    assert Case.objects.count() == 200
    made = make_leavs_study(data=ROOT, slug="leavs", manager=manager, now=timezone.now())
    assert (made.n_cases, made.n_seats, made.readings.created) == (200, 600, 600)


def _interrupted(**_):
    raise KeyboardInterrupt


def test_dashboard_has_the_values_of_table_1(study):
    rows = figures(study.project)
    expected = json.loads(shared_data("leavs/expected_table1.json").read_text())
    compared = 0
    for each in expected:
        target, _, kind = each["row"].rpartition(" ")
        if kind in TYPES and each["metric"] in NAMES and target != "micro":
            row = rows[f"{target} {TYPES[kind]}", each["metric"]]
            assert row["value"] == pytest.approx(each["value"], abs=1e-6), each
            assert (row["n"], row["n_positive"]) == (each["N"], each["Npos"])
            compared += 1
    assert compared == 10 * len(NAMES)


def test_screens_say_that_the_text_was_not_released(client, study, manager):
    client.force_login(manager)
    case = Case.objects.filter(project=study.project).first()
    report = client.get(reverse("api_case", args=["leavs", case.pk])).json()["report"]
    assert report["missing"] == "The text of this report was not released."
    assert (report["text"], report["sha256"]) == ("", "")
    page = client.get(reverse("run_case", args=["leavs", Run.objects.get().run_id, case.pk]))
    assert "The text of this report was not released." in page.content.decode()


def test_no_labeler_reads_a_report_without_text_and_no_export_holds_it(client, study, manager):
    run = run_rules(project=study.project, actor=manager)
    assert (run.n_reports, MachineLabel.objects.filter(run=run).count()) == (0, 0)
    client.force_login(manager)
    url = reverse("export_download", args=["leavs"])
    answer = client.get(url, {"what": "reports", "format": "jsonl"})
    assert b"not released" not in b"".join(answer.streaming_content)


def test_text_of_a_report_that_has_none_cannot_be_slipped_in(study):
    del study
    with pytest.raises(IntegrityError), transaction.atomic():
        Report.objects.update(has_text=True)


def test_command_says_what_there_is_and_what_is_missing(manager, capsys, tmp_path):
    del manager
    with pytest.raises(CommandError, match="rsummers11/LEAVS"):
        call_command("make_leavs_study", f"--data={tmp_path}", "--manager=boss")
    call_command("make_leavs_study", f"--data={ROOT}", "--manager=boss", "--slug=amos")
    assert "amos: 200 cases, 600 seats" in capsys.readouterr().out
    assert Project.objects.get().slug == "amos"
