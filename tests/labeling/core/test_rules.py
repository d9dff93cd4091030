"""The `rules` labeler as others use it: every cell has a state, evidence and a reason; schemas can be extended."""

import asyncio
import re
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.rules_accuracy import judge, read_gold, score
from labeling.core.records import ReportText, StoredLabels
from labeling.core.rules import label, label_report
from labeling.core.schema import Schema
from labeling.core.schema_yaml import load_preset, parse_schema
from labeling.core.values import Value
from tests.labeling.core.test_rules_traps import positives

SCHEMA = load_preset("abdomen-ct")
REPORT = """HISTORY: Known pancreatic cyst, rule out progression.

FINDINGS:
LIVER: Normal in size. A 2.3 cm cyst in segment VII, not significantly changed.
GALLBLADDER: Status post cholecystectomy.
KIDNEYS: No hydronephrosis. Possible 3 mm stone in the left lower pole.
SPLEEN: No new lesion.
"""

EXTENDED = """
format: 1
name: extended
version: 1
targets:
  - {name: liver}
  - {name: left kidney}
  - {name: right kidney}
  - {name: urinary bladder, terms: [bladder, vesical]}
  - {name: left adrenal, terms: [left suprarenal]}
  - {name: right adrenal, terms: [right suprarenal]}
  - {name: aorta, terms: [aortic]}
findings:
  - {name: focal, definition: a focal finding, terms: [zebra spot]}
  - {name: diffuse, definition: a diffuse finding}
  - {name: hydronephrosis, definition: a dilated collecting system}
  - {name: aneurysm, definition: a widened artery, terms: [aneurysmal dilatation]}
cells:
  focal: [liver, left kidney, right kidney, urinary bladder, left adrenal, right adrenal]
  diffuse: [liver, left kidney, right kidney, urinary bladder]
  hydronephrosis: [left kidney, right kidney]
  aneurysm: [aorta]
"""


def state(text: str, key: str, schema: Schema = SCHEMA) -> str:
    return str(label_report(text, schema)[schema.cell_of(key)].state)


def test_every_cell_of_the_schema_has_a_value() -> None:
    labels = label_report(REPORT, SCHEMA)
    assert list(labels.cells) == list(SCHEMA.cells)
    assert all(isinstance(label.state, Value) for label in labels.cells.values())


def test_mentioned_cells_have_sentences_as_evidence_and_a_reason_and_the_others_have_none() -> None:
    for label_of_cell in label_report(REPORT, SCHEMA).cells.values():
        if label_of_cell.state is Value.NOT_MENTIONED:
            assert (label_of_cell.evidence, label_of_cell.reason) == ((), "")
        else:
            assert label_of_cell.evidence
            assert label_of_cell.reason
            assert "\n" not in label_of_cell.reason


def test_evidence_is_offsets_into_the_untouched_report() -> None:
    text = "İ\u2003\r\n" + REPORT  # a character that grows when it is lower-cased
    (span,) = label_report(text, SCHEMA)[SCHEMA.cell_of("liver|focal")].evidence
    assert text[span.start : span.end].startswith("A 2.3 cm cyst in segment VII")


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("liver|focal", "present"),
        ("liver|enlarged", "absent"),
        ("gallbladder|absent", "present"),
        ("gallbladder|postsurgical", "present"),
        ("left kidney|focal", "possible"),
        ("right kidney|focal", "not_mentioned"),
        ("right kidney|diffuse", "absent"),
        ("spleen|focal", "ambiguous"),
        ("pancreas|focal", "not_mentioned"),
    ],
)
def test_each_value_is_told_from_the_others(key: str, expected: str) -> None:
    assert state(REPORT, key) == expected


def test_reason_names_the_words_the_place_and_the_cue() -> None:
    reason = label_report("No hydronephrosis in the left kidney.", SCHEMA)[SCHEMA.cell_of("left kidney|diffuse")].reason
    assert reason == '"hydronephrosis" in left kidney: diffuse, negated by "no"'


def test_side_that_is_not_said_makes_both_possible_and_is_flagged() -> None:
    labels = label_report("There is a renal cyst.", SCHEMA)
    for side in ("left", "right"):
        found = labels[SCHEMA.cell_of(f"{side} kidney|focal")]
        assert (found.state, found.flags) == (Value.POSSIBLE, ("vague",))


def test_side_said_elsewhere_in_the_report_settles_an_unsided_mention() -> None:
    assert positives("Cyst in the left kidney.\nIMPRESSION: Renal cyst.") == {"left kidney focal"}


def test_normal_yields_to_any_finding_in_the_organ() -> None:
    assert state("The liver is normal. There is a hepatic cyst.", "liver|normal") == "absent"
    assert state("The liver is normal.", "liver|normal") == "present"


def test_normal_organ_denies_size_and_findings() -> None:
    labels = label_report("The spleen is unremarkable.", SCHEMA)
    denied = ["absent", "enlarged", "atrophy", "diffuse", "focal"]
    assert {str(labels[SCHEMA.cell_of(f"spleen|{name}")].state) for name in denied} == {"absent"}


def test_present_outweighs_absent_whatever_the_order() -> None:
    for text in ("No gallstones. Cholelithiasis.", "Cholelithiasis. No gallstones."):
        assert state(text, "gallbladder|focal") == "present"


def test_urgency_is_given_only_where_words_state_it() -> None:
    def urgency(text: str) -> int | None:
        return label_report(text, SCHEMA)[SCHEMA.cell_of("spleen|focal")].urgency

    assert urgency("Splenic lesion.") is None
    assert urgency("Splenic laceration with active extravasation.") == 3
    assert urgency("Incidental splenic cyst.") == 0
    assert urgency("No splenic laceration.") is None


