"""Calls to a server that speaks the OpenAI API: what is sent, what is read, how many at a time."""

import asyncio
import json
import math
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from labeling.core.backends import BackendError, Choice, JsonForm, Message, Pattern, Sampling, Trouble, Usage
from labeling.core.backends.openai_http import OpenAIBackend, root_of
from tests.labeling.llm_servers import LlmServer, Manners

ASK = [Message("system", "You read reports."), Message("user", "Is there a cyst?")]
FORM = JsonForm({"type": "object", "properties": {"value": {"type": "string"}}, "required": ["value"]})
LISTED = {"Yes": -0.25, " Yes": -1.5, "No": -1.75, "Maybe": -6.0}  # best first, as engines list them
Use = Callable[[OpenAIBackend], Awaitable[Any]]


def ask(server: LlmServer, use: Use, **options: Any) -> Any:
    """What `use` gives with a backend that has looked at the server; the server's records begin after that look."""

    async def run() -> Any:
        async with server, OpenAIBackend(server.url, server.model, **options) as backend:
            server.forget()
            return await use(backend)

    return asyncio.run(run())


def refused(server: LlmServer, use: Use, **options: Any) -> BackendError:
    with pytest.raises(BackendError) as caught:
        ask(server, use, **options)
    return caught.value


def test_penalty_that_came_with_a_model_is_not_taken_for_the_published_one() -> None:
    server = LlmServer("vllm")
    ask(server, lambda backend: backend.generate(ASK, Sampling(9)))
    assert server.asked[0]["repetition_penalty"] == 1.0


def test_call_sends_the_conversation_and_how_it_is_drawn() -> None:
    server = LlmServer("vllm")
    sampling = Sampling(9, temperature=0.5, repetition_penalty=1.1, seed=4)
    extra = {"chat_template_kwargs": {"enable_thinking": False}}
    answer = ask(server, lambda backend: backend.generate(ASK, sampling), api_key="sk-1", extra=extra)
    assert answer.text == "hello"
    assert server.asked == [
        {
            "model": "tiny",
            "messages": [{"role": turn.role, "content": turn.content} for turn in ASK],
            "stream": False,
            "max_tokens": 9,
            "temperature": 0.5,
            "repetition_penalty": 1.1,
            "seed": 4,
            **extra,
        }
    ]
    assert server.requests[0].headers["authorization"] == "Bearer sk-1"


def test_answer_that_reached_its_bound_is_marked_and_tokens_are_counted() -> None:
    server = LlmServer("vllm", answer=lambda request: "one two three four")
    answer = ask(server, lambda backend: backend.generate(ASK, Sampling(3)))
    # The server counts words: 3 + 4 in the prompt, 3 of 4 in the answer.
    assert (answer.text, answer.is_cut, answer.usage) == ("one two three", True, Usage(7, 3, 0))


@pytest.mark.parametrize("manners", ["vllm", "sglang", "llama.cpp"])
def test_answer_obeys_choice_pattern_and_schema(manners: Manners) -> None:
    server = LlmServer(manners, answer=lambda request: "Well, I would rather say")

    async def three(backend: OpenAIBackend) -> list[str]:
        limits = [Choice(('say "ja"', "nein")), Pattern("(yes|no) [0-9]{2}%"), FORM]
        return [(await backend.generate(ASK, Sampling(50), limit)).text for limit in limits]

    assert ask(server, three) == ['say "ja"', "yes 00%", '{"value": ""}']


def test_server_without_constraints_is_asked_in_words_and_for_any_json_where_it_has_that() -> None:
    server = LlmServer("ollama", answer=lambda request: "nein")

    async def three(backend: OpenAIBackend) -> list[str]:
        limits = [Choice(("ja", "no")), Pattern("[0-9]"), FORM]
        return [(await backend.generate(ASK, Sampling(50), limit)).text for limit in limits]

    assert ask(server, three) == ["nein", "nein", '{"value": ""}']
    assert [
        sorted(set(body) - {"model", "messages", "stream", "max_tokens", "temperature"}) for body in server.asked
    ] == [
        [],
        [],
        ["response_format"],
    ]


def test_pattern_that_a_grammar_cannot_say_is_left_to_the_reader_of_the_answer() -> None:
    server = LlmServer("llama.cpp", answer=lambda request: "abab")
    answer = ask(server, lambda backend: backend.generate(ASK, Sampling(5), Pattern(r"(ab)\1")))
    assert answer.text == "abab"
    assert "grammar" not in server.asked[0]


def test_begun_answer_is_gone_on_with() -> None:
    begun = [*ASK, Message("assistant", "Answer: ")]
    server = LlmServer("vllm")
    ask(server, lambda backend: backend.generate(begun, Sampling(5)))
    assert server.asked[0]["add_generation_prompt"] is False
    assert server.asked[0]["continue_final_message"] is True
    error = refused(LlmServer("plain"), lambda backend: backend.generate(begun, Sampling(5)))
    assert error.trouble is Trouble.NOT_SUPPORTED


def test_logits_are_those_of_first_tokens_by_number_where_the_server_splits_texts() -> None:
    server = LlmServer("vllm", logprobs=LISTED)
    found = ask(server, lambda backend: backend.choice_logits(ASK, ("Yes", "No")))
    assert found.logits == (-0.25, -1.75)
    assert found.floor == frozenset()
    [body] = server.asked
    assert body["max_tokens"] == 1
    assert body["structured_outputs"] == {"choice": ["Yes", "No"]}


