"""Tokens per second of the transformers backend: calls answered together against one at a time.

    .venv-gpu/bin/python -m benchmarks.transformers_speed --device cuda --size 7b
    .venv-vllm/bin/python -m benchmarks.transformers_speed --device cpu --size tiny

The model has random weights and the sizes of Qwen2.5 (`tiny`: of the tests' checkpoint), so nothing is fetched; it is
made on the device and kept in a temporary folder while this runs (15 GB for `7b`; TMPDIR says where). Its weights are
bfloat16 on a GPU and float32 on a CPU, and it never ends an answer by itself: each call writes `--tokens` tokens.

The same `--calls` prompts, a question and a report each, are asked through `generate`, one at a time and then with
`--concurrency` in flight. Seconds include the reading of the prompts, but neither loading nor a first round that is not
counted. The tokenizer is the tests' one of 512 tokens: a prompt takes nearly three times as many as with a real one.
"""

import argparse
import asyncio
import gc
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final, NamedTuple

from benchmarks.rules_speed import GOLD, other_digits
from labeling.core.backends import Message, Sampling, Usage
from labeling.core.backends.transformers_local import TransformersBackend

QUESTION: Final = "Which findings does this report describe, and in which organ is each of them?\n\n"
_WARM_TOKENS: Final = 4


class Size(NamedTuple):
    """What a model of the kind Qwen2 is measured by."""

    hidden: int
    inner: int
    n_layers: int
    n_heads: int
    n_key_heads: int
    n_tokens: int
    is_tied: bool


SIZES: Final = {
    "tiny": Size(64, 128, 2, 2, 1, 512, is_tied=True),
    "0.5b": Size(896, 4864, 24, 14, 2, 151_936, is_tied=True),
    "7b": Size(3584, 18_944, 28, 28, 4, 152_064, is_tied=False),
}


class Took(NamedTuple):
    """What was used by calls, and how long they took."""

    usages: list[Usage]
    seconds: float

    @property
    def n_prompt(self) -> int:
        """Tokens that were read."""
        return sum(usage.prompt or 0 for usage in self.usages)

    @property
    def n_generated(self) -> int:
        """Tokens that were written."""
        return sum(usage.generated or 0 for usage in self.usages)

    @property
    def rate(self) -> float:
        """Tokens written in a second."""
        return self.n_generated / self.seconds


def make_checkpoint(folder: Path, size: Size, *, device: str) -> int:
    """Put a model of random weights into this folder, and return how many weights it has."""
    torch: Any = import_module("torch")
    transformers: Any = import_module("transformers")
    tokenizer = import_module("tests.labeling.tiny_checkpoint").make_tokenizer()
    config = transformers.Qwen2Config(
        vocab_size=size.n_tokens,
        hidden_size=size.hidden,
        intermediate_size=size.inner,
        num_hidden_layers=size.n_layers,
        num_attention_heads=size.n_heads,
        num_key_value_heads=size.n_key_heads,
        max_position_embeddings=32_768,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
        tie_word_embeddings=size.is_tied,
    )
    torch.manual_seed(0)
    with torch.device(device), torch.no_grad():
        dtype = torch.float32 if device == "cpu" else torch.bfloat16
        network = transformers.AutoModelForCausalLM.from_config(config, dtype=dtype)
        network.get_output_embeddings().weight[tokenizer.eos_token_id] = 0  # never the largest of random logits
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return int(network.num_parameters())


def prompts(n_calls: int) -> list[str]:
    """So many questions about reports that are all different."""
    lines = [line for gold in GOLD for line in gold.read_text(encoding="utf-8").splitlines()]
    reports = [json.loads(line)["report"] for line in lines]
    texts = [other_digits(reports[index % len(reports)], index // len(reports)) for index in range(n_calls)]
    return [f"{QUESTION}Report {index}. {text}" for index, text in enumerate(texts)]


async def ask_all(backend: TransformersBackend, asked: Sequence[str], *, n_tokens: int, in_flight: int) -> Took:
    """Ask every prompt for so many tokens."""
    slots = asyncio.Semaphore(in_flight)

    async def ask(prompt: str) -> Usage:
        async with slots:
            answer = await backend.generate([Message("user", prompt)], Sampling(max_tokens=n_tokens))
        return answer.usage

    start_s = time.perf_counter()
    usages = await asyncio.gather(*(ask(prompt) for prompt in asked))
    return Took(usages, time.perf_counter() - start_s)


async def measure(folder: Path, options: argparse.Namespace) -> tuple[Took, Took]:
    """One at a time, and with as many in flight as asked for."""
    asked, together = prompts(options.calls), options.concurrency
    identity = "random weights"  # in place of the hash, for which all weights would be read once more
    async with TransformersBackend(folder, device=options.device, max_batch=together, revision=identity) as backend:
        for in_flight in (1, together):
            await ask_all(backend, asked[:in_flight], n_tokens=_WARM_TOKENS, in_flight=in_flight)
        single = await ask_all(backend, asked, n_tokens=options.tokens, in_flight=1)
        batch = await ask_all(backend, asked, n_tokens=options.tokens, in_flight=together)
    return single, batch


def device_name(device: str) -> str:
    """What computes."""
    torch: Any = import_module("torch")
    return f"cpu, threads: {torch.get_num_threads()}" if device == "cpu" else str(torch.cuda.get_device_name(device))


def line(title: str, took: Took) -> str:
    """What one way of asking came to."""
    return (
        f"  {title:<15} {len(took.usages):,} calls, {took.n_generated:,} tokens generated in {took.seconds:.1f} s: "
        f"{took.rate:,.1f} tokens/s"
    )


def main() -> int:
    """Make the model, ask it both ways, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cuda")
    parser.add_argument("--size", choices=list(SIZES), default="7b")
    parser.add_argument("--calls", type=int, default=64)
    parser.add_argument("--tokens", type=int, default=64, help="tokens that each call generates")
    parser.add_argument("--concurrency", type=int, default=32, help="calls in flight when they are answered together")
    options = parser.parse_args()
    if min(options.calls, options.tokens, options.concurrency) < 1:
        parser.error("--calls, --tokens and --concurrency are 1 or more")
    if options.device == "cuda" and not import_module("torch").cuda.is_available():
        parser.error("torch sees no GPU here: ask for --device cpu --size tiny")
    with tempfile.TemporaryDirectory(prefix="overread-bench-") as name:
        n_weights = make_checkpoint(Path(name), SIZES[options.size], device=options.device)
        gc.collect()
        import_module("torch").cuda.empty_cache()  # what the making took is not there for the backend otherwise
        single, batch = asyncio.run(measure(Path(name), options))
    dtype = "float32" if options.device == "cpu" else "bfloat16"
    print(f"{device_name(options.device)}; {options.size}: {n_weights:,} random weights, {dtype}; ", end="")
    print(f"prompts of {single.n_prompt / options.calls:.0f} tokens on average, {options.tokens} tokens asked for each")
    print(line("one at a time", single))
    print(line(f"{options.concurrency} in flight", batch))
    print(f"  together {batch.rate / single.rate:.1f} times as fast")
    return 0


if __name__ == "__main__":
    sys.exit(main())
