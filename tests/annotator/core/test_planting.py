"""Errors planted into machine labels, and what readers make of them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotator.core.contradictions import find_contradictions
from annotator.core.planting import (
    Kind,
    Labels,
    Outcome,
    PlantedError,
    debrief,
    errors_of,
    plant_errors,
    stored_errors,
    with_errors,
)
from labeling.core.schema_yaml import load_preset
from labeling.core.values import NO_URGENCY_CODE, STATE_CODES

SPINE, ABDOMEN = load_preset("spine-mri"), load_preset("abdomen-ct")
# Cells in order: stenosis, cancer, listhesis, cauda equina, herniation of the spine; then stenosis of three levels.
TRUE = Labels("+.0.....", "________", {"spine|stenosis": {"evidence": [[29, 78]], "reason": "compresses"}})


def test_an_omission_shows_a_positive_cell_as_the_machine_writes_negative_ones():
    omissions = [plant_errors(TRUE, schema=SPINE, n=1, seed=seed) for seed in range(10)]
    [error] = next(errors for errors in omissions if errors[0].kind == Kind.OMISSION)
    assert (error.cell, error.true, error.shown) == ("spine|stenosis", "+_", "._")
    shown = with_errors(TRUE, [error], schema=SPINE)
    assert shown.values == "..0....."
    assert shown.cells == {}


def test_an_invention_borrows_the_evidence_of_its_target():
    error = PlantedError("spine|cancer", "._", "+_", ((29, 78),))
    shown = with_errors(TRUE, [error], schema=SPINE)
    assert shown.values == "++0....."
    assert shown.cells["spine|cancer"] == {"evidence": [[29, 78]]}
    assert shown.cells["spine|stenosis"] == TRUE.cells["spine|stenosis"]


def test_the_same_seed_plants_the_same_errors_and_another_seed_others():
    planted = [plant_errors(TRUE, schema=SPINE, n=2, seed=seed) for seed in (3, 3, 4, 5, 6)]
    assert planted[0] == planted[1]
    assert any(other != planted[0] for other in planted[2:])


def test_errors_come_back_from_a_seat_as_they_were():
    errors = plant_errors(TRUE, schema=SPINE, n=4, seed=0)
    assert errors
    assert errors_of(json.loads(json.dumps(stored_errors(errors)))) == errors


@pytest.mark.parametrize(
    ("true", "shown", "said", "outcome"),
    [
        ("+1", "._", "+", Outcome.CAUGHT),
        ("+1", "._", "?", Outcome.CAUGHT),
        ("+1", "._", "0", Outcome.MISSED),
        ("+1", "._", "~", Outcome.DOUBTED),
        ("._", "+0", "0", Outcome.CAUGHT),
        ("._", "+0", "?", Outcome.MISSED),
    ],
)
def test_the_debrief_says_what_became_of_an_error(true, shown, said, outcome):
    [told] = debrief([PlantedError("spine|stenosis", true, shown)], said + "." * 7, schema=SPINE)
    assert (told.said, told.outcome) == (said, outcome)


@st.composite
def machine_labels(draw):
    n = len(ABDOMEN.cells)
    values = draw(st.text(alphabet=STATE_CODES, min_size=n, max_size=n))
    return Labels(values, NO_URGENCY_CODE * n, {})


@given(machine_labels(), st.integers(0, 12), st.integers(0, 2**31))
def test_planted_errors_flip_presence_once_a_target_and_add_no_contradiction(labels, n, seed):
    errors = plant_errors(labels, schema=ABDOMEN, n=n, seed=seed)
    assert len(errors) <= n
    targets = [error.cell.split("|")[0] for error in errors]
    assert len(set(targets)) == len(targets)
    shown = with_errors(labels, errors, schema=ABDOMEN)
    changed = [index for index, pair in enumerate(zip(labels.values, shown.values, strict=True)) if pair[0] != pair[1]]
    assert [str(ABDOMEN.cells[index]) for index in changed] == [error.cell for error in errors]
    assert all((labels.values[index] in "+?") != (shown.values[index] in "+?") for index in changed)
    assert all(labels.values[index] in "+?0." for index in changed)
    before = {found.key for found in find_contradictions(labels.values, labels.urgencies, schema=ABDOMEN)}
    after = {found.key for found in find_contradictions(shown.values, shown.urgencies, schema=ABDOMEN)}
    assert after <= before
    assert {told.outcome for told in debrief(errors, shown.values, schema=ABDOMEN)} <= {Outcome.MISSED}
    assert {told.outcome for told in debrief(errors, labels.values, schema=ABDOMEN)} <= {Outcome.CAUGHT}