def test_choices_are_split_once_for_all_calls() -> None:
    async def twice(backend: OpenAIBackend) -> None:
        await backend.choice_logits(ASK, ("Yes", "No"))
        await backend.choice_logits(ASK, ("No", "Yes"))

    server = LlmServer("vllm", logprobs=LISTED)
    ask(server, twice)
    assert len([request for request in server.requests if request.path == "/tokenize"]) == 2


def test_logits_are_those_of_token_texts_elsewhere_and_spaces_do_not_count() -> None:
    server = LlmServer("llama.cpp", logprobs={" No": -0.25, "yes": -0.5, "Y": -0.75, "Ye": -2.0, "No": -3.0, "?": -4.0})
    found = ask(server, lambda backend: backend.choice_logits(ASK, ("Yes", "No")))
    # "yes" is another answer than "Yes"; of "Y" and "Ye" the longer is the token; of two "No" the likelier.
    assert found.logits == (-2.0, -0.25)


def test_choice_that_is_not_listed_gets_the_lowest_listed_logit() -> None:
    server = LlmServer("vllm", logprobs={**LISTED, "X": -9999.0, "Z": -math.inf})
    found = ask(server, lambda backend: backend.choice_logits(ASK, ("Yes", "Zebra")))
    # -9999 is how vLLM lists what a constraint forbids: not listed.
    assert (found.logits, found.floor) == ((-0.25, -6.0), frozenset({1}))


@pytest.mark.parametrize("manners", ["vllm", "llama.cpp"])
def test_choices_that_begin_alike_have_no_logits(manners: Manners) -> None:
    server = LlmServer(manners, logprobs={"a": -0.5, "p": -1.0})
    choices = ("present", "absent", "ambiguous")
    error = refused(server, lambda backend: backend.choice_logits(ASK, choices))
    assert error.trouble is Trouble.NOT_SUPPORTED
    assert "choices 2 and 3 begin with the same token" in str(error)


def test_server_without_log_probabilities_has_no_logits() -> None:
    error = refused(LlmServer("ollama"), lambda backend: backend.choice_logits(ASK, ("Yes", "No")))
    assert error.trouble is Trouble.NOT_SUPPORTED


def test_as_many_calls_are_in_flight_as_allowed_and_never_more() -> None:
    async def flood(backend: OpenAIBackend) -> int:
        server.release = asyncio.Event()
        calls = asyncio.gather(*(backend.generate(ASK, Sampling(5)) for _ in range(600)))
        while server.in_flight < 256:
            await asyncio.sleep(0)
        for _ in range(100):
            await asyncio.sleep(0)
        server.release.set()
        return len(await calls)

    server = LlmServer("vllm")
    assert ask(server, flood, concurrency=256) == 600
    assert server.most_in_flight == 256


def test_a_thousand_calls_one_after_another_use_one_connection() -> None:
    async def row(backend: OpenAIBackend) -> int:
        for _ in range(1000):
            await backend.generate(ASK, Sampling(5))
        return len(server._connections)

    server = LlmServer("vllm")
    assert ask(server, row) == 1


def test_fingerprint_names_engine_version_model_and_how_constraints_are_imposed() -> None:
    async def fingerprint(backend: OpenAIBackend) -> Any:
        return dict(backend.fingerprint)

    assert ask(LlmServer("ollama", version="0.5.1"), fingerprint, extra={"top_k": 5}) == {
        "engine": "ollama",
        "version": "0.5.1",
        "model": "tiny",
        "revision": "sha256:beef",
        "constraints": "choice none, pattern none, json json_schema",
        "extra.top_k": "5",
    }
    found = ask(LlmServer("vllm"), fingerprint, revision="abc1")
    assert found["weights"] == "/models/tiny"
    assert found["revision"] == "abc1"


def test_fingerprint_of_a_server_that_was_not_asked_is_a_bug() -> None:
    with pytest.raises(RuntimeError, match="await look"):
        _ = OpenAIBackend("http://127.0.0.1:1", "tiny").fingerprint


def test_key_shows_nowhere() -> None:
    backend = OpenAIBackend("http://127.0.0.1:1", "tiny", api_key="sk-secret")
    assert "sk-secret" not in repr(backend)
    assert "sk-secret" not in repr(backend._transport)


@pytest.mark.parametrize("url", ["http://h:8000", "http://h:8000/", "http://h:8000/v1", " http://h:8000/v1/ "])
def test_address_is_the_same_with_and_without_its_version(url: str) -> None:
    assert root_of(url) == "http://h:8000"


@pytest.mark.parametrize(
    "url",
    ["", "h:8000", "ftp://h/v1", "http://", "http://me:sk@h/v1", "http://h/v1?key=sk", "http://h:x/", "http://h /"],
)
def test_address_that_is_none_or_holds_a_key_is_refused_without_being_quoted(url: str) -> None:
    with pytest.raises(ValueError, match="looks like") as caught:
        root_of(url)
    assert "sk" not in str(caught.value)


def test_server_below_a_path_is_asked_there() -> None:
    assert root_of("https://models.example/llm/v1") == "https://models.example/llm"


def test_body_is_plain_ascii_json_whatever_the_report_holds() -> None:
    text = "3 µm \ud800 \N{GRINNING FACE}"
    server = LlmServer("vllm", answer=lambda request: json.dumps(request.said == text))
    assert ask(server, lambda backend: backend.generate([Message("user", text)], Sampling(5))).text == "true"
