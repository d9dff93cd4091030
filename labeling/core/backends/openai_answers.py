"""Reads chat completions: text, usage, and the logits of choices for the first token."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from labeling.core.backends.openai_errors import NoAnswer
from labeling.core.backends.records import Answer, ChoiceLogits, Trouble, Usage

# Engines list tokens that a constraint forbids at -9999 or so; no token that is allowed comes near.
_FORBIDDEN: Final = -1000.0


@dataclass(frozen=True, slots=True)
class ListedToken:
    """A candidate for the first token, as the engine lists it."""

    token: str
    logprob: float


@dataclass(frozen=True, slots=True)
class FirstToken:
    """What an engine says of the first token. `listed` holds only tokens that could have come."""

    listed: tuple[ListedToken, ...]
    usage: Usage


def read_answer(values: Any) -> Answer:
    """Text of a chat completion. Raises `NoAnswer` when there is none, or the engine gave up in the middle."""
    choice = _choice(values)
    message = choice.get("message")
    text = message.get("content") if isinstance(message, dict) else None
    if not isinstance(message, dict) or not isinstance(text, str | None):
        raise _unexpected("choices[0].message.content")
    return Answer(text or "", is_cut=choice.get("finish_reason") == "length", usage=_usage(values))


def read_first_token(values: Any) -> FirstToken:
    """The tokens that the engine lists for the first position, best first. Raises `NoAnswer` when it lists none."""
    choice = _choice(values)
    try:
        entries = choice["logprobs"]["content"][0]["top_logprobs"]
        listed = [ListedToken(str(entry["token"]), float(entry["logprob"])) for entry in entries]
    except (KeyError, IndexError, TypeError, ValueError):
        listed = []
    allowed = [token for token in listed if math.isfinite(token.logprob) and token.logprob > _FORBIDDEN]
    if not allowed:
        raise NoAnswer(Trouble.NOT_SUPPORTED, "the server gives no log-probabilities of the first token")
    return FirstToken(tuple(sorted(allowed, key=lambda token: -token.logprob)), _usage(values))


def logits_by_token(first: FirstToken, tokens: Sequence[str]) -> ChoiceLogits:
    """Logits of choices that begin with these tokens. Raises `NoAnswer` where two begin with the same one."""
    for index, token in enumerate(tokens):
        if token in tokens[:index]:
            raise _same_token(tokens.index(token), index)
    known = {token.token: token.logprob for token in reversed(first.listed)}
    return _with_floor(first, [known.get(token) for token in tokens])


def logits_by_text(first: FirstToken, choices: Sequence[str]) -> ChoiceLogits:
    """Logits of choices by the text of their first token, spaces around it aside, in the case of the choice.

    The token of a choice is the longest that the choice begins with and no other choice does. Raises `NoAnswer` where
    all that are listed for one are another's as well.
    """
    found: list[float | None] = []
    for index, choice in enumerate(choices):
        starts = [token for token in first.listed if token.token.strip() and choice.startswith(token.token.strip())]
        others = [other for other in choices if other != choice]
        own = [token for token in starts if not any(other.startswith(token.token.strip()) for other in others)]
        if starts and not own:
            shared = max(starts, key=lambda token: len(token.token.strip())).token.strip()
            other = next((i for i, text in enumerate(choices) if i != index and text.startswith(shared)), index)
            raise _same_token(*sorted((index, other)))
        best = max(own, key=lambda token: (len(token.token.strip()), token.logprob), default=None)
        found.append(best.logprob if best else None)
    return _with_floor(first, found)


def _with_floor(first: FirstToken, found: Sequence[float | None]) -> ChoiceLogits:
    lowest = first.listed[-1].logprob
    floor = frozenset(index for index, logit in enumerate(found) if logit is None)
    return ChoiceLogits(tuple(lowest if logit is None else logit for logit in found), floor, first.usage)


def _same_token(one: int, other: int) -> NoAnswer:
    message = f"choices {one + 1} and {other + 1} begin with the same token, so that their logits cannot be told apart"
    return NoAnswer(Trouble.NOT_SUPPORTED, message)


def _choice(values: Any) -> Mapping[str, Any]:
    """The first choice of a completion that ended as it should."""
    choices = values.get("choices") if isinstance(values, dict) else None
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise _unexpected("choices[0]")
    choice: Mapping[str, Any] = choices[0]
    reason = choice.get("finish_reason")
    if reason in ("abort", "error"):
        raise NoAnswer(Trouble.BUSY, "the engine gave up in the middle of an answer", is_down=True)
    if reason == "content_filter":
        raise NoAnswer(Trouble.REFUSED, "a filter of the server stopped the answer")
    return choice


def _unexpected(place: str) -> NoAnswer:
    return NoAnswer(Trouble.REFUSED, f"the server answers without {place}, expected a chat completion")


def _usage(values: Mapping[str, Any]) -> Usage:
    usage = values.get("usage")
    if not isinstance(usage, dict):
        return Usage()
    details = usage.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else None
    return Usage(_count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens")), _count(cached))


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
