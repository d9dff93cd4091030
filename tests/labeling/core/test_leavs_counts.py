"""Calls and token caps of `leavs` (METHODS A.10, and the stub runs of METHODS I)."""

import asyncio
from dataclasses import dataclass
from random import Random
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labeling.core.backends.scripted import ScriptedBackend
from labeling.core.leavs import Config, label
from labeling.core.leavs.config import Definition, Split, Tree
from labeling.core.records import ReportText
from tests.labeling.core.leavs_stub import SCHEMA, Asked, model, n_tokens

LETTERS = "ABCDEFGHIJK"
FIVE = "The liver is smooth. The spleen is small. The left kidney is fine. The aorta is wide. The bones are old."
QUOTED = {"liver": "The liver is smooth.", "spleen": "The spleen is small.", "left kidney": "The left kidney is fine."}


def run(text: str, backend: ScriptedBackend, config: Config) -> tuple[int, int]:
    """Calls and the sum of their caps."""
    asyncio.run(label(ReportText("r", text), backend=backend, schema=SCHEMA, config=config))
    return len(backend.calls), n_tokens(backend)


@pytest.mark.parametrize(
    ("config", "calls_and_tokens"),
    [
        (Config(), (171, 166_662)),
        (Config(split_report="fast"), (87, 99_420)),
        (Config(use_cot=False), (90, 104_220)),
        (Config(split_report="extensive"), (90, 72_045)),
        (Config(split_report="no"), (234, 190_260)),
        (Config(definition="individual"), (225, 211_482)),
        (Config(tree="maplez"), (237, 218_691)),
    ],
    ids=["default", "fast", "no CoT", "extensive", "no filtration", "individual", "MAPLEZ tree"],
)
def test_stub_run_of_methods_i_takes_the_published_calls_and_tokens(
    config: Config, calls_and_tokens: tuple[int, int]
) -> None:
    backend = model(
        fast=lambda asked: f'- "{QUOTED[asked.target]}" Informative' if asked.target in QUOTED else "NONE",
        findings="(K)",
        certainty=lambda asked: "D" if asked.is_chosen else "B",
    )
    assert run(FIVE, backend, config) == calls_and_tokens


@dataclass(frozen=True)
class World:
    """How a random model answers: the same to the same question."""

    seed: int

    def is_true(self, *question: str, of_ten: int = 3) -> bool:
        return Random(f"{self.seed} {question}").random() * 10 < of_ten

    def one_of(self, letters: str, *question: str) -> str:
        return Random(f"{self.seed} {question}").choice(letters)

    def chosen(self, target: str) -> list[str]:
        return [letter for letter in LETTERS if self.is_true("chosen", target, letter)] or ["L"]

    def letter(self, target: str, finding: str, *, is_chosen: bool) -> str:
        return self.one_of("ABCDEF" if is_chosen else "ABCD", "certainty", target, finding)

    def says(self, target: str, finding: str, node: str) -> bool:
        return self.is_true("tree", target, finding, node, of_ten=5)

    def model(self, sentences: list[str]) -> ScriptedBackend:
        def fast(asked: Asked) -> str:
            quotes = [s for s in sentences if self.is_true("fast", asked.target, s)]
            return "\n".join(f'- "{quote}" Informative' for quote in quotes) or "NONE"

        def tree(asked: Asked) -> str:
            if asked.node == "N1":
                return "95% likely"
            return "yes" if self.says(asked.target, asked.finding, asked.node) else "no"

        return model(
            fast=fast,
            sentence=lambda asked: "Yes" if self.is_true("sentence", asked.target, asked.sentence) else "No",
            findings=lambda asked: ", ".join(f"({letter})" for letter in self.chosen(asked.target)),
            certainty=lambda asked: self.letter(asked.target, asked.finding, is_chosen=asked.is_chosen),
            tree=tree,
        )


def tree_cost(world: World, target: str, finding: str, *, is_chosen: bool) -> tuple[int, bool]:
    """Yes/no nodes on the way through the tree, and whether it ends positive at N1 (METHODS B)."""
    says = {node: world.says(target, finding, node) for node in ("N0", "N2", "N3", "N4", "N5")}
    if is_chosen and says["N0"]:
        return 1, True
    ways = 2 if not says["N2"] or says["N4"] else 3
    return ways + is_chosen, False


def formula(world: World, config: Config, sentences: list[str]) -> tuple[int, int]:
    """METHODS A.10, target by target."""
    step = 2 if config.use_cot else 1
    reasoning = 1600 if config.use_cot else 0
    calls = tokens = 0
    for target in (t.name for t in SCHEMA.targets):
        listed = {s for s in sentences if world.is_true("fast", target, s)} if "fast" in config.split_report else set()
        checked = set(sentences) - listed if "extensive" in config.split_report else set()
        kept = listed | {s for s in checked if world.is_true("sentence", target, s)}
        calls += ("fast" in config.split_report) + step * len(checked)
        tokens += 4000 * ("fast" in config.split_report) + (1601 if config.use_cot else 1600) * len(checked)
        if not kept and config.split_report != "no":
            continue
        if config.definition == "multiple":
            calls += step
            tokens += reasoning + 60
        n_positive = 0
        for finding, letter in zip((f.name for f in SCHEMA.findings), LETTERS, strict=True):
            is_chosen = config.definition == "individual" or letter in world.chosen(target)
            if config.tree == "leavs":
                calls += step
                tokens += reasoning + 20
                n_positive += is_chosen and world.letter(target, finding, is_chosen=True) in "CD"
                continue
            n_nodes, has_percent = tree_cost(world, target, finding, is_chosen=is_chosen)
            calls += step * n_nodes + has_percent
            tokens += (reasoning + 1) * n_nodes + 80 * has_percent
            says_present = world.says(target, finding, "N2") and world.says(target, finding, "N4")
            n_positive += has_percent or says_present
        calls += step * n_positive
        tokens += (reasoning + 60) * n_positive
    return calls, tokens


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    n_sentences=st.integers(1, 8),
    config=st.builds(
        Config,
        split_report=st.sampled_from(get_args(Split)),
        use_cot=st.booleans(),
        definition=st.sampled_from(get_args(Definition)),
        tree=st.sampled_from(get_args(Tree)),
    ),
)
def test_calls_and_tokens_follow_the_formula_whatever_the_model_says(
    seed: int, n_sentences: int, config: Config
) -> None:
    world = World(seed)
    nouns = ["aorta", "bladder", "colon", "duct", "ear", "femur", "gland", "hilum"]
    sentences = [f"There is something in the {noun} today." for noun in nouns[:n_sentences]]
    backend = world.model(sentences)
    assert run(" ".join(sentences), backend, config) == formula(world, config, sentences)
