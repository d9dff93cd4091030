"""Figures in words: undefined is said, and no rounding says more than is known."""

import pytest

from annotator.core.shown_figures import NO_PAIR, corrected, least_p, number, p_words, shown


def row(value, *, low=None, high=None, n=20):
    return {"value": value, "low": low, "high": high, "n": n}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.82345, "0.823"),
        (1.0, "1.000"),
        (0.99999, "> 0.999"),
        (0.0, "0.000"),
        (0.0001, "< 0.001"),
        (-0.0001, "> −0.001"),
        (-0.5, "−0.500"),
    ],
)
def test_one_and_zero_stand_only_for_all_and_none(value, text):
    assert number(value) == text


def test_differences_have_a_sign_but_none_at_zero():
    assert [number(value, signed=True) for value in (0.25, -0.25, 0.0, 1.0)] == ["+0.250", "−0.250", "0.000", "+1.000"]


def test_a_defined_figure_has_its_interval_and_sorts_by_its_exact_value():
    made = shown(row(0.81239, low=0.5, high=0.9), "f1")
    assert (made.text, made.interval, made.key, made.why) == ("0.812", "0.500 to 0.900", "0.81239", "")


def test_an_undefined_figure_says_why_and_has_nothing_to_sort_by():
    made = shown(row(None), "recall")
    assert (made.text, made.key, made.why) == ("–", "", "nothing is positive")
    assert shown(row(None, n=0), "recall").why == NO_PAIR


def test_p_that_resampling_cannot_tell_from_zero_is_below_its_least():
    # 1,000 resamples: one of them on the other side of 0 is a two-sided p of 2/1000.
    assert least_p(1000) == 0.002
    assert p_words(0.0, least=0.002) == "< 0.002"
    assert p_words(0.0, least=0.0004) == "< 0.001"
    assert [p_words(p) for p in (0.0494, 1.0, 0.9999, None)] == ["0.049", "1.000", "> 0.999", "–"]


def test_p_is_corrected_after_holm_from_the_least_that_can_be_told():
    # By hand: 0 counts as 0.002; three are tested: 3 * 0.002, 2 * 0.03, 1 * 0.04 raised to the one before.
    found = corrected([0.04, None, 0.0, 0.03], least=0.002)
    assert found[1] is None
    assert [found[0], found[2], found[3]] == pytest.approx([0.06, 0.006, 0.06])
