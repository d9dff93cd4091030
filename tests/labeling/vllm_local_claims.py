"""What vLLM in this process does with a real, tiny model: run by the Python of .venv-vllm.

    python -m tests.labeling.vllm_local_claims CHECKPOINT

The second implementation is a plain forward pass of the transformers library.
"""

import asyncio
import json
import re
import sys
from typing import Any

from labeling.core.backends import BackendError, Choice, JsonForm, Message, Pattern, Sampling, Trouble
from labeling.core.backends.vllm_local import VllmBackend
from tests.labeling.claims import report

ASK = [Message("user", "Is there a cyst of the left kidney?")]
N_CONTEXT = 2048
OPTIONS = {"dtype": "float32", "enforce_eager": True, "max_model_len": N_CONTEXT, "max_num_seqs": 16}
FORM = JsonForm(
    {
        "type": "object",
        "properties": {
            "reason": {"type": "string", "maxLength": 12},
            "value": {"type": "string", "enum": ["present", "absent"]},
        },
        "required": ["reason", "value"],
        "additionalProperties": False,
    }
)


async def it_is_known_by_engine_precision_and_content(backend: VllmBackend, checkpoint: str) -> None:
    import vllm

    fingerprint = backend.fingerprint
    assert (fingerprint["engine"], fingerprint["version"]) == ("vllm", vllm.__version__)
    assert fingerprint["dtype"] == "float32"
    assert fingerprint["extra.max_model_len"] == str(N_CONTEXT)
    assert "extra.max_num_seqs" not in fingerprint
    assert re.fullmatch("sha256:[0-9a-f]{64}", fingerprint["weights"])
    assert backend.lacks == ()


async def logits_are_those_of_a_plain_forward_pass(backend: VllmBackend, checkpoint: str) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    model = AutoModelForCausalLM.from_pretrained(checkpoint, dtype="float32")
    prompts = [f"Cyst? Report {n}." for n in range(8)]
    letters = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")  # more than a server lists
    found = await asyncio.gather(*(backend.choice_logits([Message("user", text)], letters) for text in prompts))
    for text, said in zip(prompts, found, strict=True):
        turns = [{"role": "user", "content": text}]
        ids = tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_tensors="pt")["input_ids"]
        with torch.no_grad():
            plain = model(ids).logits[0, -1]
        logits = [float(plain[tokenizer.encode(letter)[0]]) for letter in letters]
        assert max(abs(one - two) for one, two in zip(logits, said.logits, strict=True)) < 1e-4
        assert said.floor == frozenset()
        assert said.usage.prompt == ids.shape[1]


async def each_call_has_its_own_bound_and_greedy_answers_stay_the_same(backend: VllmBackend, checkpoint: str) -> None:
    bounds = (1, 5, 30, 9, 30)
    answers = await asyncio.gather(*(backend.generate(ASK, Sampling(bound)) for bound in bounds))
    assert [answer.usage.generated for answer in answers] == list(bounds)
    assert all(answer.is_cut for answer in answers)
    assert answers[2].text == answers[4].text


async def seed_and_temperature_reach_the_engine(backend: VllmBackend, checkpoint: str) -> None:
    ways = [Sampling(40, 1.0, 1.0, 1), Sampling(40, 1.0, 1.0, 1), Sampling(40, 1.0, 1.0, 2)]
    one, again, other = [(await backend.generate(ASK, sampling)).text for sampling in ways]
    assert one == again
    assert one != other


async def a_repetition_penalty_changes_a_greedy_answer(backend: VllmBackend, checkpoint: str) -> None:
    # Drawn answers hardly show it, and these weights like one token so much that 1.9 changes nothing.
    texts = [(await backend.generate(ASK, Sampling(60, repetition_penalty=each))).text for each in (1.0, 5.0)]
    assert texts[0] != texts[1]


async def choices_patterns_and_json_hold(backend: VllmBackend, checkpoint: str) -> None:
    options, pattern = ("not mentioned", 'said "maybe"'), Pattern("(yes|no) [0-9]{2}%")
    choice = await backend.generate(ASK, Sampling(20), Choice(options))
    assert choice.text in options
    assert not choice.is_cut
    assert re.fullmatch(pattern.regex, (await backend.generate(ASK, Sampling(20), pattern)).text)
    values = json.loads((await backend.generate(ASK, Sampling(80), FORM)).text)
    assert sorted(values) == ["reason", "value"]
    assert values["value"] in ("present", "absent")
    assert len(values["reason"]) <= 12
    assert (await backend.generate(ASK, Sampling(3), FORM)).is_cut


async def the_likelier_choice_is_the_one_it_makes(backend: VllmBackend, checkpoint: str) -> None:
    found = await backend.choice_logits(ASK, ("Yes", "No"))
    answer = await backend.generate(ASK, Sampling(5), Choice(("Yes", "No")))
    assert answer.text == ("Yes" if found.logits[0] > found.logits[1] else "No")


