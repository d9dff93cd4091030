"""The page that starts a run: what it offers, what it refuses and where it says so, trial and start."""

import re
from html import unescape

import pytest
from django.urls import reverse
from kombu.exceptions import OperationalError

from annotator.models import Event
from annotator.run_forms import RunForms
from annotator.run_words import SENTENCES, SWITCHES, labelers_in_words
from annotator.services import labels as label_services
from annotator.services import run_starts
from labeling import tasks
from labeling.core.labelers import MODEL_LABELERS, labeler_called
from labeling.core.schema_yaml import load_preset
from labeling.models import MachineLabel, Run, RunChunk, StoredCall
from tests.annotator.worlds import TEXT, add_case
from tests.factories import ProjectFactory, RunFactory
from tests.labeling.llm_servers import LlmServer, error_of, in_thread

pytestmark = pytest.mark.django_db
URL = "/projects/lumbar/runs/new/"
NOBODY = "http://127.0.0.1:9/v1"
N_CELLS = 8  # of the schema of the world; calls of direct-query for a report
QUERY = {"direct-query-yes": "yes", "direct-query-no": "no", "direct-query-marker": "ANSWER:"}
QUERY |= {"direct-query-threshold": "0", "direct-query-whole_targets": "spine"}


@pytest.fixture
def manager(client, world):
    client.force_login(world.manager)
    return client


@pytest.fixture
def engine(settings):
    """An engine that says yes to every question and is listed in the settings."""
    with in_thread(LlmServer("vllm", logprobs={"yes": -0.1, "no": -2.4})) as server:
        settings.LLM_URLS = [server.url]
        yield server


@pytest.fixture
def sent(monkeypatch):
    """Chunks that a message was sent for."""
    chunks = []
    monkeypatch.setattr(tasks.label_chunk, "delay", chunks.append)
    return chunks


def form(engine_url, action, **changes):
    values = {"labeler": "direct-query", "shown": "direct-query", "url": engine_url, "model": "tiny"}
    return values | QUERY | {"concurrency": "4", "scope": "all", "action": action} | changes


def errors_of(answer):
    """What the head of the page says is wrong: field to message."""
    page = unescape(answer.content.decode())
    return dict(re.findall(r'<li><a href="#([^"]+)">[^<]*</a>: ([^<]+)</li>', page))


# What the page offers


def test_every_labeler_and_every_switch_has_words():
    assert list(SENTENCES) == ["rules", *MODEL_LABELERS]
    schema = load_preset("spine-mri")
    for name in MODEL_LABELERS:
        fields = set(labeler_called(name).config_type.__dataclass_fields__)
        hidden = {"summary_tokens", "repetition_penalty"} if name == "direct-query" else set()
        assert set(SWITCHES[name]) >= fields - hidden
        assert labeler_called(name).configure((), schema)


def test_numbers_of_calls_are_those_of_the_documents():
    # docs/labelers.md: 4 calls a cell, one a cell, one more a finding, at most 20 for abdominal CT, some 450.
    said = {each.name: each.calls for each in labelers_in_words(load_preset("abdomen-ct"))}
    assert said == {
        "rules": "no calls",
        "leavs": "about 460 calls a report",
        "leavs-fast": "at most 20 calls a report of up to 60 sentences",
        "maplez": "about 400 calls a report",
        "direct-query": "99 calls a report",
        "summary-query": "110 calls a report",
    }


def test_without_engine_the_page_names_the_setting_and_offers_the_rules(manager, settings):
    settings.LLM_URLS = []
    page = manager.get(URL).content.decode()
    assert "OVERREAD_LLM_URLS=http://localhost:8000/v1" in page
    assert 'name="url"' not in page
    assert re.search(r'value="rules"[^>]*checked', page)
    assert re.search(r'value="leavs"[^>]*disabled', page)


def test_project_without_reports_says_to_import_some(manager, world):
    assert b"No reports yet" not in manager.get(URL).content
    ProjectFactory(slug="empty", manager=world.manager)
    page = manager.get("/projects/empty/runs/new/").content
    assert b"No reports yet" in page
    assert b"/projects/empty/imports/" in page
    assert b'<form method="post" class' not in page


