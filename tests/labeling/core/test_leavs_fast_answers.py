"""`leavs-fast`: answers that cannot be read are asked for again once and then stay unreadable."""

import json
from dataclasses import replace
from typing import Any

import pytest

from labeling.core.asking import UnreadableAnswer
from labeling.core.backends import Answer
from labeling.core.leavs_fast.forms import (
    Form,
    list_of,
    numbers_of,
    object_of,
    one_of,
    read_form,
    room_for,
    sketch,
    text_of,
)
from labeling.core.records import CellLabel
from labeling.core.schema import Cell
from labeling.core.values import POSITIVE_VALUES, Missing, Value
from tests.labeling.core.leavs_fast_oracle import form_of, stage_of, target_of
from tests.labeling.core.test_leavs_fast import (
    ABDOMEN,
    TYPICAL,
    TYPICAL_GOLD,
    TYPICAL_SENTENCES,
    labels_of,
    of_target,
    once,
    typical,
)

FORM = object_of(
    {
        "reason": text_of(20),
        "regions": object_of({"liver": numbers_of([1, 2, 3], at_least=1, at_most=2)}),
        "cells": list_of(one_of(["present", "absent"]), at_most=2),
    }
)
GOOD: dict[str, Any] = {"reason": "A cyst.", "regions": {"liver": [1, 3]}, "cells": ["present"]}


def changed(**parts: Any) -> str:
    return json.dumps(GOOD | parts)


@pytest.mark.parametrize(
    "text",
    [json.dumps(GOOD), json.dumps(GOOD, indent=1), f"```json\n{json.dumps(GOOD)}\n```\n", f" {json.dumps(GOOD)}\n"],
)
def test_json_of_the_form_is_read_whatever_its_blanks(text: str) -> None:
    assert read_form(Answer(text, is_cut=False), FORM) == GOOD


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "not one JSON object"),
        ("The liver holds a cyst.", "not one JSON object"),
        (f"Here it is: {json.dumps(GOOD)}", "not one JSON object"),
        (json.dumps(GOOD) * 2, "not one JSON object"),
        ("[" * 5000, "not one JSON object"),
        ('{"a": ' + "9" * 5000 + "}", "not one JSON object"),
        ('{"reason": "a", "reason": "b", "regions": {"liver": [1]}, "cells": []}', "not one JSON object"),
        ("[]", "an object with exactly these keys"),
        ("null", "an object with exactly these keys"),
        (changed(other=1), 'an object with exactly these keys: "reason", "regions", "cells"'),
        (json.dumps({"reason": "a", "cells": []}), "an object with exactly these keys"),
        (changed(regions={"Liver": [1]}), 'under "regions" an object with exactly these keys: "liver"'),
        (changed(regions={"liver": [1], "lung": [2]}), "exactly these keys"),
        (changed(regions={"liver": []}), 'under "regions" under "liver" a list of 1 to 2 entries'),
        (changed(regions={"liver": [1, 2, 3]}), "a list of 1 to 2 entries"),
        (changed(regions={"liver": 1}), "a list of 1 to 2 entries"),
        (changed(regions={"liver": [0]}), "a sentence number from 1 to 3"),
        (changed(regions={"liver": [4]}), "a sentence number from 1 to 3"),
        (changed(regions={"liver": ["1"]}), "a sentence number from 1 to 3"),
        (changed(regions={"liver": [1.0]}), "a sentence number from 1 to 3"),
        (changed(regions={"liver": [True]}), "a sentence number from 1 to 3"),
        (changed(regions={"liver": [None]}), "a sentence number from 1 to 3"),
        (changed(regions={"liver": [float("nan")]}), "a sentence number from 1 to 3"),
        (changed(cells=["likely"]), 'one of "present", "absent"'),
        (changed(cells=[["present"]]), 'one of "present", "absent"'),
        (changed(cells=[{}]), 'one of "present", "absent"'),
        (changed(reason=None), "a text"),
    ],
)
def test_what_does_not_fit_the_form_is_unreadable_and_the_complaint_names_the_fault(text: str, complaint: str) -> None:
    with pytest.raises(UnreadableAnswer) as raised:
        read_form(Answer(text, is_cut=False), FORM)
    assert complaint in raised.value.complaint


