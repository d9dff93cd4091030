"""The list of runs and the page of one: what they say, what their buttons do, how much they ask of the database."""

import json
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from kombu.exceptions import OperationalError

from annotator.models import Event
from annotator.selectors.run_cases import RunCasesFilter, run_cases
from labeling import tasks
from labeling.core.backends import BackendError, Trouble
from labeling.models import MachineLabel, Run, RunChunk, StoredCall
from labeling.selectors.run_costs import costs_by_stage, unreadable_cells
from labeling.selectors.run_facts import run_facts
from labeling.selectors.run_list import PAGE_SIZE
from labeling.services import cancel_run, finish_run, pause_run, start_model_run, start_run
from labeling.services.chunks import claim_next
from tests.annotator.worlds import TEXT, add_case
from tests.factories import ProjectFactory, UserFactory
from tests.labeling.run_tools import SAYS_YES, URL, Engine, about, carry_on, plan

pytestmark = pytest.mark.django_db
LIST = "/projects/lumbar/runs/"
VICTIM = "Only the fourth report says this."
# Calls for a report: eight cells, but these reports are all clinical history, which "cancer" leaves out.
N_ASKED = 7


@pytest.fixture(autouse=True)
def small_chunks(settings):
    settings.RUN_CHUNK_REPORTS = 2
    settings.LLM_URLS = [URL]


@pytest.fixture(autouse=True)
def sent(monkeypatch):
    """Messages that would have been sent to workers."""
    sent = []
    monkeypatch.setattr(tasks.label_chunk, "delay", sent.append)
    return sent


@pytest.fixture
def manager(client, world):
    client.force_login(world.manager)
    return client


@pytest.fixture
def run(world):
    """Four reports, in two parts, not begun."""
    add_case(world.project, 4, text=f"{TEXT} {VICTIM}")
    return start_model_run(project=world.project, plan=plan(), actor=world.manager)


def page_of(run):
    return reverse("run", kwargs={"slug": run.project.slug, "run_id": run.run_id})


def progress_of(client, run):
    return client.get(reverse("api_run", kwargs={"slug": run.project.slug, "run_id": run.run_id})).json()


def text(answer):
    """What is seen of a page: no tags, single blanks."""
    main = re.search(r"<main.*</main>", answer.content.decode(), re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main.group() if main else ""))


def messages_of(client, run):
    found = re.findall(r'<li class="notice[^>]*>(.*?)</li>', client.get(page_of(run)).content.decode(), re.DOTALL)
    return " ".join(found)


def too_long_for(*words):
    """An engine that says yes, but finds reports with these words too long."""
    too_long = BackendError(Trouble.TOO_LONG, "longer than the context")
    return Engine(lambda call: too_long if about(call, *words) else SAYS_YES)


def test_a_project_without_runs_is_told_what_a_run_is(client):
    user = UserFactory()
    ProjectFactory(slug="empty", manager=user)
    client.force_login(user)
    said = text(client.get("/projects/empty/runs/"))
    assert "No runs yet" in said
    assert "lets one method say of every report what it finds" in said
    assert "Compare" not in said


