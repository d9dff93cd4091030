"""What the transformers backend does with a real, tiny model: run by a Python that has torch.

    python -m tests.labeling.transformers_claims CHECKPOINT DEVICE

The second implementation is the library itself: `generate` for one prompt, and a plain forward pass.
"""

import asyncio
import json
import re
import sys
from typing import Any

from labeling.core.backends import BackendError, Choice, JsonForm, Message, Pattern, Sampling, Trouble
from labeling.core.backends.transformers_local import TransformersBackend
from tests.labeling import transformers_loading_claims
from tests.labeling.claims import report
from tests.labeling.transformers_world import ASK, FORM, PROMPTS, World, looking, refused


async def it_writes_what_the_library_writes_although_prompts_of_all_lengths_are_together(
    backend: TransformersBackend, world: World
) -> None:
    for penalty in (1.0, 1.3):
        asked = [backend.generate(prompt, Sampling(24, repetition_penalty=penalty)) for prompt in PROMPTS]
        texts = [answer.text for answer in await asyncio.gather(*asked)]
        assert texts == [world.written(prompt, 24, penalty=penalty) for prompt in PROMPTS]
    assert len(set(texts)) > len(PROMPTS) / 2  # with the penalty prompts lead to different answers


async def logits_are_those_of_a_plain_forward_pass_alone_and_in_a_batch(
    backend: TransformersBackend, world: World
) -> None:
    import torch

    chosen = [world.tokenizer.encode(choice)[0] for choice in ("Yes", "No", "Xenon")]
    together = await asyncio.gather(*(backend.choice_logits(prompt, ("Yes", "No", "Xenon")) for prompt in PROMPTS))
    for prompt, batched in zip(PROMPTS, together, strict=True):
        alone = await backend.choice_logits(prompt, ("Yes", "No", "Xenon"))
        with torch.no_grad():
            plain = world.model(world.ids(prompt)).logits[0, -1, chosen].tolist()
        for one, two, three in zip(plain, alone.logits, batched.logits, strict=True):
            assert abs(one - two) < 1e-4
            assert abs(one - three) < 1e-4
        assert alone.floor == frozenset()
        assert alone.usage.prompt == world.ids(prompt).shape[1]


async def each_call_of_a_batch_has_its_own_bound(backend: TransformersBackend, world: World) -> None:
    bounds = (1, 5, 30, 9)
    answers = await asyncio.gather(*(backend.generate(ASK, Sampling(bound)) for bound in bounds))
    assert [answer.usage.generated for answer in answers] == list(bounds)
    assert all(answer.is_cut for answer in answers)
    assert [answer.text for answer in answers] == [world.written(ASK, bound) for bound in bounds]


async def an_answer_ends_where_the_model_ends_it(backend: TransformersBackend, world: World) -> None:
    # A token that it writes in the middle is made to be an end.
    ids = world.ids(ASK)
    options = {"max_new_tokens": 12, "do_sample": False, "repetition_penalty": 1.3}
    written = world.model.generate(ids, attention_mask=ids.new_ones(ids.shape), **options)[0, ids.shape[1] :].tolist()
    end = next(token for place, token in enumerate(written) if place > 2 and token not in written[:place])
    before = written[: written.index(end)]
    folder = world.copy("ends")
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": [world.tokenizer.eos_token_id, end]}))
    async with world.backend(folder) as ending:
        answer = await ending.generate(ASK, Sampling(12, repetition_penalty=1.3))
    assert answer.text == world.tokenizer.decode(before)
    assert not answer.is_cut
    assert answer.usage.generated == len(before) + 1


async def a_choice_is_the_greedy_walk_over_its_options(backend: TransformersBackend, world: World) -> None:
    import torch

    options = ("not mentioned", 'said "maybe"', "not", "absent", "A", "A1")
    ways = {option: [*world.tokenizer.encode(option), world.tokenizer.eos_token_id] for option in options}
    for prompt in PROMPTS:
        ids, left, place = world.ids(prompt), dict(ways), 0
        while len(left) > 1:
            with torch.no_grad():
                logits = world.model(ids).logits[0, -1]
            best = max({way[place] for way in left.values()}, key=lambda token: float(logits[token]))
            left = {option: way for option, way in left.items() if way[place] == best}
            ids, place = torch.cat([ids, ids.new_tensor([[best]])], dim=1), place + 1
        answer = await backend.generate(prompt, Sampling(20), Choice(options))
        assert [answer.text] == list(left)
        assert not answer.is_cut