def test_address_chooses_the_labeler_and_shows_its_switches_as_published(manager, settings):
    settings.LLM_URLS = [NOBODY]
    page = manager.get(URL, {"labeler": "leavs"}).content.decode()
    [shown] = re.findall(r'<fieldset class="part"\s+data-switches="([^"]+)"\s+id="switches"', page)
    assert shown == "leavs"
    assert re.search(r'name="leavs-use_cot"[^>]*checked', page)
    assert '<option value="fast_extensive" selected>' in page
    other = manager.get(URL, {"labeler": "nothing is called this"}).content.decode()
    assert re.search(r'value="leavs-fast"[^>]*checked', other)


def test_switching_the_labeler_without_script_keeps_what_was_filled_in(manager, settings):
    settings.LLM_URLS = [NOBODY]
    changed = {"labeler": "maplez", "model": "mine", "keys": "a\nb", "scope": "listed", "concurrency": "7"}
    page = manager.post(URL, form(NOBODY, "show", **changed)).content.decode()
    assert 'data-switches="maplez"\n                    id="switches"' in page
    assert 'value="mine"' in page
    assert re.search(r'value="listed" checked', page)
    assert 'value="7"' in page
    assert "a\nb</textarea>" in page


def test_models_of_the_engine_are_offered_and_a_single_one_is_filled_in(manager, engine):
    page = manager.post(URL, form(engine.url, "models", model="")).content.decode()
    assert '<option value="tiny">' in page
    assert re.search(r'name="model" value="tiny"', page)


def test_engine_that_does_not_answer_is_said_plainly(manager, settings):
    settings.LLM_URLS = [NOBODY]
    page = unescape(manager.post(URL, form(NOBODY, "models")).content.decode())
    assert "Http://127.0.0.1:9: the server takes no connection" in page


# Only listed addresses are ever asked


@pytest.mark.parametrize("action", ["models", "try", "start"])
def test_address_that_is_not_listed_is_refused_before_any_connection(manager, engine, settings, sent, action):
    settings.LLM_URLS = ["http://127.0.0.1:9/v1"]
    answer = manager.post(URL, form(engine.url, action))
    assert "not one of the engines in OVERREAD_LLM_URLS" in answer.content.decode()
    assert engine.requests == []
    assert not RunChunk.objects.exists()
    if action != "models":
        assert answer.status_code == 422
        assert engine.url in errors_of(answer)["id_url"]


# What is refused, and at which field


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"labeler": "magic"}, "id_labeler", "There is no labeler magic."),
        ({"url": ""}, "id_url", "Choose an engine."),
        ({"model": "  "}, "id_model", "Name the model."),
        ({"concurrency": ""}, "id_concurrency", "Say how many calls may be in flight."),
        ({"concurrency": "0"}, "id_concurrency", "greater than or equal to 1"),
        ({"concurrency": "5000"}, "id_concurrency", "less than or equal to 4096"),
        ({"scope": ""}, "id_scope", "Say which cases."),
        ({"scope": "some"}, "id_scope", "some is not one of the available choices"),
        ({"scope": "first", "n_first": ""}, "id_n_first", "Say how many cases."),
        ({"scope": "first", "n_first": "0"}, "id_n_first", "greater than or equal to 1"),
        ({"scope": "listed", "keys": " \n "}, "id_keys", "Name at least one case."),
        (
            {"scope": "listed", "keys": "lumbar-1\nelsewhere-1"},
            "id_keys",
            "No case 'elsewhere-1' with the text of a report",
        ),
        ({"scope": "unlabeled"}, "id_scope", "Every case with a report has labels"),
        ({"direct-query-threshold": "much"}, "id_direct-query-threshold", "Enter a number."),
        ({"direct-query-thresholds": "x:1"}, "id_direct-query-thresholds", "has no finding or cell 'x'"),
        ({"direct-query-thresholds": "stenosis"}, "id_direct-query-thresholds", "expected is a list"),
        ({"direct-query-no": "yes"}, "switches", "The two answers are both 'yes'"),
    ],
)
@pytest.mark.parametrize("action", ["try", "start"])
def test_what_is_wrong_is_said_at_its_field(manager, world, other_world, settings, sent, action, changes, field, said):
    settings.LLM_URLS = [NOBODY]
    answer = manager.post(URL, form(NOBODY, action, **changes))
    assert answer.status_code == 422
    assert said in errors_of(answer)[field]
    assert list(errors_of(answer)) == [field]
    assert re.search(rf'id="{field}"', answer.content.decode())
    assert sent == []


