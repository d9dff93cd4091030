"""Why a reading is opened again."""

import pytest

from annotator.core.refusals import VectorError
from annotator.core.reopening import Reopening, check_reopened


def test_the_next_reading_keeps_the_reason_and_which_revision_it_was():
    made = Reopening("guideline", "cysts count").of_revision(2)
    assert made == {"reason": "guideline", "note": "cysts count", "revision": 2}
    check_reopened(made)


@pytest.mark.parametrize(
    ("reason", "note"), [("because", ""), ("", ""), ("other", " "), ("slip", "x" * 1001), ("slip", "\x00")]
)
def test_a_reason_that_is_none_is_refused(reason, note):
    with pytest.raises(VectorError):
        Reopening(reason, note)


@pytest.mark.parametrize(
    "reopened", [None, {}, {"reason": "slip", "note": ""}, {"reason": "slip", "note": "", "revision": 0}, "slip"]
)
def test_what_says_not_what_was_opened_and_why_is_refused(reopened):
    with pytest.raises(VectorError, match="body"):
        check_reopened(reopened)
