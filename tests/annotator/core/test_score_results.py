"""Scores of a run as they are stored and as CSV. The figures themselves are tested in labeling.core."""

import csv
import json

import numpy as np
import pytest

from annotator.core.figure_requests import FigureRequest, Kind
from annotator.core.figure_results import Read
from annotator.core.score_results import columns_of, records_of, score_result
from annotator.core.score_tables import score_lines
from labeling.core.evaluation.ratings import RANK_OF_STATE, Ratings
from labeling.core.schema import Cell
from labeling.core.values import Value

CELLS = (Cell("spine", "stenosis"), Cell("spine", "cancer"), Cell("spine", "fracture"))
N_CASES = 40


@pytest.fixture(scope="module")
def result():
    """Scores that tell the first cell perfectly, are all of one class in the second, and missing in the third."""
    truth = np.zeros((N_CASES, 3), bool)
    truth[::2, 0] = True
    ranks = np.where(truth, RANK_OF_STATE[Value.PRESENT], RANK_OF_STATE[Value.ABSENT]).astype(np.int8)[np.newaxis]
    ids = tuple(f"S{number}" for number in range(N_CASES))
    ratings = Ratings(("one",), ids, CELLS, ranks, np.full(ranks.shape, -1, np.int8), np.ones((1, N_CASES), bool))
    scores = np.where(truth, 1.0, -1.0) + np.arange(N_CASES)[:, np.newaxis] / 1000
    scores[:, 2] = np.nan
    request = FigureRequest(Kind.SCORES, n_resamples=50)
    return score_result(Read(ratings, ids), scores, scale="logit_difference", request=request)


def test_each_cell_has_figures_curves_and_a_half_that_was_held_out(result):
    stenosis, cancer, fracture = result["conditions"]
    assert (stenosis["cell"], stenosis["n"], stenosis["n_positive"]) == ("spine|stenosis", 40, 20)
    assert stenosis["figures"]["auroc"]["value"] == 1.0
    assert stenosis["held_out"]["figures"]["balanced_accuracy"]["value"] == 1.0
    assert stenosis["held_out"]["n"] + stenosis["held_out"]["n_calibration"] == 40
    assert stenosis["held_out"]["n_leaked"] == 0
    assert (cancer["figures"]["auroc"]["value"], cancer["roc"]) == (None, {})
    assert (fracture["n"], fracture["threshold_table"]) == (0, {})


def test_a_result_is_json_without_nan(result):
    assert json.loads(json.dumps(result, allow_nan=False)) == result


def test_thresholds_keep_their_digits_and_the_rest_is_short():
    records = [{"threshold": 0.12345678901, "recall": 0.66666666667, "n": 3, "precision": None, "is_equal_error": True}]
    columns = columns_of(records)
    assert columns["threshold"] == [0.12345678901]
    assert columns["recall"] == [0.666667]
    assert records_of(columns) == [records[0] | {"recall": 0.666667}]
    assert (columns_of([]), records_of({})) == ({}, [])


def test_csv_has_each_figure_of_all_cases_and_of_the_held_out_half(result):
    lines = list(csv.DictReader("".join(score_lines(result)).splitlines()))
    found = {(line["row"], line["cases"], line["metric"]): line for line in lines}
    assert len(found) == len(lines)
    assert found["spine stenosis", "all", "auroc"]["value"] == "1.0"
    assert found["spine cancer", "all", "auroc"]["value"] == ""
    fitted = found["spine stenosis", "held out", "threshold"]
    tested = found["spine stenosis", "held out", "f1"]
    assert int(fitted["n"]) + int(tested["n"]) == N_CASES
    assert {row for row, _, _ in found} == {"macro", "micro", "spine stenosis", "spine cancer", "spine fracture"}
