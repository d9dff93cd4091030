"""A tokenizer for counting: Mistral's Tekken, which comes with vLLM and so lies in `.venv-vllm`, without a network.

Its 131,072 entries are near in number to those of Qwen (151,643) and of Llama 3 (128,256). A process of that
environment encodes, because this one has not got its packages. Without it a token is four characters.

    .venv-vllm/bin/python -m benchmarks.tekken      encodes what comes in
"""

import struct
import subprocess
import sys
import zlib
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module, resources
from pathlib import Path
from typing import Any, Final

PYTHON: Final = Path(__file__).resolve().parents[1] / ".venv-vllm" / "bin" / "python"
_LENGTH: Final = struct.Struct("<I")
_CHARS: Final = 4


@dataclass(frozen=True, slots=True)
class Tokenizer:
    """`encode` gives the numbers of a text's tokens."""

    name: str
    encode: Callable[[str], "array[int]"]


def load_tokenizer() -> Tokenizer:
    """Tekken where it is installed, else a token for every four characters."""
    has_it = PYTHON.exists() and subprocess.run([PYTHON, "-c", "import mistral_common"], check=False).returncode == 0
    if not has_it:
        return characters()
    command = [str(PYTHON), "-m", "benchmarks.tekken"]
    process = subprocess.Popen(command, cwd=PYTHON.parents[2], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin
    assert process.stdout
    source, sink = process.stdout, process.stdin

    def encode(text: str) -> "array[int]":
        content = text.encode()
        sink.write(_LENGTH.pack(len(content)) + content)
        sink.flush()
        tokens = array("I")
        tokens.frombytes(source.read(_LENGTH.unpack(source.read(_LENGTH.size))[0]))
        return tokens

    return Tokenizer("Mistral's Tekken, 131,072 entries", encode)


def characters() -> Tokenizer:
    """A token for every four characters."""
    return Tokenizer("none: 4 characters to a token (scripts/vllm-cpu installs a real one)", _quarters)


def _quarters(text: str) -> "array[int]":
    return array("I", (zlib.crc32(text[at : at + _CHARS].encode()) >> 1 for at in range(0, len(text), _CHARS)))


def _serve() -> None:
    """Texts in, tokens out, each behind its length in bytes, until the input ends."""
    tekkens: Any = import_module("mistral_common.tokens.tokenizers.tekken")
    with resources.as_file(resources.files("mistral_common").joinpath("data", "tekken_240911.json")) as path:
        tekken = tekkens.Tekkenizer.from_file(path)
    while head := sys.stdin.buffer.read(_LENGTH.size):
        text = sys.stdin.buffer.read(_LENGTH.unpack(head)[0]).decode()
        content = array("I", tekken.encode(text, bos=False, eos=False)).tobytes()
        sys.stdout.buffer.write(_LENGTH.pack(len(content)) + content)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    _serve()
