"""An engine that answers from a script and counts what a real one would: tokens, and hits of its prefix cache.

Conversations are laid out as in ChatML, the template of Qwen. The cache works as vLLM's: blocks of 16 tokens, each
known by itself and all before it, what was generated included; the last token of a prompt is always computed. Unlike
vLLM's it starts empty with each report and loses nothing. Calls are taken in the order in which a labeler makes them.
"""

import asyncio
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import cycle
from typing import Final

from benchmarks.tekken import Tokenizer
from labeling.core.backends import Answer, ChoiceLogits, Constraint, Message, Sampling, Usage
from labeling.core.backends.scripted import Call

BLOCK: Final = 16
_START, _END = 2**31, 2**31 + 1
_REMEMBERED: Final = 4096


class PrefixCache:
    """Which blocks of 16 tokens were computed, by themselves and all tokens before them."""

    def __init__(self) -> None:
        self._known: set[int] = set()

    def n_cached(self, tokens: "array[int]") -> int:
        """Tokens at the beginning that need not be computed."""
        n_blocks = 0
        for key in _keys(tokens, len(tokens) - 1):
            if key not in self._known:
                break
            n_blocks += 1
        return n_blocks * BLOCK

    def keep(self, tokens: "array[int]") -> None:
        """These are computed now."""
        self._known.update(_keys(tokens, len(tokens)))


def _keys(tokens: "array[int]", n_tokens: int) -> list[int]:
    content, width, parent = tokens.tobytes(), tokens.itemsize * BLOCK, 0
    keys = []
    for start in range(0, n_tokens // BLOCK * width, width):
        parent = hash((parent, content[start : start + width]))
        keys.append(parent)
    return keys


@dataclass(frozen=True, slots=True)
class Counted:
    """One call: its tokens, and whether they were written freely (reasoning, a list of quotes) or held to a form."""

    prompt: int
    cached: int
    generated: int
    is_free: bool


@dataclass
class SimulatedEngine:
    """A backend for one report. `script` gives the text of an answer, or the logits of the choices.

    Replicas, each with a cache of its own, take calls in turn.
    """

    script: Callable[[Call], str | Sequence[float]]
    tokenizer: Tokenizer
    n_replicas: int = 1
    counted: list[Counted] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._caches = cycle(PrefixCache() for _ in range(self.n_replicas))
        encode = self.tokenizer.encode
        self._tokens = lru_cache(_REMEMBERED)(encode)

    @property
    def fingerprint(self) -> Mapping[str, str]:
        """It has no model."""
        return {"engine": "simulated", "model": "simulated"}

    async def generate(
        self, messages: Sequence[Message], sampling: Sampling, constraint: Constraint | None = None
    ) -> Answer:
        """What the script says, cut at `sampling.max_tokens`. A token ends an answer that is not cut."""
        said = self.script(Call(tuple(messages), sampling, constraint))
        if not isinstance(said, str):
            raise TypeError(f"the script answers a question with {type(said).__name__}, expected a text")
        answer = self._tokens(said)
        is_cut = len(answer) >= sampling.max_tokens
        if len(answer) > sampling.max_tokens:
            raise ValueError(f"the script says {len(answer)} tokens where {sampling.max_tokens} are allowed")
        n_generated = len(answer) + (not is_cut)
        usage = await self._run(messages, answer, n_generated=n_generated, is_free=constraint is None)
        return Answer(said, is_cut=is_cut, usage=usage)

    async def choice_logits(self, messages: Sequence[Message], choices: Sequence[str]) -> ChoiceLogits:
        """What the script says; an engine generates one token for it."""
        said = self.script(Call(tuple(messages), None, choices=tuple(choices)))
        if isinstance(said, str):
            raise TypeError("the script gives a text, expected logits")
        usage = await self._run(messages, array("I"), n_generated=1, is_free=False)
        return ChoiceLogits(tuple(said), usage=usage)

    async def _run(
        self, messages: Sequence[Message], answer: "array[int]", *, n_generated: int, is_free: bool
    ) -> Usage:
        prompt = self._laid_out(messages)
        cache = next(self._caches)
        cached = cache.n_cached(prompt)
        cache.keep(prompt)
        await asyncio.sleep(0)
        cache.keep(prompt + answer)
        self.counted.append(Counted(len(prompt), cached, n_generated, is_free))
        return Usage(len(prompt), n_generated, cached)

    def _laid_out(self, messages: Sequence[Message]) -> "array[int]":
        tokens = array("I")
        for place, turn in enumerate(messages):
            tokens.append(_START)
            tokens += self._tokens(f"{turn.role}\n") + self._tokens(turn.content)
            if turn.role == "assistant" and place == len(messages) - 1:
                return tokens
            tokens.append(_END)
            tokens += self._tokens("\n")
        tokens.append(_START)
        return tokens + self._tokens("assistant\n")
