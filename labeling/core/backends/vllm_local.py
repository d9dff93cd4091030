"""vLLM in this process as a backend, for a Celery worker that has a GPU.

    async with VllmBackend("models/Qwen2.5-7B-Instruct", max_model_len=8192) as backend:
        answer = await backend.generate([Message("user", "Say hello.")], Sampling(max_tokens=8))

The engine starts a process of its own, which a worker of Celery's prefork pool may not: start it with `--pool threads`
or `--pool solo`. Unlike a server, it gives the logits of choices as they are, of any number of them.
"""

import asyncio
import multiprocessing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from labeling.core.backends.local_prompts import (
    Weights,
    find_weights,
    first_tokens,
    need,
    prompt_ids,
    room_for_answer,
    said_of,
)
from labeling.core.backends.opening import Opened
from labeling.core.backends.records import (
    Answer,
    BackendError,
    Choice,
    ChoiceLogits,
    Constraint,
    JsonForm,
    Message,
    Pattern,
    Sampling,
    Trouble,
    Usage,
)

# What the engine is started with, unless told otherwise: what was read before is kept, and a weak model may not fill
# JSON with spaces until it is cut.
_ENGINE: Final[Mapping[str, Any]] = {
    "enable_prefix_caching": True,
    "logprobs_mode": "raw_logits",
    "structured_outputs_config": {"backend": "xgrammar", "disable_any_whitespace": True},
    "disable_log_stats": True,
    "trust_remote_code": False,
    "max_model_len": -1,  # the model's, or as much of it as there is memory for
}

# Of what it is told, what only decides how fast it is: runs may go on with another value.
_SPEED: Final = frozenset(
    {
        *("disable_log_stats", "enable_prefix_caching", "enforce_eager", "gpu_memory_utilization"),
        *("max_num_batched_tokens", "max_num_seqs", "tensor_parallel_size"),
    }
)


