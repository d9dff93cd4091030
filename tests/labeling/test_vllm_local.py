"""vLLM in this process with a real, tiny model on the CPU: the Python of .venv-vllm runs `vllm_local_claims`."""

from collections.abc import Mapping

import pytest

from tests.labeling import claims
from tests.labeling.vllm_local_claims import CLAIMS
from tests.labeling.vllm_server import START_S, VENV, make_checkpoint, need_vllm

pytestmark = [pytest.mark.slow, pytest.mark.vllm]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """What is wrong with each claim."""
    need_vllm()
    checkpoint = make_checkpoint(tmp_path_factory.mktemp("model") / "tiny")
    module = "tests.labeling.vllm_local_claims"
    return claims.run(VENV / "bin" / "python", module, str(checkpoint), timeout_s=START_S + 180)


@pytest.mark.parametrize("name", [claim.__name__ for claim in CLAIMS])
def test_in_process(name: str, found: Mapping[str, str]) -> None:
    assert found[name] == ""
