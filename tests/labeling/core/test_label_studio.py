"""Label Studio's exports: what they say of cells, where the words stand, and what is refused rather than guessed."""

import io
import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from labeling.core.intake import IntakeError
from labeling.core.intake.records import Limits
from labeling.core.records import CellLabel
from labeling.core.schema import Cell
from labeling.core.schema_yaml import load_preset
from labeling.core.spans import Span
from labeling.core.tables import LabelTable, StudioMapping, TableError, parse_mapping, read_labels
from labeling.core.tables.studio_spans import Offsets
from labeling.core.values import Missing, Value

ABDOMEN = load_preset("abdomen-ct")
LIVER = Cell("liver", "focal")
# The heart is one code point and two units of UTF-16; the line end is two characters.
TEXT = "HISTORY: \U0001fac0 pain.\r\nThe liver has a cyst.  Spleen normal."
QUOTE = "The liver has a cyst."


def read(tasks: Any, mapping: Any = None, **options: Any) -> LabelTable:
    content = tasks if isinstance(tasks, bytes) else json.dumps(tasks).encode()
    chosen = parse_mapping(json.dumps(mapping or {}))
    return read_labels(io.BytesIO(content), schema=ABDOMEN, filename="export.json", mapping=chosen, **options)


def choice(name: str, *values: str, **more: Any) -> dict[str, Any]:
    return {"from_name": name, "to_name": "text", "type": "choices", "value": {"choices": list(values)}, **more}


def marked(start: int, end: int, *labels: str, text: str | None = None, **more: Any) -> dict[str, Any]:
    value = {"start": start, "end": end, "labels": list(labels)} | ({} if text is None else {"text": text})
    return {"id": "r1", "from_name": "evidence", "to_name": "text", "type": "labels", "value": value, **more}


def annotated(*results: Any, by: Any = 4, data: Any = None, **more: Any) -> dict[str, Any]:
    """A task with one annotation."""
    annotation = {"id": 1001, "completed_by": by, "was_cancelled": False, "result": list(results), **more}
    return {"id": 17, "data": data or {"report_id": "R1", "text": TEXT}, "annotations": [annotation]}


def predicted(*results: Any, model: Any = "m1", **more: Any) -> dict[str, Any]:
    prediction = {"model_version": model, "result": list(results), **more}
    return {"id": 17, "data": {"report_id": "R1"}, "annotations": [], "predictions": [prediction]}


def label_of(tasks: Any, mapping: Any = None, cell: Cell = LIVER) -> CellLabel:
    table = read(tasks, mapping)
    assert table.problems == ()
    (report,) = table.reports
    return report.labels[cell]


def refusal(tasks: Any, mapping: Any = None) -> str:
    table = read(tasks, mapping)
    assert table.reports == ()
    (problem,) = table.problems
    return problem.message


# Names of cells


@pytest.mark.parametrize("name", ["liver|focal", "liver__focal", "Liver__Focal", "LIVER | focal"])
def test_name_of_a_control_says_the_cell(name: str) -> None:
    assert label_of([annotated(choice(name, "present"))]).state is Value.PRESENT


@pytest.mark.parametrize("name", ["large bowel|diffuse", "large_bowel__diffuse", "largeBowel__diffuse"])
def test_blanks_in_names_may_be_written_otherwise(name: str) -> None:
    label = label_of([annotated(choice(name, "possible"))], cell=Cell("large bowel", "diffuse"))
    assert label.state is Value.POSSIBLE


@pytest.mark.parametrize(
    ("chosen", "state"),
    [
        ("present", Value.PRESENT),
        ("Not mentioned", Value.NOT_MENTIONED),
        ("not_mentioned", Value.NOT_MENTIONED),
        ("ambiguous", Value.AMBIGUOUS),
        ("unreadable", Missing.UNREADABLE),
    ],
)
def test_choice_says_the_value(chosen: str, state: Any) -> None:
    assert label_of([annotated(choice("liver__focal", chosen))]).state is state


