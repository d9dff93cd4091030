"""What labels say about an outcome."""

import pytest

from labeling.core.records import CellLabel, LabelSet
from labeling.core.schema import Cell
from labeling.core.schema_yaml import load_preset
from labeling.core.values import Missing, Value
from vision.core.learning.outcomes import Outcome, outcomes_of, truths_of
from vision.core.refusals import ImageRefused

SCHEMA = load_preset("abdomen-ct")
SIZE = Outcome("spleen", "size")


def said(**states: object) -> LabelSet:
    return LabelSet({Cell("spleen", finding): CellLabel(state) for finding, state in states.items()})


@pytest.mark.parametrize(
    ("enlarged", "atrophy", "truth"),
    [
        (Value.PRESENT, Value.ABSENT, 1),
        (Value.ABSENT, Value.POSSIBLE, 1),
        (Value.ABSENT, Value.NOT_MENTIONED, 0),
        (Value.ABSENT, Value.AMBIGUOUS, -1),
        (Value.PRESENT, Missing.UNREADABLE, 1),
        (Value.ABSENT, Missing.UNREADABLE, -1),
        (Missing.NOT_ASKED, Missing.NOT_ASKED, -1),
    ],
)
def test_a_group_says_the_highest_of_its_members_and_what_is_not_told_is_unknown(enlarged, atrophy, truth) -> None:
    labels = {"a": said(enlarged=enlarged, atrophy=atrophy)}
    assert truths_of(labels, ["a"], [SIZE], schema=SCHEMA).values.tolist() == [[truth]]


def test_a_case_without_labels_is_unknown() -> None:
    assert truths_of({}, ["a"], [SIZE], schema=SCHEMA).values.tolist() == [[-1]]


def test_only_cells_of_the_schema_become_outcomes() -> None:
    spine = load_preset("spine-mri")
    assert outcomes_of(spine, ["cancer"]) == (Outcome("spine", "cancer"),)
    assert len(outcomes_of(spine, ["stenosis"])) == 4
    assert len(outcomes_of(SCHEMA)) == 9 * (11 + 3)  # findings and groups
    with pytest.raises(ImageRefused, match="'stenosis' is no finding"):
        outcomes_of(SCHEMA, ["stenosis"])
