"""The head and the networks with a real torch: a Python that has it runs `torch_claims`."""

from collections.abc import Mapping

import pytest

from tests.labeling import claims
from tests.labeling.vllm_server import VENV, need_vllm
from tests.vision.torch_claims import CLAIMS

pytestmark = [pytest.mark.slow, pytest.mark.vllm]


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """What is wrong with each claim."""
    need_vllm()  # its environment has torch
    folder = tmp_path_factory.mktemp("weights")
    return claims.run(VENV / "bin" / "python", "tests.vision.torch_claims", str(folder), timeout_s=500)


@pytest.mark.parametrize("name", [claim.__name__ for claim in CLAIMS])
def test_with_torch(name: str, said: Mapping[str, str]) -> None:
    assert said[name] == ""