def test_a_number_between_those_allowed_is_unreadable() -> None:
    form = numbers_of([1, 2, 5], at_most=3)
    assert read_form(Answer("[5, 1]", is_cut=False), form) == [5, 1]
    with pytest.raises(UnreadableAnswer, match="one of 1, 2, 5"):
        read_form(Answer("[3]", is_cut=False), form)


def test_a_complaint_repeats_nothing_of_the_answer() -> None:
    secret = "Mrs Example, born 1950"
    for text in (secret, changed(cells=[secret]), json.dumps({secret: 1}), changed(regions={"liver": [secret]})):
        with pytest.raises(UnreadableAnswer) as raised:
            read_form(Answer(text, is_cut=False), FORM)
        assert secret not in str(raised.value)


def test_an_answer_that_was_cut_is_said_to_be_incomplete() -> None:
    with pytest.raises(UnreadableAnswer, match="ended before it was complete"):
        read_form(Answer(json.dumps(GOOD)[:-1], is_cut=True), FORM)


def test_a_rationale_is_tidied_and_the_rest_kept() -> None:
    # 19 characters of the text and the mark of the cut are the 20 of the form.
    found = read_form(Answer(changed(reason="A\ncyst \ud800 of\tsome length, long"), is_cut=False), FORM)
    assert found == GOOD | {"reason": "A cyst of some leng…"}


def test_a_form_is_sketched_with_its_keys() -> None:
    assert sketch(FORM) == '{"reason": "...", "regions": {"liver": [number, ...]}, "cells": ["...", ...]}'


def every_form(form: Form) -> list[Form]:
    parts = [*form.get("properties", {}).values(), *([form["items"]] if "items" in form else [])]
    return [form, *(inner for part in parts for inner in every_form(part))]


def test_forms_hold_only_bounded_parts_and_words_that_xgrammar_knows() -> None:
    # Checked against xgrammar 0.2.8 and vLLM's list of what it lacks (uniqueItems, multipleOf, format and others).
    known = {
        "object": {"type", "properties", "required", "additionalProperties"},
        "array": {"type", "items", "minItems", "maxItems"},
        "integer": {"type", "minimum", "maximum", "enum"},
        "string": {"type", "enum", "maxLength"},
    }
    backend = typical().backend()
    labels_of(TYPICAL, backend)
    for part in (part for call in backend.calls for part in every_form(form_of(call))):
        assert set(part) <= known[part["type"]]
        bound = {"object": "required", "array": "maxItems"}.get(part["type"])
        assert bound in part if bound else {"enum", "maxLength", "maximum"} & set(part)
        assert part["type"] != "object" or (
            part["additionalProperties"] is False and set(part["properties"]) == set(part["required"])
        )


def test_room_grows_with_the_form() -> None:
    assert room_for(text_of(400)) - room_for(text_of(200)) == 100  # two characters to a token
    assert room_for(FORM, entries=10) - room_for(FORM) == 40  # four tokens to a number


# In a whole report