def test_what_is_not_said_was_not_asked_and_never_absent() -> None:
    (report,) = read([annotated(choice("liver__focal", "present"))]).reports
    assert {report.labels[cell].state for cell in ABDOMEN.cells if cell != LIVER} == {Missing.NOT_ASKED}


def test_nothing_chosen_says_nothing() -> None:
    table = read([annotated(choice("liver__focal"))])
    assert (table.reports, table.problems) == ((), ())
    assert table.notes == ("annotations or predictions that say nothing, left out: 1",)


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (choice("liver__gout", "present"), "'liver__gout' is no cell of the schema"),
        (choice("comment", "present"), "'comment' is no cell of the schema"),
        (choice("liver__focal", "yes"), "says 'yes', which is no value"),
        (choice("liver__focal", "0"), "says '0', which is no value"),
        (choice("liver__focal", "present", "absent"), "has 2 choices, expected is one"),
        ({"type": "choices", "value": {"choices": ["present"]}}, "names no control"),
        ({"from_name": "liver__focal", "type": "rating", "value": {"rating": 1}}, "says '1', which is no value"),
        ({"from_name": "liver__focal", "type": "textarea", "value": {"text": ["x"]}}, "'textarea', which is not read"),
        ({"from_name": "liver__focal", "type": "choices"}, "has no value"),
        (choice("liver__focal__urgency", "2"), "liver|focal has no value, but more is said of it"),
        (choice("liver__focal__present", "absent"), "has a value in its name"),
    ],
)
def test_what_cannot_be_told_is_refused_by_task_and_report(result: Any, words: str) -> None:
    message = refusal([annotated(result)])
    assert words in message
    assert message.startswith("task 1 (id 17), report 'R1', annotation 1: ")


def test_one_refused_annotation_leaves_the_others() -> None:
    task = annotated(choice("liver__gout", "present"))
    task["annotations"].append({"completed_by": 5, "result": [choice("liver__focal", "absent")]})
    table = read([task])
    assert [(report.rater, report.labels[LIVER].state) for report in table.reports] == [("annotator-5", Value.ABSENT)]
    assert [problem.row for problem in table.problems] == [1]


def test_refusals_never_quote_long_texts() -> None:
    words = "Mr. Doe of Elm Street has a carcinoma of the liver. " * 3
    for task in (
        annotated(choice(words, "present")),
        annotated(choice("liver__focal", words)),
        annotated(marked(0, 4, words)),
        annotated(marked(0, 4, "liver|focal|present", text=words)),
        annotated({"from_name": "t", "type": "taxonomy", "value": {"taxonomy": [[words]]}}),
        annotated(choice("liver__focal", "yes"), data={words: "R1"}),
    ):
        assert "Doe" not in refusal([task])


# Urgency, probability, reason


@pytest.mark.parametrize(
    ("result", "urgency"),
    [
        ({"type": "rating", "value": {"rating": 3}}, 3),
        ({"type": "number", "value": {"number": 0}}, 0),
        ({"type": "choices", "value": {"choices": ["2"]}}, 2),
        ({"type": "choices", "value": {"choices": ["medium"]}}, 2),
    ],
)
def test_suffix_says_urgency(result: dict[str, Any], urgency: int) -> None:
    more = {"from_name": "liver__focal__urgency", "id": "u"} | result
    assert label_of([annotated(choice("liver__focal", "present"), more)]).urgency == urgency


@pytest.mark.parametrize("stars", [4, 5, 1.5, -1])
def test_stars_that_are_no_urgency_are_refused(stars: float) -> None:
    more = {"from_name": "liver__focal__urgency", "type": "rating", "value": {"rating": stars}}
    assert "which is no urgency" in refusal([annotated(choice("liver__focal", "present"), more)])


