"""What a person has set for the reading screen: known keys of bounded size, checked before they are stored."""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

LAYOUTS = ("report", "image", "two")
# Widths are kept for each layout, and for cases without images.
PANE_SETS = (*LAYOUTS, "text")
MAX_SHARES = 2
MIN_SHARE, MAX_SHARE = 0.05, 0.9
MAX_BINDINGS = 300
MAX_CHORDS = 4
_BINDING = re.compile(r"[\x21-\x7e]{1,80}\Z")
_CHORD = re.compile(r"(?:Ctrl\+)?(?:Alt\+)?(?:Shift\+)?[^\s\x00-\x1f\x7f]{1,20}\Z")


class PreferencesError(ValueError):
    """A preference is not one that the reading screen knows; the message names it."""


def check_preferences(sent: Any) -> dict[str, Any]:
    """`sent` as it may be stored; raises `PreferencesError`. A value of None takes a preference back."""
    if not isinstance(sent, Mapping):
        raise PreferencesError("expected a JSON object")
    unknown = set(sent) - set(_CHECKS)
    if unknown:
        raise PreferencesError(f"expected only {', '.join(_CHECKS)}")
    for name, value in sent.items():
        if value is not None:
            _CHECKS[name](value)
    return dict(sent)


def merged(stored: Mapping[str, Any], sent: Mapping[str, Any]) -> dict[str, Any]:
    """What is stored with what was sent put in its place; what was sent as None is gone."""
    return {name: value for name, value in {**stored, **sent}.items() if value is not None}


def _check_layout(value: Any) -> None:
    if value not in LAYOUTS:
        raise PreferencesError(f"layout: expected one of {', '.join(LAYOUTS)}")


def _check_panes(value: Any) -> None:
    """Shares of the width, from the left; the last pane takes what they leave."""
    if not isinstance(value, Mapping) or set(value) - set(PANE_SETS):
        raise PreferencesError(f"panes: expected widths by {', '.join(PANE_SETS)}")
    for name, shares in value.items():
        is_list = isinstance(shares, list) and 0 < len(shares) <= MAX_SHARES
        if not is_list or not all(_is_share(share) for share in shares) or sum(shares) > 1 - MIN_SHARE:
            raise PreferencesError(f"panes: {name}: expected at most {MAX_SHARES} shares of the width")


def _is_share(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value) and MIN_SHARE <= value <= MAX_SHARE


def _check_keys(value: Any) -> None:
    if not isinstance(value, Mapping) or len(value) > MAX_BINDINGS:
        raise PreferencesError(f"keys: expected at most {MAX_BINDINGS} commands")
    for command, chords in value.items():
        if not _BINDING.match(command):
            raise PreferencesError("keys: a command is named by 1 to 80 plain characters")
        if not isinstance(chords, list) or len(chords) > MAX_CHORDS:
            raise PreferencesError(f"keys: {command}: expected at most {MAX_CHORDS} chords")
        if not all(isinstance(chord, str) and _CHORD.match(chord) for chord in chords):
            raise PreferencesError(f"keys: {command}: a chord reads like Ctrl+Shift+k")


def _check_flag(value: Any) -> None:
    if not isinstance(value, bool):
        raise PreferencesError("tour_done, mark_differing: expected true or false")


_CHECKS: dict[str, Callable[[Any], None]] = {
    "layout": _check_layout,
    "panes": _check_panes,
    "keys": _check_keys,
    "tour_done": _check_flag,
    "mark_differing": _check_flag,
}
