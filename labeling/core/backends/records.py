"""What labelers and language-model backends say to each other (DESIGN section 6)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, Protocol


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Sampling:
    """How an answer is drawn: greedy unless `temperature` is above 0. `max_tokens` bounds what is generated."""

    max_tokens: int
    temperature: float = 0.0
    repetition_penalty: float = 1.0
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """The answer is one of these texts."""

    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pattern:
    """The answer matches this regular expression from its first to its last character."""

    regex: str


@dataclass(frozen=True, slots=True)
class JsonForm:
    """The answer is JSON of this JSON Schema; texts and numbers in it are bounded, or a weak model never ends."""

    schema: Mapping[str, Any]


Constraint = Choice | Pattern | JsonForm


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call. `cached` of the prompt's came out of the engine's prefix cache; None when it does not say."""

    prompt: int | None = None
    generated: int | None = None
    cached: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model wrote. `is_cut`: it reached `max_tokens`."""

    text: str
    is_cut: bool
    usage: Usage = Usage()


@dataclass(frozen=True, slots=True)
class ChoiceLogits:
    """For each choice the logit of its first token, up to a constant that all choices share, so only differences count.

    `floor`: choices that the engine did not list were given the lowest logit that it did list, an upper bound.
    """

    logits: tuple[float, ...]
    floor: frozenset[int] = frozenset()
    usage: Usage = Usage()


class Trouble(StrEnum):
    """Why a call has no answer."""

    TIMEOUT = "timeout"
    BUSY = "busy"
    UNREACHABLE = "unreachable"
    TOO_LONG = "too_long"
    REFUSED = "refused"
    NOT_SUPPORTED = "not_supported"
    NO_TEXT = "no_text"


# What may go well a little later.
PASSING = frozenset({Trouble.TIMEOUT, Trouble.BUSY, Trouble.UNREACHABLE})


class BackendError(Exception):
    """A call without an answer. The message says what was seen and expected, and holds nothing of the prompt."""

    def __init__(self, trouble: Trouble, message: str) -> None:
        super().__init__(message)
        self.trouble = trouble

    @property
    def is_passing(self) -> bool:
        """Whether the same call may go well a little later."""
        return self.trouble in PASSING


class Backend(Protocol):
    """An engine with one model. Calls may run at the same time; how many is bounded by the backend."""

    @property
    def fingerprint(self) -> Mapping[str, str]:
        """What makes answers the same: engine and version, model and revision. Goes into manifests."""
        ...

    async def generate(
        self, messages: Sequence[Message], sampling: Sampling, constraint: Constraint | None = None
    ) -> Answer:
        """The model's answer. Raises `BackendError`."""
        ...

    async def choice_logits(self, messages: Sequence[Message], choices: Sequence[str]) -> ChoiceLogits:
        """Logits of the first token of each choice as the next token; a last assistant turn is gone on with.

        Raises `BackendError`.
        """
        ...