def test_suffixes_say_probability_and_reason() -> None:
    reason = {"from_name": "liver__focal__reason", "type": "textarea", "value": {"text": ["first", "second"]}}
    number = {"from_name": "liver__focal__probability", "type": "number", "value": {"number": 0.25}}
    label = label_of([annotated(choice("liver__focal", "possible"), reason, number)])
    assert (label.reason, label.probability) == ("first\nsecond", 0.25)


@pytest.mark.parametrize(
    ("value", "score", "kept"),
    [
        ("present", "confidence", 0.75),
        ("absent", "confidence", 0.25),
        ("possible", "confidence", None),
        ("absent", "presence", 0.75),
        ("present", "none", None),
    ],
)
def test_score_is_confidence_in_what_is_said_unless_the_mapping_says_otherwise(
    value: str, score: str, kept: float | None
) -> None:
    mapping = {"score": score}
    assert label_of([predicted(choice("liver__focal", value, score=0.75))], mapping).probability == kept
    assert label_of([predicted(choice("liver__focal", value), score=0.75)], mapping).probability == kept


def test_score_of_a_prediction_with_several_cells_is_of_none_of_them() -> None:
    results = [choice("liver__focal", "present"), choice("liver__diffuse", "absent")]
    assert label_of([predicted(*results, score=0.75)]).probability is None


@pytest.mark.parametrize("score", [95, -0.1, "0.5x", True])
def test_score_that_is_no_probability_is_refused(score: Any) -> None:
    assert "no number from 0 to 1" in refusal([predicted(choice("liver__focal", "present", score=score))])


# Marked words


def utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


START = TEXT.index(QUOTE)
END = START + len(QUOTE)


@pytest.mark.parametrize(
    ("shift", "how"),
    [
        (0, "code points, as present versions count"),
        (1, "units of UTF-16, as versions before October 2021 counted"),
        (-1, "code points, a line end as one"),
    ],
)
def test_words_are_found_however_they_were_counted(shift: int, how: str) -> None:
    result = marked(START + shift, END + shift, "liver|focal|present", text=QUOTE)
    assert label_of([annotated(result)]).evidence == (Span(START, END),), how


def test_units_and_code_points_differ_in_this_text_by_one() -> None:
    assert utf16(TEXT[:START]) == START + 1


def test_quote_may_have_lost_blanks_and_has_backslashes_for_line_ends() -> None:
    start, end = TEXT.index("pain."), TEXT.index("Spleen") + len("Spleen")
    result = marked(start, end, "liver|focal|present", text="pain.\\n\\nThe liver has a cyst. Spleen")
    assert label_of([annotated(result)]).evidence == (Span(start, end),)


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [(START + 2, END + 2, QUOTE), (START, END, "No cyst."), (START, END, None), (10**8, 10**8 + 1, "x"), (5, 5, "")],
)
def test_words_that_are_not_there_or_could_be_elsewhere_are_refused(start: int, end: int, text: str | None) -> None:
    assert f"the range {start} to {end}" in refusal([annotated(marked(start, end, "liver|focal|present", text=text))])


def test_offsets_alone_do_where_all_ways_to_count_agree() -> None:
    assert label_of([annotated(marked(0, 7, "liver|focal|present"))]).evidence == (Span(0, 7),)


def test_range_that_begins_inside_of_a_character_is_none() -> None:
    heart = TEXT.index("\U0001fac0")
    assert Offsets(TEXT[: heart + 1]).span_of(heart + 1, heart + 2, quote="\U0001fac0") is None
    assert Offsets(TEXT[: heart + 1]).span_of(heart, heart + 2, quote="\U0001fac0") == Span(heart, heart + 1)


def test_marked_words_need_the_text_in_the_file() -> None:
    task = annotated(marked(0, 7, "liver|focal|present"), data={"report_id": "R1"})
    assert "a text that the file does not hold" in refusal([task])


