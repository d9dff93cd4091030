"""Pages of prompts, of how labels came about, and of failures."""

import json
from html.parser import HTMLParser
from urllib.parse import urlencode

import pytest
from django.urls import reverse

from annotator.models import Event
from labeling.core.backends import BackendError, Trouble
from labeling.core.labelers import MODEL_LABELERS
from labeling.core.records import CellLabel, LabelSet, StoredLabels
from labeling.core.schema import Cell
from labeling.core.values import Value
from labeling.models import MachineLabel, StoredCall
from labeling.selectors.answers import record_of
from labeling.selectors.conversations import preview_of
from labeling.services import start_model_run, start_run
from tests.annotator.worlds import TEXT
from tests.factories import ProjectFactory
from tests.labeling.run_tools import N_CELLS, SAYS_YES, URL, Engine, carry_on, plan

pytestmark = pytest.mark.django_db

CELL = Cell("L4-L5", "stenosis")
# The worlds' report has no heading behind its history, in which a cancer is no finding: that cell is not asked about.
N_ASKED = N_CELLS - 1
GARBAGE = "<b>perhaps</b> & so on"


class Texts(HTMLParser):
    """The texts of all <pre>, as a browser has them: a line break right behind the tag is dropped."""

    def __init__(self):
        super().__init__()
        self.texts = []
        self.is_open = False

    def handle_starttag(self, tag, attrs):
        if tag == "pre":
            self.is_open = True
            self.texts.append("")

    def handle_endtag(self, tag):
        if tag == "pre":
            self.is_open = False
            self.texts[-1] = self.texts[-1].removeprefix("\n")

    def handle_data(self, data):
        if self.is_open:
            self.texts[-1] += data


def preformatted(answer):
    parser = Texts()
    parser.feed(answer.content.decode())
    return parser.texts


@pytest.fixture(autouse=True)
def engines(settings):
    settings.LLM_URLS = [URL]


@pytest.fixture
def manager(client, world):
    client.force_login(world.manager)
    return client


def run_of(world, script=lambda call: SAYS_YES, **changes):
    run = start_model_run(project=world.project, plan=plan(**changes), actor=None)
    carry_on(run, Engine(script))
    return run


def doubtful(call):
    return GARBAGE if call.sampling else SAYS_YES


def prompts(client, **query):
    return client.get(reverse("run_prompts", args=["lumbar"]), query)


def of_case(client, run, case, **query):
    return client.get(reverse("run_case", args=["lumbar", run.run_id, case.pk]), query)


def failures(client, run, **query):
    return client.get(reverse("run_failures", args=["lumbar", run.run_id]), query)


# ---- prompts


@pytest.mark.parametrize("labeler", MODEL_LABELERS)
def test_the_page_shows_every_turn_to_the_letter(manager, world, labeler):
    answer = prompts(manager, labeler=labeler, target=CELL.target, finding=CELL.finding)
    assert answer.status_code == 200
    shown = "".join(preformatted(answer))
    report, schema = world.cases[0].report, world.project.schema.parsed()
    seen = preview_of(report, labeler=labeler, options=[], schema=schema, cell=CELL)
    first = seen.calls[0]
    # What is asked first stands on the page without a gap: nothing of it was there before.
    assert "".join(message.content for message in first.messages) in shown
    for call in seen.calls:
        if call.purpose.sentence in (None, 0):
            question = call.messages[-1].content
            assert question.rpartition("</report>")[2] in shown
    assert shown.count(TEXT) >= 1 or "[1] " in shown
    assert "Report text" in answer.content.decode()
    assert "placeholders" in answer.content.decode()
    assert not StoredCall.objects.exists()


def test_defaults_are_the_first_case_and_the_first_cell(manager, world):
    page = prompts(manager).context["page"]
    assert (page.case.key, page.cell, page.wanted.labeler) == ("lumbar-1", "spine|stenosis", "leavs-fast")
    assert page.found.conversations


