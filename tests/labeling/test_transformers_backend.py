"""The transformers backend with a real, tiny model: a Python that has torch runs `transformers_claims`."""

import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.labeling import claims
from tests.labeling.transformers_claims import CLAIMS
from tests.labeling.vllm_server import VENV, make_checkpoint, need_vllm

MODULE = "tests.labeling.transformers_claims"
NAMES = [claim.__name__ for claim in CLAIMS]


@pytest.fixture(scope="module")
def on_the_cpu(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """What is wrong with each claim on the CPU."""
    need_vllm()  # its environment has torch and transformers
    checkpoint = make_checkpoint(tmp_path_factory.mktemp("model") / "tiny")
    return claims.run(VENV / "bin" / "python", MODULE, str(checkpoint), "cpu", timeout_s=500)


@pytest.fixture(scope="module")
def on_the_gpu(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """The same on the GPU, with the environment that `make test-gpu` makes."""
    checkpoint = tmp_path_factory.mktemp("model") / "tiny"
    script = Path(__file__).with_name("tiny_checkpoint.py")
    subprocess.run([sys.executable, script, checkpoint], check=True, capture_output=True, timeout=300)
    return claims.run(Path(sys.executable), MODULE, str(checkpoint), "cuda", timeout_s=500)


@pytest.mark.slow
@pytest.mark.vllm
@pytest.mark.parametrize("name", NAMES)
def test_on_a_cpu(name: str, on_the_cpu: Mapping[str, str]) -> None:
    assert on_the_cpu[name] == ""


@pytest.mark.gpu
@pytest.mark.skipif(not find_spec("torch"), reason="torch is not installed here: run this by `make test-gpu`")
@pytest.mark.parametrize("name", NAMES)
def test_on_a_gpu_batch_and_single_included(name: str, on_the_gpu: Mapping[str, str]) -> None:
    assert on_the_gpu[name] == ""