@pytest.mark.parametrize("value", [{"start": "/div[1]/text()[1]", "end": "/div[1]/text()[1]"}, {}, {"start": 1}])
def test_ranges_of_hypertext_are_refused(value: dict[str, Any]) -> None:
    result = {"from_name": "e", "type": "labels", "value": value | {"labels": ["liver|focal|present"]}}
    assert "no start and end in a plain text" in refusal([annotated(result)])


def test_choice_for_a_range_is_the_value_of_the_cells_it_is_marked_with() -> None:
    region = [choice("value", "possible", id="r1"), marked(0, 7, "liver|focal", "liver|diffuse")]
    (report,) = read([annotated(*region)]).reports
    assert report.labels[LIVER] == CellLabel(Value.POSSIBLE, evidence=(Span(0, 7),))
    assert report.labels[Cell("liver", "diffuse")].state is Value.POSSIBLE


def test_choice_for_a_range_that_is_not_there_is_refused() -> None:
    assert "'value' is no cell" in refusal(
        [annotated(choice("value", "possible", id="r2"), marked(0, 7, "liver|focal"))]
    )


def test_words_support_the_value_that_a_control_says() -> None:
    results = [marked(8, 9, "liver|focal"), marked(0, 7, "liver|focal", id="r2"), choice("liver__focal", "absent")]
    assert label_of([annotated(*results)]) == CellLabel(Value.ABSENT, evidence=(Span(0, 7), Span(8, 9)))


def test_marked_cell_without_a_value_is_refused_unless_the_mapping_says_what_it_is() -> None:
    task = annotated(marked(0, 7, "liver|focal"))
    assert "nothing says which value it has" in refusal([task])
    assert label_of([task], {"selected": "present"}).state is Value.PRESENT


def test_two_values_for_one_cell_are_refused() -> None:
    results = [marked(0, 7, "liver|focal|present"), choice("liver__focal", "absent")]
    assert "two different things are said of its value" in refusal([annotated(*results)])


def test_hash_of_the_text_goes_along_so_that_another_text_is_noticed() -> None:
    (report,) = read([annotated(choice("liver__focal", "present"))]).reports
    # by sha256sum, of the bytes of TEXT in UTF-8
    assert report.meta.text_sha256 == "024dcc846e812b0f3b626fcde238ddac676645cce19583b0c28a323e4c06085b"


def test_blanks_around_the_same_words_are_no_doubt() -> None:
    # Counted with the line end as one, the range ends behind the blank after "Spleen".
    end = TEXT.index("Spleen") + len("Spleen")
    result = marked(START, end, "liver|focal|present", text=TEXT[START:end])
    assert label_of([annotated(result)]).evidence == (Span(START, end),)


# Taxonomies


def test_path_of_a_taxonomy_is_target_finding_value() -> None:
    result = {"from_name": "t", "type": "taxonomy", "value": {"taxonomy": [["liver", "focal", "absent"]]}}
    assert label_of([annotated(result)]).state is Value.ABSENT


def test_path_without_a_value_needs_the_mapping() -> None:
    result = {"from_name": "t", "type": "taxonomy", "value": {"taxonomy": [["liver", "focal"]]}}
    assert "nothing says which value" in refusal([annotated(result)])
    assert label_of([annotated(result)], {"selected": "possible"}).state is Value.POSSIBLE


# Raters


@pytest.mark.parametrize(
    ("by", "rater"),
    [
        (4, "annotator-4"),
        ({"id": 4, "email": "ann@example.org"}, "ann@example.org"),
        ({"id": 4}, "annotator-4"),
        (None, "somebody"),
    ],
)
def test_annotator_is_the_rater(by: Any, rater: str) -> None:
    (report,) = read([annotated(choice("liver__focal", "present"), by=by)], rater="somebody").reports
    assert report.rater == rater


def test_model_version_is_the_rater_and_its_labels_are_a_machines() -> None:
    (report,) = read([predicted(choice("liver__focal", "present"), model="llama-7")]).reports
    assert (report.rater, report.meta.extra) == ("llama-7", {"kind": "machine"})


