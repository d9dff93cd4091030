"""What readers did with the machine's errors, by hand."""

import numpy as np
import pytest

from annotator.core.arms.contrasts import rows_of
from annotator.core.arms.shares import error_shares
from tests.annotator.core.arms.builders import readings_of


def shares_of(lines, **changed):
    readings = readings_of(lines, **changed)
    found = error_shares(readings, rows_of(readings, {}, scope="finding"))
    return {(each.row, each.metric): each for each in found}


def test_errors_shown_are_corrected_or_kept_and_right_values_may_be_broken():
    # Shown wrong: both cells of patient 0 (one corrected), one of patient 1 (kept). Shown right: one each of patient 1
    # (kept) and both of patient 2 (one broken). The blank reading was shown nothing.
    lines = [
        (0, 0, "P", "10", "11", "00"),
        (0, 1, "P", "01", "01", "00"),
        (1, 2, "P", "11", "10", "10"),
        (1, 3, "B", "00", "11", "00"),
    ]
    found = shares_of(lines)
    corrected, broken = found["overall", "corrected"], found["overall", "broken"]
    assert (corrected.n_counted, corrected.n, corrected.n_patients) == (1, 3, 2)
    assert corrected.value == pytest.approx(1 / 3)
    assert (broken.n_counted, broken.n, broken.n_patients) == (1, 3, 2)
    assert found["reader-1", "broken"].value == 0.5
    assert np.isnan(found["reader-1", "corrected"].value)


def test_share_of_all_is_not_known_for_sure():
    found = shares_of([(0, patient, "P", "0", "1", "0") for patient in range(10)])["overall", "corrected"]
    # Wilson's interval of 10 of 10 with t of 9 degrees: 1 - 5.117 / 15.117.
    assert (found.value, found.low, found.high) == (1, pytest.approx(0.6615, abs=1e-4), pytest.approx(1))
