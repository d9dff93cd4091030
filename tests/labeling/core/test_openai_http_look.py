"""Finding out what a server is and offers: by what it does, not by what its manual says."""

import asyncio
import json
from collections import deque
from typing import Any

import pytest

from labeling.core.backends import BackendError, Choice, Trouble
from labeling.core.backends.openai_http import OpenAIBackend
from labeling.core.backends.openai_records import Offers
from labeling.core.backends.openai_transport import Clock
from labeling.core.backends.openai_ways import CHOICE_WAYS
from tests.labeling.llm_servers import Fault, LlmServer, Manners, Request, error_of

LISTED = {"Yes": -0.25, "No": -1.75}


async def no_wait(seconds: float) -> None:
    await asyncio.sleep(0)


def look(server: LlmServer, *faults: Fault, model: str = "tiny") -> tuple[Offers, dict[str, str]]:
    async def run() -> tuple[Offers, dict[str, str]]:
        server.faults = deque(faults)
        async with server, OpenAIBackend(server.url, model, clock=Clock(sleep=no_wait)) as backend:
            return await backend.look(), dict(backend.fingerprint)

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("manners", "ways", "lacking"),
    [
        ("vllm", ("structured_outputs", "structured_outputs", "structured_outputs"), []),
        ("sglang", ("regex", "regex", "json_schema"), []),
        ("llama.cpp", ("grammar", "grammar", "json_schema"), ["does not say how much"]),
        (
            "ollama",
            (None, None, "json_schema"),
            ["no choice", "no answers by pattern", "no log-prob", "no repetition", "does not say", "cuts a prompt"],
        ),
        (
            "plain",
            (None, None, None),
            [
                "no choice",
                "no answers by pattern",
                "no json by schema",
                "cannot go on",
                "no repetition",
                "does not say",
            ],
        ),
    ],
)
def test_server_is_known_by_what_it_obeys(manners: Manners, ways: tuple[str | None, ...], lacking: list[str]) -> None:
    offers, fingerprint = look(LlmServer(manners, logprobs=LISTED))
    assert tuple(way and way.name for way in (offers.choice, offers.pattern, offers.json_form)) == ways
    assert len(offers.lacks) == len(lacking)
    for words in lacking:
        assert any(sentence.lower().startswith(words) for sentence in offers.lacks)
    assert fingerprint["engine"] == {"plain": "openai-compatible"}.get(manners, manners)
    assert fingerprint.get("version") == (None if manners == "plain" else "0.32.0")
    assert "sk-of-the-server" not in json.dumps(fingerprint)  # SGLang tells its own key with its version


def test_constraint_that_is_ignored_without_a_word_is_not_offered() -> None:
    # An old vLLM: it takes structured_outputs without complaint and does not know it.
    class Deaf(LlmServer):
        def _text(self, request: Request) -> str:
            request.body.pop("structured_outputs", None)
            guided = request.body.get("guided_choice")
            return str(guided[0]) if guided else super()._text(request)

    offers, _ = look(Deaf("vllm", logprobs=LISTED))
    assert offers.choice is not None
    assert offers.choice.name == "guided_choice"
    assert offers.pattern is None
    assert offers.json_form is not None
    assert offers.json_form.name == "json_schema"


@pytest.mark.parametrize("status", [400, 422, 500, 501])
def test_field_that_is_refused_is_not_offered(status: int) -> None:
    # JSON is tried first: its first way is refused, its second obeyed.
    offers, _ = look(LlmServer("vllm", logprobs=LISTED), error_of(status, "extra fields are not permitted"))
    assert offers.json_form is not None
    assert offers.json_form.name == "json_schema"


@pytest.mark.parametrize("status", [429, 503])
def test_server_that_is_busy_for_a_moment_is_not_taken_for_one_that_lacks_something(status: int) -> None:
    offers, _ = look(LlmServer("vllm", logprobs=LISTED), *[error_of(status, "later")] * 3)
    assert offers.lacks == ()


def test_server_that_stays_busy_is_not_looked_at() -> None:
    with pytest.raises(BackendError) as caught:
        look(LlmServer("vllm"), *[error_of(503, "later")] * 99)
    assert caught.value.trouble is Trouble.BUSY


def test_fewer_log_probabilities_are_asked_for_where_twenty_are_too_many() -> None:
    class Sparing(LlmServer):
        async def respond(self, request: Request) -> Fault:
            if request.body and request.body.get("top_logprobs", 0) > 5:
                return error_of(400, "Requested sample logprobs of 20, which is greater than max allowed: 5")
            return await super().respond(request)

    offers, _ = look(Sparing("vllm", logprobs=LISTED))
    assert offers.n_logprobs == 5


def test_llama_cpp_serves_its_one_model_under_any_name_and_says_which() -> None:
    _, fingerprint = look(LlmServer("llama.cpp", model="qwen.gguf"), model="tiny")
    assert fingerprint["model"] == "tiny"
    assert fingerprint["weights"] == "qwen.gguf n_params=107072 size=428288"


def test_ollama_knows_a_model_without_its_tag() -> None:
    _, fingerprint = look(LlmServer("ollama", model="tiny:latest"))
    assert fingerprint["revision"] == "sha256:beef"


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"data": [3]}'])
def test_server_that_lists_no_models_is_refused(body: bytes) -> None:
    class Odd(LlmServer):
        async def respond(self, request: Request) -> Fault:
            return Fault(body=body)

    with pytest.raises(BackendError, match="lists no models") as caught:
        look(Odd("plain"))
    assert caught.value.trouble is Trouble.REFUSED


def test_server_is_looked_at_once_however_many_ask() -> None:
    async def run() -> int:
        async with LlmServer("vllm") as server:
            backend = OpenAIBackend(server.url, "tiny")
            await asyncio.gather(*(backend.look() for _ in range(50)))
            await backend.aclose()
            return len([request for request in server.requests if request.path == "/v1/models"])

    assert asyncio.run(run()) == 1


def test_way_of_sglang_takes_marks_in_options_for_themselves() -> None:
    [way] = [way for way in CHOICE_WAYS if way.name == "regex"]
    fields: Any = way.fields(Choice(("a.b", "(c)")))
    assert fields == {"regex": r"(a\.b|\(c\))"}
