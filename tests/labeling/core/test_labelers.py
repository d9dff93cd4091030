"""Labelers by name, and their options as text."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

import pytest

from labeling.core.labelers import MODEL_LABELERS, Labeler, OptionError, labeler_called, read_value
from labeling.core.records import LabelSet
from labeling.core.schema import Schema
from labeling.core.schema_yaml import load_preset

ROOT = Path(__file__).resolve().parents[3]
SPINE = load_preset("spine-mri")


class Kind(StrEnum):
    HISTORY = "history"
    FINDINGS = "findings"


@dataclass(frozen=True, slots=True)
class Config:
    """One option of each type that labelers have."""

    use_cot: bool = True
    sentences: int = 3
    threshold: float = 0.5
    word: str = " yes"
    tree: Literal["leavs", "maplez"] = "leavs"
    targets: tuple[str, ...] | None = None
    kinds: tuple[Kind, ...] = (Kind.HISTORY,)
    thresholds: Mapping[str, float] = field(default_factory=dict)
    anything: Any = 0

    def __post_init__(self) -> None:
        if self.sentences < 1:
            raise ValueError(f"sentences is {self.sentences}, expected is at least 1")

    def check(self, schema: Schema) -> None:
        if unknown := set(self.targets or ()) - set(schema.target_by_name):
            raise ValueError(f"schema {schema.name} has no target {min(unknown)!r}")


async def label(*_: object, **__: object) -> LabelSet:
    return LabelSet()


LABELER = Labeler("test", label, lambda _schema, _config: {}, Config)


def configured(*options: str) -> Config:
    config = LABELER.configure(options, SPINE)
    assert isinstance(config, Config)
    return config


def test_without_options_the_configuration_is_the_published_one() -> None:
    assert configured() == Config()


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("use_cot=false", Config(use_cot=False)),
        ("use-cot=No", Config(use_cot=False)),
        ("sentences=12", Config(sentences=12)),
        ("threshold=-1e-3", Config(threshold=-0.001)),
        ("word= no=", Config(word=" no=")),
        ("tree=maplez", Config(tree="maplez")),
        ("targets=spine,L5-S1", Config(targets=("spine", "L5-S1"))),
        ("targets=none", Config()),
        ("kinds=history,findings", Config(kinds=(Kind.HISTORY, Kind.FINDINGS))),
        ("kinds=", Config(kinds=())),
        ("thresholds=stenosis:0.5,L5-S1|x: y:-2", Config(thresholds={"stenosis": 0.5, "L5-S1|x: y": -2.0})),
    ],
)
def test_option_is_read_as_its_type(option: str, expected: Config) -> None:
    assert configured(option) == expected


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("use_cot=maybe", "use_cot is 'maybe', expected is true or false"),
        ("sentences=3.5", "sentences is '3.5', expected is a whole number"),
        ("threshold=high", "threshold is 'high', expected is a number"),
        ("threshold=nan", "threshold is 'nan', expected is a number"),
        ("tree=oak", "tree is 'oak', expected is one of leavs, maplez"),
        ("kinds=history,x", "expected is one of history, findings"),
        ("thresholds=0.5", "expected is a list, separated by commas, of name:value with value a number"),
        ("thresholds=a:b", "expected is a number"),
        ("anything=1", "expected is what a command line cannot say"),
        ("sentences=0", "sentences is 0, expected is at least 1"),
        ("targets=heart", "schema spine-mri has no target 'heart'"),
        ("cot=true", "test has no option 'cot'; its options"),
        ("help", "test takes key=value, got 'help'; its options"),
    ],
)
def test_option_that_cannot_be_used_says_what_is_expected(option: str, message: str) -> None:
    with pytest.raises(OptionError) as caught:
        configured(option)
    assert message in str(caught.value)


def test_option_given_twice_is_no_guess() -> None:
    with pytest.raises(OptionError, match="given twice"):
        configured("sentences=1", "sentences=2")


def test_options_are_described_with_defaults_that_can_be_given_back() -> None:
    lines = LABELER.describe().splitlines()[1:]
    assert lines[0] == "  use_cot=true  (true or false)"
    options = [line[2:].rpartition("  (")[0] for line in lines if not line.startswith("  anything")]
    assert len(options) == 8
    assert configured(*options) == Config()


@pytest.mark.parametrize("text", ["", "  ", "three"])
def test_no_number_is_no_zero(text: str) -> None:
    with pytest.raises(ValueError, match="whole number"):
        read_value(text, int)


def test_unknown_labeler_names_the_others() -> None:
    with pytest.raises(KeyError, match="leavs, leavs-fast, maplez, direct-query, summary-query"):
        labeler_called("oracle")


@pytest.mark.parametrize("name", MODEL_LABELERS)
def test_every_labeler_is_there_and_says_how_it_is_configured(name: str) -> None:
    labeler = labeler_called(name)
    config = labeler.configure([], SPINE)
    manifest = labeler.manifest(SPINE, config)
    assert manifest["labeler"] == name
    assert "what a command line cannot say" not in labeler.describe()


def test_names_are_known_without_loading_a_labeler() -> None:
    script = (
        "import sys, labeling.core.labelers; "
        "print([name for name in sys.modules if name == 'asyncio' or name.startswith('labeling.core.leavs')])"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, timeout=60, check=True)
    assert done.stdout.strip() == b"[]"