def test_switches_change_what_is_asked_and_bad_ones_are_explained(manager):
    stages = {each.stage for each in prompts(manager, labeler="leavs").context["page"].found.conversations}
    assert "sentence" in stages
    query = urlencode({"labeler": "leavs", "config": "split_report=no\r\nuse_cot=false\r\n"})
    page = manager.get(reverse("run_prompts", args=["lumbar"]) + "?" + query).context["page"]
    assert page.wanted.options == ("split_report=no", "use_cot=false")
    assert "sentence" not in {each.stage for each in page.found.conversations}
    answer = prompts(manager, labeler="leavs", config="split_report=maybe")
    assert answer.status_code == 200
    assert b"split_report is &#x27;maybe&#x27;" in answer.content
    assert b"expected is one of fast_extensive, fast, extensive, no" in answer.content


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"case": "elsewhere-1"}, "no case 'elsewhere-1' with a report in this project"),
        ({"labeler": "rules"}, "rules asks no model"),
        ({"target": "liver"}, "the schema has no cell for stenosis in liver"),
        ({"target": "L4-L5", "finding": "cancer"}, "the schema has no cell for cancer in L4-L5"),
    ],
)
def test_what_does_not_exist_is_said_in_words(manager, other_world, query, said):
    assert prompts(manager, **query).context["page"].problem.startswith(said)


def test_a_project_without_cases_says_so(client, world):
    project = ProjectFactory(manager=world.manager)
    client.force_login(world.manager)
    answer = client.get(reverse("run_prompts", args=[project.slug]))
    assert answer.context["page"].problem == "no case yet"


def test_another_sentence_can_be_chosen(manager):
    page = prompts(manager, labeler="leavs", sentence="2").context["page"]
    assert page.found.sentences == (1, 2, 3)
    assert [each.sentence for each in page.found.conversations if each.stage == "sentence"] == [2]
    for odd in ("-1", "x", "9" * 40, "99"):
        assert prompts(manager, labeler="leavs", sentence=odd).status_code == 200


def test_with_a_run_its_own_conversations_are_shown(manager, world):
    run = run_of(
        world, labeler="summary-query", script=lambda call: "No <i>stenosis</i>." if call.sampling else SAYS_YES
    )
    answer = prompts(manager, run=run.run_id, case="lumbar-2", target=CELL.target, finding=CELL.finding)
    found = answer.context["page"].found
    assert (found.is_held, found.n_calls, found.n_lost) == (True, 2, 0)
    assert "No <i>stenosis</i>." in preformatted(answer)
    assert "<i>stenosis</i>" not in answer.content.decode()
    assert "placeholder" not in answer.content.decode()


def test_a_run_that_has_asked_nothing_yet_shows_placeholders(manager, world):
    run = start_model_run(project=world.project, plan=plan(labeler="maplez"), actor=None)
    answer = prompts(manager, run=run.run_id)
    assert not answer.context["page"].found.is_held
    assert b"The run has asked nothing about this cell yet." in answer.content


def test_a_run_under_other_prompts_shows_no_wrong_conversation(manager, world, monkeypatch):
    run = run_of(world)
    monkeypatch.setattr("labeling.core.query.question.prompt_source", lambda name: "Other words.")
    answer = prompts(manager, run=run.run_id)
    assert answer.context["page"].found.conversations == ()
    assert b"have changed since" in answer.content
    assert b"Other words." not in answer.content


# ---- one case


def test_a_case_shows_its_labels_and_the_answers_behind_one(manager, world):
    run = run_of(world)
    answer = of_case(manager, run, world.cases[0], cell=str(CELL))
    trace = answer.context["trace"]
    cells = [str(cell) for cell in world.project.schema.parsed().cells]
    assert [row.key for row in trace.rows] == [cell for cell in cells if cell != "spine|cancer"]
    row = trace.chosen
    # Logits 3.5 and 1.0: their difference is 2.5.
    assert (row.state, row.score, row.exact_score) == ("present", "+2.50", "logit difference 2.5")
    [group] = trace.groups
    assert [shown.call.target for shown in group.calls] == ["L4-L5"]
    assert group.calls[0].logits == "logit of yes +3.500, of no +1.000, difference +2.500"
    assert '{"logits": [3.5, 1.0], "floor": []}' in preformatted(answer)
    assert TEXT in preformatted(answer)


