"""Engines that runs may use: which addresses are allowed, with which key, and what a server says it is."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings

from labeling.core.backends import BackendError
from labeling.core.backends.openai_http import OpenAIBackend, root_of
from labeling.exceptions import UserError

LOOK_S = 5.0


@dataclass(frozen=True, slots=True)
class EngineView:
    """What a server said it is, and what it lacks, in sentences."""

    fingerprint: Mapping[str, str]
    lacks: tuple[str, ...]


def allowed_urls() -> list[str]:
    """Addresses of engines that a run may be started with from the web."""
    return list(settings.LLM_URLS)


def is_allowed(url: str) -> bool:
    """Whether `url` is one of them, with or without "/v1"."""
    return root(url) in {root(each) for each in allowed_urls()}


def root(url: str) -> str:
    """The address without "/v1". Raises `UserError` when it is none."""
    try:
        return root_of(url)
    except ValueError as error:
        raise UserError(str(error)) from error


def open_backend(
    url: str,
    model: str,
    *,
    concurrency: int,
    revision: str = "",
    timeout_s: float = 600.0,
    restart_s: float | None = None,
) -> OpenAIBackend:
    """A backend for `model` at `url`; the key of the settings is sent to allowed addresses only."""
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


def look_at(url: str, model: str, *, revision: str = "") -> EngineView:
    """Ask a server what it is, for a few seconds. Raises `UserError` when it does not say, or has not the model."""

    async def look() -> EngineView:
        backend = open_backend(url, model, concurrency=4, revision=revision, timeout_s=60, restart_s=LOOK_S)
        async with backend:
            return EngineView(dict(backend.fingerprint), backend.lacks)

    try:
        return asyncio.run(look())
    except BackendError as error:
        raise UserError(f"{root(url)}: {error}") from error
