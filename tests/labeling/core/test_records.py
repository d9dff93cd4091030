"""Label sets in and out of their stored form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling.core.records import NOT_ASKED, CellLabel, LabelSet, StoredLabels
from labeling.core.schema import Cell
from labeling.core.schema_yaml import load_preset
from labeling.core.spans import Span
from labeling.core.values import CODE_OF_STATE, Missing, Value

SCHEMA = load_preset("spine-mri")
SPANS = st.tuples(st.integers(0, 50), st.integers(51, 99)).map(lambda ends: Span(*ends))
LABELS = st.builds(
    CellLabel,
    state=st.sampled_from(list(CODE_OF_STATE)),
    urgency=st.none() | st.integers(0, 3),
    probability=st.none() | st.floats(0, 1),
    logit_difference=st.none() | st.floats(-60, 60),
    evidence=st.lists(SPANS, max_size=3).map(tuple),
    reason=st.text(max_size=20),
    flags=st.lists(st.sampled_from(["image disagrees", "no side"]), max_size=2).map(tuple),
    image_value=st.none() | st.sampled_from(list(Value)),
)


@given(st.dictionaries(st.sampled_from(SCHEMA.cells), LABELS))
def test_what_is_stored_comes_back_without_loss(cells):
    labels = LabelSet(cells)
    decoded = StoredLabels.encode(labels, SCHEMA).decode(SCHEMA)
    assert [decoded[cell] for cell in SCHEMA.cells] == [labels[cell] for cell in SCHEMA.cells]


def test_vectors_hold_one_character_per_cell_in_schema_order():
    # spine-mri: spine has stenosis, cancer, spondylolisthesis, cauda equina compression, herniation; then 3 levels
    labels = LabelSet(
        {
            Cell("spine", "stenosis"): CellLabel(Value.PRESENT, urgency=2),
            Cell("spine", "cancer"): CellLabel(Value.ABSENT),
            Cell("L4-L5", "stenosis"): CellLabel(Missing.UNREADABLE),
        }
    )
    stored = StoredLabels.encode(labels, SCHEMA)
    assert stored.values == "+0____!_"
    assert stored.urgencies == "2_______"
    assert stored.body == {"cells": {}}


def test_a_probability_of_zero_is_kept_apart_from_no_probability():
    labels = LabelSet({Cell("spine", "cancer"): CellLabel(Value.ABSENT, probability=0.0)})
    decoded = StoredLabels.encode(labels, SCHEMA).decode(SCHEMA)
    assert decoded[Cell("spine", "cancer")].probability == 0.0
    assert decoded[Cell("spine", "herniation")].probability is None


def test_a_cell_outside_the_schema_is_refused():
    with pytest.raises(ValueError, match="no such cell"):
        StoredLabels.encode(LabelSet({Cell("liver", "focal"): CellLabel(Value.PRESENT)}), SCHEMA)


@pytest.mark.parametrize(
    ("values", "urgencies"),
    [("+" * 7, "_" * 8), ("+" * 8, "_" * 9), ("x" + "+" * 7, "_" * 8), ("+" * 8, "9" + "_" * 7)],
)
def test_a_stored_form_that_does_not_fit_is_refused(values, urgencies):
    with pytest.raises(ValueError, match=r"cells|code"):
        StoredLabels(values, urgencies, {}).decode(SCHEMA)


def test_a_cell_that_is_not_in_a_label_set_was_not_asked():
    assert LabelSet()[Cell("spine", "cancer")] == NOT_ASKED
