"""How engines in this process are named."""

from pathlib import Path

import pytest

from labeling.core.backends.local_engines import LocalEngine, engine_at, engine_of, open_engine


@pytest.mark.parametrize(
    ("address", "stored", "model"),
    [
        ("vllm:/models/qwen", "vllm:/models/qwen", "qwen"),
        (" transformers:/models/tiny/ ", "transformers:/models/tiny", "tiny"),
        ("vllm:///models/qwen", "vllm:/models/qwen", "qwen"),
        ("vllm:/models/../secret", "vllm:/secret", "secret"),
        ("vllm:/models/with a blank", "vllm:/models/with a blank", "with a blank"),
        ("vllm:Qwen/Qwen2.5-7B-Instruct", "vllm:Qwen/Qwen2.5-7B-Instruct", "Qwen/Qwen2.5-7B-Instruct"),
        ("transformers:gpt2", "transformers:gpt2", "gpt2"),
    ],
)
def test_an_address_names_kind_and_model_in_one_form(address: str, stored: str, model: str) -> None:
    engine = engine_at(address)
    assert engine is not None
    assert (engine.address, engine.model) == (stored, model)


@pytest.mark.parametrize("address", ["http://127.0.0.1:8000/v1", "https://vllm/v1", "VLLM:/models/x", "", "file:/x"])
def test_other_addresses_are_not_engines_in_this_process(address: str) -> None:
    assert engine_at(address) is None


@pytest.mark.parametrize(
    "path", ["", "../models/qwen", "../qwen", "a/b/c", "./qwen x", "/models/a\nb", "models//qwen", "Qwen/Größe"]
)
def test_a_name_that_no_model_has_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match=r"vllm: is followed by the full path of a folder"):
        engine_at(f"vllm:{path}")


def test_a_folder_is_named_by_its_full_path_and_a_name_in_the_cache_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tiny").mkdir()
    monkeypatch.chdir(tmp_path)
    assert engine_of("vllm", "tiny").path == str(tmp_path / "tiny")
    assert engine_of("vllm", "Qwen/Qwen2.5-7B-Instruct").path == "Qwen/Qwen2.5-7B-Instruct"


def test_a_device_is_for_transformers_only() -> None:
    with pytest.raises(ValueError, match="transformers only"):
        LocalEngine("vllm", "/models/qwen", device="cuda")
    with pytest.raises(ValueError, match="no device 'tpu', expected one of cpu, cuda"):
        LocalEngine("transformers", "/models/qwen", device="tpu")


@pytest.mark.parametrize("kind", ["transformers", "vllm"])
def test_opening_loads_nothing(kind: str) -> None:
    backend = open_engine(LocalEngine(kind, "/no/such/folder"), concurrency=4)
    assert "/no/such/folder" in repr(backend)
    assert backend.lacks == ()
