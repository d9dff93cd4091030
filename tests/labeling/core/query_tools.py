"""Scripts that answer the query labelers."""

from collections.abc import Callable

from labeling.core.backends.scripted import Call, ScriptedBackend

Logits = tuple[float, float]


def query_backend(
    logits: Logits | Callable[[Call], Logits] = (0.0, 1.0), summary: str = "No cord lesion."
) -> ScriptedBackend:
    """Gives `logits` of yes and no, and `summary` where one is to be written."""

    def script(call: Call) -> str | Logits:
        if call.sampling is not None:
            return summary
        return logits if isinstance(logits, tuple) else logits(call)

    return ScriptedBackend(script)


def generations(backend: ScriptedBackend) -> list[Call]:
    """Calls in which something was written."""
    return [call for call in backend.calls if call.sampling is not None]


def forwards(backend: ScriptedBackend, finding: str = "") -> list[Call]:
    """Calls for logits, of one finding when it is given."""
    about = f"The condition in question is {finding}"
    return [call for call in backend.calls if call.sampling is None and about in call.question]
