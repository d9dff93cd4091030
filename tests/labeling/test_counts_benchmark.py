"""What `benchmarks.labeling_counts` counts with: the formulas, the simulated prefix cache, the model made of gold."""

import asyncio
from array import array

import pytest

from benchmarks.gold_model import GoldModel
from benchmarks.labeling_counts import ABDOMEN, VARIANTS, Facts, Variant, abdominal_reports, count_leavs, take
from benchmarks.simulated_engine import PrefixCache, SimulatedEngine
from benchmarks.tekken import Tokenizer, characters
from labeling.core.backends import Choice, Message, Sampling
from labeling.core.maplez import TABLE_1
from labeling.core.values import Value

LETTERS = Tokenizer("a token for each character", lambda text: array("I", map(ord, text)))


def typical_facts() -> Facts:
    """The typical report of METHODS A.10: S = 16, sum f = 14, sum I = 7, sum P = 7."""
    targets = [target.name for target in ABDOMEN.targets]
    values = {target: {finding.name: Value.NOT_MENTIONED for finding in ABDOMEN.findings} for target in targets}
    for target in targets[:7]:
        values[target]["focal"] = Value.PRESENT
    return Facts(16, dict.fromkeys(targets[:7], 2), values)


@pytest.mark.parametrize(
    ("options", "n_calls"),  # the last column of the table in METHODS A.10
    [
        ({}, 451),
        ({"split_report": "fast"}, 191),
        ({"split_report": "extensive"}, 470),
        ({"split_report": "no"}, 230),
        ({"use_cot": "false"}, 230),
        ({"definition": "individual"}, 437),
    ],
)
def test_formula_gives_the_published_counts_of_a_typical_report(options: dict[str, str], n_calls: int) -> None:
    assert count_leavs(typical_facts(), options) == n_calls


def test_cache_holds_whole_blocks_and_never_the_last_token() -> None:
    cache = PrefixCache()
    cache.keep(array("I", range(40)))  # two blocks of 16, and 8 tokens that are none
    assert cache.n_cached(array("I", range(40))) == 32
    assert cache.n_cached(array("I", range(32))) == 16  # the last token must be computed, and with it its block
    assert cache.n_cached(array("I", [*range(16), 99, *range(17, 40)])) == 16
    assert cache.n_cached(array("I", [99, *range(1, 40)])) == 0


def test_second_turn_finds_the_first_and_its_answer_in_the_cache() -> None:
    engine = SimulatedEngine(lambda call: "b" * 20 if call.constraint is None else "Yes", LETTERS)
    asked = [Message("user", "a" * 20)]
    turns = [*asked, Message("assistant", "b" * 20), Message("user", "c")]

    async def ask() -> None:
        await engine.generate(asked, Sampling(100))
        await engine.generate(turns, Sampling(3), Choice(("Yes", "No")))

    asyncio.run(ask())
    first, second = engine.counted
    # <start>user\n, 20 letters, <end>\n, <start>assistant\n: 6 + 20 + 2 + 11; one token more ends the answer.
    assert (first.prompt, first.cached, first.generated, first.is_free) == (39, 0, 21, True)
    # 39 and 20 of the answer are known: three blocks. Then <end>\n, <start>user\n, c, <end>\n, <start>assistant\n.
    assert (second.prompt, second.cached, second.generated, second.is_free) == (81, 48, 3, False)


def test_replicas_that_take_calls_in_turn_read_a_prompt_each() -> None:
    engine = SimulatedEngine(lambda call: "Yes", LETTERS, n_replicas=2)

    async def ask() -> None:
        for _ in range(3):
            await engine.generate([Message("user", "a" * 20)], Sampling(3), Choice(("Yes", "No")))

    asyncio.run(ask())
    assert [call.cached for call in engine.counted] == [0, 0, 32]  # of 39 tokens, two whole blocks


def test_longer_answer_than_allowed_is_a_mistake_of_the_script() -> None:
    engine = SimulatedEngine(lambda call: "long", LETTERS)
    with pytest.raises(ValueError, match="4 tokens where 3 are allowed"):
        asyncio.run(engine.generate([Message("user", "a")], Sampling(3)))


@pytest.fixture(scope="module")
def report() -> GoldModel:
    return next(abdominal_reports(1))


@pytest.mark.parametrize("variant", [v for v in VARIANTS if v.schema is ABDOMEN], ids=lambda variant: variant.title)
def test_labelers_ask_as_often_as_the_formula_says_and_find_the_gold(variant: Variant, report: GoldModel) -> None:
    row = take(variant, report, characters())
    assert len(row.calls) == row.formula
    assert all(0 <= call.cached < call.prompt for call in row.calls)


def test_baseline_of_table_1_is_the_one_of_the_labeler() -> None:
    assert next(variant.config for variant in VARIANTS if variant.title == "maplez, Table 1") == TABLE_1
