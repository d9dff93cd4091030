"""Raw answers of runs: their conversations, what could not be read, and the file that goes on elsewhere."""

import asyncio
import json

import pytest

from labeling.core.backends import BackendError, Trouble
from labeling.core.call_files import CallFile, call_line
from labeling.core.labelers import labeler_called
from labeling.core.placeholders import Placeholders
from labeling.core.prompts import fill
from labeling.core.records import ReportText, StoredLabels
from labeling.core.schema import Cell
from labeling.core.schema_yaml import load_preset
from labeling.core.values import Value
from labeling.models import MachineLabel, ReportFailure, StoredCall
from labeling.selectors import answers
from labeling.selectors.answers import (
    attempts_with_failures,
    call_lines,
    calls_about,
    failed_reports,
    failures_in,
    record_of,
    unreadable_by_stage,
    unreadable_page,
)
from labeling.selectors.conversations import preview_of, replay_of
from labeling.selectors.run_costs import costs_by_stage
from labeling.services import resume_run, start_model_run
from tests.factories import CaseFactory, ProjectFactory, ReportFactory
from tests.labeling.run_tools import N_CELLS, SAYS_YES, URL, Engine, about, carry_on, plan

pytestmark = pytest.mark.django_db

CELL = Cell("L4-L5", "stenosis")
GARBAGE = "<b>perhaps</b>"


@pytest.fixture(autouse=True)
def engines(settings):
    settings.LLM_URLS = [URL]


@pytest.fixture
def project():
    project = ProjectFactory()
    CaseFactory.create_batch(3, project=project)
    return project


def cell_of(project):
    return project.schema.parsed(), CELL


def run_of(project, engine, **changes):
    run = start_model_run(project=project, plan=plan(**changes), actor=None)
    carry_on(run, engine)
    return run


def sensible(call):
    """Answers as a model that finds what the report says."""
    if call.sampling is None:
        return SAYS_YES
    report = ReportText("R", "L4-5: disc protrusion.")
    supposed = Placeholders.of(report, schema=load_preset("spine-mri"), cell=CELL, value=Value.PRESENT)
    return supposed.answer(call.messages, call.constraint)


def doubtful(call):
    """Never says yes or no."""
    return GARBAGE if "yes" in getattr(call.constraint, "options", ()) else sensible(call)


@pytest.mark.parametrize("labeler", ["leavs", "leavs-fast", "maplez", "direct-query", "summary-query"])
def test_stored_answers_are_put_back_into_the_conversations_that_the_engine_saw(project, labeler):
    engine = Engine(sensible)
    run = run_of(project, engine, labeler=labeler)
    schema, cell = cell_of(project)
    report = project.reports.last()
    calls = calls_about(run, report.pk, cell)
    held = replay_of(run, report, schema=schema, cell=cell, records=map(record_of, calls))
    assert {call.key: call.answer for call in calls} == {key: call.answer for key, call in held.calls.items()}
    assert held.n_lost == 0
    asked = {(call.messages, call.sampling, call.choices) for call in engine.calls}
    assert {(call.messages, call.sampling, call.choices) for call in held.calls.values()} <= asked


def test_with_other_prompts_no_conversation_is_made_up(project, monkeypatch):
    run = run_of(project, Engine(sensible), labeler="maplez")
    schema, cell = cell_of(project)
    report = project.reports.last()
    records = [record_of(call) for call in calls_about(run, report.pk, cell)]
    monkeypatch.setattr("labeling.core.maplez.tree.fill", lambda name, **places: fill(name, **places) + " Think.")
    held = replay_of(run, report, schema=schema, cell=cell, records=records)
    assert (len(held.calls), held.n_lost) == (0, len(records))


def test_switches_that_the_program_has_no_longer_give_no_conversation(project):
    run = run_of(project, Engine(sensible))
    schema, cell = cell_of(project)
    records = [record_of(call) for call in calls_about(run, project.reports.last().pk, cell)]
    run.request = run.request | {"options": ["gone=1"]}
    assert replay_of(run, project.reports.last(), schema=schema, cell=cell, records=records).n_lost == len(records) == 1


def test_a_preview_stores_nothing_and_asks_no_engine(project):
    schema, cell = cell_of(project)
    found = preview_of(project.reports.first(), labeler="leavs", options=[], schema=schema, cell=cell)
    assert found.calls
    assert not StoredCall.objects.exists()


def test_unreadable_answers_are_found_with_the_answer_before(project):
    run = run_of(project, Engine(doubtful), labeler="maplez", options=("with_probability=false",))
    # Each cell of each report ends at the first question, asked twice.
    assert unreadable_by_stage(run) == {"tree-N0": 3 * N_CELLS}
    page = unreadable_page(run)
    assert (len(page.rows), page.after) == (3 * N_CELLS, None)
    row = page.rows[0]
    assert (row.call.attempt, row.first.attempt) == (2, 1)
    assert row.first.pk < row.call.pk
    assert (row.first.report_id, row.first.target, row.first.finding) == (
        row.call.report_id,
        row.call.target,
        row.call.finding,
    )
    assert row.case.report_id == row.call.report_id
    assert unreadable_page(run, stage="tree-N3").rows == ()