def test_async_label_gives_the_same_labels() -> None:
    async def labels():
        return await label(ReportText("R1", REPORT), backend=None, schema=SCHEMA, config=None)

    # In a thread of its own: a browser test in the same process leaves its event loop running.
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(asyncio.run, labels()).result() == label_report(REPORT, SCHEMA)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A 1 cm mass in the urinary bladder.", {"urinary bladder|focal": "present", "liver|focal": "not_mentioned"}),
        ("The vesical wall shows thickening.", {"urinary bladder|diffuse": "present"}),
        ("Left adrenal gland nodule.", {"left adrenal|focal": "present", "right adrenal|focal": "not_mentioned"}),
        ("Both adrenals are free of nodules.", {"left adrenal|focal": "absent", "right adrenal|focal": "absent"}),
        ("Right suprarenal mass.", {"right adrenal|focal": "present", "left adrenal|focal": "not_mentioned"}),
        ("Zebra spots in the liver.", {"liver|focal": "present"}),
        ("Mild left hydronephrosis.", {"left kidney|hydronephrosis": "present", "left kidney|diffuse": "present"}),
        ("No hydronephrosis.", {"right kidney|hydronephrosis": "absent"}),
        ("Infrarenal abdominal aortic aneurysm.", {"aorta|aneurysm": "present"}),
        ("Aneurysmal dilatation of the abdominal aorta, 4 cm.", {"aorta|aneurysm": "present"}),
        ("No aneurysm.", {"aorta|aneurysm": "absent"}),
    ],
)
def test_schema_extends_organs_types_and_conditions_without_code(text: str, expected: dict[str, str]) -> None:
    schema = parse_schema(EXTENDED)
    assert {key: state(text, key, schema) for key in expected} == expected


def test_schema_that_no_vocabulary_knows_works_by_its_own_words() -> None:
    schema = parse_schema(
        "format: 1\nname: knee\nversion: 1\ntargets:\n  - {name: meniscus, terms: [menisci]}\n"
        "findings:\n  - {name: tear, definition: torn tissue, terms: [ruptured]}\n"
    )
    assert state("There is a tear of the meniscus.", "meniscus|tear", schema) == "present"
    assert state("No meniscal tear; menisci are not ruptured.", "meniscus|tear", schema) == "absent"
    assert state("The patella is normal.", "meniscus|tear", schema) == "not_mentioned"


@pytest.mark.parametrize(
    "text", ["", " \n", ".", "?", "\x00", "a" * 5000, "No.", ",,,;;;", "LIVER:", "- - -", "\u2028"]
)
def test_text_without_content_mentions_nothing(text: str) -> None:
    labels = label_report(text, SCHEMA)
    assert {str(label_of_cell.state) for label_of_cell in labels.cells.values()} == {"not_mentioned"}


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "liver",
                "left",
                "kidney",
                "no",
                "cyst",
                ",",
                "and",
                ".",
                "is",
                "with",
                "normal",
                "\n",
                ":",
                "in",
                "the",
                "other than",
                "not",
                "small",
                "both",
                "or",
                "cm",
                "3",
                "absent",
                "(",
                ")",
                "-",
                "İ",
                "\u2028",
                "HISTORY:",
            ]
        ),
        max_size=40,
    )
)
def test_any_order_of_words_gives_labels_that_can_be_stored(words: list[str]) -> None:
    text = " ".join(words)
    labels = label_report(text, SCHEMA)
    assert StoredLabels.encode(labels, SCHEMA).decode(SCHEMA) == labels
    for label_of_cell in labels.cells.values():
        assert all(0 <= span.start < span.end <= len(text) for span in label_of_cell.evidence)


@pytest.mark.parametrize("unit", ["liver cyst, ", "no cyst and ", "is not seen ", "left kidney or ", "with the "])
def test_work_grows_with_the_length_of_a_sentence_not_its_square(unit: str) -> None:
    def n_calls(repeats: int) -> int:
        calls = 0

        def count(_frame: object, event: str, _argument: object) -> None:
            nonlocal calls
            calls += event in {"call", "c_call"}

        sys.setprofile(count)
        try:
            label_report(unit * repeats, SCHEMA)
        finally:
            sys.setprofile(None)
        return calls

    n_calls(50)
    assert n_calls(4000) < 15 * n_calls(400)


@pytest.mark.parametrize(
    ("name", "any_f1", "micro_f1"), [("a", 0.96, 0.92), ("b", 0.91, 0.85), ("c", 0.95, 0.90), ("d", 0.94, 0.88)]
)
def test_scores_on_the_gold_files_do_not_fall(name: str, any_f1: float, micro_f1: float) -> None:
    judged = list(judge(read_gold_file(name), SCHEMA))
    micro, _, pooled = score(judged)
    assert pooled.f1 >= any_f1
    assert micro.f1 >= micro_f1


def read_gold_file(name: str) -> list[dict[str, object]]:
    from pathlib import Path

    return read_gold(Path(__file__).parents[2] / "golden" / f"abdomen_reports_{name}.jsonl")


def test_no_reason_holds_a_line_break_or_more_than_a_line() -> None:
    labels = label_report("Cyst\nin the\nliver.", SCHEMA)
    assert all(re.fullmatch(r"[^\n]{0,200}", label_of_cell.reason) for label_of_cell in labels.cells.values())