async def a_choice_that_does_not_fit_is_cut(backend: TransformersBackend, world: World) -> None:
    answer = await backend.generate(ASK, Sampling(1), Choice(("not mentioned", "not stated")))
    assert answer.is_cut
    assert "not mentioned".startswith(answer.text)


async def patterns_and_json_hold_beside_free_calls(backend: TransformersBackend, world: World) -> None:
    pattern = Pattern("(yes|no) [0-9]{2}%")
    asked = [(Sampling(20), pattern), (Sampling(24), None), (Sampling(80), FORM), (Sampling(3), FORM)]
    answers = await asyncio.gather(*(backend.generate(ASK, sampling, limit) for sampling, limit in asked))
    assert re.fullmatch(pattern.regex, answers[0].text)
    assert answers[1].text == world.written(ASK, 24)
    values = json.loads(answers[2].text)
    assert sorted(values) == ["reason", "value"]
    assert values["value"] in ("present", "absent")
    assert len(values["reason"]) <= 12
    assert [answer.is_cut for answer in answers] == [False, True, False, True]


async def a_constraint_without_a_grammar_is_refused_in_words(backend: TransformersBackend, world: World) -> None:
    for constraint, word in ((Pattern("(a"), "regular"), (JsonForm({"type": "nonsense"}), "JSON"), (Choice(()), "opt")):
        error = await refused(backend.generate(ASK, Sampling(5), constraint))
        assert error.trouble is Trouble.REFUSED
        assert word in str(error)


async def a_begun_answer_is_gone_on_with(backend: TransformersBackend, world: World) -> None:
    import torch

    # By hand: the prompt, then the words of the answer, and no end of that turn.
    begun = [*ASK, Message("assistant", "Answer:")]
    ids = torch.cat([world.ids(ASK), world.tokenizer("Answer:", return_tensors="pt")["input_ids"].to(world.device)], 1)
    with torch.no_grad():
        plain = world.model(ids).logits[0, -1]
    found = await backend.choice_logits(begun, ("Yes", "No"))
    assert found.usage.prompt == ids.shape[1]
    for logit, choice in zip(found.logits, ("Yes", "No"), strict=True):
        assert abs(logit - float(plain[world.tokenizer.encode(choice)[0]])) < 1e-4
    assert (await backend.generate(begun, Sampling(1))).text == world.tokenizer.decode([int(plain.argmax())])


async def choices_that_begin_alike_have_no_logits(backend: TransformersBackend, world: World) -> None:
    error = await refused(backend.choice_logits(ASK, ("No", "A", "A1")))
    assert error.trouble is Trouble.NOT_SUPPORTED
    assert "choices 2 and 3 begin with the same token" in str(error)


async def what_is_beyond_the_context_is_too_long(backend: TransformersBackend, world: World) -> None:
    # The checkpoint takes 4096 tokens.
    for content, max_tokens in (("cyst " * 6000, 5), ("cyst", 4097)):
        error = await refused(backend.generate([Message("user", content)], Sampling(max_tokens)))
        assert error.trouble is Trouble.TOO_LONG
        assert "cyst" not in str(error)
    async with world.backend(max_context=40) as small:
        answer = await small.generate(ASK, Sampling(40))
        assert answer.is_cut
        assert answer.usage.prompt is not None
        assert answer.usage.generated == 40 - answer.usage.prompt


async def a_seed_draws_the_same_in_any_company(backend: TransformersBackend, world: World) -> None:
    drawn = [backend.generate(ASK, Sampling(16, temperature=1.0, seed=seed)) for seed in (1, 2, 1)]
    one, two, again = [answer.text for answer in await asyncio.gather(*drawn)]
    assert one == again != two
    assert one == (await backend.generate(ASK, Sampling(16, temperature=1.0, seed=1))).text


async def a_call_joins_while_others_are_being_answered(backend: TransformersBackend, world: World) -> None:
    slow = asyncio.ensure_future(backend.generate(PROMPTS[3], Sampling(400)))
    rows = []

    def note(look: Any, model: Any, ids: Any, *given: Any, **named: Any) -> Any:
        rows.append(len(ids))
        return look(model, ids, *given, **named)

    with looking(note):
        while len(rows) < 5:
            await asyncio.sleep(0.001)
        quick = [await backend.generate(prompt, Sampling(6)) for prompt in (ASK, PROMPTS[6])]
        assert not slow.done()
        assert 2 in rows
    assert [answer.text for answer in quick] == [world.written(prompt, 6) for prompt in (ASK, PROMPTS[6])]
    assert (await slow).text == world.written(PROMPTS[3], 400)


