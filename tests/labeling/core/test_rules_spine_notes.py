"""The rules on real notes against hand labels: scores must not fall.

Labels are the reading of one radiologist-like reader; the rules were developed on the first half of the ids, and the
second half was only counted.
"""

import pytest

from benchmarks.rules_spine_accuracy import COLUMN_OF_CELL, Counts, level_counts, rows_of, score
from labeling.core.schema import Cell
from tests.labeling.core.real_notes import load_notes


@pytest.fixture(scope="module")
def counts() -> dict[Cell, Counts]:
    return score(rows_of("both"), load_notes())


def test_all_labelled_notes_are_scored(counts: dict[Cell, Counts]) -> None:
    assert set(counts) == set(COLUMN_OF_CELL)
    assert all(count.tp + count.fp + count.fn + count.tn == 200 for count in counts.values())


def test_stenosis_of_the_spine(counts: dict[Cell, Counts]) -> None:
    assert counts[Cell("spine", "stenosis")].f1 >= 0.97


def test_stenosis_by_level(counts: dict[Cell, Counts]) -> None:
    assert level_counts(counts).f1 >= 0.97


@pytest.mark.parametrize("finding", ["herniation", "spondylolisthesis"])
def test_other_conditions(counts: dict[Cell, Counts], finding: str) -> None:
    assert counts[Cell("spine", finding)].f1 >= 0.95


def test_no_false_cauda_equina_compression(counts: dict[Cell, Counts]) -> None:
    assert counts[Cell("spine", "cauda equina compression")].fp == 0