async def a_begun_answer_is_gone_on_with(backend: VllmBackend, checkpoint: str) -> None:
    plain = await backend.choice_logits(ASK, ("Yes", "No"))
    begun = await backend.choice_logits([*ASK, Message("assistant", "Answer: ")], ("Yes", "No"))
    assert begun.logits != plain.logits
    assert begun.usage.prompt is not None
    assert plain.usage.prompt is not None
    assert 0 < begun.usage.prompt - plain.usage.prompt < 8


async def choices_that_begin_alike_have_no_logits(backend: VllmBackend, checkpoint: str) -> None:
    error = await refused(backend.choice_logits(ASK, ("A", "A1")))
    assert error.trouble is Trouble.NOT_SUPPORTED


async def a_report_read_before_comes_out_of_the_prefix_cache(backend: VllmBackend, checkpoint: str) -> None:
    note = Message("system", "The liver is of normal size. There is a small cyst of the left kidney. " * 12)
    first = await backend.generate([note, Message("user", "Cyst?")], Sampling(1))
    second = await backend.generate([note, Message("user", "Atrophy?")], Sampling(1))
    third = await backend.choice_logits([note, Message("user", "Stone?")], ("Yes", "No"))
    assert first.usage.cached == 0
    for usage in (second.usage, third.usage):
        assert usage.prompt is not None
        assert usage.cached is not None
        assert usage.prompt / 2 < usage.cached < usage.prompt  # whole blocks of 128 tokens


async def what_is_beyond_the_context_is_too_long(backend: VllmBackend, checkpoint: str) -> None:
    for content, max_tokens in (("cyst " * 3000, 5), ("cyst", N_CONTEXT + 1)):
        error = await refused(backend.generate([Message("user", content)], Sampling(max_tokens)))
        assert error.trouble is Trouble.TOO_LONG
        assert "cyst" not in str(error)


async def a_grammar_that_it_cannot_build_is_refused(backend: VllmBackend, checkpoint: str) -> None:
    error = await refused(backend.generate(ASK, Sampling(5), Pattern("(cyst")))
    assert error.trouble is Trouble.REFUSED
    assert "grammar" in str(error)
    assert "cyst" not in str(error)


async def a_cancelled_call_leaves_the_engine(backend: VllmBackend, checkpoint: str) -> None:
    calls = [asyncio.ensure_future(backend.generate(ASK, Sampling(1900), Pattern("[a-z]{5000}"))) for _ in range(4)]
    while backend._engine.get_num_unfinished_requests() < 4:
        await asyncio.sleep(0.01)
    for call in calls:
        call.cancel()
    done = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(one, asyncio.CancelledError) for one in done)
    while backend._engine.get_num_unfinished_requests():
        await asyncio.sleep(0.01)
    assert (await backend.generate(ASK, Sampling(3))).usage.generated == 3


async def a_model_that_is_not_there_and_a_wish_to_report_are_refused(backend: VllmBackend, checkpoint: str) -> None:
    from unittest.mock import patch

    error = await refused(VllmBackend("nobody/no-such-model").look())
    assert error.trouble is Trouble.REFUSED
    assert "nobody/no-such-model" in str(error)
    with patch("vllm.usage.usage_lib.is_usage_stats_enabled", return_value=True):
        error = await refused(VllmBackend(checkpoint).look())
    assert "VLLM_NO_USAGE_STATS=1" in str(error)


async def a_dead_engine_answers_all_calls_with_that(backend: VllmBackend, checkpoint: str) -> None:
    calls = [asyncio.ensure_future(backend.generate(ASK, Sampling(1900), Pattern("[a-z]{5000}"))) for _ in range(4)]
    while backend._engine.get_num_unfinished_requests() < 4:
        await asyncio.sleep(0.01)
    for process in backend._engine.engine_core.resources.engine_manager.processes:
        process.kill()
    done = await asyncio.gather(*calls, return_exceptions=True)
    assert [one.trouble for one in done if isinstance(one, BackendError)] == [Trouble.UNREACHABLE] * 4
    assert (await refused(backend.generate(ASK, Sampling(3)))).trouble is Trouble.UNREACHABLE


async def refused(call: Any) -> BackendError:
    """The error that a call ends with."""
    try:
        await call
    except BackendError as error:
        return error
    raise AssertionError("no error")


CLAIMS = [
    it_is_known_by_engine_precision_and_content,
    logits_are_those_of_a_plain_forward_pass,
    each_call_has_its_own_bound_and_greedy_answers_stay_the_same,
    seed_and_temperature_reach_the_engine,
    a_repetition_penalty_changes_a_greedy_answer,
    choices_patterns_and_json_hold,
    the_likelier_choice_is_the_one_it_makes,
    a_begun_answer_is_gone_on_with,
    choices_that_begin_alike_have_no_logits,
    a_report_read_before_comes_out_of_the_prefix_cache,
    what_is_beyond_the_context_is_too_long,
    a_grammar_that_it_cannot_build_is_refused,
    a_cancelled_call_leaves_the_engine,
    a_model_that_is_not_there_and_a_wish_to_report_are_refused,
    a_dead_engine_answers_all_calls_with_that,  # the last: there is none after it
]


async def main(checkpoint: str) -> None:
    """All claims with one engine."""
    async with VllmBackend(checkpoint, **OPTIONS) as backend:
        await report(CLAIMS, backend, checkpoint)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
