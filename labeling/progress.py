"""One line of progress on a terminal: how many, how fast, how long still."""

import time
from collections.abc import Callable
from typing import Final, TextIO

_REDRAW_S: Final = 0.2


class Progress:
    """Redraws its line at most five times a second. `clock` returns seconds."""

    def __init__(self, terminal: TextIO, *, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._terminal = terminal
        self._total = total
        self._clock = clock
        self._start_s = clock()
        self._drawn_s = self._start_s

    def show(self, done: int, *, skipped: int = 0, note: str = "") -> None:
        """Draw that `done` of the total are done, unless it was drawn a moment ago.

        `skipped` of them took no time and say nothing about the rate. `note` stands at the end.
        """
        now_s = self._clock()
        if now_s - self._drawn_s < _REDRAW_S:
            return
        self._drawn_s = now_s
        line = self.line(done, elapsed_s=now_s - self._start_s, skipped=skipped)
        self._terminal.write("\r" + (f"{line}  {note}" if note else line) + "\x1b[K")
        self._terminal.flush()

    def line(self, done: int, *, elapsed_s: float, skipped: int = 0) -> str:
        """Bar, count, rate and time left."""
        share = min(1.0, done / self._total) if self._total else 1.0
        bar = "#" * round(20 * share)
        rate = (done - skipped) / elapsed_s if elapsed_s > 0 else 0.0
        shown = f"{60 * rate:,.1f}/min" if 0 < rate < 1 else f"{rate:,.0f}/s"
        text = f"[{bar:<20}] {done:,} of {self._total:,}  {shown}"
        if rate == 0:
            return text
        minutes, seconds = divmod(round((self._total - done) / rate), 60)
        hours, minutes = divmod(minutes, 60)
        left = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
        return f"{text}  {left} left"

    def clear(self) -> None:
        """Take the line away."""
        self._terminal.write("\r\x1b[K")
        self._terminal.flush()
