"""A causal language model of the transformers library: loaded without a call to anyone, asked for next tokens."""

import copy
import inspect
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

from labeling.core.backends.local_prompts import Weights, require_memory, said_of
from labeling.core.backends.records import BackendError, Trouble

_BEYOND: Final = 2**20  # what is more is not a context but "not said"


class LocalModel:
    """Model and tokenizer of a folder. Weights are read from safetensors only, code of the folder is not run.

    The last layer runs in float32: in the half precisions, which most checkpoints have, logits of different choices
    would often be rounded to the same number. Raises `BackendError` when it cannot be loaded.
    """

    def __init__(self, weights: Weights, *, device: str, dtype: str, max_context: int | None, attention: str) -> None:
        try:
            import torch  # noqa: F401
            import transformers

            damaged: type[Exception] = import_module("safetensors").SafetensorError
        except ImportError as error:
            raise BackendError(Trouble.NOT_SUPPORTED, f"transformers cannot be loaded ({said_of(error)})") from None
        self.version = transformers.__version__
        self.device = _device(device)
        if self.device.type == "cpu":  # the system would kill this process in the middle
            require_memory(weights)
        try:
            self.tokenizer = transformers.AutoTokenizer.from_pretrained(weights.folder, local_files_only=True)
            self._network = _load(weights, device=self.device, dtype=_dtype(dtype, self.device), attention=attention)
        except (OSError, ValueError, KeyError, RuntimeError, ImportError, MemoryError, damaged) as error:
            message = f"the model {weights.model} cannot be loaded: {said_of(error)}"
            if _is_out_of_memory(error):
                message = f"the model {weights.model} needs more memory than the device {self.device} has free"
            raise BackendError(Trouble.REFUSED, message) from error
        if not self.tokenizer.chat_template:
            raise BackendError(
                Trouble.REFUSED, f"the model {weights.model} has no chat template: take an instruct model"
            )
        self.dtype = str(self._network.dtype).removeprefix("torch.")
        self.n_tokens = int(self._network.get_output_embeddings().weight.shape[0])
        self.stops = _stops(self._network, self.tokenizer)
        said = getattr(self._network.config.get_text_config(), "max_position_embeddings", None)
        self.context = max_context or (said if said and said < _BEYOND else _BEYOND)
        self._takes = inspect.signature(self._network.forward).parameters
        _put_last_layer_in_float32(self._network)

    def look(self, ids: Any, mask: Any, positions: Any, cache: Any = None, *, keeps: bool = True) -> tuple[Any, Any]:
        """Logits of the next token of each row, float32, and the cache with these tokens in it."""
        extra: dict[str, Any] = {"position_ids": positions} if "position_ids" in self._takes else {}
        if "logits_to_keep" in self._takes:
            extra["logits_to_keep"] = 1
        found = self._network(
            input_ids=ids, attention_mask=mask, past_key_values=cache, use_cache=keeps, return_dict=True, **extra
        )
        return found.logits[:, -1].float(), found.past_key_values

    def text_of(self, tokens: Sequence[int]) -> str:
        """What these tokens say, without the tokens that only steer."""
        kept = [token for token in tokens if token not in self.stops]
        text = self.tokenizer.decode(kept, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return str(text)


def _is_out_of_memory(error: Exception) -> bool:
    """Whether memory ran out; torch says so on a CPU in words only."""
    import torch

    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or "allocate memory" in str(error)


def _device(name: str) -> Any:
    import torch

    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise BackendError(Trouble.REFUSED, f"device {name} was asked for, but no GPU is seen here: ask for cpu")
    return torch.device(name)


def _dtype(name: str, device: Any) -> Any:
    """The checkpoint's own on a GPU, float32 on a CPU, where the half precisions are slow."""
    import torch

    if name != "auto":
        return getattr(torch, name)
    return torch.float32 if device.type == "cpu" else "auto"


def _load(weights: Weights, *, device: Any, dtype: Any, attention: str) -> Any:
    import transformers

    places: dict[str, Any] = {"device_map": {"": device}} if find_spec("accelerate") else {}
    network = transformers.AutoModelForCausalLM.from_pretrained(
        weights.folder,
        local_files_only=True,
        use_safetensors=True,
        trust_remote_code=False,
        dtype=dtype,
        attn_implementation=attention,
        **places,
    )
    return (network if places else network.to(device)).eval()


def _stops(network: Any, tokenizer: Any) -> frozenset[int]:
    """The tokens that end an answer, as model and tokenizer name them."""
    said = network.generation_config.eos_token_id
    listed = said if isinstance(said, list) else [said]
    return frozenset(int(token) for token in [*listed, tokenizer.eos_token_id] if token is not None)


def _put_last_layer_in_float32(network: Any) -> None:
    torch = import_module("torch")
    head = network.get_output_embeddings()
    if type(head) is not torch.nn.Linear or head.weight.dtype not in (torch.float16, torch.bfloat16):
        return
    exact = copy.deepcopy(head).float()  # a copy: the weights may be those of the first layer too
    exact.register_forward_pre_hook(lambda _, given: (given[0].float(),))
    network.set_output_embeddings(exact)
