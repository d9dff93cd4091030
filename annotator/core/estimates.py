"""Counts, shares, times and rates in words, no more exact than they are known.

`static/src/runs/words.ts` says times and rates the same way in the browser.
"""

from math import floor
from typing import Final

_MILLION: Final = 1_000_000
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_IN_DAYS_S: Final = 2 * _DAY


def count_in_words(n: int) -> str:
    """`12,340`, `3.4 million`."""
    if n < _MILLION:
        return f"{n:,}"
    millions = n / _MILLION
    return f"{millions:,.0f} million" if millions >= 100 else f"{millions:.1f} million"


def percent_text(probability: float) -> str:
    """Whole percent; what rounds to none or all is said to be near it."""
    percent = 100 * probability
    if 0 < percent < 1:
        return "< 1 %"
    return "> 99 %" if 99 < percent < 100 else f"{percent:.0f} %"


def about_text(seconds: float) -> str:
    """`less than a minute`, `about 12 min`, `about 2 h 05 min`, `about 3 days 4 h`."""
    if seconds < _MINUTE:
        return "less than a minute"
    minutes = floor(seconds / _MINUTE + 0.5)
    if minutes < _HOUR / _MINUTE:
        return f"about {minutes} min"
    if seconds < _IN_DAYS_S:
        return f"about {minutes // 60} h {minutes % 60:02} min"
    hours = floor(seconds / _HOUR + 0.5)
    return f"about {hours // 24:,} days {hours % 24} h"


def range_text(least_s: float, most_s: float) -> str:
    """`about 12 min to 2 h 05 min`; one time where both are said alike."""
    least, most = about_text(least_s), about_text(most_s)
    return least if least == most else f"{least} to {most.removeprefix('about ')}"


def rate_text(per_s: float) -> str:
    """Reports per second as `1,240 a minute`, `3.4 a minute`, `12 an hour`."""
    per_minute = 60 * per_s
    if per_minute >= 10:
        return f"{per_minute:,.0f} a minute"
    if per_minute >= 1:
        return f"{per_minute:.1f} a minute"
    return f"{60 * per_minute:.1f} an hour"
