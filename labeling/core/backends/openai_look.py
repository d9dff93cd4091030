"""Finds out what an OpenAI-compatible server is and what it offers, by asking it.

Servers ignore fields that they do not know, some without a word (METHODS and manuals name versions, not behaviour). So
each constraint is tried once on a question whose answer shows whether it was obeyed.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from labeling.core.backends.openai_errors import NoAnswer
from labeling.core.backends.openai_records import Body, Engine, Identity, Offers, Way
from labeling.core.backends.openai_transport import Reply
from labeling.core.backends.openai_ways import ANY_JSON, CHOICE_WAYS, JSON_WAYS, PATTERN_WAYS
from labeling.core.backends.records import Answer, BackendError, Choice, JsonForm, Pattern, Trouble

Limit = TypeVar("Limit", Choice, Pattern, JsonForm)
Get = Callable[[str], Awaitable[Reply]]
Ask = Callable[[Body], Awaitable[Answer]]

# Answers that no model gives to "Say hello.".
_CHOICE: Final = Choice(("zq17", "zq42"))
_PATTERN: Final = Pattern("zq[0-9]{3}")
_FORM: Final = JsonForm(
    {
        "type": "object",
        "properties": {"zq": {"type": "string", "enum": ["zq17", "zq42"]}},
        "required": ["zq"],
        "additionalProperties": False,
    }
)
_OWNERS: Final = {"vllm": Engine.VLLM, "sglang": Engine.SGLANG, "llamacpp": Engine.LLAMA_CPP}
_VERSION_AT: Final = {
    Engine.VLLM: ("/version", "version"),
    Engine.SGLANG: ("/get_server_info", "version"),
    Engine.LLAMA_CPP: ("/props", "build_info"),
    Engine.OLLAMA: ("/api/version", "version"),
}
_GOES_ON: Final = {"add_generation_prompt": False, "continue_final_message": True}
_CONTINUES: Final[Mapping[Engine, Mapping[str, Any]]] = {
    Engine.VLLM: _GOES_ON,
    Engine.SGLANG: _GOES_ON,
    Engine.LLAMA_CPP: {},  # both go on with a last assistant turn by themselves
    Engine.OLLAMA: {},
}
_REPETITION: Final = {
    Engine.VLLM: "repetition_penalty",
    Engine.SGLANG: "repetition_penalty",
    Engine.LLAMA_CPP: "repeat_penalty",
}


async def served_models(get: Get) -> tuple[str, ...]:
    """Names of the models that the server lists, in its order. Raises `BackendError`."""
    entries = _entries(await get("/v1/models"))
    return tuple(str(entry["id"]) for entry in entries if entry.get("id"))


async def identify(get: Get, model: str, *, revision: str) -> Identity:
    """What engine and model are there. Raises `BackendError` when the server has not this model."""
    reply = await get("/v1/models")
    entries = _entries(reply)
    engine = await _engine(get, reply.headers, entries)
    entry = _entry(entries, model, engine)
    version = ""
    if engine in _VERSION_AT:
        path, name = _VERSION_AT[engine]
        version = str((await _optional(get, path)).get(name, ""))
    if engine is Engine.OLLAMA and not revision:
        revision = await _ollama_digest(get, str(entry["id"]))
    return Identity(engine, version, model, _weights(entry, model), revision)


async def find_offers(ask: Ask, engine: Engine, *, n_logprobs: Callable[[], Awaitable[int]], tokenizes: bool) -> Offers:
    """What the engine does with each kind of request. `ask` puts "Say hello." with these fields."""
    json_form = await _first_obeyed(ask, JSON_WAYS, _FORM, _is_of_form)
    plain = await ask({})
    return Offers(
        choice=await _first_obeyed(ask, CHOICE_WAYS, _CHOICE, lambda text: text in _CHOICE.options),
        pattern=await _first_obeyed(ask, PATTERN_WAYS, _PATTERN, _is_of_pattern),
        json_form=json_form,
        any_json=json_form is not None or await _gives_json(ask),
        n_logprobs=await n_logprobs(),
        continues=_CONTINUES.get(engine),
        repetition_penalty=_REPETITION.get(engine, ""),
        has_tokenizer=tokenizes,
        says_cached=plain.usage.cached is not None,
        cuts_silently=engine is Engine.OLLAMA,
    )


def is_refusal_of_fields(failure: NoAnswer) -> bool:
    """Whether the server understood the request and would not have its fields; some say so with a 500."""
    return failure.trouble is not Trouble.TOO_LONG and failure.status in (400, 422, 500, 501)


async def _first_obeyed(
    ask: Ask, ways: Sequence[Way[Limit]], limit: Limit, obeys: Callable[[str], bool]
) -> Way[Limit] | None:
    for way in ways:
        try:
            answer = await ask(way.fields(limit))
        except NoAnswer as failure:
            if not is_refusal_of_fields(failure):
                raise
        else:
            if obeys(answer.text.strip()):
                return way
    return None


async def _gives_json(ask: Ask) -> bool:
    try:
        return isinstance(_json((await ask(ANY_JSON)).text), dict)
    except NoAnswer as failure:
        if not is_refusal_of_fields(failure):
            raise
    return False


def _is_of_pattern(text: str) -> bool:
    return len(text) == 5 and text.startswith("zq") and text[2:].isdigit()


def _is_of_form(text: str) -> bool:
    return _json(text) in ({"zq": "zq17"}, {"zq": "zq42"})


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _entries(reply: Reply) -> list[dict[str, Any]]:
    entries = reply.values.get("data") if isinstance(reply.values, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise BackendError(Trouble.REFUSED, "the server lists no models at /v1/models, expected OpenAI's list")
    return entries


async def _engine(get: Get, headers: Mapping[str, str], entries: Sequence[Mapping[str, Any]]) -> Engine:
    for entry in entries:
        if engine := _OWNERS.get(str(entry.get("owned_by", "")).lower()):
            return engine
    if headers.get("server", "").lower().startswith("llama.cpp"):
        return Engine.LLAMA_CPP
    return Engine.OLLAMA if "version" in await _optional(get, "/api/version") else Engine.GENERIC


def _entry(entries: Sequence[Mapping[str, Any]], model: str, engine: Engine) -> Mapping[str, Any]:
    """The line of this model. llama.cpp serves its one model under any name."""
    for entry in entries:
        if entry.get("id") in (model, f"{model}:latest"):
            return entry
    if engine is Engine.LLAMA_CPP and len(entries) == 1:
        return entries[0]
    names = ", ".join(sorted(str(entry.get("id")) for entry in entries)[:20]) or "none"
    raise BackendError(Trouble.REFUSED, f"the server has no model {model}; it has: {names}")


def _weights(entry: Mapping[str, Any], model: str) -> str:
    """What else the server says of the weights: where they are from, how many."""
    meta = entry.get("meta")
    parts = [entry.get("id"), entry.get("root"), entry.get("parent")]
    parts += [f"{name}={meta[name]}" for name in ("n_params", "size") if name in meta] if isinstance(meta, dict) else []
    return " ".join(dict.fromkeys(str(part) for part in parts if part and part != model))


async def _ollama_digest(get: Get, name: str) -> str:
    models = (await _optional(get, "/api/tags")).get("models")
    entries = models if isinstance(models, list) else []
    named = (entry for entry in entries if isinstance(entry, dict) and entry.get("name") == name)
    return next((str(entry.get("digest", "")) for entry in named), "")


async def _optional(get: Get, path: str) -> Mapping[str, Any]:
    """What is there, or nothing when the server has no such page."""
    try:
        values = (await get(path)).values
    except NoAnswer as failure:
        if failure.is_passing and failure.status not in (500, 501):
            raise
        return {}
    return values if isinstance(values, dict) else {}
