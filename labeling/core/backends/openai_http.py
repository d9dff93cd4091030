"""Any OpenAI-compatible server as a backend: vLLM first, SGLang, llama.cpp and Ollama with what they offer.

    async with OpenAIBackend("http://127.0.0.1:8000/v1", "Qwen/Qwen2.5-7B-Instruct") as backend:
        answer = await backend.generate([Message("user", "Say hello.")], Sampling(max_tokens=8))

Deviation from DESIGN section 6: logits of choices are those of the 20 most likely tokens that servers list, under the
choice constraint where there is one. A constraint only shifts all logits alike, so differences stay as they are.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from labeling.core.backends.openai_answers import logits_by_text, logits_by_token, read_answer, read_first_token
from labeling.core.backends.openai_errors import NoAnswer
from labeling.core.backends.openai_look import find_offers, identify, is_refusal_of_fields, served_models
from labeling.core.backends.openai_records import Body, Engine, Identity, Offers, Way
from labeling.core.backends.openai_transport import Clock, Patience, Transport
from labeling.core.backends.openai_ways import ANY_JSON
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
)

COMPLETIONS: Final = "/v1/chat/completions"
N_LOGPROBS: Final = (20, 5)  # what servers list at most: 20, unless told less
_PROBE: Final = ({"role": "user", "content": "Say hello."},)
_PROBE_TOKENS: Final = 32
_IDS: Final[Body] = {"return_tokens_as_token_ids": True}


class OpenAIBackend(Opened):
    """One model of one server. At most `concurrency` calls are in flight; the rest wait here.

    Of one event loop. `revision` names the weights where the server does not say.
    `extra` is sent with every call, such as {"chat_template_kwargs": {"enable_thinking": False}}. Raises ValueError for
    an address that is none.
    """

    def __init__(
        self,
        url: str,
        model: str,
        *,
        api_key: str | None = None,
        concurrency: int = 256,
        timeout_s: float = 600.0,
        max_attempts: int = 6,
        restart_s: float = 300.0,
        revision: str = "",
        extra: Mapping[str, Any] | None = None,
        ca_file: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.url = root_of(url)
        self.model = model
        self._revision = revision
        self._extra = dict(extra or {})
        self._transport = Transport(
            self.url,
            api_key=api_key,
            concurrency=concurrency,
            patience=Patience(timeout_s=timeout_s, max_attempts=max_attempts, restart_s=restart_s),
            clock=clock or Clock(),
            ca_file=ca_file,
            came_back=self._see_same,
        )
        self._looking = asyncio.Lock()
        self._identity: Identity | None = None
        self._offers: Offers | None = None
        self._tokens: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"OpenAIBackend({self.url!r}, {self.model!r})"

    async def aclose(self) -> None:
        """Close all connections; a later call opens them again."""
        await self._transport.close()

    async def look(self) -> Offers:
        """What the server offers; it is asked once. Raises `BackendError`, as when it has not the model."""
        if self._offers is not None:
            return self._offers
        async with self._looking:
            if self._offers is None:
                self._identity = await identify(self._transport.get_patiently, self.model, revision=self._revision)
                tokenizes = self._identity.engine is Engine.VLLM and await self._tokenizes()
                self._offers = await find_offers(
                    self._probe, self._identity.engine, n_logprobs=self._count_logprobs, tokenizes=tokenizes
                )
            return self._offers

    async def served(self) -> tuple[str, ...]:
        """Names of the models that the server has; it is asked once, without repeating. Raises `BackendError`."""
        return await served_models(self._transport.get)

    @property
    def fingerprint(self) -> Mapping[str, str]:
        """Engine, version, model, weights and revision as far as known, and how constraints are imposed."""
        if self._identity is None or self._offers is None:
            raise RuntimeError("the server has not been looked at: await look() first")
        extra = {f"extra.{name}": str(value) for name, value in sorted(self._extra.items())}
        return self._identity.as_mapping() | {"constraints": self._offers.ways} | extra

    @property
    def lacks(self) -> tuple[str, ...]:
        """What the server cannot do, in sentences for the page of a run. Empty before `look`."""
        return self._offers.lacks if self._offers else ()

    async def generate(
        self, messages: Sequence[Message], sampling: Sampling, constraint: Constraint | None = None
    ) -> Answer:
        """The model's answer. A constraint that the server lacks is left out (see `lacks`). Raises `BackendError`."""
        offers = await self.look()
        body = self._body(messages, offers) | _drawn(sampling, offers) | _constrained(constraint, offers)
        return await self._transport.post(
            COMPLETIONS, body | self._extra, read=read_answer, secrets=tuple(turn.content for turn in messages)
        )

    async def choice_logits(self, messages: Sequence[Message], choices: Sequence[str]) -> ChoiceLogits:
        """Logits of the first token of each choice among those that the server lists.

        Raises `BackendError`: NOT_SUPPORTED without log-probabilities, or where two choices begin with the same token.
        """
        offers = await self.look()
        if not offers.n_logprobs:
            raise BackendError(Trouble.NOT_SUPPORTED, "the server gives no log-probabilities")
        body = self._body(messages, offers) | _drawn(Sampling(max_tokens=1), offers)
        body |= {"logprobs": True, "top_logprobs": offers.n_logprobs}
        body |= _constrained(Choice(tuple(choices)), offers)
        tokens = [await self._first_token(choice) for choice in choices] if offers.has_tokenizer else []
        body |= _IDS if tokens else {}
        first = await self._transport.post(
            COMPLETIONS, body | self._extra, read=read_first_token, secrets=tuple(turn.content for turn in messages)
        )
        return logits_by_token(first, tokens) if tokens else logits_by_text(first, choices)

    def _body(self, messages: Sequence[Message], offers: Offers) -> Body:
        turns = [{"role": turn.role, "content": turn.content} for turn in messages]
        body: Body = {"model": self.model, "messages": turns, "stream": False}
        if not messages or messages[-1].role != "assistant":
            return body
        if offers.continues is None:
            raise BackendError(Trouble.NOT_SUPPORTED, "the server cannot go on with an answer that was begun")
        return body | dict(offers.continues)

    async def _see_same(self) -> None:
        """Raises `BackendError` when the server came back as another one: its answers would be mixed with others."""
        if self._identity is None:
            return
        seen = await identify(self._transport.get, self.model, revision=self._revision)
        if seen != self._identity:
            was, now = self._identity.as_mapping(), seen.as_mapping()
            changed = ", ".join(name for name in sorted({*was, *now}) if was.get(name) != now.get(name))
            message = f"the server came back with another {changed}: a run stays with one engine and model"
            raise BackendError(Trouble.REFUSED, message)

    async def _probe(self, fields: Body) -> Answer:
        body = {"model": self.model, "messages": list(_PROBE), "max_tokens": _PROBE_TOKENS, "temperature": 0.0}
        return await self._transport.post(
            COMPLETIONS, body | {"stream": False} | fields | self._extra, read=read_answer, retry_500=False
        )

    async def _count_logprobs(self) -> int:
        body = {"model": self.model, "messages": list(_PROBE), "max_tokens": 1, "temperature": 0.0, "logprobs": True}
        for n_logprobs in N_LOGPROBS:
            fields = {"stream": False, "top_logprobs": n_logprobs}
            try:
                await self._transport.post(
                    COMPLETIONS, body | fields | self._extra, read=read_first_token, retry_500=False
                )
            except NoAnswer as failure:
                if failure.trouble is not Trouble.NOT_SUPPORTED and not is_refusal_of_fields(failure):
                    raise
            else:
                return n_logprobs
        return 0

    async def _tokenizes(self) -> bool:
        try:
            await self._first_token("yes")
        except NoAnswer as failure:
            if failure.is_passing and failure.status != 500:
                raise
            return False
        return True

    async def _first_token(self, text: str) -> str:
        """The first token of a text, as the engine names tokens in its lists."""
        if text not in self._tokens:
            body = {"model": self.model, "prompt": text, "add_special_tokens": False}
            self._tokens[text] = await self._transport.post("/tokenize", body, read=_read_token, retry_500=False)
        return self._tokens[text]


