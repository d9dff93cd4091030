"""Whatever is thrown at the rules, they answer every cell, with evidence inside the text, and never raise."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling.core.records import LabelSet
from labeling.core.rules import label_report
from labeling.core.rules.data import read_vocabulary_file, vocabulary_files
from labeling.core.schema import Schema
from labeling.core.schema_yaml import load_preset, parse_schema

OWN_SCHEMA = """
format: 1
name: adrenals
version: 1
title: Adrenals
modality: CT
targets:
  - {name: left adrenal}
  - {name: right adrenal}
  - {name: spleen}
findings:
  - {name: nodule, definition: a nodule, terms: [adenoma, incidentaloma]}
  - {name: enlarged, definition: it is large}
"""
SCHEMAS = {schema.name: schema for schema in (load_preset("abdomen-ct"), load_preset("spine-mri"))}
SCHEMAS["own"] = parse_schema(OWN_SCHEMA)
PUNCTUATION = [
    ".",
    ",",
    ";",
    ":",
    "-",
    " - ",
    "(",
    ")",
    "?",
    "/",
    "\n",
    "\n\n",
    "\t",
    "->",
    "+",
    "\u2014",
    "|",
    "=",
    "'",
    "\0",
]
LOOSE = [
    "left",
    "right",
    "both",
    "the other side",
    "3",
    "4.5",
    "cm",
    "mm",
    "x",
    "same",
    "none",
    "L4",
    "L5-S1",
    "\u0130",
    "\ufb01",
]
HEADINGS = ["FINDINGS:", "IMPRESSION:\n", "ADDENDUM:", "Kidneys:", "Left:", "HISTORY:", "Laterality is reversed."]


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.values() for text in _strings(item)]
    return [text for item in value for text in _strings(item)] if isinstance(value, list) else []


WORDS = sorted({text for name in vocabulary_files() for text in _strings(read_vocabulary_file(name))})
TEXTS = st.lists(
    st.one_of(
        st.sampled_from(WORDS),
        st.sampled_from(PUNCTUATION),
        st.sampled_from(LOOSE),
        st.sampled_from(HEADINGS),
        st.text(),
    ),
    max_size=40,
).flatmap(lambda pieces: st.sampled_from([" ", ""]).map(lambda glue: glue.join(pieces)))


def check(labels: LabelSet, text: str, schema: Schema) -> None:
    """Every cell has a label; evidence lies within the text and holds something."""
    assert set(labels.cells) == set(schema.cells)
    for label in labels.cells.values():
        for span in label.evidence:
            assert 0 <= span.start < span.end <= len(text)
            assert text[span.start : span.end].strip()


@pytest.mark.parametrize("name", sorted(SCHEMAS))
@given(text=TEXTS)
def test_any_mixture_of_words_is_labelled_without_error(name: str, text: str) -> None:
    check(label_report(text, SCHEMAS[name]), text, SCHEMAS[name])


@pytest.mark.parametrize("name", sorted(SCHEMAS))
@pytest.mark.parametrize(
    "text", ["", " ", "\n", ".", ":", "left:", "ADDENDUM", "same", "no", "-", "(", "L4", "cm", "\0"]
)
def test_text_of_almost_nothing_is_labelled_without_error(name: str, text: str) -> None:
    check(label_report(text, SCHEMAS[name]), text, SCHEMAS[name])