def test_the_list_says_of_each_run_what_is_known_of_it(manager, world, run):
    carry_on(run, too_long_for(VICTIM))
    imported = start_run(project=world.project, labeler="imported", inputs={"rater": "Dr. No"}, actor=None)
    finish_run(imported, counts={"n_out": 3})
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", manager.get(LIST).content.decode(), re.DOTALL)[1:]
    told = [re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", row)) for row in rows]
    # newest first; one of four reports failed
    assert "imported · Dr. No complete 3 of 3 – – – –" in told[0]
    assert "the command line" in told[0]
    assert "direct-query · tiny complete 3 of 4 1" in told[1]
    assert world.manager.username in told[1]
    assert "readers start from it" in told[2]
    assert "rules" in told[2]


def test_the_list_offers_runs_to_compare_and_the_other_pages(manager, world, run):
    assert "Compare two runs" not in text(manager.get(LIST))  # not begun: there is nothing to compare with
    carry_on(run, Engine(), chunks=1)
    page = manager.get(LIST).content.decode()
    for name in ("run_new", "label_import", "run_prompts", "run_compare"):
        assert reverse(name, kwargs={"slug": "lumbar"}) in page
    for each in (world.run, run):
        assert page.count(f'<option value="{each.run_id}"') == 2


def test_the_list_has_pages_and_the_same_number_of_queries_for_any_number_of_runs(
    manager, world, run, django_assert_max_num_queries
):
    for _ in range(PAGE_SIZE):
        finish_run(start_run(project=world.project, labeler="imported", inputs={}, actor=None), counts={"n_out": 0})
    start_run(project=world.project, labeler="rules", inputs={"n_in": 4}, actor=None)
    with django_assert_max_num_queries(12):
        first = manager.get(LIST)
    assert len(first.context["rows"]) == PAGE_SIZE
    second = manager.get(LIST, {"page": 2})
    # 30 imported, one of the rules, one that waits, and the one of the world
    assert len(second.context["rows"]) == 3
    assert manager.get(LIST, {"page": "nonsense"}).context["page"].number == 1


def test_progress_is_what_the_reports_calls_and_seconds_add_up_to(manager, run):
    carry_on(run, Engine(), chunks=1)
    Run.objects.filter(pk=run.pk).update(active_s=30.0, running_since=None)
    told = progress_of(manager, run)
    n_tokens = sum(StoredCall.objects.values_list("prompt_tokens", flat=True))
    assert (told["state"], told["n_reports"], told["n_done"], told["n_labeled"]) == ("running", 4, 2, 2)
    assert (told["n_calls"], told["n_calls_failed"], told["prompt_tokens"]) == (2 * N_ASKED, 0, n_tokens)
    assert told["generated_tokens"] == 2 * N_ASKED  # one for each score
    assert told["cached_tokens"] is None  # the engine says nothing of its cache
    assert (told["active_s"], told["reports_per_s"]) == (30.0, pytest.approx(2 / 30))


def test_time_left_is_that_of_the_reports_left_at_this_rate_while_somebody_works(manager, run):
    carry_on(run, Engine(), chunks=1)
    claim_next(run)
    Run.objects.filter(pk=run.pk).update(active_s=30.0)
    told = progress_of(manager, run)
    assert (told["attendance"], told["n_at_work"]) == ("carried", 1)
    # 2 of 4 in 30 s: the other 2 take 30 s
    assert told["seconds_left"] == pytest.approx(30, rel=0.2)
    said = text(manager.get(page_of(run)))
    assert re.search(r"2 of 4 reports are done\. [34]\.\d a minute, less than a minute left\.", said)


def test_nobody_at_work_is_said_and_no_time_left_is_promised(manager, run):
    carry_on(run, Engine(), chunks=1)
    claim_next(run)
    night = timezone.now() - timedelta(hours=8)
    RunChunk.objects.filter(state="leased").update(lease_until=night, woken_at=night)
    Run.objects.filter(pk=run.pk).update(started_at=night, running_since=night - timedelta(seconds=90), active_s=0)
    told = progress_of(manager, run)
    assert (told["attendance"], told["seconds_left"]) == ("nobody", None)
    assert told["active_s"] == 30.0  # a lease of 60 s that ended at `night` was last renewed 60 s before
    assert told["reports_per_s"] == pytest.approx(2 / 30)
    page = manager.get(page_of(run)).content.decode()
    assert re.search(r'data-hint="nobody"\s*>', page)
    assert "manage.py serve" in page


def test_the_page_asks_the_same_number_of_queries_for_any_number_of_cases(manager, run, django_assert_max_num_queries):
    for position in range(5, 80):
        add_case(run.project, position)
    more = start_model_run(project=run.project, plan=plan(), actor=None)
    carry_on(more, Engine())
    with django_assert_max_num_queries(24):
        page = manager.get(page_of(more))
    assert len(page.context["cases"].rows) == 50
    with django_assert_max_num_queries(8):
        progress_of(manager, more)


def test_pause_resume_and_cancel_from_the_page(manager, world, run, sent):
    carry_on(run, Engine(), chunks=1)
    assert manager.post(page_of(run), {"action": "pause"})["Location"] == page_of(run)
    run.refresh_from_db()
    assert (run.state, run.reason) == ("paused", f"paused by {world.manager.username}")
    page = manager.get(page_of(run)).content.decode()
    assert 'value="resume"' in page
    assert 'value="pause"' not in page
    manager.post(page_of(run), {"action": "resume"})
    run.refresh_from_db()
    assert (run.state, sent) == ("queued", [run.chunks.get(state="queued").pk])
    manager.post(page_of(run), {"action": "cancel"})
    run.refresh_from_db()
    assert run.state == "cancelled"
    assert MachineLabel.objects.filter(run=run).count() == 2
    assert {event.actor for event in Event.objects.filter(verb="run_changed", actor__isnull=False)} == {world.manager}
    page = manager.get(page_of(run)).content.decode()
    assert not re.search('value="(pause|resume|cancel|prefill)"', page)
    assert "not begun 2" in text(manager.get(page_of(run)))


def test_a_broker_that_is_down_is_said_when_a_run_is_resumed(manager, run, monkeypatch):
    def refuse(chunk_id):
        raise OperationalError("connection refused")

    pause_run(run=run, actor=None)
    monkeypatch.setattr(tasks.label_chunk, "delay", refuse)
    manager.post(page_of(run), {"action": "resume"})
    assert "The broker takes no messages now" in messages_of(manager, run)


@pytest.mark.parametrize("action", ["pause", "resume", "cancel", "prefill"])
def test_what_cannot_be_is_refused_in_a_sentence(manager, world, run, action):
    cancel_run(run=run, actor=None)
    manager.post(page_of(run), {"action": action})
    assert "Not done: run" in messages_of(manager, run)
    run.refresh_from_db()
    world.run.refresh_from_db()
    assert (run.state, world.run.is_prefill) == ("cancelled", True)


def test_a_post_that_asks_for_nothing_changes_nothing(manager, run):
    manager.post(page_of(run), {"action": "delete"})
    assert "Nothing was done" in messages_of(manager, run)
    run.refresh_from_db()
    assert run.state == "queued"


def test_readers_start_from_a_complete_run_when_the_manager_says_so(manager, world, run):
    carry_on(run, Engine())
    page = text(manager.get(page_of(run)))
    assert "Readers start from rules now; these labels replace it" in page
    assert "Cases that somebody has begun keep what they started from" in page
    manager.post(page_of(run), {"action": "prefill"})
    assert Run.objects.get(is_prefill=True) == run
    assert 'value="prefill"' not in manager.get(page_of(run)).content.decode()


def test_failures_and_unreadable_answers_are_counted_and_lead_to_their_list(manager, world, run):
    carry_on(run, too_long_for(VICTIM))
    page = manager.get(page_of(run))
    assert f"{page_of(run)}failures/?kind=too_long" in page.content.decode()
    assert "too long for the model 1 report" in text(page)
    vague = start_model_run(project=world.project, plan=plan(labeler="maplez"), actor=None)
    carry_on(vague, Engine(lambda call: "I would rather not say"))
    page = manager.get(page_of(vague))
    # 4 reports x 7 cells, each asked twice
    assert "unreadable cells" in text(page)
    assert "28 cells of 4 reports" in text(page)
    assert "56, 28 of them for good" in text(page)
    assert f"{page_of(vague)}failures/?kind=unreadable" in page.content.decode()


def test_costs_by_stage_add_up_to_the_stored_calls(run):
    carry_on(run, Engine())
    [stage] = costs_by_stage(run)
    assert (stage.stage, stage.n_calls, stage.n_unreadable, stage.n_given_up) == ("answer", 4 * N_ASKED, 0, 0)
    assert stage.prompt_tokens == sum(StoredCall.objects.values_list("prompt_tokens", flat=True))
    assert (stage.cached_tokens, stage.generated_tokens) == (None, 4 * N_ASKED)
    assert unreadable_cells(run).n_cells == 0


def test_very_many_calls_are_added_up_on_demand(manager, run, monkeypatch):
    carry_on(run, Engine())
    monkeypatch.setattr("annotator.selectors.run_pages.MAX_CALLS_AT_ONCE", 10)
    assert "Add up unreadable answers and the calls of each stage" in text(manager.get(page_of(run)))
    assert "Stage Calls Unreadable" in text(manager.get(page_of(run), {"stages": "1"}))


def test_tokens_that_nobody_counted_are_unknown_and_not_zero(manager, run):
    carry_on(run, Engine())
    said = text(manager.get(page_of(run)))
    assert "of these from the cache unknown unknown" in said
    # 4 reports x 7 calls of one token each
    assert "Tokens generated 28 7.0" in said
    assert "Calls 28 7.0" in said


def test_the_manifest_is_read_on_the_page_and_downloaded(manager, run):
    carry_on(run, Engine())
    said = text(manager.get(page_of(run)))
    assert "Labeler direct-query" in said
    assert "Model tiny" in said
    assert "Engine scripted 1" in said
    assert "Reports labeled 4" in said
    answer = manager.get(page_of(run), {"format": "json"})
    assert answer["Content-Disposition"] == f'attachment; filename="run-{run.run_id}.json"'
    assert json.loads(answer.content)["manifest"]["n_out"] == 4


def test_a_length_that_nobody_noted_is_left_out_and_not_zero(world):
    run = Run.objects.get(pk=world.run.pk)
    run.manifest["sampling"] = [{"temperature": 0.0}, {"temperature": 1.0, "max_tokens": 5}]
    assert dict(run_facts(run).facts)["Sampling"] == "temperature 1.0, at most 5 tokens; temperature 0.0"


def test_runs_without_a_model_show_what_they_know(manager, world):
    said = text(manager.get(page_of(world.run)))
    assert "Complete: nothing more happens to it" in said
    assert "3 of 3 reports are done." in said
    assert "What it cost" not in said
    inputs = {"rater": "Dr. No", "file_name": "labels.csv", "file_sha256": "ab" * 32}
    imported = start_run(project=world.project, labeler="imported", inputs=inputs, actor=world.manager)
    MachineLabel.objects.create(run=imported, report=world.cases[1].report, values="+" * 8, urgencies="_" * 8)
    finish_run(imported, counts={"n_out": 1})
    page = manager.get(page_of(imported))
    assert "File labels.csv" in text(page)
    assert "1 of 1 reports are done." in text(page)
    assert [row.key for row in page.context["cases"].rows] == ["lumbar-2"]


def test_cases_are_filtered_by_what_became_of_them_and_by_their_ids(run):
    carry_on(run, too_long_for(VICTIM), chunks=1)

    def keys(**wanted):
        return [(row.key, row.outcome) for row in run_cases(run, RunCasesFilter(**wanted)).rows]

    late = add_case(run.project, 5)  # came after the run
    assert late.key not in [key for key, _ in keys()]
    assert keys() == [(f"lumbar-{n}", "labeled" if n < 3 else "waiting") for n in (1, 2, 3, 4)]
    assert keys(outcome="waiting") == [("lumbar-3", "waiting"), ("lumbar-4", "waiting")]
    assert keys(query="-2") == [("lumbar-2", "labeled")]
    carry_on(run, too_long_for(VICTIM))
    assert keys(outcome="failed") == [("lumbar-4", "failed")]
    assert [key for key, _ in keys(outcome="labeled")] == ["lumbar-1", "lumbar-2", "lumbar-3"]


def test_a_run_over_chosen_cases_lists_these_only(world):
    chosen = start_model_run(project=world.project, plan=plan(cases=("lumbar-1", "lumbar-3")), actor=None)
    assert [row.key for row in run_cases(chosen, RunCasesFilter()).rows] == ["lumbar-1", "lumbar-3"]


def test_chosen_cases_are_looked_up_a_bounded_number_at_a_time(world, monkeypatch):
    monkeypatch.setattr("annotator.selectors.run_cases._MOST_IDS", 1)
    chosen = start_model_run(project=world.project, plan=plan(cases=("lumbar-1", "lumbar-2", "lumbar-3")), actor=None)

    def keys(**wanted):
        found = run_cases(chosen, RunCasesFilter(**wanted), size=2)
        return [row.key for row in found.rows], found.before, found.after

    with CaptureQueriesContext(connection) as asked:
        assert keys() == (["lumbar-1", "lumbar-2"], None, 2)
    looked_up = [each["sql"] for each in asked if '"annotator_case"."report_id" IN' in each["sql"]]
    assert len(looked_up) == 3
    assert keys(after=2) == (["lumbar-3"], 3, None)
    assert keys(before=3) == (["lumbar-1", "lumbar-2"], None, 2)
    assert keys(outcome="waiting", query="-3") == (["lumbar-3"], None, None)


def test_pages_of_cases_lead_back_and_forth(run):
    first = run_cases(run, RunCasesFilter(), size=2)
    assert ([row.key for row in first.rows], first.before, first.after) == (["lumbar-1", "lumbar-2"], None, 2)
    second = run_cases(run, RunCasesFilter(after=2), size=2)
    assert ([row.key for row in second.rows], second.before, second.after) == (["lumbar-3", "lumbar-4"], 3, None)
    back = run_cases(run, RunCasesFilter(before=3), size=2)
    assert ([row.key for row in back.rows], back.before, back.after) == (["lumbar-1", "lumbar-2"], None, 2)


def test_a_filter_that_makes_no_sense_is_left_out(manager, run):
    page = manager.get(page_of(run), {"outcome": "lost", "after": "x", "q": "\0"})
    assert page.status_code == 200


@pytest.mark.parametrize("name", ["run", "api_run"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_run_of_another_project_is_not_found(manager, other_world, name, method):
    url = reverse(name, kwargs={"slug": "lumbar", "run_id": other_world.run.run_id})
    answer = getattr(manager, method)(url, {"action": "prefill"})
    assert answer.status_code == (405 if (name, method) == ("api_run", "post") else 404)


def test_a_run_of_the_rules_whose_process_died_is_ended_when_it_is_looked_at(manager, world):
    dead = start_run(project=world.project, labeler="rules", inputs={"n_in": 3}, actor=None)
    Run.objects.filter(pk=dead.pk).update(started_at=timezone.now() - timedelta(hours=1))
    assert "Failed: it stopped" in text(manager.get(page_of(dead)))
