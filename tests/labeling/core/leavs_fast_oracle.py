"""A backend that answers the questions of `leavs-fast` from labels that are known."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from labeling.core.backends import JsonForm
from labeling.core.backends.scripted import Call, ScriptedBackend
from labeling.core.leavs_fast.plan import shown_target
from labeling.core.records import CellLabel
from labeling.core.schema import Cell, Schema
from labeling.core.values import Value

_TARGET = re.compile(r"this region: (.+)\.\n")
_REASON = "Sentence by sentence: the organ is described and these findings follow from the words used there."


def form_of(call: Call) -> Mapping[str, Any]:
    """The JSON Schema that the answer is held to."""
    assert isinstance(call.constraint, JsonForm)
    return call.constraint.schema


def stage_of(call: Call) -> str:
    """Which of its four questions `leavs-fast` asks, told from the form of the answer."""
    keys = set(form_of(call)["properties"])
    if keys in ({"values"}, {"reason", "values"}):
        return "values"
    if keys in ({"findings"}, {"reason", "findings"}):
        return "support"
    return "recall" if keys <= {"sentences", "regions"} else "select"


def target_of(call: Call) -> str:
    """The target that a question of the last two stages is about, as it is shown there."""
    found = _TARGET.findall("\n".join(message.content for message in call.messages[1:]))
    return str(found[-1])


@dataclass
class Oracle:
    """Answers from `gold`: the mentioned cells, and from `sentences`: the numbers of the sentences of each target.

    What is in `overlooked` is not found by the first selection.
    """

    schema: Schema
    gold: Mapping[Cell, CellLabel]
    sentences: Mapping[str, list[int]]
    overlooked: frozenset[int] = frozenset()
    changed: Mapping[str, Callable[[Call, Any], Any]] = field(default_factory=dict)

    def backend(self) -> ScriptedBackend:
        """A backend that it scripts."""
        return ScriptedBackend(self.answer)

    def answer(self, call: Call) -> str:
        """The answer, as an engine writes it that is held to a form."""
        stage = stage_of(call)
        said = getattr(self, f"_{stage}")(call)
        if stage in self.changed:
            said = self.changed[stage](call, said)
        return said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)

    def _select(self, call: Call) -> dict[str, list[int]]:
        form = form_of(call)["properties"]
        return {target: self._visible(target, form[target]) for target in form}

    def _visible(self, target: str, form: Mapping[str, Any]) -> list[int]:
        first, last = form["items"]["minimum"], form["items"]["maximum"]
        numbers = self.sentences.get(target, ())
        return [number for number in numbers if first <= number <= last and number not in self.overlooked]

    def _recall(self, call: Call) -> dict[str, Any]:
        form = {name: part["properties"] for name, part in form_of(call)["properties"].items()}
        said: dict[str, Any] = {}
        if "sentences" in form:
            said["sentences"] = {
                number: [target for target, numbers in self.sentences.items() if int(number) in numbers]
                for number in form["sentences"]
            }
        if "regions" in form:
            said["regions"] = {target: self.sentences.get(target, []) for target in form["regions"]}
        return said

    def _target(self, call: Call) -> str:
        return {shown_target(target): target.name for target in self.schema.targets}[target_of(call)]

    def _values(self, call: Call) -> dict[str, Any]:
        target, form = self._target(call), form_of(call)["properties"]
        names = form["values"]["properties"]
        values = {name: self.gold.get(Cell(target, name), CellLabel(Value.NOT_MENTIONED)).state for name in names}
        return {"reason": _REASON, "values": values} if "reason" in form else {"values": values}

    def _support(self, call: Call) -> dict[str, Any]:
        target, form = self._target(call), form_of(call)["properties"]
        findings = {
            name: self._one_support(Cell(target, name), asked["properties"])
            for name, asked in form["findings"]["properties"].items()
        }
        return {"reason": _REASON, "findings": findings} if "reason" in form else {"findings": findings}

    def _one_support(self, cell: Cell, form: Mapping[str, Any]) -> dict[str, Any]:
        support: dict[str, Any] = {"sentences": self.sentences[cell.target][:12]}
        if "urgency" in form:
            assert self.schema.urgency
            support["urgency"] = self.schema.urgency.levels[self.gold[cell].urgency or 0]
        return support
