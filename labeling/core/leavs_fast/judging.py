"""What is said of one target: the values of all its findings in one answer, then their sentences and urgencies.

Meaning of the values: METHODS A.7; of the urgencies: A.8. The second answer is asked only when a finding is mentioned
and goes on with the conversation of the first.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from labeling.core.asking import Asker, Purpose, UnreadableAnswer
from labeling.core.backends import JsonForm, Message, Sampling
from labeling.core.leavs_fast.config import Config
from labeling.core.leavs_fast.forms import (
    Form,
    numbers_of,
    object_of,
    one_of,
    read_form,
    room_for,
    sketch,
    text_of,
    trimmed,
)
from labeling.core.leavs_fast.page import Page, listed
from labeling.core.leavs_fast.plan import Part, dashed, shown_finding, shown_target
from labeling.core.prompts import fill
from labeling.core.records import CellLabel
from labeling.core.schema import Cell, Finding, Schema
from labeling.core.values import POSITIVE_VALUES, Missing, Value, value_of_name

CONTRADICTION: Final = "contradiction"
NO_EVIDENCE: Final = "no_evidence"
EVIDENCE_UNREADABLE: Final = "evidence_unreadable"
URGENCY_UNREADABLE: Final = "urgency_unreadable"

_MOST_REASON: Final = 400
_MOST_URGENCY_REASON: Final = 200
_MOST_SENTENCES: Final = 12
_MOST_KEPT: Final = 700


@dataclass
class Judge:
    """Asks about the targets of one report."""

    asker: Asker
    page: Page
    schema: Schema
    config: Config = field(default_factory=Config)

    async def judge(self, part: Part, numbers: Sequence[int]) -> dict[Cell, CellLabel]:
        """Labels of a target that these sentences speak of.

        Unreadable values make its cells unreadable. Values stand when their sentences and urgencies are unreadable;
        these stay out and are flagged.
        """
        turns = self.page.ask(self._values_question(part, numbers))
        try:
            found = await self._values(part, turns)
        except UnreadableAnswer as error:
            return {cell: unreadable("values", error) for cell in part.cells}
        values = {finding: value_of_name(found["values"][finding.name]) for finding in part.findings}
        reason = found.get("reason", "")
        mentioned = {finding: value for finding, value in values.items() if value is not Value.NOT_MENTIONED}
        labels = {finding.name: CellLabel(value) for finding, value in values.items()}
        if mentioned:
            turns += [Message("assistant", _plain(found)), Message("user", self._support_question(part, mentioned))]
            labels |= await self._supported(part, mentioned, turns, reason)
        return {Cell(part.name, name): label for name, label in self._flagged(labels).items()}

    async def _values(self, part: Part, turns: Sequence[Message]) -> dict[str, Any]:
        form = self._values_form(part)
        found: dict[str, Any] = await self.asker.ask_for(
            turns,
            Sampling(room_for(form)),
            purpose=Purpose("values", part.name),
            read=lambda answer: read_form(answer, form),
            constraint=JsonForm(form),
        )
        return found

    async def _supported(
        self, part: Part, mentioned: Mapping[Finding, Value], turns: Sequence[Message], reason: str
    ) -> dict[str, CellLabel]:
        form = self._support_form(mentioned)
        try:
            found = await self.asker.ask_for(
                turns,
                Sampling(room_for(form, entries=4 * len(mentioned))),
                purpose=Purpose("support", part.name),
                read=lambda answer: read_form(answer, form),
                constraint=JsonForm(form),
            )
        except UnreadableAnswer:
            return {finding.name: self._bare(finding, value, reason) for finding, value in mentioned.items()}
        why = found.get("reason", "")
        return {
            finding.name: self._label(value, found["findings"][finding.name], reason=reason, why=why)
            for finding, value in mentioned.items()
        }

    def _bare(self, finding: Finding, value: Value, reason: str) -> CellLabel:
        """A value that was read, and neither sentences nor urgency."""
        missing = (EVIDENCE_UNREADABLE, URGENCY_UNREADABLE)
        return CellLabel(value, reason=reason, flags=missing if self._is_urgent(finding, value) else missing[:1])

    def _label(self, value: Value, support: Mapping[str, Any], *, reason: str, why: str) -> CellLabel:
        urgency = None
        if "urgency" in support:
            urgency = self._levels.index(support["urgency"])
            reason = trimmed(f"{reason} {why}", _MOST_KEPT)
        evidence = self.page.evidence(support["sentences"])
        return CellLabel(value, urgency, evidence=evidence, reason=reason, flags=() if evidence else (NO_EVIDENCE,))

    @property
    def _levels(self) -> tuple[str, ...]:
        """Names of the urgencies, 0 first; none when the schema asks for none."""
        return self.schema.urgency.levels if self.schema.urgency else ()

    def _values_form(self, part: Part) -> Form:
        value = one_of(list(Value))
        values = object_of({finding.name: value for finding in part.findings})
        reason = {"reason": text_of(_MOST_REASON)} if self.config.reasons else {}
        return object_of({**reason, "values": values})

    def _support_form(self, mentioned: Mapping[Finding, Value]) -> Form:
        findings = {finding.name: self._one_support(finding, value) for finding, value in mentioned.items()}
        has_reason = self.config.reasons and self._urgent(mentioned)
        reason = {"reason": text_of(_MOST_URGENCY_REASON)} if has_reason else {}
        return object_of({**reason, "findings": object_of(findings)})

    def _one_support(self, finding: Finding, value: Value) -> Form:
        allowed = self.page.evidence_for(finding)
        at_least = 1 if len(allowed) == len(self.page.numbers) else 0
        most = min(_MOST_SENTENCES, len(allowed))
        properties = {"sentences": numbers_of(allowed, at_least=at_least, at_most=most)}
        if self._is_urgent(finding, value):
            properties["urgency"] = one_of(self._levels)
        return object_of(properties)

    def _is_urgent(self, finding: Finding, value: Value) -> bool:
        return value in POSITIVE_VALUES and self.schema.has_urgency(finding.name)

    def _urgent(self, mentioned: Mapping[Finding, Value]) -> list[str]:
        return [finding.name for finding, value in mentioned.items() if self._is_urgent(finding, value)]

    def _values_question(self, part: Part, numbers: Sequence[int]) -> str:
        return fill(
            "fast_values",
            target=shown_target(part.target),
            sentences=listed(numbers),
            findings=dashed([shown_finding(finding) for finding in part.findings]),
            limits=self._limits(part),
            reasoning=fill("fast_reason", most=str(_MOST_REASON)) if self.config.reasons else "",
            form=sketch(self._values_form(part)),
        )

    def _limits(self, part: Part) -> str:
        """What does not go together, and which sentences are no evidence for which finding."""
        names = {finding.name for finding in part.findings}
        clashes = [
            f"{rule.finding} does not go with {', '.join(forbidden)}: {rule.because}."
            for rule in self.schema.contradictions
            if rule.finding in names and (forbidden := [name for name in rule.forbids if name in names])
        ]
        barred = [
            f"For {finding.name} these sentences are no evidence: {listed(excluded)}."
            for finding in part.findings
            if (excluded := sorted(set(self.page.numbers) - set(self.page.evidence_for(finding))))
        ]
        return "".join(f"- {line}\n" for line in clashes + barred)

    def _support_question(self, part: Part, mentioned: Mapping[Finding, Value]) -> str:
        urgent = self._urgent(mentioned)
        return fill(
            "fast_support",
            target=shown_target(part.target),
            findings=dashed([f"{finding.name}: {value}" for finding, value in mentioned.items()]),
            most=str(_MOST_SENTENCES),
            urgency=self._urgency_question(urgent) if urgent else "",
            form=sketch(self._support_form(mentioned)),
        )

    def _urgency_question(self, urgent: Sequence[str]) -> str:
        levels = {f"level{index}": level for index, level in enumerate(self._levels)}
        said = self.schema.urgency.definition if self.schema.urgency else ""
        definition = f" ({said})" if said else ""
        question = fill("fast_urgency", findings=", ".join(urgent), definition=definition, **levels)
        reason = fill("fast_urgency_reason", most=str(_MOST_URGENCY_REASON)) if self.config.reasons else ""
        return f"\n{question}\n{reason}".rstrip() + "\n"

    def _flagged(self, labels: Mapping[str, CellLabel]) -> dict[str, CellLabel]:
        """The labels, with a flag on those that contradict each other. No value is changed."""
        positive = {name for name, label in labels.items() if label.state in POSITIVE_VALUES}
        clashing: set[str] = set()
        for rule in self.schema.contradictions:
            others = positive.intersection(rule.forbids)
            if rule.finding in positive and others:
                clashing |= {rule.finding, *others}
        return {
            name: replace(label, flags=(*label.flags, CONTRADICTION)) if name in clashing else label
            for name, label in labels.items()
        }


def unreadable(stage: str, error: UnreadableAnswer) -> CellLabel:
    """A cell whose answer could not be read, and what was wrong with it."""
    return CellLabel(Missing.UNREADABLE, reason=trimmed(f"{stage}: {error.complaint}", _MOST_KEPT))


def _plain(found: Mapping[str, Any]) -> str:
    """An answer as an engine writes it that is held to a form (xgrammar has a blank behind each comma and colon)."""
    return json.dumps(found, ensure_ascii=False)
