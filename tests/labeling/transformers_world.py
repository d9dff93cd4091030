"""A tiny model for claims about the transformers backend: its checkpoint, and what the library itself says of it."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from labeling.core.backends import BackendError, JsonForm, Message
from labeling.core.backends.transformers_local import TransformersBackend
from labeling.core.backends.transformers_model import LocalModel

ASK = [Message("user", "Is there a cyst of the left kidney?")]
PROMPTS = [[Message("user", "Cyst? " * n + f"Report {n}.")] for n in (1, 30, 3, 60, 7, 2, 110, 15, 1, 5)]
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


class World:
    """A checkpoint, a device, and the library's own model of it.

    Weights are those of the checkpoint times 5: it would write line breaks whatever it is asked.
    """

    def __init__(self, checkpoint: str, device: str) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self.folder = Path(tempfile.mkdtemp())
        self.checkpoint, self.device = str(shutil.copytree(checkpoint, self.folder / "lively")), device
        self.tokenizer = AutoTokenizer.from_pretrained(checkpoint)
        self.model = AutoModelForCausalLM.from_pretrained(checkpoint, dtype="float32").eval()
        with torch.no_grad():
            for weights in self.model.model.layers.parameters():
                weights.mul_(5 if weights.dim() == 2 else 1)
        self.model.save_pretrained(self.checkpoint)
        self.model.to(device)

    def backend(self, checkpoint: Any = None, **options: Any) -> TransformersBackend:
        """A backend of its own."""
        options = {"device": self.device, "dtype": "float32"} | options
        return TransformersBackend(checkpoint or self.checkpoint, **options)

    def ids(self, messages: list[Message]) -> Any:
        """The prompt as the library has it."""
        turns = [{"role": turn.role, "content": turn.content} for turn in messages]
        found = self.tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_tensors="pt")
        return found["input_ids"].to(self.device)

    def written(self, messages: list[Message], n: int, *, penalty: float = 1.0, model: Any = None) -> str:
        """What the library writes."""
        ids = self.ids(messages)
        options = {"max_new_tokens": n, "do_sample": False, "repetition_penalty": penalty}
        found = (model or self.model).generate(ids, attention_mask=ids.new_ones(ids.shape), **options)
        text: str = self.tokenizer.decode(found[0, ids.shape[1] :], skip_special_tokens=True)
        return text

    def copy(self, name: str) -> Path:
        """The checkpoint once more, to be changed."""
        return Path(shutil.copytree(self.checkpoint, self.folder / name))


@contextmanager
def looking(wrapped: Any) -> Iterator[None]:
    """`wrapped(look, ids)` in place of each pass through the model."""
    look = LocalModel.look
    with patch.object(LocalModel, "look", lambda self, *given, **named: wrapped(look, self, *given, **named)):
        yield


async def refused(call: Any) -> BackendError:
    """The error that a call ends with."""
    try:
        await call
    except BackendError as error:
        return error
    raise AssertionError("no error")
