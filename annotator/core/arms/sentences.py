"""What the figures about arms say, in plain words, each with its interval or why there is none."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from annotator.core.arms.contrasts import OVERALL
from annotator.core.arms.tables import ASKED
from annotator.core.arms.times import KEY_PRESSES, OPEN_TIMES, SECONDS

Record = Mapping[str, Any]

_NO_INTERVAL: Final = ", without an interval since an arm has too few patients"
_CHANCE: Final = "chance alone may explain it"
# Shares of seats that were read may differ by so much before it is said.
_UNEVEN: Final = 0.1


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence about one question, and whether it is of a figure that could be estimated."""

    title: str
    text: str
    is_estimated: bool


def sentences(result: Record) -> list[Said]:
    """One for each thing a study asks of its arms."""
    return [
        _rate(result),
        _kept(result),
        _right(result),
        _errors(result),
        *(_saved(result, measure) for measure in (SECONDS, KEY_PRESSES)),
        _inflated(result),
    ]


def design_sentences(result: Record) -> Iterator[str]:
    """How the arms came about, and what stands in the way of figures."""
    design = result["design"]
    n = design["n_prefilled"] + design["n_blank"]
    if design["is_randomized"]:
        yield "A plan drew the arm of every reading by chance: differences between the arms are effects of pre-filling."
    elif n:
        left = n - design["n_planned"]
        yield (
            f"No plan drew the arm of {left:,} of {n:,} readings. Differences are associations, not effects: whatever "
            "led to an arm may be what causes them."
        )
    yield from design["problems"]
    yield from _uneven(result["seats"])
    if result["n_other_run"]:
        yield f"{_counted(result['n_other_run'], 'reading')} that started from another run are left out."


def _uneven(seats: Record) -> Iterator[str]:
    shares = {arm: each["n_read"] / each["n"] for arm, each in seats.items() if each["n"]}
    if len(shares) == 2 and abs(shares["prefilled"] - shares["blank"]) > _UNEVEN:
        yield (
            f"{_percent(shares['prefilled'])} of the pre-filled and {_percent(shares['blank'])} of the blank seats are "
            "read. If it is not chance which are missing, the arms differ by that too."
        )


def _rate(result: Record) -> Said:
    row = _overall(result, "positive_rate")
    if row["difference"] is None:
        return _unknown("Called positive", row)
    text = (
        f"Readers called {_percent(row['prefilled'], 1)} of cells positive pre-filled and "
        f"{_percent(row['blank'], 1)} blank: {_points(row)}."
    )
    return Said("Called positive", text, is_estimated=True)


def _kept(result: Record) -> Said:
    row = _overall(result, "anchored")
    title = "Errors of the machine that readers repeat"
    if row["difference"] is None:
        return _unknown(title, row)
    text = (
        f"Where the machine is wrong, pre-filled readers say what it says in {_percent(row['prefilled'])} of cells and "
        f"blank ones in {_percent(row['blank'])}: {_points(row)}."
    )
    return Said(title, text, is_estimated=True)


def _right(result: Record) -> Said:
    row, right = _overall(result, "f1"), _overall(result, "accuracy")
    title = "How right readers are"
    if right["difference"] is None:
        return _unknown(title, right)
    text = (
        f"Judged by others’ blind readings, {_percent(right['prefilled'], 1)} of pre-filled and "
        f"{_percent(right['blank'], 1)} of blank answers are right: {_points(right)}."
    )
    if row["difference"] is not None:
        text += f" F1 is {row['prefilled']:.3f} and {row['blank']:.3f}{_f1_ends(row)}."
    return Said(title, text, is_estimated=True)


def _errors(result: Record) -> Said:
    rows = {row["metric"]: row for row in result["errors"] if row["scope"] == OVERALL}
    caught, broken = rows["corrected"], rows["broken"]
    title = "Errors caught"
    if caught["value"] is None:
        return Said(title, "Not known: no wrong value was shown that others’ blind readings can judge.", False)
    text = f"Of {caught['n']:,.0f} wrong values shown, readers corrected {_share(caught)}."
    if broken["value"] is not None:
        text += f" Of {broken['n']:,.0f} right ones they changed {_share(broken)}."
    return Said(title, text, is_estimated=True)


