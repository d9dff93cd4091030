"""Raw answers that leave the site."""

from collections.abc import Iterator

from annotator.models import Event, User
from labeling.models import Run
from labeling.selectors.answers import call_lines
from labeling.services.states import log


def export_calls(*, run: Run, actor: User | None) -> Iterator[bytes]:
    """The answered calls of the run as JSON Lines, made while they are sent, and an event that they were."""
    log(run, actor, Event.Verb.LABELS_EXPORTED, {"what": "calls", "format": "jsonl"})
    return _joined(call_lines(run))


def _joined(lines: Iterator[bytes], size: int = 64 * 1024) -> Iterator[bytes]:
    """`lines` in pieces of a size worth sending."""
    waiting = bytearray()
    for line in lines:
        waiting += line
        if len(waiting) >= size:
            yield bytes(waiting)
            waiting.clear()
    yield bytes(waiting)
