"""Which columns figures have, and figures of arrays as plain values."""

import json

import numpy as np
import pytest

from annotator.core.figure_requests import FigureRequest, Kind, Level
from annotator.core.figure_results import (
    Read,
    at_level,
    cells_at,
    content_hash,
    finding_columns,
    labeler_result,
    levels_of,
)
from labeling.core.evaluation.ratings import NO_URGENCY, Ratings
from labeling.core.schema import Cell
from labeling.core.schema_yaml import load_preset

ABDOMEN, SPINE = load_preset("abdomen-ct"), load_preset("spine-mri")
# By hand from the preset: findings in the order of the schema, replaced by their group where they are in one that
# contains no other; the group of groups at the end.
ABDOMEN_COLUMNS = [
    "normal",
    "postsurgical or absent",
    "adjacent",
    "quality",
    "anatomy",
    "device",
    "size",
    "diffuse",
    "focal",
]


def test_findings_stand_in_the_narrowest_group():
    assert [group.name for group in finding_columns(ABDOMEN)] == ABDOMEN_COLUMNS
    assert [group.name for group in finding_columns(SPINE)] == [finding.name for finding in SPINE.findings]


def test_groups_hold_each_cell_once_so_that_pooled_figures_count_nothing_twice():
    for schema in (ABDOMEN, SPINE):
        members = [member for cell in cells_at(schema, Level.GROUPS) for member in cell.members]
        assert len(members) == len(set(members))
        assert set(members) == set(schema.cells)


def test_groups_of_groups_have_figures_of_their_own():
    cells = cells_at(ABDOMEN, Level.WIDE)
    assert {cell.finding for cell in cells} == {"any abnormality"}
    assert len(cells) == 7
    assert cells_at(SPINE, Level.WIDE) == ()


def test_only_levels_that_the_schema_has_are_offered():
    assert levels_of(ABDOMEN) == (Level.CELLS, Level.GROUPS, Level.WIDE)
    assert Level.WIDE not in levels_of(SPINE)


def test_groups_are_crossed_with_joined_targets():
    cells = cells_at(ABDOMEN, Level.GROUPS)
    targets = list(dict.fromkeys(cell.target for cell in cells))
    assert targets == ["spleen", "liver", "kidneys", "stomach", "pancreas", "gallbladder", "bowel"]
    assert len(cells) == 7 * 9
    size = next(cell for cell in cells if (cell.target, cell.finding) == ("kidneys", "size"))
    kidneys = ("right kidney", "left kidney")
    assert set(size.members) == {Cell(kidney, name) for kidney in kidneys for name in ("enlarged", "atrophy")}


def ratings(ranks, *, names=("ann", "bob")):
    ranks = np.array(ranks, np.int8)
    ids = tuple(f"c{index}" for index in range(ranks.shape[1]))
    return Ratings(
        names, ids, SPINE.cells, ranks, np.full(ranks.shape, NO_URGENCY, np.int8), np.ones(ranks.shape[:2], bool)
    )


def test_cells_stay_as_they_are_and_groups_take_the_highest_value():
    ranks = np.zeros((1, 1, len(ABDOMEN.cells)), np.int8)
    ranks[0, 0, ABDOMEN.index_of_cell[Cell("left kidney", "atrophy")]] = 4
    each = Ratings(("ann",), ("c",), ABDOMEN.cells, ranks, np.full(ranks.shape, -1, np.int8), np.ones((1, 1), bool))
    assert at_level(each, ABDOMEN, Level.CELLS) is each
    grouped = at_level(each, ABDOMEN, Level.GROUPS)
    positive = {str(cell) for cell, yes in zip(grouped.cells, grouped.positive[0, 0], strict=True) if yes}
    assert positive == {str(Cell("kidneys", "size"))}


def test_a_result_is_plain_and_undefined_figures_are_none():
    read = Read(ratings(np.zeros((2, 3, 8))), ("p", "p", "q"))
    labels = ratings(np.zeros((1, 3, 8)), names=("run",))
    result = labeler_result(read, labels, schema=SPINE, request=FigureRequest(Kind.LABELER, n_resamples=10))
    stored = json.loads(json.dumps(result, allow_nan=False))
    rows = {(row["row"], row["metric"]): row for row in stored["rows"]}
    assert rows["micro", "recall"]["value"] is None  # nobody is positive
    assert rows["micro", "specificity"]["value"] == 1.0
    assert rows["micro", "recall"]["n_positive"] == 0


def test_a_reader_who_is_the_truth_is_not_judged_and_judges_the_others():
    # Bob calls all positive, ann and the run nothing: by ann, bob is right in none.
    said = np.zeros((2, 3, 8))
    said[1] = 5
    request = FigureRequest(Kind.LABELER, truth="ann", n_resamples=10)
    labels = ratings(np.zeros((1, 3, 8)), names=("run",))
    result = labeler_result(Read(ratings(said), ("p", "p", "q")), labels, schema=SPINE, request=request)
    rows = {(row["row"], row["metric"]): row["value"] for row in result["rows"]}
    assert (rows["human bob", "specificity"], rows["human bob / labeler", "specificity"]) == (0.0, 1.0)
    assert ("human ann", "specificity") not in rows


def test_a_reader_who_is_the_truth_is_the_truth_of_urgencies_too():
    given, labels = ratings(np.full((2, 3, 8), 5)), ratings(np.full((1, 3, 8), 5), names=("run",))
    given.urgencies[1, 0] = 2  # bob alone gave one, in the first case
    labels.urgencies[:] = 2
    n = {}
    for truth in ("", "ann", "bob"):
        request = FigureRequest(Kind.LABELER, truth=truth, n_resamples=10)
        rows = labeler_result(Read(given, ("p", "q", "r")), labels, schema=SPINE, request=request)["urgency"]
        n[truth] = next(row["n"] for row in rows if (row["row"], row["metric"]) == ("micro", "tau_b"))
    assert n == {"": 0, "ann": 0, "bob": 8}


def test_cases_of_one_patient_are_one_cluster():
    read = Read(ratings(np.zeros((2, 3, 8))), ("p", "q", "p"))
    assert read.clusters(FigureRequest(Kind.READERS)).of_case.tolist() == [0, 1, 0]


@pytest.mark.parametrize("change", ["value", "urgency", "case", "reader", "rated"])
def test_the_content_hash_tells_whatever_somebody_says_apart(change):
    before, after = ratings(np.zeros((2, 3, 8))), ratings(np.zeros((2, 3, 8)))
    match change:
        case "value":
            after.ranks[0, 0, 0] = 5
        case "urgency":
            after.urgencies[0, 0, 0] = 2
        case "rated":
            after.rated[0, 0] = False
        case "case":
            after = after.of_cases(("c1", "c0", "c2"))
        case "reader":
            after = ratings(np.zeros((2, 3, 8)), names=("ann", "eve"))
    assert content_hash(before) == content_hash(ratings(np.zeros((2, 3, 8))))
    assert content_hash(before) != content_hash(after)