def test_answers_read_at_the_second_try_are_not_unreadable(project):
    tried = set()

    def script(call):
        is_first = call.messages not in tried and "Answer with one of these" not in call.question
        tried.add(call.messages)
        return doubtful(call) if is_first else sensible(call)

    run = run_of(project, Engine(script), labeler="maplez", options=("with_probability=false",))
    assert StoredCall.objects.filter(run=run, read="unreadable").exists()
    assert unreadable_by_stage(run) == {}


def test_a_score_for_which_neither_answer_was_listed_is_unreadable(project):
    run = run_of(project, Engine())
    call = StoredCall.objects.filter(run=run).first()
    StoredCall.objects.create(
        run=run,
        report=call.report,
        key="0" * 64,
        stage="answer",
        target=call.target,
        finding=call.finding,
        answer='{"logits": [-9.0, -9.0], "floor": [0, 1]}',
        read="unreadable",
        answered_at=call.answered_at,
    )
    assert unreadable_by_stage(run) == {"answer": 1}
    [cost] = costs_by_stage(run)
    assert (cost.n_unreadable, cost.n_given_up) == (1, 1)
    assert unreadable_page(run).rows[0].first is None


def test_pages_go_on_where_they_ended(project, monkeypatch):
    monkeypatch.setattr(answers, "PAGE_SIZE", 10)
    run = run_of(project, Engine(doubtful), labeler="maplez", options=("with_probability=false",))
    seen, after = [], 0
    while after is not None:
        page = unreadable_page(run, after=after)
        seen += [row.call.pk for row in page.rows]
        after = page.after
    assert seen == sorted(set(seen))
    assert len(seen) == 3 * N_CELLS


@pytest.fixture
def failed_twice(project):
    """A run that labeled no report at its first attempt, and all but the last one at its second."""
    first, _, last = project.reports.order_by("pk")
    too_long, refused = BackendError(Trouble.TOO_LONG, "too many tokens"), BackendError(Trouble.REFUSED, "not this one")

    def fail(call):
        if not about(call, "herniation"):
            return SAYS_YES
        return too_long if about(call, first.report_id) else refused

    run = run_of(project, Engine(fail))
    assert run.state == "failed"
    resume_run(run=run, actor=None)
    carry_on(run, Engine(lambda call: fail(call) if about(call, last.report_id) else SAYS_YES))
    assert run.state == "complete"
    return run


def test_failures_are_listed_by_attempt_and_kind_with_the_last_answers(failed_twice):
    run = failed_twice
    assert attempts_with_failures(run) == [1, 2]
    assert failures_in(run, 1) == {"refused": 2, "too_long": 1}
    assert failures_in(run, 2) == {"refused": 1}
    [row] = failed_reports(run, attempt=1, kind="too_long").rows
    assert (row.failure.kind, row.failure.message, row.report_id) == (
        "too_long",
        "too many tokens",
        row.failure.report.report_id,
    )
    assert row.case.report_id == row.failure.report_id
    last = StoredCall.objects.filter(run=run, report=row.failure.report_id).order_by("-pk")[:3]
    assert [call.pk for call in row.last_calls] == sorted(call.pk for call in last)
    assert len(failed_reports(run, attempt=1).rows) == 3


def test_failures_take_as_many_queries_for_many_as_for_one(failed_twice, django_assert_num_queries):
    for attempt in (1, 2):
        with django_assert_num_queries(3):
            failed_reports(failed_twice, attempt=attempt)


def test_a_downloaded_file_of_calls_can_be_gone_on_with(project, tmp_path):
    run = run_of(project, Engine(doubtful), labeler="maplez")
    path = tmp_path / "answers.calls.jsonl"
    path.write_bytes(b"".join(call_lines(run)))
    labeler, schema = labeler_called("maplez"), project.schema.parsed()
    engine = Engine(lambda call: pytest.fail("asked again"))
    with CallFile(path, resume=True) as file:
        assert (file.n_known, file.n_damaged) == (StoredCall.objects.filter(run=run).count(), 0)
        for report in project.reports.all():
            text = ReportText(report.report_id, report.text)
            store = file.calls_of(text)
            again = labeler.label(
                text, backend=engine, schema=schema, config=labeler.configure([], schema), store=store
            )
            stored = MachineLabel.objects.get(run=run, report=report)
            assert StoredLabels.encode(asyncio.run(again), schema).values == stored.values
    assert engine.calls == []


def test_a_line_of_the_download_is_that_of_the_file_that_the_command_writes(project, tmp_path):
    run = run_of(project, Engine())
    call = StoredCall.objects.filter(run=run).select_related("report").first()
    path = tmp_path / "calls.jsonl"
    with CallFile(path) as file:
        file.calls_of(ReportText(call.report.report_id, call.report.text)).keep(record_of(call))
    assert path.read_bytes().splitlines(keepends=True)[1] == call_line(
        call.report.report_id, call.report.text_sha256, record_of(call)
    )


def test_ids_of_any_characters_stay_on_one_line(project):
    report = ReportFactory(project=project, report_id='a"b, \u2028ü')
    CaseFactory(project=project, report=report)
    run = run_of(project, Engine())
    lines = b"".join(call_lines(run)).splitlines()
    assert len(lines) == 1 + 4 * N_CELLS
    assert {json.loads(line)["report_id"] for line in lines[1:]} >= {report.report_id}
    assert ReportFailure.objects.count() == 0
