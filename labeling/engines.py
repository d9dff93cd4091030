"""Engines that runs may use: which addresses are allowed, with which key, and what an engine says it is.

An address is that of a server, or names an engine in the worker itself (`vllm:/models/NAME`). Workers and `manage.py`
load the latter, the web server never does.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from django.conf import settings

from labeling.core.backends import BackendError
from labeling.core.backends.held import Holder, Lease
from labeling.core.backends.local_engines import LocalEngine, engine_at, open_engine
from labeling.core.backends.openai_http import OpenAIBackend, root_of
from labeling.core.backends.openai_records import NO_CACHE_COUNT
from labeling.exceptions import UserError

LOOK_S = 5.0  # to wait for a server that restarts
MOST_LOOK_S = 60.0  # for all questions that tell what a server is
_NO_MODEL = ""  # to ask which there are
_MOST_AT_ONCE: Final = 256  # calls that an engine in this process works on, whatever its runs may have in flight
_HOLDER: Final[Holder[LocalEngine]] = Holder(partial(open_engine, concurrency=_MOST_AT_ONCE))


@dataclass(frozen=True, slots=True)
class EngineView:
    """What an engine said it is, and what it lacks, in sentences. Both are empty when only a worker can ask it."""

    fingerprint: Mapping[str, str]
    lacks: tuple[str, ...]

    @property
    def counts_cached(self) -> bool:
        """Whether it says how much of a prompt came out of its cache."""
        return self.is_known and NO_CACHE_COUNT not in self.lacks

    @property
    def is_known(self) -> bool:
        """Whether it was asked; if not, the first worker asks."""
        return bool(self.fingerprint)


def allowed_urls() -> list[str]:
    """Addresses of engines that a run may be started with from the web."""
    return list(settings.LLM_URLS)


def is_allowed(url: str) -> bool:
    """Whether `url` is one of them; that of a server with or without "/v1"."""
    return root(url) in {root(each) for each in allowed_urls()}


def local_engine(url: str, *, device: str = "", revision: str = "") -> LocalEngine | None:
    """The engine in the worker that this address names; None for a server. Raises `UserError`."""
    try:
        return engine_at(url, device=device, revision=revision)
    except ValueError as error:
        raise UserError(str(error)) from error


def root(url: str) -> str:
    """The address in the one form that is stored and compared. Raises `UserError` when it is none."""
    if local := local_engine(url):
        return local.address
    try:
        return root_of(url)
    except ValueError as error:
        raise UserError(str(error)) from error


def model_at(url: str, model: str) -> str:
    """The name of the model, which an engine in the worker has by itself. Raises `UserError` when there is none."""
    local = local_engine(url)
    if local is None and not model.strip():
        raise UserError("no model was named; give the name under which the server has it")
    if local is None:
        return model
    if model.strip() not in ("", local.model, local.path):
        raise UserError(f"{local.address} is an engine with one model; name it {local.model}, or leave the name out")
    return local.model


def open_backend(
    url: str,
    model: str,
    *,
    concurrency: int,
    revision: str = "",
    device: str = "",
    timeout_s: float = 600.0,
    restart_s: float | None = None,
) -> OpenAIBackend | Lease[LocalEngine]:
    """A backend for `model` at `url`.

    An engine in this process is loaded when the backend is looked at, and stays until `close_engine`.
    """
    if local := local_engine(url, device=device, revision=revision):
        return _HOLDER.lease(local, concurrency=concurrency)
    return open_server(url, model, concurrency=concurrency, revision=revision, timeout_s=timeout_s, restart_s=restart_s)


def open_server(
    url: str,
    model: str,
    *,
    concurrency: int,
    revision: str = "",
    timeout_s: float = 600.0,
    restart_s: float | None = None,
) -> OpenAIBackend:
    """A backend for `model` of the server at `url`; the key of the settings is sent to allowed addresses only."""
    return OpenAIBackend(
        url,
        model,
        api_key=settings.LLM_API_KEY if is_allowed(url) else None,
        concurrency=concurrency,
        revision=revision,
        timeout_s=timeout_s,
        restart_s=settings.LLM_RESTART_S if restart_s is None else restart_s,
        ca_file=settings.LLM_CA_FILE,
    )


def close_engine() -> None:
    """Let the engine in this process go, if one was loaded."""
    _HOLDER.close()


def look_at(url: str, model: str, *, revision: str = "") -> EngineView:
    """Ask a server what it is, for a minute at most. Raises `UserError` when it does not say, or has not the model.

    An engine in the worker is not asked: that would load it here.
    """
    model = model_at(url, model)
    if local_engine(url):
        return EngineView({}, ())

    async def look() -> EngineView:
        backend = open_server(url, model, concurrency=4, revision=revision, timeout_s=60, restart_s=LOOK_S)
        async with asyncio.timeout(MOST_LOOK_S), backend:
            return EngineView(dict(backend.fingerprint), backend.lacks)

    try:
        return asyncio.run(look())
    except TimeoutError as error:
        said = f"{root(url)} did not say what it is within {MOST_LOOK_S:g} seconds; try again once it is less busy"
        raise UserError(said) from error
    except BackendError as error:
        raise UserError(f"{root(url)}: {error}") from error


def models_at(url: str) -> tuple[str, ...]:
    """Names of the models that a server has, asked for a few seconds. Raises `UserError` when it does not say.

    An engine in the worker has one, which its address names.
    """
    if local := local_engine(url):
        return (local.model,)

    async def ask() -> tuple[str, ...]:
        backend = open_server(url, _NO_MODEL, concurrency=1, timeout_s=LOOK_S, restart_s=0)
        try:
            return await backend.served()
        finally:
            await backend.aclose()

    try:
        return asyncio.run(ask())
    except BackendError as error:
        raise UserError(f"{root(url)}: {error}") from error
