"""Made-up answers that keep a labeler asking, so that its questions can be seen without a model.

They follow from what an answer may be, and from what is supposed: that the report says this of one cell, in these
sentences, and nothing of any other.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from labeling.core.backends import Choice, Constraint, JsonForm, Message, Pattern
from labeling.core.leavs.excerpt import Source
from labeling.core.leavs.letters import letters
from labeling.core.prompts import fill, prompt_source
from labeling.core.quotations import pieces_of
from labeling.core.records import ReportText
from labeling.core.rules import label_report
from labeling.core.schema import Cell, Schema
from labeling.core.spans import Span
from labeling.core.values import Value

# Between them they lead to every kind of question, but for N3 of the tree as `leavs` uses it.
SUPPOSED: Final = (Value.PRESENT, Value.ABSENT, Value.AMBIGUOUS, Value.NOT_MENTIONED)
WRITTEN: Final = "(what the model writes here)"

# On which suppositions a node of the MAPLEZ tree is answered with yes: absent is what is unchanged and normal.
_YES_AT: Final[Mapping[str, frozenset[Value]]] = {
    "n0": frozenset({Value.PRESENT}),
    "n2": frozenset({Value.PRESENT, Value.ABSENT, Value.AMBIGUOUS}),
    "n3": frozenset(),
    "n4": frozenset({Value.PRESENT}),
    "n5": frozenset({Value.ABSENT}),
}
# Options of the certainty questions of LEAVS: six for a finding that was chosen, four for another.
_LETTER: Final[Mapping[int, Mapping[Value, str]]] = {
    6: {Value.PRESENT: "D", Value.ABSENT: "A", Value.AMBIGUOUS: "E", Value.NOT_MENTIONED: "B"},
    4: {Value.ABSENT: "A", Value.AMBIGUOUS: "C", Value.NOT_MENTIONED: "B"},
}
_ALONE: Final = re.compile(r"\\\(([A-Z]+)\\\)\|")


@dataclass(frozen=True, slots=True)
class Placeholders:
    """Answers as if the report said `value` of `cell` in the sentences at `indexes`."""

    cell: Cell
    value: Value
    schema: Schema
    source: Source
    indexes: tuple[int, ...]

    @classmethod
    def of(cls, report: ReportText, *, schema: Schema, cell: Cell, value: Value) -> "Placeholders":
        """For the sentences that the rules connect with the cell, else with its target, else the first one.

        Raises `NoReport` when there is no text.
        """
        source = Source.of(report)
        indexes = _sentences_about(source, schema, cell) if value is not Value.NOT_MENTIONED else ()
        return cls(cell, value, schema, source, indexes)

    def logits(self, choices: Sequence[str]) -> tuple[float, ...]:
        """Higher for the first choice when something is supposed to be there."""
        return tuple(float((place == 0) == (self.value is Value.PRESENT)) for place in range(len(choices)))

    def answer(self, messages: Sequence[Message], constraint: Constraint | None) -> str:
        """An answer to the last question."""
        if isinstance(constraint, Choice):
            return self._choice(messages, constraint.options)
        if isinstance(constraint, Pattern):
            return self._matching(constraint.regex)
        if isinstance(constraint, JsonForm):
            return json.dumps(self._filled(constraint.schema), ensure_ascii=False)
        if messages[-1].content.endswith(prompt_source("leavs_fast").rsplit("\n", 1)[-1]):
            return "\n".join(f'- "{self.source.sentences[i]}" Informative' for i in self.indexes) or "NONE"
        return WRITTEN

    def _choice(self, messages: Sequence[Message], options: Sequence[str]) -> str:
        if {option.casefold() for option in options} == {"yes", "no"}:
            is_yes = self._says_yes(messages)
            return next(option for option in options if (option.casefold() == "yes") == is_yes)
        return _LETTER.get(len(options), {}).get(self.value, options[0])

    def _says_yes(self, messages: Sequence[Message]) -> bool:
        """To a question about one sentence, which quotes it behind the report, or to a node of the tree."""
        quoted = [piece.text for piece in pieces_of(messages[1].content) if piece.is_report]
        if len(quoted) > 1:
            return quoted[-1] in {self.source.alone(index) for index in self.indexes}
        node = next((node for node in _YES_AT if _is_about(node, messages)), None)
        return node is not None and self.value in _YES_AT[node]

    def _matching(self, regex: str) -> str:
        """A percentage, or the letter of the finding; that of "not mentioned" where it is not what is supposed."""
        if regex.endswith("% likely"):
            return "95% likely" if self.value is Value.PRESENT else "5% likely"
        asked = [finding.name for finding in self.schema.findings if self._has(finding.name)]
        letter = f"({letters(len(asked))[asked.index(self.cell.finding)]})"
        alone = _ALONE.match(regex)
        is_chosen = self.value in (Value.PRESENT, Value.AMBIGUOUS) and re.fullmatch(regex, letter) is not None
        return f"({alone[1]})" if alone and not is_chosen else letter

    def _has(self, finding: str) -> bool:
        return Cell(self.cell.target, finding) in self.schema.index_of_cell

    def _filled(self, form: Mapping[str, Any], key: str = "") -> Any:
        """JSON of this form."""
        if form["type"] == "object":
            return {name: self._filled(each, name) for name, each in form["properties"].items()}
        if form["type"] == "array":
            return self._list(form, key)
        if set(form.get("enum", ())) == set(Value):
            return str(self.value if key == self.cell.finding else Value.NOT_MENTIONED)
        return form["enum"][0] if "enum" in form else WRITTEN[: form.get("maxLength", len(WRITTEN))]

    def _list(self, form: Mapping[str, Any], key: str) -> list[Any]:
        """Numbers of sentences, for the target and for evidence; or targets of a sentence."""
        entries = form["items"]
        numbers = [index + 1 for index in self.indexes]
        if entries["type"] != "integer":
            wanted: list[Any] = [self.cell.target] if key.isdecimal() and int(key) in numbers else []
            return [name for name in wanted if name in entries.get("enum", wanted)]
        allowed = entries.get("enum") or range(entries["minimum"], entries["maximum"] + 1)
        wanted = numbers if key in (self.cell.target, "sentences") else []
        found = [number for number in wanted if number in allowed][: form["maxItems"]]
        return found or list(allowed[: form.get("minItems", 0)])


def _is_about(node: str, messages: Sequence[Message]) -> bool:
    asked = messages[-1].content
    return any(fill(f"maplez_{node}", specifically=word) in asked for word in ("", " specifically"))


def _sentences_about(source: Source, schema: Schema, cell: Cell) -> tuple[int, ...]:
    """Those in sections that are no evidence for the finding are left out, unless there are no others."""
    excluded = schema.finding_by_name[cell.finding].exclude_sections
    allowed = sorted(source.outside(source.all_indexes, excluded) or source.all_indexes)
    labels = label_report(source.text, schema)
    of_target = [each for each in schema.cells if each.target == cell.target]
    for cells in ([cell], of_target):
        spans = [span for each in cells for span in labels[each].evidence]
        if found := [index for index in allowed if _touches(source.structure.sentences[index].span, spans)]:
            return tuple(found)
    return tuple(allowed[:1])


def _touches(sentence: Span, spans: Sequence[Span]) -> bool:
    return any(span.start < sentence.end and sentence.start < span.end for span in spans)
