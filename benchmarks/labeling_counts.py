"""Calls and tokens of every labeler and switch, beside what the published formulas give for the same reports.

    python -m benchmarks.labeling_counts [--per-file 5] [--tokenizer tekken|characters] [--replicas 1]

Nothing is asked of a language model. Simulated are the answers (`gold_model`: every answer is right and readable), the
engine with its prefix cache (`simulated_engine`), and tokens are counted by a real tokenizer (`tekken`). What is real:
the labelers, their prompts and the order of their calls. Reports are made-up ones, evenly picked from the gold files;
for the query labelers the made-up lumbar notes of the demo.

`formula` is METHODS A.10 (`leavs`), B (`maplez`) and D.1 (queries) for the report: S sentences, f those of a target, I
whether it has any, P positive findings, `normal` among them. Exit status 1 when a budget of DESIGN section 8 is missed.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, Final

from benchmarks.gold_model import GoldModel, gold_of
from benchmarks.simulated_engine import Counted, SimulatedEngine
from benchmarks.tekken import Tokenizer, characters, load_tokenizer
from labeling.core.backends.scripted import Call
from labeling.core.labelers import labeler_called
from labeling.core.records import LabelSet, ReportText
from labeling.core.schema import Schema
from labeling.core.schema_yaml import load_preset
from labeling.core.values import POSITIVE_VALUES, Missing, Value

ROOT: Final = Path(__file__).resolve().parents[1]
GOLD: Final = tuple(ROOT / "tests" / "golden" / f"abdomen_reports_{letter}.jsonl" for letter in "abcd")
NOTES: Final = ROOT / "annotator" / "demo" / "spine-mri"
MOST_CALLS: Final = 30
MOST_GENERATED: Final = 0.1
ABDOMEN: Final = load_preset("abdomen-ct")
SPINE: Final = load_preset("spine-mri")
_N_YES_NO: Final = {Value.ABSENT: 3, Value.NOT_MENTIONED: 3, Value.AMBIGUOUS: 4}


@dataclass(frozen=True)
class Facts:
    """What the formulas depend on: sentences, and for each mentioned target its own and its values."""

    n_sentences: int
    own: dict[str, int]
    values: dict[str, dict[str, Value]]

    @classmethod
    def of(cls, model: GoldModel) -> "Facts":
        """Sentences that stand twice under a heading count once, as they are asked about once."""
        source = model.source
        alone = [source.alone(index) for index in range(len(source.sentences))]
        own = {target: len({alone[index] for index in indexes}) for target, indexes in model.sentences.items()}
        names = [finding.name for finding in model.schema.findings]
        values = {target.name: {n: model.value(target.name, n) for n in names} for target in model.schema.targets}
        return cls(len(set(alone)), own, values)

    @property
    def n_own(self) -> int:
        """Sum of f."""
        return sum(self.own.values())

    @property
    def n_targets(self) -> int:
        """Sum of I."""
        return len(self.own)

    @property
    def n_positive(self) -> int:
        """Sum of P."""
        return sum(value in POSITIVE_VALUES for values in self.values.values() for value in values.values())

    @property
    def all_values(self) -> list[Value]:
        """The value of each cell."""
        return [value for values in self.values.values() for value in values.values()]


def count_leavs(facts: Facts, options: dict[str, str]) -> int:
    """METHODS A.10."""
    step = 1 if options.get("use_cot") == "false" else 2
    split = options.get("split_report", "fast_extensive")
    n_all = len(facts.values)
    n_listed = facts.n_own if split == "fast_extensive" else 0
    n_checked = n_all * facts.n_sentences - n_listed if "extensive" in split else 0
    with_sentences = facts.values if split == "no" else facts.own
    n_calls = ("fast" in split) * n_all + step * n_checked + step * facts.n_positive
    for target in with_sentences:
        n_calls += step * (options.get("definition") != "individual")
        n_calls += sum(_n_cell(value, step, options.get("tree")) for value in facts.values[target].values())
    return n_calls


def _n_cell(value: Value, step: int, tree: str | None) -> int:
    """Calls for the certainty of a cell; only what is mentioned is chosen and starts at the first node of the tree."""
    if tree != "maplez":
        return step
    if value in POSITIVE_VALUES:
        return step + 1
    return step * (2 if value is Value.NOT_MENTIONED else _N_YES_NO[value])


def count_fast(facts: Facts, options: dict[str, str]) -> int:
    """Not published: a selection, a recall, and two for each target with sentences. The recall is needed here."""
    return 2 + 2 * facts.n_targets


def count_table_1(facts: Facts, options: dict[str, str]) -> int:
    """METHODS B, labels alone."""
    return sum(_N_YES_NO.get(value, 2) for value in facts.all_values)


def count_maplez(facts: Facts, options: dict[str, str]) -> int:
    """METHODS B with the percentage, which is not asked for what is ambiguous."""
    return 4 * len(facts.all_values)


def count_direct(facts: Facts, options: dict[str, str]) -> int:
    """METHODS D.1: one pass for each condition and level."""
    return len(SPINE.cells)


def count_summary(facts: Facts, options: dict[str, str]) -> int:
    """METHODS D.1: a summary and a pass for each condition and level."""
    return 2 * len(SPINE.cells)


Formula = Callable[[Facts, dict[str, str]], int]


@dataclass(frozen=True, slots=True)
class Variant:
    """A labeler with its switches. `is_deviating`: fewer calls than by the formula are meant."""

    title: str
    labeler: str
    options: tuple[str, ...]
    formula: Formula
    is_deviating: bool = False

    @property
    def schema(self) -> Schema:
        """That of its reports."""
        return SPINE if "query" in self.labeler else ABDOMEN

    @property
    def config(self) -> Any:
        """The switches, read as the command line reads them."""
        return labeler_called(self.labeler).configure(self.options, self.schema)

    def script(self, model: GoldModel) -> Callable[[Call], Any]:
        """What answers it."""
        name = "query" if "query" in self.labeler else self.labeler.replace("-", "_")
        script: Callable[[Call], Any] = getattr(model, f"answer_{name}")
        return script


_TABLE_1: Final = ("with_probability=false", "specifically=false", "device_findings=")
VARIANTS: Final = (
    Variant("leavs", "leavs", (), count_leavs),
    Variant("leavs, no CoT", "leavs", ("use_cot=false",), count_leavs),
    Variant("leavs, individual", "leavs", ("definition=individual",), count_leavs),
    Variant("leavs, MAPLEZ tree", "leavs", ("tree=maplez",), count_leavs),
    Variant("leavs, fast only", "leavs", ("split_report=fast",), count_leavs),
    Variant("leavs, no filtration", "leavs", ("split_report=no",), count_leavs),
    Variant("leavs, extensive only", "leavs", ("split_report=extensive",), count_leavs),
    Variant("leavs-fast", "leavs-fast", (), count_fast),
    Variant("maplez", "maplez", (), count_maplez),
    Variant("maplez, Table 1", "maplez", _TABLE_1, count_table_1),
    Variant("direct-query", "direct-query", (), count_direct),
    Variant("summary-query", "summary-query", (), count_summary, is_deviating=True),
)


@dataclass(frozen=True, slots=True)
class Row:
    """What one report took."""

    calls: list[Counted]
    formula: int


def take(variant: Variant, model: GoldModel, tokenizer: Tokenizer, *, n_replicas: int = 1) -> Row:
    """Label one report. Raises RuntimeError when a cell does not get its gold value, since then answers were off."""
    engine = SimulatedEngine(variant.script(model), tokenizer, n_replicas)
    labeler = labeler_called(variant.labeler)

    async def label() -> LabelSet:
        return await labeler.label(model.report, backend=engine, schema=variant.schema, config=variant.config)

    labels = asyncio.run(label())
    for cell in variant.schema.cells:
        state = labels[cell].state
        if state is Missing.UNREADABLE or (variant.schema is ABDOMEN and state is not model.value(*cell)):
            raise RuntimeError(f"{variant.title}, report {model.report.report_id}: {cell} is {state}")
    return Row(engine.counted, variant.formula(Facts.of(model), dict(o.split("=") for o in variant.options)))


def abdominal_reports(per_file: int) -> Iterator[GoldModel]:
    """As many of each gold file, evenly spaced."""
    for path in GOLD:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        for row in rows[:: max(1, len(rows) // per_file)][:per_file]:
            yield GoldModel(ReportText(row["id"], row["report"]), ABDOMEN, gold_of(row))


def lumbar_notes() -> Iterator[GoldModel]:
    """The notes of the demo."""
    for path in sorted(NOTES.glob("*.txt")):
        yield GoldModel(ReportText(path.stem, path.read_text(encoding="utf-8")), SPINE, {})


def describe(models: Sequence[GoldModel], tokenizer: Tokenizer) -> None:
    """Print what the reports are like."""
    facts = [Facts.of(model) for model in models]
    n_tokens = fmean(len(tokenizer.encode(model.report.text)) for model in models)
    print(f"{len(models)} reports, {models[0].schema.name}, each on average {n_tokens:.0f} tokens,", end=" ")
    print(f"S = {fmean(each.n_sentences for each in facts):.1f} sentences", end="")
    if models[0].gold:
        means = (fmean(getattr(each, name) for each in facts) for name in ("n_own", "n_targets", "n_positive"))
        print(", sum f = {:.1f}, sum I = {:.1f}, sum P = {:.1f}".format(*means), end="")
    print()


def line(variant: Variant, rows: Sequence[Row], leavs: Sequence[Row]) -> str:
    """A row of the table."""
    n_calls = fmean(len(row.calls) for row in rows)
    off = max(abs(len(row.calls) - row.formula) for row in rows)
    prompt, cached, generated = (total(rows, name) / len(rows) for name in ("prompt", "cached", "generated"))
    free = [call.generated for row in rows for call in row.calls if call.is_free]
    share = "" if "query" in variant.labeler else f"{total(rows, 'generated') / total(leavs, 'generated'):.1%}"
    numbers = (f"{fmean(row.formula for row in rows):.1f}", "meant" if variant.is_deviating else str(off))
    cells = (f"{n_calls:.1f}", *numbers, f"{prompt:,.0f}", f"{cached / prompt:.1%}", f"{prompt - cached:,.0f}")
    written = (f"{generated:,.0f}", f"{fmean(free):.0f}" if free else "-", share)
    widths = (8, 10, 8, 11, 8, 10, 10, 9, 9)
    return f"{variant.title:22}" + "".join(f"{c:>{w}}" for c, w in zip((*cells, *written), widths, strict=True))


def total(rows: Sequence[Row], name: str) -> int:
    """Sum over all calls."""
    return sum(getattr(call, name) for row in rows for call in row.calls)


def main() -> int:
    """Read the command line, print the table, and judge the budgets."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--per-file", type=int, default=5, help="reports of each of the four gold files")
    parser.add_argument("--tokenizer", choices=("tekken", "characters"), default="tekken")
    parser.add_argument("--replicas", type=int, default=1, help="engines that take calls in turn")
    arguments = parser.parse_args()
    tokenizer = load_tokenizer() if arguments.tokenizer == "tekken" else characters()
    reports, notes = list(abdominal_reports(arguments.per_file)), list(lumbar_notes())
    print(f"answers, engine and cache are simulated; tokenizer: {tokenizer.name}")
    describe(reports, tokenizer)
    describe(notes, tokenizer)
    print(
        "for each report, on average; `off` is the largest difference of calls and formula in any report,\n"
        "`freely` the tokens of an answer that no form holds"
    )
    heads = ("calls", "formula", "off", "prompt", "cached", "computed", "generated", "freely", "of leavs")
    print(f"{'':22}" + "".join(f"{h:>{w}}" for h, w in zip(heads, (8, 10, 8, 11, 8, 10, 10, 9, 9), strict=True)))
    taken: dict[str, list[Row]] = {}
    for variant in VARIANTS:
        models = notes if variant.schema is SPINE else reports
        taken[variant.title] = [take(variant, model, tokenizer, n_replicas=arguments.replicas) for model in models]
        print(line(variant, taken[variant.title], taken["leavs"]), flush=True)
    most = max(len(row.calls) for row in taken["leavs-fast"])
    share = total(taken["leavs-fast"], "generated") / total(taken["leavs"], "generated")
    print(f"leavs-fast: at most {most} calls (budget {MOST_CALLS}), {share:.1%} of what leavs generates (budget 10 %)")
    return 0 if most <= MOST_CALLS and share <= MOST_GENERATED else 1


if __name__ == "__main__":
    sys.exit(main())
