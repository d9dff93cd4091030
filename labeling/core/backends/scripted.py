"""A backend that answers from a script and fails on what the script does not say. For tests and for counting calls."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from labeling.core.backends.records import (
    Answer,
    BackendError,
    ChoiceLogits,
    Constraint,
    Message,
    Sampling,
    Trouble,
    Usage,
)


@dataclass(frozen=True, slots=True)
class Call:
    """What a backend was asked. `sampling` is None for logits."""

    messages: tuple[Message, ...]
    sampling: Sampling | None
    constraint: Constraint | None = None
    choices: tuple[str, ...] = ()

    @property
    def question(self) -> str:
        """The last thing the labeler said."""
        return next(message.content for message in reversed(self.messages) if message.role == "user")


Script = Callable[[Call], str | Sequence[float] | BackendError | None]


@dataclass
class ScriptedBackend:
    """Gives each call to `script`: a text answers it, numbers are its logits, an error is raised, None was not written.

    An answer of more than `sampling.max_tokens` words is cut there, as an engine cuts tokens.
    """

    script: Script
    calls: list[Call] = field(default_factory=list)

    @property
    def fingerprint(self) -> Mapping[str, str]:
        """It has no model."""
        return {"engine": "scripted", "model": "scripted"}

    async def generate(
        self, messages: Sequence[Message], sampling: Sampling, constraint: Constraint | None = None
    ) -> Answer:
        """What the script says."""
        said = await self._said(Call(tuple(messages), sampling, constraint))
        if not isinstance(said, str):
            raise TypeError(f"the script answers a question with {type(said).__name__}, expected a text")
        words = said.split(" ")
        usage = Usage(_n_words(messages), min(len(words), sampling.max_tokens))
        if len(words) > sampling.max_tokens:
            return Answer(" ".join(words[: sampling.max_tokens]), is_cut=True, usage=usage)
        return Answer(said, is_cut=False, usage=usage)

    async def choice_logits(self, messages: Sequence[Message], choices: Sequence[str]) -> ChoiceLogits:
        """What the script says."""
        said = await self._said(Call(tuple(messages), None, choices=tuple(choices)))
        if isinstance(said, str) or len(said) != len(choices):
            raise TypeError(f"the script gives no logit for each of {len(choices)} choices")
        return ChoiceLogits(tuple(said), usage=Usage(_n_words(messages), 1))

    async def _said(self, call: Call) -> str | Sequence[float]:
        self.calls.append(call)
        await asyncio.sleep(0)
        said = self.script(call)
        if said is None:
            raise BackendError(Trouble.REFUSED, f"call {len(self.calls)} is not in the script")
        if isinstance(said, BackendError):
            raise said
        return said


def _n_words(messages: Sequence[Message]) -> int:
    return sum(len(message.content.split()) for message in messages)