def _saved(result: Record, measure: str) -> Said:
    row = next(row for row in result["saved"] if row["measure"] == measure and row["scope"] == OVERALL)
    title, unit = ("Time", " s") if measure == SECONDS else ("Key presses", "")
    if row["difference"] is None:
        return Said(title, "Not known: no reader has measured readings of one stratum in both arms.", False)
    form, amount = (",.0f" if measure == SECONDS else ",.1f"), abs(row["difference"])
    text = (
        f"A pre-filled reading took {row['prefilled_mean']:{form}}{unit} on average, a blank one "
        f"{row['blank_mean']:{form}}{unit}: {amount:{form}}{unit} {'saved' if row['difference'] < 0 else 'more'}"
        f"{_amount_ends(row, form, unit)}."
    )
    if row["ratio"] is not None:
        text += f" The median is {_percent(row['ratio'])} of the blank one{_ratio_ends(row)}."
    if row["n_left_open"]:
        text += f" {_counted(row['n_left_open'], 'reading')} of over {OPEN_TIMES} times their reader’s median left out."
    return Said(title, text, is_estimated=True)


def _inflated(result: Record) -> Said:
    row = _overall(result, "machine_f1")
    title = "What assisted gold would flatter"
    if row["difference"] is None:
        return _unknown(title, row)
    way = "higher" if row["difference"] > 0 else "lower"
    text = (
        f"With pre-filled readings as the truth, F1 of the machine is {row['prefilled']:.3f}; with blank ones "
        f"{row['blank']:.3f}: {abs(row['difference']):.3f} {way}{_ends(row, '.3f', 1)}."
    )
    return Said(title, text, is_estimated=True)


def _overall(result: Record, metric: str) -> Record:
    rows: list[Record] = result["contrasts"][ASKED[metric].question]
    return next(row for row in rows if row["metric"] == metric and row["scope"] == OVERALL)


def _unknown(title: str, row: Record) -> Said:
    return Said(title, f"Not known: {ASKED[row['metric']].why}.", is_estimated=False)


def _points(row: Record) -> str:
    points = 100 * row["difference"]
    return f"{abs(points):.1f} points {'more' if points > 0 else 'less'}{_ends(row, '.1f', 100)}"


def _ends(row: Record, form: str, scale: int) -> str:
    if row["low"] is None:
        return _NO_INTERVAL
    low, high = (_signed(scale * row[end], form) for end in ("low", "high"))
    return f" (95 % interval {low} to {high}{_maybe(row['low'], row['high'])})"


def _f1_ends(row: Record) -> str:
    return f": {_signed(row['difference'], '.3f')}{_ends(row, '.3f', 1)}"


def _amount_ends(row: Record, form: str, unit: str) -> str:
    """The interval of what is saved, or of what it takes more."""
    low, high = row["difference_low"], row["difference_high"]
    if low is None:
        return _NO_INTERVAL
    ends = (-high, -low) if row["difference"] < 0 else (low, high)
    return f" (95 % interval {' to '.join(_signed(end, form) for end in ends)}{unit}{_maybe(low, high)})"


def _ratio_ends(row: Record) -> str:
    return "" if row["ratio_low"] is None else f" ({_percent(row['ratio_low'])} to {_percent(row['ratio_high'])})"


def _share(row: Record) -> str:
    ends = "" if row["low"] is None else f" ({_percent(row['low'])} to {_percent(row['high'])})"
    return f"{_percent(row['value'])}{ends}"


def _maybe(low: float, high: float) -> str:
    return f"; {_CHANCE}" if low <= 0 <= high else ""


def _signed(value: float, form: str) -> str:
    text = format(abs(value), form)
    return f"−{text}" if value < 0 and float(text.replace(",", "")) else text


def _percent(share: float, digits: int = 0) -> str:
    return f"{100 * share:.{digits}f} %"


def _counted(n: int, noun: str) -> str:
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"