def test_several_annotators_and_models_of_one_task_are_kept_apart() -> None:
    task = annotated(choice("liver__focal", "present"))
    task["annotations"].append({"completed_by": 5, "result": [choice("liver__focal", "absent")]})
    task["predictions"] = [{"model_version": name, "result": [choice("liver__focal", "possible")]} for name in "ab"]
    assert [report.rater for report in read([task]).reports] == ["annotator-4", "annotator-5", "a", "b"]


def test_cancelled_and_missing_annotations_are_counted_and_not_read() -> None:
    cancelled = annotated(choice("liver__focal", "present"), was_cancelled=True)
    table = read([cancelled, annotated() | {"annotations": []}, annotated(skipped=True)])
    assert (table.reports, table.problems) == ((), ())
    assert table.notes == (
        "annotations that were cancelled in Label Studio, left out: 2",
        "tasks without annotation and prediction: 1",
    )


def test_rater_who_says_two_things_of_a_report_is_refused_and_the_same_twice_counts_once() -> None:
    first, other = annotated(choice("liver__focal", "present")), annotated(choice("liver__focal", "absent"))
    twice = read([first, first])
    assert (len(twice.reports), [problem.code for problem in twice.problems]) == (1, ["duplicate"])
    torn = read([first, other, annotated(choice("liver__focal", "absent"), by=5)])
    assert [report.rater for report in torn.reports] == ["annotator-5"]
    assert [problem.code for problem in torn.problems] == ["conflicting_id"]


def test_times_of_an_annotation_are_kept_for_readings() -> None:
    times = {"created_at": "2021-03-09T22:16:08Z", "updated_at": "2021-03-10T00:00:00Z", "lead_time": 4.288}
    (report,) = read([annotated(choice("liver__focal", "present"), **times)]).reports
    meta = report.meta
    assert (meta.revision, meta.active_seconds, meta.submitted_at) == (1, 4.288, "2021-03-10T00:00:00Z")


# Report ids


@pytest.mark.parametrize(
    ("data", "report_id"),
    [
        ({"report_id": "a, b"}, "a, b"),
        ({"accession": 12345678901234567890}, "12345678901234567890"),
        ({"id": "./imagesVa/amos_5001.nii.gz"}, "./imagesVa/amos_5001.nii.gz"),
    ],
)
def test_report_is_named_by_its_data_and_not_by_the_number_of_the_task(data: Any, report_id: str) -> None:
    (report,) = read([annotated(choice("liver__focal", "present"), data=data)]).reports
    assert report.report_id == report_id


@pytest.mark.parametrize("data", [{"body": "x"}, {"report_id": "nan"}, {"report_id": ""}, {"report_id": ["R1"]}])
def test_task_without_an_id_of_its_report_is_refused(data: Any) -> None:
    assert "id" in refusal([annotated(choice("liver__focal", "present"), data=data)])


def test_mapping_names_the_fields() -> None:
    mapping = {"report_id": "exam", "text": "body"}
    data = {"exam": "E1", "body": TEXT, "report_id": "no"}
    table = read([annotated(marked(0, 7, "liver|focal|present"), data=data)], mapping)
    assert table.reports[0].report_id == "E1"


def test_mapping_says_what_controls_and_choices_mean() -> None:
    mapping = {"names": {"q1": "liver|focal", "certainty": "value"}, "values": {"Yes!": "present"}, "ignored": ["note"]}
    note = {"from_name": "note", "type": "textarea", "value": {"text": ["x"]}}
    assert label_of([annotated(choice("q1", "yes"), note)], mapping).state is Value.PRESENT
    region = [marked(0, 7, "liver|focal"), choice("certainty", "Yes!", id="r1")]
    assert label_of([annotated(*region)], mapping).state is Value.PRESENT


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("{", "not JSON at line 1"),
        ("[]", "is an object"),
        ('{"evil": 1}', "has a key 'evil'"),
        ('{"names": []}', "names is an object of texts"),
        ('{"values": {"yes": "perhaps"}}', "not 'perhaps'"),
        ('{"selected": "unreadable"}', "selected is one of present"),
        ('{"ignored": "x"}', "ignored is a list"),
        ('{"score": "x"}', "score is one of"),
        ("[" * 100_000, "cannot"),
        ('{"report_id": 5}', "name of a field"),
    ],
)
def test_mapping_that_cannot_be_read_says_why(source: str, words: str) -> None:
    with pytest.raises(TableError, match="mapping") as refused:
        parse_mapping(source)
    assert words in str(refused.value) or words == "cannot"