def test_readers_do_not_lose_their_labels_to_a_run_over_the_rest(manager, world, settings):
    settings.LLM_URLS = [NOBODY]
    add_case(world.project, 4)
    answer = manager.post(URL, form(NOBODY, "start", scope="unlabeled", is_prefill="on"))
    assert "Readers would lose the labels" in errors_of(answer)["id_is_prefill"]


def test_cases_without_labels_of_no_run_are_not_taken_for_all_cases(manager, world, settings, sent):
    settings.LLM_URLS = [NOBODY]
    Run.objects.filter(pk=world.run.pk).update(is_prefill=False)
    answer = manager.post(URL, form(NOBODY, "start", scope="unlabeled"))
    assert "Readers start from no run" in errors_of(answer)["id_scope"]
    assert sent == []


@pytest.mark.parametrize("action", ["try", "start"])
def test_model_that_the_engine_lacks_is_said_at_the_model(manager, engine, sent, action):
    answer = manager.post(URL, form(engine.url, action, model="large"))
    assert "the server has no model large; it has: tiny." in errors_of(answer)["id_model"]
    assert sent == []


@pytest.mark.parametrize("action", ["try", "start"])
def test_engine_that_is_down_is_said_at_the_engine(manager, settings, sent, monkeypatch, action):
    monkeypatch.setattr("labeling.engines.LOOK_S", 0)
    monkeypatch.setattr("labeling.services.trying.LOOK_S", 0)
    settings.LLM_URLS = [NOBODY]
    answer = manager.post(URL, form(NOBODY, action))
    assert answer.status_code == 422
    assert "the server takes no connection" in errors_of(answer)["id_url"]
    assert sent == []


# The trial


def test_trial_shows_labels_and_cost_and_stores_nothing(manager, world, engine):
    add_case(world.project, 4)
    before = (Run.objects.count(), MachineLabel.objects.count(), Event.objects.count())
    answer = manager.post(URL, form(engine.url, "try"))
    page = unescape(answer.content.decode())
    assert answer.status_code == 200
    assert "Nothing of it is stored" in page
    for case in world.cases:
        assert f'href="/projects/lumbar/cases/{case.pk}/" target="_blank" rel="noopener">{case.key}' in page
    assert "lumbar-4" not in page.split('id="trial"')[1]
    facts = dict(re.findall(r"<dt>([^<]+)</dt>\s*<dd>([^<]+)</dd>", page.split('id="trial"')[1]))
    assert facts["Engine"] == "vllm"
    # All say yes, of the spine and of three levels. Of cancer is not asked: beside the history there is no text for it.
    assert page.count("<td>stenosis</td>") == 3 * 4
    assert page.count('<span class="num">1</span> Not asked') == 3
    assert f"<dd>{3 * (N_CELLS - 1)}</dd>" in page
    assert f"<dd>{4 * (N_CELLS - 1)}</dd>" in page
    assert "All 4 reports, estimated" in page
    assert before == (Run.objects.count(), MachineLabel.objects.count(), Event.objects.count())
    assert not StoredCall.objects.exists()
    assert re.search(r'name="model" value="tiny"', page)


def test_trial_counts_cells_and_quotes_evidence(manager, world, engine):
    # The server gives the simplest JSON that a form allows: no sentence is about any target, so nothing is mentioned.
    page = manager.post(URL, form(engine.url, "try", labeler="leavs-fast", shown="")).content.decode()
    assert page.count(f'<span class="num">{N_CELLS}</span> Not mentioned') == 3
    assert page.count("No cell is present or possible.") == 3


def test_tokens_that_the_engine_does_not_count_are_unknown(manager, settings):
    with in_thread(LlmServer("plain", logprobs={"yes": -0.1, "no": -2.4})) as server:
        settings.LLM_URLS = [server.url]
        page = manager.post(URL, form(server.url, "try")).content.decode()
    assert re.search(r"<dt>of these cached</dt>\s*<dd>unknown</dd>", page)
    assert "savings are not shown" in page


def test_report_that_fails_in_the_trial_is_shown_with_its_reason(manager, world, engine, monkeypatch):
    long = add_case(world.project, 4, text="word " * 3000)
    answer = manager.post(URL, form(engine.url, "try", scope="listed", keys=f"lumbar-1\n{long.key}"))
    page = unescape(answer.content.decode())
    assert "1 of 2 reports got no labels" in page
    assert "No labels. too long: the prompt and what is to be generated are longer" in page