def test_a_score_for_which_neither_answer_was_listed_is_said_to_be_unreadable(manager, world):
    run = run_of(world)
    [call] = StoredCall.objects.filter(run=run, report=world.cases[0].report, target="L4-L5", finding="stenosis")
    again = {"target": call.target, "finding": call.finding, "answered_at": call.answered_at}
    answer = '{"logits": [-9.0, -9.0], "floor": [0, 1]}'
    StoredCall.objects.create(
        run=run, report=call.report, key="0" * 64, stage="answer", answer=answer, read="unreadable", **again
    )
    page = of_case(manager, run, world.cases[0], cell=str(CELL)).content.decode()
    assert "Nothing could be read in it: neither of the two answers was among those that the engine lists." in page


def test_a_probability_near_one_is_not_said_to_be_one(manager, world):
    run = run_of(world)
    label = MachineLabel.objects.get(run=run, report=world.cases[0].report)
    labels = LabelSet({CELL: CellLabel(Value.PRESENT, probability=0.99996)})
    body = StoredLabels.encode(labels, world.project.schema.parsed()).body
    later = start_run(project=world.project, labeler="imported", inputs={}, actor=world.manager)
    MachineLabel.objects.create(
        run=later, report=label.report, values=label.values, urgencies=label.urgencies, body=body
    )
    row = of_case(manager, later, world.cases[0], cell=str(CELL)).context["trace"].chosen
    assert (row.score, row.exact_score) == ("> 99 %", "probability 0.99996")


def test_evidence_is_quoted_and_the_unmentioned_wait_behind_a_link(manager, world):
    answer = of_case(manager, world.run, world.cases[0])
    trace = answer.context["trace"]
    assert [row.key for row in trace.rows if row.evidence] == ["spine|stenosis"]
    assert trace.rows[0].evidence == (TEXT[29:78],)
    # Of "+.0.+.+." four cells are not mentioned.
    assert (len(trace.rows), trace.n_hidden) == (4, 4)
    assert len(of_case(manager, world.run, world.cases[0], all="1").context["trace"].rows) == 8
    assert b"This run asked no model" in answer.content


def test_raw_answers_are_shown_as_they_are_and_never_run(manager, world):
    run = run_of(world, doubtful, labeler="maplez", options=["with_probability=false"])
    answer = of_case(manager, run, world.cases[0], cell=str(CELL))
    said = answer.content.decode()
    first_word = GARBAGE.split()[0]  # the question has room for one token
    assert first_word in preformatted(answer)
    assert "<b>" not in said
    [group] = answer.context["trace"].groups
    assert [(each.call.attempt, each.is_unreadable) for each in group.calls] == [(1, True), (2, True)]
    # The conversation holds the complaint that came between.
    assert "Answer with one of these and nothing else: yes, no." in preformatted(answer)
    assert answer.context["trace"].chosen.state == "unreadable"


def test_sentences_are_named_beside_the_answers_about_them(manager, world):
    def script(call):
        options = getattr(call.constraint, "options", ())
        return "No" if "No" in options else "B" if options else "NONE" if "NONE" in call.question else "(F)"

    run = run_of(world, script, labeler="leavs", options=["use_cot=false"])
    trace = of_case(manager, run, world.cases[0], cell=str(CELL)).context["trace"]
    assert [group.stage for group in trace.groups] == ["fast", "sentence", "sentence", "sentence"]
    assert [group.sentence for group in trace.groups[1:]] == [1, 2, 3]
    assert trace.groups[1].sentence_text == "back pain."
    assert {group.shared_by for group in trace.groups} == {"all findings in L4-L5"}


def test_a_report_that_failed_says_why(manager, world):
    run = run_of(world, lambda call: BackendError(Trouble.TOO_LONG, "9,000 tokens, at most 8,192"))
    answer = of_case(manager, run, world.cases[0])
    assert answer.context["trace"].label is None
    assert b"too long for the model. 9,000 tokens, at most 8,192" in answer.content
    assert b"No labels" in answer.content