def test_mapping_in_the_documentation_is_one_and_shows_every_key() -> None:
    page = Path(__file__).parents[3].joinpath("docs", "labels.md").read_text(encoding="utf-8")
    [example] = re.findall(r"```json\n(.*?)```", page, flags=re.DOTALL)
    assert set(json.loads(example)) == {field.name for field in fields(StudioMapping)}
    assert parse_mapping(example).values["maybe"] is Value.POSSIBLE
    read([annotated()], json.loads(example))


def test_mapping_onto_a_cell_that_is_not_there_is_refused() -> None:
    with pytest.raises(TableError, match=r"'liver\|gout', which is no cell"):
        read([annotated()], {"names": {"q": "liver|gout"}})


# JSON_MIN


def minimal(**more: Any) -> dict[str, Any]:
    return {"report_id": "R1", "text": TEXT, "id": 17, "annotator": 4, "annotation_id": 9, "lead_time": 2.5} | more


def test_small_export_has_its_controls_among_the_data() -> None:
    evidence = [{"start": START, "end": END, "text": QUOTE, "labels": ["liver|focal"]}]
    task = minimal(liver__focal="present", liver__focal__urgency=[{"rating": 2}], evidence=evidence, site="x")
    (report,) = read([task]).reports
    assert (report.report_id, report.rater) == ("R1", "annotator-4")
    assert report.labels[LIVER] == CellLabel(Value.PRESENT, urgency=2, evidence=(Span(START, END),))


def test_number_of_the_task_in_a_small_export_is_no_report_id() -> None:
    task = minimal(liver__focal="present")
    del task["report_id"]
    assert "no field of its data names the report" in refusal([task])


def test_small_export_without_any_known_control_is_refused() -> None:
    assert "no control of it is a cell" in refusal([minimal(lever__focal="present")])


def test_small_export_of_a_task_nobody_annotated_says_nothing() -> None:
    assert read([minimal(annotation_id=None)]).notes == ("tasks without annotation and prediction: 1",)


def test_several_choices_in_a_small_export_are_refused() -> None:
    assert "two different things" in refusal([minimal(liver__focal=["present", "absent"])])


# Hostile files


@pytest.mark.parametrize(
    "content",
    [b"[]", b"[", b'[{"data"', b"[" * 200_000, b'["x", 5, null]', b'[{"a": 1}]', b"[1] trailing", b"[\xff]"],
)
def test_file_that_is_no_export_is_refused_whole(content: bytes) -> None:
    with pytest.raises(IntakeError):
        read(content)


@pytest.mark.parametrize(
    "annotation",
    [
        *(5, "x", None, [], {}, {"result": None}, {"result": {}}, {"result": [5]}, {"result": [[]]}),
        {"result": [{"type": "labels", "value": {"labels": "liver|focal", "start": 1, "end": 2}}]},
        {"result": [{"from_name": "liver__focal", "type": ["choices"], "value": {"choices": ["present"]}}]},
        {"result": [{"from_name": "t", "type": "taxonomy", "value": {"taxonomy": "liver"}}]},
        {"result": [choice("liver__focal", "present")], "completed_by": {"email": "x" * 500}},
    ],
)
def test_annotation_of_another_shape_is_refused_and_the_next_is_read(annotation: Any) -> None:
    task = annotated(choice("liver__focal", "present"))
    task["annotations"].insert(0, annotation)
    table = read([task])
    assert len(table.reports) == 1
    assert len(table.problems) == 1


