"""What the transformers backend makes of a checkpoint: run with `transformers_claims`."""

import json
import re
import socket
import sys
from typing import Any
from unittest.mock import patch

from labeling.core.backends import Choice, Message, Sampling, Trouble
from labeling.core.backends.transformers_local import TransformersBackend
from tests.labeling.transformers_world import ASK, FORM, PROMPTS, World, refused


async def it_is_known_by_engine_precision_and_content(backend: TransformersBackend, world: World) -> None:
    import transformers

    fingerprint = dict(backend.fingerprint)
    assert fingerprint["engine"] == "transformers"
    assert fingerprint["version"] == transformers.__version__
    assert fingerprint["dtype"] == "float32"
    assert re.fullmatch("sha256:[0-9a-f]{64}", fingerprint["weights"])
    assert backend.lacks == ()
    other = world.copy("other")
    (other / "generation_config.json").write_text(json.dumps({"eos_token_id": 1}))
    async with world.backend(other) as changed:
        assert changed.fingerprint["weights"] != fingerprint["weights"]


async def without_xgrammar_patterns_and_json_are_lacking_and_choices_are_not(
    backend: TransformersBackend, world: World
) -> None:
    with patch.dict(sys.modules, {"xgrammar": None}):
        async with world.backend() as poor:
            assert "xgrammar is not installed" in " ".join(poor.lacks)
            assert poor.fingerprint["constraints"] != backend.fingerprint["constraints"]
            error = await refused(poor.generate(ASK, Sampling(5), FORM))
            assert error.trouble is Trouble.NOT_SUPPORTED
            assert (await poor.generate(ASK, Sampling(9), Choice(("Yes", "No")))).text in ("Yes", "No")


async def logits_of_half_precision_are_not_rounded(backend: TransformersBackend, world: World) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(world.checkpoint, dtype="bfloat16").to(world.device)
    chosen = [world.tokenizer.encode(choice)[0] for choice in ("Yes", "No")]
    async with world.backend(dtype="bfloat16") as half:
        assert half.fingerprint["dtype"] == "bfloat16"
        for prompt in PROMPTS[:3]:
            found = (await half.choice_logits(prompt, ("Yes", "No"))).logits
            with torch.no_grad():
                hidden = model.model(world.ids(prompt)).last_hidden_state[0, -1].float()
                plain = (model.lm_head.weight[chosen].float() @ hidden).tolist()
            assert max(abs(one - two) for one, two in zip(found, plain, strict=True)) < 1e-5
            assert torch.tensor(found).bfloat16().float().tolist() != list(found)


async def nobody_is_called(backend: TransformersBackend, world: World) -> None:
    # Whatever the environment says of being offline: nothing is fetched unless it was asked for.
    import huggingface_hub.constants

    def refuse(*given: Any) -> None:
        raise AssertionError("a call to the network")

    with (
        patch.object(socket.socket, "connect", refuse),
        patch.object(socket, "getaddrinfo", refuse),
        patch.object(huggingface_hub.constants, "HF_HUB_OFFLINE", False),
    ):
        async with world.backend() as quiet:
            await quiet.generate(ASK, Sampling(2))
        error = await refused(world.backend("nobody/no-such-model").look())
    assert error.trouble is Trouble.REFUSED
    assert "nobody/no-such-model" in str(error)


async def a_model_that_cannot_chat_is_refused(backend: TransformersBackend, world: World) -> None:
    folder = world.copy("silent")
    for name in ("chat_template.jinja",):
        (folder / name).unlink(missing_ok=True)
    error = await refused(world.backend(folder).look())
    assert "no chat template" in str(error)


async def a_template_that_refuses_turns_says_so_without_the_turns(backend: TransformersBackend, world: World) -> None:
    folder = world.copy("strict")
    (folder / "chat_template.jinja").write_text("{{ raise_exception('no: ' + messages[0].content) }}")
    async with world.backend(folder) as strict:
        error = await refused(strict.generate(ASK, Sampling(2)))
    assert error.trouble is Trouble.REFUSED
    assert "cyst" not in str(error)


async def characters_that_are_none_do_not_stop_it(backend: TransformersBackend, world: World) -> None:
    half = await backend.choice_logits([Message("user", "Cyst\ud800")], ("Yes", "No"))
    mark = await backend.choice_logits([Message("user", "Cyst?")], ("Yes", "No"))
    assert half.logits == mark.logits


async def what_a_folder_lacks_is_named(backend: TransformersBackend, world: World) -> None:
    folder = world.copy("lacking")
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[:1000])
    error = await refused(world.backend(folder).look())
    assert "the model lacking cannot be loaded: SafetensorError" in str(error)
    (folder / "model.safetensors").unlink()
    error = await refused(world.backend(folder).look())
    assert f"the folder {folder} holds no weights: no file *.safetensors is in it" in str(error)
    (folder / "config.json").unlink()
    error = await refused(world.backend(folder).look())
    assert f"the folder {folder} holds no model: config.json is not in it" in str(error)


async def too_little_memory_is_said_in_words(backend: TransformersBackend, world: World) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    with patch("os.sysconf", return_value=100):  # 100 pages of 100 bytes
        error = await refused(world.backend(device="cpu").look())
    assert "and this machine has 0 GiB of memory" in str(error)
    for out_of_memory in (torch.OutOfMemoryError("cuda"), RuntimeError("can't allocate memory: 9 bytes")):
        with patch.object(AutoModelForCausalLM, "from_pretrained", side_effect=out_of_memory):
            error = await refused(world.backend().look())
        assert f"needs more memory than the device {world.device}" in str(error)


async def a_missing_package_is_named_before_the_weights_are_read(backend: TransformersBackend, world: World) -> None:
    with patch.dict(sys.modules, {"transformers": None}):
        error = await refused(world.backend("nobody/no-such-model").look())
    assert error.trouble is Trouble.NOT_SUPPORTED
    assert "transformers is not installed here: install requirements-gpu.txt" in str(error)


CLAIMS = [
    it_is_known_by_engine_precision_and_content,
    without_xgrammar_patterns_and_json_are_lacking_and_choices_are_not,
    logits_of_half_precision_are_not_rounded,
    nobody_is_called,
    a_model_that_cannot_chat_is_refused,
    a_template_that_refuses_turns_says_so_without_the_turns,
    characters_that_are_none_do_not_stop_it,
    what_a_folder_lacks_is_named,
    too_little_memory_is_said_in_words,
    a_missing_package_is_named_before_the_weights_are_read,
]