def test_a_page_of_a_case_takes_the_same_few_queries_whatever_was_asked(manager, world, django_assert_max_num_queries):
    runs = [run_of(world), run_of(world, doubtful, labeler="maplez")]
    for run in runs:
        with django_assert_max_num_queries(13):
            of_case(manager, run, world.cases[0], cell=str(CELL))


# ---- failures


def test_failures_are_counted_listed_and_filtered(manager, world):
    asked = []

    def script(call):
        asked.append(call)
        return BackendError(Trouble.REFUSED, "not <this>") if len(asked) == 3 * N_ASKED else SAYS_YES

    run = run_of(world, script)
    answer = failures(manager, run)
    page = answer.context["page"]
    assert ([(each.key, each.n) for each in page.kinds], page.n_failed) == ([("refused", 1)], 1)
    assert page.failed[0].report_id in {case.report.report_id for case in world.cases}
    assert TEXT not in answer.content.decode()
    assert b"not &lt;this&gt;" in answer.content
    assert page.failed[0].answers
    assert '{"logits": [3.5, 1.0], "floor": []}' in preformatted(answer)
    assert failures(manager, run, kind="too_long").context["page"].failed == ()
    assert len(failures(manager, run, kind="refused", attempt="7", after="x").context["page"].failed) == 1


def test_unreadable_answers_are_listed_with_both_tries(manager, world):
    run = run_of(world, doubtful, labeler="maplez", options=["with_probability=false"])
    answer = failures(manager, run, kind="unreadable")
    page = answer.context["page"]
    assert [(each.key, each.name, each.n) for each in page.stages] == [
        ("tree-N0", "Was it seen, or possibly seen", 3 * N_ASKED)
    ]
    assert len(page.unreadable) == 3 * N_ASKED
    row = page.unreadable[0]
    assert row.cell == f"{row.call.target}|{row.call.finding}"
    assert preformatted(answer) == [GARBAGE.split()[0]] * 2 * 3 * N_ASKED
    assert b"<b>" not in answer.content
    assert failures(manager, run).context["page"].n_unreadable == 3 * N_ASKED


def test_pages_of_failures_take_a_bounded_number_of_queries(manager, world, django_assert_max_num_queries):
    run = run_of(world, doubtful, labeler="maplez", options=["with_probability=false"])
    for query in ({}, {"kind": "unreadable"}):
        with django_assert_max_num_queries(14):
            failures(manager, run, **query)


def test_raw_answers_are_downloaded_and_that_is_written_down(manager, world):
    run = run_of(world)
    answer = failures(manager, run, format="jsonl")
    lines = b"".join(answer.streaming_content).splitlines()
    assert answer["Content-Disposition"] == f'attachment; filename="lumbar-{str(run.run_id)[:8]}.calls.jsonl"'
    assert json.loads(lines[0]) == {"format": "overread-calls", "version": 1}
    assert len(lines) == 1 + 3 * N_ASKED
    keys = {record_of(call).key for call in StoredCall.objects.filter(run=run)}
    assert {json.loads(line)["key"] for line in lines[1:]} == keys
    event = Event.objects.get(verb=Event.Verb.LABELS_EXPORTED)
    assert (event.actor, event.payload) == (
        world.manager,
        {"run": str(run.run_id), "what": "calls", "format": "jsonl"},
    )


def test_runs_and_cases_of_another_project_are_not_found(manager, world, other_world):
    mine, theirs = world, other_world
    assert failures(manager, theirs.run).status_code == 404
    assert failures(manager, theirs.run, format="jsonl").status_code == 404
    assert of_case(manager, theirs.run, mine.cases[0]).status_code == 404
    assert of_case(manager, mine.run, theirs.cases[0]).status_code == 404
    assert prompts(manager, run=theirs.run.run_id).status_code == 404
    assert prompts(manager, run="x").status_code == 404