def root_of(url: str) -> str:
    """The address without "/v1" at its end. Raises ValueError when it is none, or holds a name, a key or a query."""
    try:
        parts = urlsplit(url.strip())
        is_plain = parts.port is None or parts.port > 0
    except ValueError:
        parts, is_plain = urlsplit(""), False
    is_plain = is_plain and url.isascii() and not any(character.isspace() for character in url.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname or not is_plain or {"@", "?", "#"} & set(url):
        raise ValueError("the address of a server looks like http://127.0.0.1:8000/v1, without user, key or query")
    return f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/").removesuffix("/v1").rstrip("/")


def _drawn(sampling: Sampling, offers: Offers) -> Body:
    body: Body = {"max_tokens": sampling.max_tokens, "temperature": sampling.temperature}
    if sampling.seed is not None:
        body["seed"] = sampling.seed
    if offers.repetition_penalty:  # 1.0 too: without it vLLM takes the one that came with the model
        body[offers.repetition_penalty] = sampling.repetition_penalty
    return body


def _constrained(constraint: Constraint | None, offers: Offers) -> Body:
    """Fields for a constraint; none where the server lacks it or its way cannot say this one."""
    match constraint:
        case Choice():
            return _fields(offers.choice, constraint)
        case Pattern():
            return _fields(offers.pattern, constraint)
        case JsonForm():
            return _fields(offers.json_form, constraint) or (ANY_JSON if offers.any_json else {})
        case None:
            return {}


def _fields(way: Way[Any] | None, limit: Constraint) -> Body:
    try:
        return way.fields(limit) if way else {}
    except ValueError:
        return {}


def _read_token(values: Any) -> str:
    tokens = values.get("tokens") if isinstance(values, dict) else None
    if not isinstance(tokens, list) or not tokens or not isinstance(tokens[0], int):
        raise NoAnswer(Trouble.NOT_SUPPORTED, "the server does not say how it splits a choice into tokens")
    return f"token_id:{tokens[0]}"