async def a_cancelled_call_leaves_queue_and_batch(backend: TransformersBackend, world: World) -> None:
    rows = []

    def note(look: Any, model: Any, ids: Any, *given: Any, **named: Any) -> Any:
        rows.append(len(ids))
        return look(model, ids, *given, **named)

    async with world.backend(max_batch=1) as narrow:
        with looking(note):
            calls = [asyncio.ensure_future(narrow.generate(ASK, Sampling(3000))) for _ in range(3)]
            while len(rows) < 5:
                await asyncio.sleep(0.001)
            for call in calls:
                call.cancel()
            assert (await narrow.generate(ASK, Sampling(4))).text == world.written(ASK, 4)
    assert [call.cancelled() for call in calls] == [True] * 3
    assert len(rows) < 1000


async def a_batch_that_does_not_fit_in_memory_is_halved(backend: TransformersBackend, world: World) -> None:
    import torch

    def small(look: Any, model: Any, ids: Any, *given: Any, **named: Any) -> Any:
        if len(ids) > 2 or ids.shape[1] > 500:
            raise torch.OutOfMemoryError
        return look(model, ids, *given, **named)

    async with world.backend() as poor:
        with looking(small):
            asked = [poor.generate(prompt, Sampling(8)) for prompt in PROMPTS]
            answers = await asyncio.gather(*asked, refused(poor.choice_logits([Message("user", "cyst " * 900)], "YN")))
    error = answers.pop()
    assert isinstance(error, BackendError)
    assert error.trouble is Trouble.TOO_LONG
    assert [answer.text for answer in answers] == [world.written(prompt, 8) for prompt in PROMPTS]  # type: ignore[union-attr]


async def a_model_that_breaks_down_leaves_no_call_waiting(backend: TransformersBackend, world: World) -> None:
    def broken(look: Any, *given: Any, **named: Any) -> Any:
        raise RuntimeError("CUDA error: cyst")

    async with world.backend(max_batch=2) as breaking:
        with looking(broken):
            errors = await asyncio.gather(*(refused(breaking.generate(ASK, Sampling(8))) for _ in range(6)))
        errors.append(await refused(breaking.generate(ASK, Sampling(8))))
    assert {error.trouble for error in errors} == {Trouble.UNREACHABLE}
    assert not any("cyst" in str(error) for error in errors)


async def sliding_windows_are_answered_batch_by_batch(backend: TransformersBackend, world: World) -> None:
    from transformers import AutoModelForCausalLM

    folder = world.copy("windows")
    config = json.loads((folder / "config.json").read_text())
    config |= {"use_sliding_window": True, "sliding_window": 16, "layer_types": ["sliding_attention"] * 2}
    (folder / "config.json").write_text(json.dumps(config))
    model = AutoModelForCausalLM.from_pretrained(folder, dtype="float32").to(world.device).eval()
    bounds = [3 * n + 1 for n in range(len(PROMPTS))]
    async with world.backend(folder, max_batch=4) as windowed:
        asked = [windowed.generate(p, Sampling(n)) for p, n in zip(PROMPTS, bounds, strict=True)]
        texts = [answer.text for answer in await asyncio.gather(*asked)]
    assert texts == [world.written(p, n, model=model) for p, n in zip(PROMPTS, bounds, strict=True)]
    assert texts != [world.written(p, n) for p, n in zip(PROMPTS, bounds, strict=True)]


CLAIMS = [
    it_writes_what_the_library_writes_although_prompts_of_all_lengths_are_together,
    logits_are_those_of_a_plain_forward_pass_alone_and_in_a_batch,
    each_call_of_a_batch_has_its_own_bound,
    an_answer_ends_where_the_model_ends_it,
    a_choice_is_the_greedy_walk_over_its_options,
    a_choice_that_does_not_fit_is_cut,
    patterns_and_json_hold_beside_free_calls,
    a_constraint_without_a_grammar_is_refused_in_words,
    a_begun_answer_is_gone_on_with,
    choices_that_begin_alike_have_no_logits,
    what_is_beyond_the_context_is_too_long,
    a_seed_draws_the_same_in_any_company,
    a_call_joins_while_others_are_being_answered,
    a_cancelled_call_leaves_queue_and_batch,
    a_batch_that_does_not_fit_in_memory_is_halved,
    a_model_that_breaks_down_leaves_no_call_waiting,
    sliding_windows_are_answered_batch_by_batch,
    *transformers_loading_claims.CLAIMS,
]


async def main(checkpoint: str, device: str) -> None:
    """All claims with one backend."""
    world = World(checkpoint, device)
    async with world.backend() as backend:
        await report(CLAIMS, backend, world)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
