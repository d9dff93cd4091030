"""Why a server gave no answer, in words that hold nothing of the prompt: servers quote it."""

import json
import re
from collections.abc import Iterable
from typing import Any, Final

from labeling.core.backends.records import BackendError, Trouble

MAX_MESSAGE: Final = 300
PASSING_STATUS: Final = frozenset({408, 425, 429, 500, 502, 503, 504, 529})
_TOO_LONG: Final = re.compile(
    r"context[ _](length|size|window)|maximum (model|input) length|max_model_len|longer than the (maximum )?model"
    r"|prompt is too long|input (length )?.{0,40}exceeds",
    re.IGNORECASE,
)
# Words of engines' own sentences: kept in a message although a prompt may hold them too.
_PLAIN_WORDS: Final = frozenset(
    re.findall(
        r"\w+",
        "a an and any api argument at be by can cannot choice completion context current does error exceed "
        "exceeds exist expected failed false field for found from got grammar greater has if in input integer "
        "invalid is it json key large length less limit list longer max maximum message messages missing "
        "model must name no not null number of only or output parameter pattern please prompt provide reduce "
        "request requested required response schema should size string structured support supported "
        "temperature text than that the this to token tokens too true type unknown unsupported use valid "
        "value was were with you your",
    )
)
_ESCAPED: Final = re.compile(r"\\u([0-9a-fA-F]{4})")
_WORD: Final = re.compile(r"\w+")


class NoAnswer(BackendError):
    """A request without an answer.

    `status` is that of HTTP, 0 without one. `counts` as an attempt: the server may have begun to work on it. `is_down`:
    when it answers again it may be another. `retry_after` is the header field of that name.
    """

    def __init__(
        self,
        trouble: Trouble,
        message: str,
        *,
        status: int = 0,
        counts: bool = True,
        is_down: bool = False,
        retry_after: str = "",
    ) -> None:
        super().__init__(trouble, message)
        self.status = status
        self.counts = counts
        self.is_down = is_down
        self.retry_after = retry_after

    def finally_after(self, attempts: int, waited_s: float) -> BackendError:
        """The same as the last word on a call, with what was tried."""
        tried = [f"{attempts} attempts"] if attempts > 1 else []
        tried += [f"{waited_s:.0f} s of waiting"] if waited_s else []
        message = f"{self} (after {' and '.join(tried)})" if tried else str(self)
        return NoAnswer(self.trouble, message, status=self.status)


def refusal(status: int, body: bytes, *, retry_after: str = "", secrets: Iterable[str] = ()) -> NoAnswer:
    """The error that an answer with this status stands for. `secrets` are the prompt's texts, and the key."""
    said = _said(body)
    if 300 <= status < 400:
        message = "the server sends on to another address, which is not followed: give that address"
        return NoAnswer(Trouble.REFUSED, message, status=status)
    if status in (401, 403):
        message = f"the server answers {status}: it does not take this key, or wants one"
        return NoAnswer(Trouble.REFUSED, message, status=status)
    if status == 413 or (status in (400, 422, 500) and _TOO_LONG.search(said)):
        message = "the prompt and what is to be generated are longer than the context that the server gives the model"
        return NoAnswer(Trouble.TOO_LONG, message, status=status)
    trouble = Trouble.BUSY if status in PASSING_STATUS else Trouble.REFUSED
    shown = without_secrets(said, secrets)
    message = f"the server answers {status}" + (f": {shown}" if shown else "")
    is_loading = status == 503 and "loading model" in said.lower()  # llama.cpp, while it starts
    return NoAnswer(trouble, message, status=status, counts=not is_loading, is_down=is_loading, retry_after=retry_after)


def without_secrets(message: str, secrets: Iterable[str]) -> str:
    """A message without any word of `secrets`, engines' own vocabulary excepted; bounded in length.

    Parts of a word count, as a server may quote the first letters only.
    """
    hidden = "\n".join(secrets).casefold()
    plain = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), message)
    plain = re.sub(r"\\+[nrtbf\"'\\/]", " ", plain)

    def shown(match: re.Match[str]) -> str:
        word = match[0].casefold()
        return match[0] if word in _PLAIN_WORDS or word not in hidden else "…"

    kept = _WORD.sub(shown, plain)
    kept = re.sub(r"…(?:[\W_]*…)+", "…", " ".join(kept.split()))
    return kept if len(kept) <= MAX_MESSAGE else kept[: MAX_MESSAGE - 1] + "…"


def _said(body: bytes) -> str:
    """The sentence in an error body, whichever of the usual shapes it has."""
    text = body.decode("utf-8", "replace")
    try:
        values: Any = json.loads(text)
    except ValueError:
        return "" if text.lstrip().startswith("<") else text
    for name in ("error", "detail", "message"):
        if isinstance(values, dict) and name in values:
            values = values[name]
    return values if isinstance(values, str) else json.dumps(values)
