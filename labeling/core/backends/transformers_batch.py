"""Answers many calls at once with one model: calls join and leave the batch between any two tokens.

Continuous batching of the library itself (`generate_batch`, transformers 5.19) is not used: there a repetition penalty
sees the last token only (pull request 48468), a call has neither a constraint nor a penalty of its own, and logits of
chosen tokens cannot be had.

Rows are padded on the left; a row's place in the padding changes nothing but rounding. A model whose cache cannot be
joined (sliding windows, state spaces) takes a new batch when the last has ended.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from labeling.core.backends.local_limits import Limit, Limits
from labeling.core.backends.local_prompts import first_tokens, prompt_ids, room_for_answer
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
from labeling.core.backends.transformers_model import LocalModel

PREFILL_TOKENS: Final = 16_384  # of prompts that go through the model at once, padding included


@dataclass(eq=False, slots=True)
class Call:
    """What was asked; `sampling` is None for logits. A cancelled future takes the call out of queue and batch."""

    messages: tuple[Message, ...]
    sampling: Sampling | None = None
    constraint: Constraint | None = None
    choices: tuple[str, ...] = ()
    answered: "Future[Any]" = field(default_factory=Future)

    def answer(self, said: Answer | ChoiceLogits | BackendError) -> None:
        """Give the answer, if it is still wanted."""
        with suppress(InvalidStateError):
            if isinstance(said, BackendError):
                self.answered.set_exception(said)
            else:
                self.answered.set_result(said)


@dataclass(eq=False, slots=True)
class Row:
    """A call in tokens. `choices` are the first tokens whose logits are asked for."""

    call: Call
    prompt: list[int]
    most: int
    choices: list[int]
    limit: Limit | None = None
    draw: Any = None
    seen: Any = None
    written: list[int] = field(default_factory=list)

    @property
    def length(self) -> int:
        """Tokens so far."""
        return len(self.prompt) + len(self.written)

    @property
    def longest(self) -> int:
        """Tokens that it may come to."""
        return len(self.prompt) + self.most

    def take(self, token: int, stops: frozenset[int]) -> bool:
        """Go on with a token; whether that was the last one."""
        self.written.append(token)
        if self.seen is not None:
            self.seen[token] = True
        is_complete = self.limit is not None and self.limit.take(token)
        return is_complete or token in stops or len(self.written) >= self.most


class Batch:
    """The calls that are being answered. Not to be used from two threads.

    At most `max_rows` calls, whose tokens at their longest, padding included, are at most `max_tokens`.
    """

    def __init__(self, model: LocalModel, *, max_rows: int, max_tokens: int, template: dict[str, Any]) -> None:
        self._model = model
        self._template = template
        self.limits = Limits(model.tokenizer, n_tokens=model.n_tokens, stops=model.stops)
        self._max_rows = max_rows
        self._max_tokens = max_tokens
        self._waiting: deque[Row] = deque()
        self._reading: list[Row] = []
        self._joins = True
        self._clear()

    @property
    def n_calls(self) -> int:
        """Calls that wait or are being answered."""
        return len(self._waiting) + len(self._reading) + len(self._rows)

    @property
    def room(self) -> int:
        """How many more calls it takes."""
        return self._max_rows - self.n_calls

    def add(self, calls: Iterable[Call]) -> None:
        """Put calls in the queue; those that cannot be asked are answered with an error at once."""
        for call in calls:
            try:
                self._waiting.append(self._row(call))
            except BackendError as error:
                call.answer(error)

    def fail(self, error: BackendError) -> None:
        """Answer all calls with this error."""
        for row in [*self._waiting, *self._reading, *self._rows]:
            row.call.answer(error)
        self._waiting.clear()
        self._reading = []
        self._clear()

    def step(self) -> None:
        """Read the prompts that there is room for, then write one token of each answer."""
        import torch

        try:
            with torch.inference_mode():
                while group := self._next_prompts():
                    self._reading = group
                    self._read(group)
                    self._reading = []
                self._write()
        except torch.OutOfMemoryError:
            self._shrink()

    def _row(self, call: Call) -> Row:
        import torch

        prompt = prompt_ids(self._model.tokenizer, call.messages, self._template)
        asked = call.sampling or Sampling(max_tokens=1)
        most = room_for_answer(len(prompt), max_tokens=asked.max_tokens, context=self._model.context)
        row = Row(call, prompt, most, first_tokens(self._model.tokenizer, call.choices))
        row.limit = self.limits.of(call.constraint)
        if asked.repetition_penalty != 1.0:
            row.seen = torch.zeros(self._model.n_tokens, dtype=torch.bool, device=self._model.device)
            row.seen[torch.tensor(prompt, device=self._model.device)] = True
        if asked.temperature > 0:
            row.draw = torch.Generator(self._model.device)
            row.draw.seed() if asked.seed is None else row.draw.manual_seed(asked.seed)
        return row

    def _clear(self) -> None:
        self._rows: list[Row] = []
        self._cache: Any = None
        self._mask: Any = None
        self._scores: Any = None

    def _next_prompts(self) -> list[Row]:
        """The calls, first come first served, that can be read together now."""
        if self._rows and not self._joins:
            return []
        group: list[Row] = []
        longest = max((row.longest for row in self._rows), default=0)
        width = 0
        while self._waiting:
            row = self._waiting[0]
            if row.call.answered.cancelled():
                self._waiting.popleft()
                continue
            n_rows = len(self._rows) + len(group) + 1
            longest, width = max(longest, row.longest), max(width, len(row.prompt))
            is_full = n_rows > self._max_rows or n_rows * longest > self._max_tokens
            if n_rows > 1 and (is_full or (len(group) + 1) * width > max(PREFILL_TOKENS, len(row.prompt))):
                break
            group.append(self._waiting.popleft())
        return group

    def _read(self, group: Sequence[Row]) -> None:
        """Put prompts through the model: answer those that want logits, take the others into the batch."""
        import torch

        device = self._model.device
        width = max(len(row.prompt) for row in group)
        ids = torch.zeros((len(group), width), dtype=torch.long)
        mask = torch.zeros((len(group), width), dtype=torch.long)
        for index, row in enumerate(group):
            ids[index, width - len(row.prompt) :] = torch.tensor(row.prompt)
            mask[index, width - len(row.prompt) :] = 1
        positions = (mask.cumsum(-1) - 1).clamp(min=0)
        going_on = [index for index, row in enumerate(group) if row.call.sampling is not None]
        scores, cache = self._model.look(ids.to(device), mask.to(device), positions.to(device), keeps=bool(going_on))
        for index, row in enumerate(group):
            if row.call.sampling is None:
                logits = tuple(scores[index, row.choices].tolist())
                row.call.answer(ChoiceLogits(logits, usage=Usage(len(row.prompt), 0, 0)))
        if going_on:
            self._join([group[index] for index in going_on], going_on, cache, mask.to(device), scores)

    def _join(self, rows: Sequence[Row], chosen: Sequence[int], cache: Any, mask: Any, scores: Any) -> None:
        import torch

        index = torch.tensor(chosen, device=scores.device)
        if len(chosen) < len(scores):
            cache.reorder_cache(index)
        mask, scores = mask[index], scores[index]
        if not self._rows:
            self._joins = _is_plain(cache)
            self._cache, self._mask, self._scores = cache, mask, scores
        else:
            width = max(self._mask.shape[1], mask.shape[1])
            for ours, theirs in zip(self._cache.layers, cache.layers, strict=True):
                ours.keys = torch.cat([_wide(ours.keys, width, 2), _wide(theirs.keys, width, 2)])
                ours.values = torch.cat([_wide(ours.values, width, 2), _wide(theirs.values, width, 2)])
            self._mask = torch.cat([_wide(self._mask, width, 1), _wide(mask, width, 1)])
            self._scores = torch.cat([self._scores, scores])
        self._rows.extend(rows)

    def _write(self) -> None:
        """One token of each answer: choose it, end what is complete, look at the next."""
        import torch

        self._keep([index for index, row in enumerate(self._rows) if not row.call.answered.cancelled()])
        if not self._rows:
            return
        tokens = self._chosen()
        going_on = []
        for index, (row, token) in enumerate(zip(self._rows, tokens, strict=True)):
            if row.take(token, self._model.stops):
                row.call.answer(self._answer(row))
            else:
                going_on.append(index)
        self._keep(going_on)
        if not self._rows:
            return
        ids = torch.tensor([[row.written[-1]] for row in self._rows], device=self._model.device)
        positions = torch.tensor([[row.length - 1] for row in self._rows], device=self._model.device)
        self._mask = torch.cat([self._mask, self._mask.new_ones((len(self._rows), 1))], dim=1)
        self._scores, self._cache = self._model.look(ids, self._mask, positions, self._cache)

    def _chosen(self) -> list[int]:
        """The next token of each row, within its constraint."""
        import torch

        for row, scores in zip(self._rows, self._scores, strict=True):
            if row.seen is not None and row.call.sampling is not None:
                penalty = row.call.sampling.repetition_penalty
                lower = torch.where(scores < 0, scores * penalty, scores / penalty)
                scores.copy_(torch.where(row.seen, lower, scores))
            if row.limit is not None:
                row.limit.narrow(scores)
        tokens: list[int] = self._scores.argmax(-1).tolist()
        for index, row in enumerate(self._rows):
            if row.draw is not None and row.call.sampling is not None:
                shares = torch.softmax(self._scores[index] / row.call.sampling.temperature, -1)
                tokens[index] = int(torch.multinomial(shares, 1, generator=row.draw))
        return tokens

    def _answer(self, row: Row) -> Answer:
        is_ended = row.written[-1] in self._model.stops
        known = row.limit.text if row.limit is not None else None
        text = self._model.text_of(row.written) if known is None else known
        is_cut = known is None and not is_ended
        return Answer(text, is_cut=is_cut, usage=Usage(len(row.prompt), len(row.written), 0))

    def _keep(self, kept: Sequence[int]) -> None:
        """Leave only these rows in the batch, and no column that is padding in all of them."""
        import torch

        if len(kept) == len(self._rows):
            return
        if not kept:
            self._clear()
            return
        index = torch.tensor(kept, device=self._scores.device)
        self._rows = [self._rows[place] for place in kept]
        self._cache.reorder_cache(index)
        self._mask, self._scores = self._mask[index], self._scores[index]
        empty = int(self._mask.shape[1] - self._mask.sum(1).max())
        if empty and self._joins:
            self._mask = self._mask[:, empty:]
            for layer in self._cache.layers:
                layer.keys, layer.values = layer.keys[:, :, empty:], layer.values[:, :, empty:]

    def _shrink(self) -> None:
        """Begin again with half as many rows; a call that does not fit alone has no answer."""
        import torch

        rows = list(dict.fromkeys([*self._rows, *self._reading]))
        self._reading = []
        self._clear()
        if len(rows) == 1:
            message = f"a prompt of {len(rows[0].prompt)} tokens needs more memory than the device has"
            rows[0].call.answer(BackendError(Trouble.TOO_LONG, message))
        else:
            self._max_rows = max(1, len(rows) // 2)
        again = [self._row(row.call) for row in rows if not row.call.answered.done()]
        self._waiting.extendleft(reversed(again))
        torch.cuda.empty_cache()


def _is_plain(cache: Any) -> bool:
    """Whether each layer keeps all keys and values side by side, so that two caches can be put together."""
    from transformers import DynamicCache
    from transformers.cache_utils import DynamicLayer

    return type(cache) is DynamicCache and all(type(layer) is DynamicLayer for layer in cache.layers)


def _wide(tensor: Any, width: int, axis: int) -> Any:
    """`tensor` with zeros in front along an axis, up to this width."""
    import torch

    missing = width - tensor.shape[axis]
    if not missing:
        return tensor
    shape = list(tensor.shape)
    shape[axis] = missing
    return torch.cat([tensor.new_zeros(shape), tensor], dim=axis)