class VllmBackend(Opened):
    """One model in an engine that this process has started. Of one event loop; `concurrency` calls are in flight.

    `path` is a folder, or the name of a model in the cache of the Hugging Face hub; nothing is fetched unless
    `may_download`. `template` goes to the chat template, `engine` to vLLM's `AsyncEngineArgs`.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        concurrency: int = 256,
        revision: str | None = None,
        may_download: bool = False,
        template: Mapping[str, Any] | None = None,
        **engine: Any,
    ) -> None:
        self.path = str(path)
        self._revision = revision
        self._may_download = may_download
        self._template = dict(template or {})
        self._options = engine
        self._slots = asyncio.Semaphore(concurrency)
        self._starting = asyncio.Lock()
        self._engine: Any = None
        self._tokenizer: Any = None
        self._context = 0
        self._fingerprint: Mapping[str, str] | None = None

    def __repr__(self) -> str:
        return f"VllmBackend({self.path!r})"

    async def aclose(self) -> None:
        """End the engine; a later call starts it again."""
        engine, self._engine = self._engine, None
        if engine is not None:
            await asyncio.to_thread(engine.shutdown)

    async def look(self) -> None:
        """Start the engine, unless it runs: a minute or more. Raises `BackendError`, as when there is no such model."""
        async with self._starting:
            if self._engine is None:
                weights, self._engine = await asyncio.to_thread(self._start)
                self._tokenizer = self._engine.get_tokenizer()
                self._context = int(self._engine.model_config.max_model_len)
                self._fingerprint = self._identify(weights)

    @property
    def fingerprint(self) -> Mapping[str, str]:
        """Engine, version, model, its content by hash or revision, precision, and what the engine was told."""
        if self._fingerprint is None:
            raise RuntimeError("the engine has not been started: await look() first")
        return self._fingerprint

    @property
    def lacks(self) -> tuple[str, ...]:
        """Nothing."""
        return ()

    async def generate(
        self, messages: Sequence[Message], sampling: Sampling, constraint: Constraint | None = None
    ) -> Answer:
        """The model's answer. Raises `BackendError`."""
        await self.look()
        from vllm import SamplingParams

        ids = prompt_ids(self._tokenizer, messages, self._template)
        fields: dict[str, Any] = {
            "max_tokens": room_for_answer(len(ids), max_tokens=sampling.max_tokens, context=self._context),
            "temperature": sampling.temperature,
            "repetition_penalty": sampling.repetition_penalty,
            "seed": sampling.seed,
        }
        output = await self._ask(ids, SamplingParams(**fields, **_constrained(constraint)))
        said = output.outputs[0]
        if said.finish_reason not in ("stop", "length"):
            raise BackendError(Trouble.BUSY, "the engine gave up in the middle of an answer")
        return Answer(said.text, is_cut=said.finish_reason == "length", usage=_usage(output))

    async def choice_logits(self, messages: Sequence[Message], choices: Sequence[str]) -> ChoiceLogits:
        """Logits of the first token of each choice, in the engine's precision.

        Raises `BackendError`: NOT_SUPPORTED where two choices begin with the same token.
        """
        await self.look()
        from vllm import SamplingParams

        ids = prompt_ids(self._tokenizer, messages, self._template)
        room_for_answer(len(ids), max_tokens=1, context=self._context)
        tokens = first_tokens(self._tokenizer, choices)
        output = await self._ask(ids, SamplingParams(max_tokens=1, temperature=0.0, logprob_token_ids=tokens))
        listed = output.outputs[0].logprobs
        if not listed or not set(tokens) <= set(listed[0]):
            raise BackendError(Trouble.BUSY, "the engine gave up before it had the logits")
        return ChoiceLogits(tuple(float(listed[0][token].logprob) for token in tokens), usage=_usage(output))

    async def _ask(self, ids: list[int], params: Any) -> Any:
        """What the engine has at the end. A cancelled call is taken out of the engine."""
        from vllm.exceptions import VLLMClientError
        from vllm.sampling_params import RequestOutputKind
        from vllm.v1.engine.exceptions import EngineDeadError, EngineGenerateError

        params.output_kind = RequestOutputKind.FINAL_ONLY
        outputs = []  # the last alone, as it was asked for
        try:
            async with self._slots:
                said = self._engine.generate({"prompt_token_ids": ids}, params, uuid4().hex)
                outputs = [output async for output in said]
        except EngineDeadError:
            raise BackendError(Trouble.UNREACHABLE, "the engine has ended: its log says why") from None
        except EngineGenerateError:
            raise BackendError(Trouble.BUSY, "the engine gave up in the middle of an answer") from None
        except (VLLMClientError, ValueError) as error:  # its words may quote the prompt
            limited = "; can a grammar be built of the constraint?" if params.structured_outputs else ""
            message = f"the engine refuses the call ({type(error).__name__}){limited}"
            raise BackendError(Trouble.REFUSED, message) from None
        if not outputs:
            raise BackendError(Trouble.BUSY, "the engine gave no answer")
        return outputs[-1]

    def _start(self) -> tuple[Weights, Any]:
        need("vllm", "jinja2")
        if multiprocessing.current_process().daemon:
            message = "vLLM starts a process of its own, which this one may not: start the worker with --pool threads"
            raise BackendError(Trouble.NOT_SUPPORTED, f"{message} or --pool solo")
        try:
            from vllm import AsyncEngineArgs
            from vllm.platforms import current_platform
            from vllm.usage.usage_lib import is_usage_stats_enabled
            from vllm.v1.engine.async_llm import AsyncLLM
        except ImportError as error:
            raise BackendError(Trouble.NOT_SUPPORTED, f"vLLM cannot be loaded ({said_of(error)})") from None
        if is_usage_stats_enabled():
            message = "vLLM would report its use to its makers: set VLLM_NO_USAGE_STATS=1 for this command or worker"
            raise BackendError(Trouble.REFUSED, message)
        weights = find_weights(self.path, revision=self._revision, may_download=self._may_download)
        options = {**_ENGINE, "enforce_eager": current_platform.is_cpu(), **self._options}  # compiling takes minutes
        try:
            return weights, AsyncLLM.from_engine_args(AsyncEngineArgs(model=str(weights.folder), **options))
        except (OSError, ValueError, RuntimeError, TypeError) as error:
            message = f"vLLM does not start with the model {weights.model}; its log may say more: {said_of(error)}"
            raise BackendError(Trouble.REFUSED, message) from error

    def _identify(self, weights: Weights) -> Mapping[str, str]:
        from vllm import __version__

        told = {name: value for name, value in self._options.items() if name not in _SPEED}
        told |= {f"template.{name}": value for name, value in self._template.items()}
        return {
            "engine": "vllm",
            "version": str(__version__),
            "model": weights.model,
            "weights": weights.identity,
            "dtype": str(self._engine.model_config.dtype).removeprefix("torch."),
            "constraints": "choice,pattern,json=structured_outputs",
            **{f"extra.{name}": str(value) for name, value in sorted(told.items())},
        }


def _constrained(constraint: Constraint | None) -> dict[str, Any]:
    from vllm.sampling_params import StructuredOutputsParams

    match constraint:
        case None:
            return {}
        case Choice(options):
            return {"structured_outputs": StructuredOutputsParams(choice=list(options))}
        case Pattern(regex):
            return {"structured_outputs": StructuredOutputsParams(regex=regex)}
        case JsonForm(schema):
            return {"structured_outputs": StructuredOutputsParams(json=dict(schema), disable_any_whitespace=True)}


def _usage(output: Any) -> Usage:
    return Usage(len(output.prompt_token_ids), len(output.outputs[0].token_ids), output.num_cached_tokens)
