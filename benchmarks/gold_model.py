"""A model that answers every question of every labeler from gold labels, for counting calls and tokens.

Sentences of a target are those that `rules` cites for it, and where `rules` finds none for a target that the gold
mentions, the first sentence that no other target has. What it writes where it may reason is as short as the question
allows: a clause for each thing that it is told to go through (a dozen kinds of finding, each sentence). Real models
write more. `leavs-fast` may write 400 and 200 characters and is given all of them. So the ratio between the two is
rather too favourable to `leavs`. Summaries are the first 150 words of a report.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from labeling.core.backends import JsonForm
from labeling.core.backends.scripted import Call
from labeling.core.leavs.excerpt import Source
from labeling.core.leavs.letters import letters
from labeling.core.maplez import Config as MaplezConfig
from labeling.core.maplez.labeler import definition_of
from labeling.core.records import CellLabel, ReportText
from labeling.core.rules import label_report
from labeling.core.schema import Cell, Finding, Schema
from labeling.core.values import POSITIVE_VALUES, Value, value_of_name
from tests.labeling.core.leavs_fast_oracle import Oracle
from tests.labeling.core.leavs_stub import Asked, asked
from tests.labeling.core.maplez_tools import node_of

_SUMMARY_WORDS: Final = 150
_POSITIVE: Final = {Value.ABSENT: "A", Value.NOT_MENTIONED: "B", Value.POSSIBLE: "C", Value.PRESENT: "D"}
_NEGATIVE: Final = {Value.ABSENT: "A", Value.NOT_MENTIONED: "B", Value.AMBIGUOUS: "C"}
_DEFINITION: Final = re.compile(r"the part of the body it concerns: (.+)$", re.MULTILINE)
_RATIONALE: Final = (
    "The sentences are taken in turn: this one states the finding in plain words, the next names it by a synonym and "
    "hedges, another denies what would make it likely, and the rest speaks of size, borders and density only. "
) * 2
_LONGEST: Final = {"values": 400, "support": 200}


def gold_of(row: Mapping[str, Any]) -> dict[Cell, CellLabel]:
    """The mentioned cells of a line of a gold file, with urgency for the positive ones."""
    found = {}
    for target, cells in row["cells"].items():
        for finding, name in cells.items():
            value = value_of_name(name)
            urgency = row.get("urgency", {}).get(target, {}).get(finding, 0) if value in POSITIVE_VALUES else None
            if value is not Value.NOT_MENTIONED:
                found[Cell(target, finding)] = CellLabel(value, urgency)
    return found


@dataclass(frozen=True)
class GoldModel:
    """Knows one report. `gold` holds the cells that the report mentions."""

    report: ReportText
    schema: Schema
    gold: Mapping[Cell, CellLabel]

    @cached_property
    def source(self) -> Source:
        """The report and its sentences."""
        return Source.of(self.report)

    @cached_property
    def sentences(self) -> dict[str, list[int]]:
        """Indexes of the sentences of each target that is mentioned."""
        cited = label_report(self.report.text, self.schema)
        mentioned = {cell.target for cell in self.gold}
        found: dict[str, list[int]] = {}
        for target in (target.name for target in self.schema.targets if target.name in mentioned):
            spans = [span for cell in self.schema.cells if cell.target == target for span in cited[cell].evidence]
            found[target] = [
                index
                for index, sentence in enumerate(self.source.structure.sentences)
                if any(span.start < sentence.span.end and sentence.span.start < span.end for span in spans)
            ]
        taken = {index for indexes in found.values() for index in indexes}
        for target, indexes in found.items():
            if not indexes:
                free = (index for index in range(len(self.source.sentences)) if index not in taken)
                found[target] = [next(free, 0)]
                taken.update(found[target])
        return found

    def value(self, target: str, finding: str) -> Value:
        """The gold value."""
        state = self.gold.get(Cell(target, finding), CellLabel(Value.NOT_MENTIONED)).state
        assert isinstance(state, Value)
        return state

    def says(self, node: str, value: Value) -> str:
        """The answer to a node of the MAPLEZ tree."""
        if node in ("n1", "observed", "plain", "absent"):
            return {Value.PRESENT: "95% likely", Value.POSSIBLE: "65% likely"}.get(value, "4% likely")
        yes = {"n0": value in POSITIVE_VALUES, "n2": value is Value.AMBIGUOUS, "n3": value is Value.ABSENT}
        return "yes" if yes.get(node, False) else "no"

    def answer_leavs(self, call: Call) -> str:
        """`leavs`, in every form."""
        question = asked(call, self.schema)
        if question.is_reasoning:
            return self._reasoning(question)
        value = self.value(question.target, question.finding) if question.finding else Value.NOT_MENTIONED
        match question.stage:
            case "fast":
                quotes = [f'- "{self._quote(index)}" Informative' for index in self.sentences.get(question.target, ())]
                return "\n".join(quotes) or "NONE"
            case "sentence":
                shown = {self.source.alone(index) for index in self.sentences.get(question.target, ())}
                return "Yes" if question.sentence in shown else "No"
            case "findings":
                return ", ".join(f"({letter})" for letter in self._chosen(question.target))
            case "certainty":
                return _POSITIVE.get(value, "E") if question.is_chosen else _NEGATIVE[value]
            case "urgency":
                return letters(4)[self.gold[Cell(question.target, question.finding)].urgency or 0]
        return self.says(question.node.lower(), value)

    def answer_leavs_fast(self, call: Call) -> str:
        """`leavs-fast`."""
        return self._fast.answer(call)

    def answer_maplez(self, call: Call) -> str:
        """`maplez`, with definitions as wording."""
        named = _DEFINITION.search(call.messages[1].content)
        assert named
        cell = self._cell_of_definition[named[1]]
        return self.says(node_of(call), self.value(cell.target, cell.finding))

    def answer_query(self, call: Call) -> str | Sequence[float]:
        """`direct-query` and `summary-query`."""
        if call.sampling is None:
            return (0.0, 1.0)
        return " ".join(self.report.text.split()[:_SUMMARY_WORDS])

    @cached_property
    def _fast(self) -> Oracle:
        numbers = {target: [index + 1 for index in indexes] for target, indexes in self.sentences.items()}

        def lengthened(call: Call, said: dict[str, Any]) -> dict[str, Any]:
            assert isinstance(call.constraint, JsonForm)
            longest = _LONGEST["values" if "values" in said else "support"]
            return said | {"reason": _RATIONALE[:longest]} if "reason" in said else said

        return Oracle(self.schema, self.gold, numbers, changed=dict.fromkeys(_LONGEST, lengthened))

    @cached_property
    def _cell_of_definition(self) -> dict[str, Cell]:
        config = MaplezConfig()
        return {definition_of(cell, schema=self.schema, config=config): cell for cell in self.schema.cells}

    def _quote(self, index: int) -> str:
        """A sentence as it stands in its line, so with a heading that is directly before it."""
        text, start = self.report.text, self.source.structure.sentences[index].span.start
        title = self.source.structure.sections[self.source.structure.sentences[index].section].title_span
        if title is not None and not text[title.end : start].strip(" :") and "\n" not in text[title.end : start]:
            start = title.start
        return text[start : self.source.structure.sentences[index].span.end]

    def _chosen(self, target: str) -> list[str]:
        """Letters of what is mentioned, or of the last option, which is "not mentioned"."""
        findings = self.schema.findings
        *options, none = letters(len(findings) + 1)
        said = (self.value(target, finding.name) is not Value.NOT_MENTIONED for finding in findings)
        return [letter for letter, is_said in zip(options, said, strict=True) if is_said] or [none]

    def _reasoning(self, question: Asked) -> str:
        """A clause for each thing that the question says to go through, then the conclusion."""
        if question.stage == "sentence":
            kinds = [f"- {self._clause(finding, question)}" for finding in self.schema.findings]
            said = question.sentence.split("\n")[-1]
            return "\n".join([f'The sentence "{said}" describes what was seen there.', *kinds, "So the answer is No."])
        if question.stage == "tree":
            return f"The report does not say this of the {question.target}, so by deduction the answer is no."
        stated = [self.source.sentences[index] for index in self.sentences.get(question.target, ())]
        about = next((f.definition for f in self.schema.findings if f.name == question.finding), "the kinds listed")
        sentences = [f'- "{sentence}": this bears on whether {about} as it is worded.' for sentence in stated]
        return "\n".join(["Step by step:", *sentences, "Taken together, the answer follows from these sentences."])

    def _clause(self, finding: Finding, question: Asked) -> str:
        return f"{finding.definition[0].upper()}{finding.definition[1:]}: nothing follows for the {question.target}."