def test_trial_that_takes_too_long_ends_and_says_so(manager, engine, monkeypatch):
    monkeypatch.setattr(run_starts, "TRY_S", 0.5)
    engine.delay_s = 5
    answer = manager.post(URL, form(engine.url, "try"))
    assert "3 reports took more than 0.5 seconds" in errors_of(answer)["id_url"]


def test_only_one_trial_goes_on_at_a_time(manager, engine):
    with run_starts._TRIALS:
        answer = manager.post(URL, form(engine.url, "try"))
    assert "somebody else is trying" in errors_of(answer)["id_url"].lower()
    assert [manager.post(URL, form(engine.url, "try")).status_code for _ in range(2)] == [200, 200]


def test_report_text_stays_text(manager, world, engine):
    add_case(world.project, 4, text="<script>alert(1)</script> L4-5: stenosis.")
    engine.answer = lambda request: "<b>no</b>"
    page = manager.post(URL, form(engine.url, "try", scope="listed", keys="lumbar-4")).content
    assert b"<script>alert" not in page
    assert b"<b>no</b>" not in page


# The start


def test_start_queues_a_run_and_wakes_the_workers(manager, world, engine, sent, django_capture_on_commit_callbacks):
    answer = manager.post(URL, form(engine.url, "start", revision="r1", is_prefill="on"))
    run = Run.objects.get(labeler="direct-query")
    assert answer["Location"] == reverse("run", kwargs={"slug": "lumbar", "run_id": run.run_id})
    assert (run.state, run.n_reports, run.created_by) == (Run.State.QUEUED, 3, world.manager)
    assert sent == list(RunChunk.objects.filter(run=run).values_list("pk", flat=True))
    assert len(sent) == 1
    assert run.request["is_prefill"] is True
    assert run.request["revision"] == "r1"
    assert run.request["concurrency"] == 4
    assert run.manifest["backend"]["engine"] == "vllm"


def test_switches_arrive_in_the_manifest(manager, engine, sent):
    switches = {
        "leavs-split_report": "extensive",
        "leavs-definition": "individual",
        "leavs-tree": "maplez",
        "leavs-targets": ["spine", "L4-L5"],
    }
    manager.post(URL, form(engine.url, "start", labeler="leavs", shown="leavs", **switches))
    run = Run.objects.get(labeler="leavs")
    expected = {"split_report": "extensive", "use_cot": False, "definition": "individual", "tree": "maplez"}
    assert run.manifest["method"]["switches"] == expected | {"targets": ["spine", "L4-L5"]}


def test_lists_numbers_and_sections_arrive_as_they_are_meant(manager, engine, sent):
    switches = {
        "direct-query-yes": " yes",
        "direct-query-no": " no",
        "direct-query-threshold": "-0.5",
        "direct-query-thresholds": "stenosis:0.5, L5-S1|stenosis:1",
        "direct-query-exclude_sections": ["history", "technique"],
        "direct-query-whole_targets": "",
    }
    manager.post(URL, form(engine.url, "start", **switches))
    stands = Run.objects.get(labeler="direct-query").manifest["method"]["switches"]
    assert (stands["yes"], stands["threshold"]) == (" yes", -0.5)
    assert stands["thresholds"] == {"stenosis": 0.5, "L5-S1|stenosis": 1.0}
    assert (stands["exclude_sections"], stands["whole_targets"]) == (["history", "technique"], [])


@pytest.mark.parametrize("labeler", MODEL_LABELERS)
def test_page_as_it_opens_asks_for_the_published_switches(world, settings, labeler):
    settings.LLM_URLS = [NOBODY]
    fresh = RunForms.fresh(world.project, labeler=labeler)
    data = {"labeler": labeler, "shown": labeler, "url": NOBODY, "model": "m", "concurrency": "4", "scope": "all"}
    for bound in fresh.switches[labeler]:
        if bound.value() is not False:
            data[bound.html_name] = bound.value()
    forms = RunForms.sent(world.project, data)
    assert forms.is_valid(), forms.errors
    assert forms.plan().options == ()


def test_switches_that_were_not_shown_stand_as_published(world, settings):
    settings.LLM_URLS = [NOBODY]
    forms = RunForms.sent(world.project, form(NOBODY, "start", labeler="leavs", shown="direct-query"))
    assert forms.is_valid(), forms.errors
    assert forms.plan().options == ()


