"""A model of the transformers library in this process, on a CPU or one GPU, as a backend.

    async with TransformersBackend("models/Qwen2.5-7B-Instruct") as backend:
        answer = await backend.generate([Message("user", "Say hello.")], Sampling(max_tokens=8))

Calls that wait are answered together (see `transformers_batch`). A thread of its own has the model.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from threading import Condition, Thread
from typing import Any, Final

from labeling.core.backends.local_prompts import find_weights, need
from labeling.core.backends.opening import Opened
from labeling.core.backends.records import (
    Answer,
    BackendError,
    ChoiceLogits,
    Constraint,
    Message,
    Sampling,
    Trouble,
)
from labeling.core.backends.transformers_batch import Batch, Call
from labeling.core.backends.transformers_model import LocalModel

CLOSE_S: Final = 60.0


class TransformersBackend(Opened):
    """One model in this process. At most `max_batch` calls are answered at once; the rest wait here.

    `path` is a folder, or the name of a model in the cache of the Hugging Face hub; nothing is fetched unless
    `may_download`. `max_batch_tokens` bounds the memory of a batch: its calls times the longest that one may become.
    `max_context` is for models whose configuration does not say, or says more than is wanted. `template` goes to the
    chat template, such as {"enable_thinking": False}.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        device: str = "auto",
        dtype: str = "auto",
        max_batch: int = 64,
        max_batch_tokens: int = 131_072,
        max_context: int | None = None,
        revision: str | None = None,
        may_download: bool = False,
        template: Mapping[str, Any] | None = None,
        attention: str = "sdpa",
    ) -> None:
        self.path = str(path)
        self._device = device
        self._dtype = dtype
        self._max_batch = max_batch
        self._max_batch_tokens = max_batch_tokens
        self._max_context = max_context
        self._revision = revision
        self._may_download = may_download
        self._template = dict(template or {})
        self._attention = attention
        self._worker: _Worker | None = None
        self._fingerprint: Mapping[str, str] | None = None
        self._lacks: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"TransformersBackend({self.path!r})"

    async def aclose(self) -> None:
        """Let the model go; calls without an answer fail. A later call loads it again."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.close()
            await asyncio.to_thread(worker.join, CLOSE_S)

    async def look(self) -> None:
        """Load the model, unless it is there. Raises `BackendError`, as when there is none."""
        await self._started()

    @property
    def fingerprint(self) -> Mapping[str, str]:
        """Engine, version, model, its content by hash or revision, precision, and how constraints are imposed."""
        if self._fingerprint is None:
            raise RuntimeError("the model has not been loaded: await look() first")
        return self._fingerprint

    @property
    def lacks(self) -> tuple[str, ...]:
        """What cannot be done here, in sentences for the page of a run. Empty before `look`."""
        return self._lacks

    async def generate(
        self, messages: Sequence[Message], sampling: Sampling, constraint: Constraint | None = None
    ) -> Answer:
        """The model's answer. Raises `BackendError`: NOT_SUPPORTED for a constraint that `lacks` names."""
        answer: Answer = await self._ask(Call(tuple(messages), sampling, constraint))
        return answer

    async def choice_logits(self, messages: Sequence[Message], choices: Sequence[str]) -> ChoiceLogits:
        """Logits of the first token of each choice, exact and unrounded.

        Raises `BackendError`: NOT_SUPPORTED where two choices begin with the same token.
        """
        found: ChoiceLogits = await self._ask(Call(tuple(messages), choices=tuple(choices)))
        return found

    async def _ask(self, call: Call) -> Any:
        worker = await self._started()
        worker.put(call)
        return await asyncio.wrap_future(call.answered)

    async def _started(self) -> "_Worker":
        if self._worker is None:
            self._worker = _Worker(self._load)
            self._worker.start()
        worker = self._worker
        await asyncio.shield(asyncio.wrap_future(worker.is_loaded))
        return worker

    def _load(self) -> Batch:
        need("torch", "transformers", "safetensors", "jinja2")
        weights = find_weights(self.path, revision=self._revision, may_download=self._may_download)
        model = LocalModel(
            weights,
            device=self._device,
            dtype=self._dtype,
            max_context=self._max_context,
            attention=self._attention,
        )
        batch = Batch(model, max_rows=self._max_batch, max_tokens=self._max_batch_tokens, template=self._template)
        self._lacks = batch.limits.lacks
        self._fingerprint = {
            "engine": "transformers",
            "version": model.version,
            "model": weights.model,
            "weights": weights.identity,
            "dtype": model.dtype,
            "constraints": batch.limits.ways,
            **{f"template.{name}": str(value) for name, value in sorted(self._template.items())},
        }
        return batch


class _Worker(Thread):
    """Loads the model and answers calls, until closed or broken. `is_loaded` is done when it can, or cannot."""

    def __init__(self, load: Callable[[], Batch]) -> None:
        super().__init__(name="transformers", daemon=True)
        self._load = load
        self.is_loaded: Future[None] = Future()
        self._changed = Condition()
        self._calls: deque[Call] = deque()
        self._end: BackendError | None = None

    def put(self, call: Call) -> None:
        """Queue a call. One that comes after the end is answered with the reason."""
        with self._changed:
            self._calls.append(call)
            self._changed.notify()
        self._fail_queue()

    def close(self) -> None:
        """End after the token that is being written."""
        self._finish("the model was let go before it had answered")

    def run(self) -> None:
        """The life of the thread."""
        batch = self._loaded()
        if batch is None:
            return
        calls: list[Call] | None = []
        try:
            while (calls := self._next_calls(batch)) is not None:
                batch.add(calls)
                batch.step()
        except RuntimeError as error:  # torch: the device is gone, or the model meets what it cannot do
            self._finish(f"the model broke down ({type(error).__name__})")
        finally:
            end = self._finish("the model broke down")
            batch.fail(end)
            for call in calls or ():
                call.answer(end)

    def _loaded(self) -> Batch | None:
        end = BackendError(Trouble.REFUSED, "the model could not be loaded: standard error has the reason")
        batch = None
        try:
            batch = self._load()
        except BackendError as error:
            end = error
        finally:
            if batch is None:
                self._end = end
                self.is_loaded.set_exception(end)
                self._fail_queue()
            else:
                self.is_loaded.set_result(None)
        return batch

    def _next_calls(self, batch: Batch) -> list[Call] | None:
        """Calls that the batch has room for, none when it has enough to do; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._end is not None or self._calls or batch.n_calls)
            if self._end is not None:
                return None
            return [self._calls.popleft() for _ in range(min(len(self._calls), max(batch.room, 0)))]

    def _finish(self, message: str) -> BackendError:
        """End for this reason, unless there was one before."""
        with self._changed:
            end = self._end = self._end or BackendError(Trouble.UNREACHABLE, message)
            self._changed.notify()
        self._fail_queue()
        return end

    def _fail_queue(self) -> None:
        """Answer what is queued with the reason of the end, after it."""
        with self._changed:
            while self._end is not None and self._calls:
                self._calls.popleft().answer(self._end)
