"""Counts, shares, times and rates in words; `tests/web/runs.test.ts` has the same times and rates for the browser."""

import pytest

from annotator.core.estimates import about_text, count_in_words, percent_text, range_text, rate_text


@pytest.mark.parametrize(
    ("n", "words"),
    [
        (0, "0"),
        (999_999, "999,999"),
        (1_000_000, "1.0 million"),
        (3_440_000, "3.4 million"),
        (2_500_400_000, "2,500 million"),
    ],
)
def test_counts_are_as_exact_as_it_matters(n, words):
    assert count_in_words(n) == words


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (59, "less than a minute"),
        (60, "about 1 min"),
        (754, "about 13 min"),
        (3569, "about 59 min"),
        (3571, "about 1 h 00 min"),
        (7500, "about 2 h 05 min"),
        (273_600, "about 3 days 4 h"),
    ],
)
def test_a_time_is_said_no_more_exactly_than_it_is_known(seconds, said):
    assert about_text(seconds) == said


@pytest.mark.parametrize(
    ("per_s", "said"),
    [(20.66, "1,240 a minute"), (0.2, "12 a minute"), (0.0567, "3.4 a minute"), (0.005, "18.0 an hour")],
)
def test_a_rate_is_said_in_the_unit_that_suits_it(per_s, said):
    assert rate_text(per_s) == said


def test_two_times_that_are_said_alike_are_one():
    assert range_text(61, 62) == "about 1 min"
    assert range_text(61, 7500) == "about 1 min to 2 h 05 min"
    assert range_text(5, 7500) == "less than a minute to 2 h 05 min"


@pytest.mark.parametrize(
    ("probability", "said"),
    [(0.0, "0 %"), (0.00004, "< 1 %"), (0.256, "26 %"), (0.99, "99 %"), (0.99996, "> 99 %"), (1.0, "100 %")],
)
def test_only_none_and_all_are_said_to_be_none_and_all(probability, said):
    assert percent_text(probability) == said
