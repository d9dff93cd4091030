"""What a trial found, in words: cells with their evidence, cost, and what is not known."""

import pytest

from annotator.selectors.trials import trial_view
from labeling.core.backends import Trouble
from labeling.core.many import Failure, Result, Tally
from labeling.core.records import CellLabel, LabelSet, ReportText
from labeling.core.schema import Cell
from labeling.core.spans import Span
from labeling.core.values import Missing, Value
from labeling.engines import EngineView
from labeling.services.trying import Trial
from tests.annotator.worlds import TEXT

pytestmark = pytest.mark.django_db
LABELS = LabelSet(
    {
        Cell("L4-L5", "stenosis"): CellLabel(
            Value.POSSIBLE,
            urgency=2,
            probability=0.998,
            evidence=(Span(29, 77),),
            reason="It compresses the sac.",
            flags=("evidence_unreadable",),
        ),
        Cell("spine", "stenosis"): CellLabel(Value.PRESENT, probability=0.004),
        Cell("spine", "cancer"): CellLabel(Missing.UNREADABLE),
        Cell("L3-L4", "stenosis"): CellLabel(Value.ABSENT),
    }
)


def view(world, *results, tally=None, lacks=(), seconds=6.0, n_all=300):
    tried = [
        Result(ReportText(case.report.report_id, TEXT), said) for case, said in zip(world.cases, results, strict=False)
    ]
    known = tally or Tally(n_calls=24, prompt_tokens=9000, cached_tokens=6000, generated_tokens=24, most_waiting=24)
    engine = EngineView({"engine": "vllm", "revision": ""}, tuple(lacks))
    return trial_view(world.project, Trial(tuple(tried), known, seconds, n_all, engine, concurrency=48))


def test_positive_cells_come_with_value_urgency_probability_reason_and_quote(world):
    [report] = view(world, LABELS).reports
    spine, level = report.cells
    assert (spine.target, spine.value, spine.probability, spine.urgency, spine.quotes) == (
        "spine",
        "present",
        "< 1 %",
        None,
        (),
    )
    assert (level.finding, level.value, level.urgency, level.probability) == ("stenosis", "possible", 2, "> 99 %")
    assert level.quotes == ("L4-5: disc protrusion compresses the thecal sac.",)
    assert (level.reason, level.flags) == ("It compresses the sac.", ("evidence unreadable",))


def test_states_of_all_cells_are_counted_apart(world):
    [report] = view(world, LABELS).reports
    assert dict(report.counts) == {
        "Present": 1,
        "Possible": 1,
        "Absent": 1,
        "Ambiguous": 0,
        "Not mentioned": 0,
        "Unreadable": 1,
        "Not asked": 4,  # of eight
    }


def test_cost_of_all_reports_follows_from_that_of_the_tried_ones(world):
    # 3 reports took 24 calls and 6 s, 24 calls at once where 48 may be: 300 take 100 times that, or half the time.
    seen = view(world, LABELS, LABELS, LABELS)
    assert (seen.all_calls, seen.all_read, seen.all_written) == ("2,400", "900,000", "2,400")
    assert seen.all_time == "about 5 min to 10 min"
    assert dict(seen.cost)["of these cached"] == "6,000"


def test_what_the_engine_does_not_count_is_unknown_and_not_zero(world):
    silent = view(world, LABELS, tally=Tally(n_calls=8, most_waiting=8))
    assert {silent.all_read, silent.all_written, dict(silent.cost)["Tokens read"]} == {"unknown"}
    lacks = ["Does not say how much of a prompt its cache held: savings are not shown."]
    assert dict(view(world, LABELS, lacks=lacks).cost)["of these cached"] == "unknown"


def test_report_without_labels_says_why(world):
    tally = Tally(n_calls=8, failed={Trouble.TOO_LONG: 1})
    seen = view(world, Failure(Trouble.TOO_LONG, "the prompt is longer"), tally=tally)
    assert seen.reports[0].failure == "too long: the prompt is longer"
    assert seen.n_failed == 1


def test_reports_lead_to_their_cases_by_one_query(world, django_assert_num_queries):
    with django_assert_num_queries(1):
        seen = view(world, LABELS, LABELS, LABELS)
    assert [report.case for report in seen.reports] == world.cases
