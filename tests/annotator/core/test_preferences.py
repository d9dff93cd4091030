"""Preferences: known keys of bounded size, nothing else."""

import pytest

from annotator.core.preferences import PreferencesError, check_preferences, merged


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"layout": "two"},
        {"panes": {"report": [0.4, 0.3], "text": [0.5]}},
        {"keys": {"value:+": ["1", "Ctrl+Shift+k"], "help": []}},
        {"tour_done": True, "layout": None},
        {"mark_differing": False},
    ],
)
def test_what_the_screen_knows_is_taken_as_it_is(sent):
    assert check_preferences(sent) == sent


@pytest.mark.parametrize(
    "sent",
    [
        [],
        "x",
        {"colour": "red"},
        {"layout": "four"},
        {"panes": {"report": []}},
        {"panes": {"report": [0.5, 0.5]}},
        {"panes": {"report": [True]}},
        {"panes": {"report": [float("nan")]}},
        {"panes": {"report": [-1]}},
        {"panes": {"elsewhere": [0.5]}},
        {"keys": {"a b": ["1"]}},
        {"keys": {"help": ["?"] * 5}},
        {"keys": {"help": ["x" * 60]}},
        {"keys": {"help": [1]}},
        {"keys": {f"c{number}": [] for number in range(301)}},
        {"tour_done": 1},
        {"mark_differing": "no"},
    ],
    ids=range(17),
)
def test_anything_else_is_refused(sent):
    with pytest.raises(PreferencesError):
        check_preferences(sent)


def test_keys_replace_each_other_one_by_one_and_none_takes_back():
    stored = {"layout": "two", "tour_done": True}
    assert merged(stored, {"layout": "image"}) == {"layout": "image", "tour_done": True}
    assert merged(stored, {"layout": None}) == {"tour_done": True}