@pytest.mark.parametrize(
    ("changes", "cases"),
    [
        ({"scope": "all"}, None),
        ({"scope": "first", "n_first": "2"}, ("lumbar-1", "lumbar-2")),
        ({"scope": "unlabeled"}, ("lumbar-4",)),
        ({"scope": "listed", "keys": "lumbar-3\r\n\r\n lumbar-1\r\nlumbar-3"}, ("lumbar-3", "lumbar-1")),
    ],
)
def test_run_is_over_the_cases_that_were_asked_for(world, settings, changes, cases):
    settings.LLM_URLS = [NOBODY]
    add_case(world.project, 4)
    forms = RunForms.sent(world.project, form(NOBODY, "start", **changes))
    assert forms.is_valid(), forms.errors
    assert forms.plan().cases == cases


def test_second_press_of_start_leads_to_the_same_run(manager, engine, sent):
    first = manager.post(URL, form(engine.url, "start"))
    second = manager.post(URL, form(engine.url, "start"), follow=True)
    assert Run.objects.filter(labeler="direct-query").count() == 1
    assert second.redirect_chain[0][0] == first["Location"]
    assert len(sent) == 1


def test_broker_that_is_down_is_said_and_the_run_waits(manager, engine, monkeypatch):
    def refuse(_chunk_id):
        raise OperationalError

    monkeypatch.setattr(tasks.label_chunk, "delay", refuse)
    answer = manager.post(URL, form(engine.url, "start"))
    said = [str(message) for message in answer.wsgi_request._messages]
    assert any("broker does not answer" in each for each in said)
    assert Run.objects.get(labeler="direct-query").state == Run.State.QUEUED


def test_engine_is_looked_at_before_the_run_is_made(manager, engine, sent):
    engine.faults.extend([error_of(401, "no key")] * 50)
    answer = manager.post(URL, form(engine.url, "start"))
    assert "it does not take this key, or wants one" in errors_of(answer)["id_url"]
    assert not Run.objects.filter(labeler="direct-query").exists()


# The rules


def test_rules_are_run_from_the_page_and_replace_what_readers_start_from_when_asked(manager, world, settings):
    settings.LLM_URLS = []
    Run.objects.filter(pk=world.run.pk).update(is_prefill=False)
    chosen = RunFactory(project=world.project, labeler="imported")
    answer = manager.post(URL, {"labeler": "rules", "action": "start"})
    run = Run.objects.filter(labeler="rules").exclude(pk=world.run.pk).get()
    assert answer["Location"] == reverse("run", kwargs={"slug": "lumbar", "run_id": run.run_id})
    assert (run.state, run.is_prefill) == (Run.State.COMPLETE, False)
    assert MachineLabel.objects.filter(run=run).count() == 3
    manager.post(URL, {"labeler": "rules", "action": "start", "is_prefill": "on"})
    assert list(Run.objects.filter(project=world.project, is_prefill=True)) == [run]
    assert run != chosen


def test_many_reports_are_labeled_with_the_rules_by_a_process_of_its_own(manager, world, settings, monkeypatch):
    commands = []
    monkeypatch.setattr(label_services, "MAX_AT_ONCE", 2)
    monkeypatch.setattr(label_services.subprocess, "Popen", lambda command, **_: commands.append(command))
    answer = manager.post(URL, {"labeler": "rules", "action": "start", "is_prefill": "on"})
    assert answer["Location"] == reverse("runs", kwargs={"slug": "lumbar"})
    assert "--keep-chosen" not in commands[0]
    manager.post(URL, {"labeler": "rules", "action": "start"})
    assert "--keep-chosen" in commands[1]


def test_rules_need_no_trial(manager):
    answer = manager.post(URL, {"labeler": "rules", "action": "try"})
    assert "need no trial" in errors_of(answer)["id_labeler"]


@pytest.mark.parametrize("method", ["get", "post"])
def test_readers_may_not_start_runs(client, world, method):
    client.force_login(world.reader)
    assert getattr(client, method)(URL).status_code == 403


def test_page_asks_a_fixed_number_of_questions(manager, world, settings, django_assert_max_num_queries):
    settings.LLM_URLS = [NOBODY]
    for position in range(4, 24):
        add_case(world.project, position, text=TEXT + str(position))
    with django_assert_max_num_queries(8):
        manager.get(URL)