@pytest.mark.parametrize("field", ["annotations", "predictions"])
def test_lists_of_another_type_are_no_tasks(field: str) -> None:
    good = annotated(choice("liver__focal", "present"))
    table = read([good, {"data": {"report_id": "R2"}, field: "x"}])
    assert (len(table.reports), [problem.row for problem in table.problems]) == (1, [2])


def test_limits_on_tasks_and_on_their_size_are_kept() -> None:
    with pytest.raises(IntakeError, match="more than 1 tasks"):
        read([annotated(), annotated()], limits=Limits(max_rows=1))
    with pytest.raises(IntakeError, match="longer than 1,000 characters"):
        read([annotated(data={"report_id": "R1", "text": "x" * 200_000})], limits=Limits(max_record_chars=1000))


def test_export_that_is_marked_as_utf8_is_read() -> None:
    content = b"\xef\xbb\xbf" + json.dumps([annotated(choice("liver__focal", "present"))]).encode()
    assert len(read(content).reports) == 1


# Several readers of one task


def test_each_annotation_is_a_reading_of_its_person_with_its_times() -> None:
    def by(person: Any, *results: Any, seconds: float) -> dict[str, Any]:
        times = {"created_at": "2024-05-01T10:00:00Z", "updated_at": "2024-05-02T10:00:00Z", "lead_time": seconds}
        return {"completed_by": person, "was_cancelled": False, "result": list(results), **times}

    task = annotated(choice("liver__focal", "present"))
    task["annotations"] = [
        by({"id": 4, "email": "ann@example.org"}, choice("liver__focal", "present"), seconds=31.5),
        by(5, choice("liver__focal", "absent"), seconds=12),
        by("eve@example.org", choice("liver__focal", "possible"), seconds=7),
    ]
    reports = read([task]).reports
    assert [(report.rater, report.labels[LIVER].state, report.meta.active_seconds) for report in reports] == [
        ("ann@example.org", Value.PRESENT, 31.5),
        ("annotator-5", Value.ABSENT, 12.0),
        ("eve@example.org", Value.POSSIBLE, 7.0),
    ]
    assert {report.meta.submitted_at for report in reports} == {"2024-05-02T10:00:00Z"}


def test_star_of_ground_truth_is_counted_and_changes_nothing() -> None:
    table = read([annotated(choice("liver__focal", "present"), ground_truth=True)])
    assert len(table.reports) == 1
    assert table.notes == ("annotations marked as ground truth in Label Studio, read like the others: 1",)


def test_draft_that_was_never_submitted_is_left_out() -> None:
    task = annotated(choice("liver__focal", "present"))
    of_annotation = {"annotation": 1001, "result": [choice("liver__focal", "absent")]}
    task["drafts"] = [of_annotation, {"annotation": None, "result": [choice("liver__focal", "absent")]}]
    table = read([task])
    assert [report.labels[LIVER].state for report in table.reports] == [Value.PRESENT]
    assert table.notes == ("drafts that were never submitted in Label Studio, left out: 1",)


def test_what_people_leave_unsaid_has_the_stated_value_and_what_models_leave_has_none() -> None:
    mapping = {"unsaid": "not_mentioned"}
    spleen = Cell("spleen", "focal")
    assert label_of([annotated(choice("liver__focal", "present"))], mapping, spleen).state is Value.NOT_MENTIONED
    assert label_of([predicted(choice("liver__focal", "present"))], mapping, spleen).state is Missing.NOT_ASKED


@pytest.mark.parametrize("empty", [False, True])
def test_annotation_without_any_choice_counts_only_when_the_mapping_says_so(empty: bool) -> None:
    table = read([annotated()], {"unsaid": "absent", "empty": empty})
    assert len(table.reports) == empty
    assert len(table.notes) == 1 - empty