WRONG: dict[str, tuple[str, Any]] = {
    "select: no JSON": ("select", "I cannot."),
    "select: a target that does not exist": ("select", lambda said: said | {"appendix": [3]}),
    "select: a sentence that does not exist": ("select", lambda said: said | {"liver": [17]}),
    "recall: a target that does not exist": (
        "recall",
        lambda said: said | {"sentences": said["sentences"] | {"1": ["lung"]}},
    ),
    "recall: a sentence that was not asked": ("recall", lambda said: said | {"sentences": {"2": []}}),
    "recall: a sentence that does not exist": (
        "recall",
        lambda said: said | {"regions": {"stomach": [99], "small bowel": []}},
    ),
    "values: cut": ("values", "word " * 5000),
    "values: another value": ("values", lambda said: said | {"values": said["values"] | {"focal": "likely"}}),
    "values: a finding left out": ("values", lambda said: said | {"values": {"focal": "present"}}),
    "support: a sentence that does not exist": (
        "support",
        lambda said: said | {"findings": {name: part | {"sentences": [0]} for name, part in said["findings"].items()}},
    ),
    "support: no sentence": (
        "support",
        lambda said: said | {"findings": {name: part | {"sentences": []} for name, part in said["findings"].items()}},
    ),
    "support: another urgency": (
        "support",
        lambda said: said | {"findings": {name: part | {"urgency": "4"} for name, part in said["findings"].items()}},
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_an_unreadable_answer_is_asked_for_again_with_the_complaint(name: str) -> None:
    stage, wrong = WRONG[name]
    backend = typical(changed={stage: once(wrong)}).backend()
    labels = labels_of(TYPICAL, backend)
    assert len(backend.calls) == 17  # the 16 of a typical report and one more
    assert labels == labels_of(TYPICAL, typical().backend())
    again = next(call for call in backend.calls if "whole JSON object again" in call.question)
    assert stage_of(again) == stage


def test_without_a_readable_selection_every_cell_is_unreadable() -> None:
    backend = typical(changed={"select": once("?", always=True)}).backend()
    labels = labels_of(TYPICAL, backend)
    assert len(backend.calls) == 2
    assert {labels[cell].state for cell in ABDOMEN.cells} == {Missing.UNREADABLE}


def test_without_a_readable_second_look_targets_without_sentences_are_unreadable_and_others_flagged() -> None:
    labels = labels_of(TYPICAL, typical(changed={"recall": once("?", always=True)}).backend())
    expected = labels_of(TYPICAL, typical().backend())
    for cell in ABDOMEN.cells:
        if cell.target in TYPICAL_SENTENCES:
            assert labels[cell] == replace(expected[cell], flags=("recall_unreadable",))
        else:
            assert labels[cell].state is Missing.UNREADABLE


def test_without_readable_values_the_cells_of_that_target_are_unreadable() -> None:
    backend = typical(changed={"values": of_target("liver", "?")}).backend()
    labels = labels_of(TYPICAL, backend)
    expected = labels_of(TYPICAL, typical().backend())
    assert [
        stage_of(call)
        for call in backend.calls
        if stage_of(call) in {"values", "support"} and target_of(call) == "liver"
    ] == ["values"] * 2
    for cell in ABDOMEN.cells:
        if cell.target == "liver":
            assert (labels[cell].state, labels[cell].evidence) == (Missing.UNREADABLE, ())
            assert labels[cell].reason.startswith("values: ")
        else:
            assert labels[cell] == expected[cell]


def test_values_stand_without_readable_sentences_and_urgencies_and_are_flagged() -> None:
    labels = labels_of(TYPICAL, typical(changed={"support": of_target("right kidney", "?")}).backend())
    for finding, flags in (
        ("focal", ("evidence_unreadable", "urgency_unreadable")),
        ("diffuse", ("evidence_unreadable",)),
    ):
        cell = Cell("right kidney", finding)
        found = labels[cell]
        assert (found.state, found.urgency, found.evidence, found.flags) == (TYPICAL_GOLD[cell].state, None, (), flags)
    assert labels[Cell("right kidney", "normal")] == CellLabel(Value.NOT_MENTIONED)


def test_no_cell_that_is_not_positive_has_an_urgency() -> None:
    labels = labels_of(TYPICAL, typical().backend())
    assert {cell for cell, label in labels.cells.items() if label.urgency is not None} == {
        cell for cell, label in TYPICAL_GOLD.items() if label.state in POSITIVE_VALUES
    }
