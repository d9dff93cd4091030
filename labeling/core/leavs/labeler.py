"""The `leavs` labeler: sentences, findings, certainty, urgency, one question at a time (METHODS A)."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any, Final

from labeling.core.asking import Asker, CallStore, Purpose, UnreadableAnswer
from labeling.core.backends import Backend
from labeling.core.leavs.config import Config
from labeling.core.leavs.excerpt import Source
from labeling.core.leavs.filtration import Selection, select_sentences
from labeling.core.leavs.questions import PROMPTS, Subject, read_certainty, read_findings, read_urgency
from labeling.core.manifests import method_of
from labeling.core.maplez import tree
from labeling.core.nodes import put, put_reasoned, shortened
from labeling.core.records import CellLabel, LabelSet, ReportText
from labeling.core.schema import Cell, Finding, Schema, Target
from labeling.core.spans import Span
from labeling.core.together import together
from labeling.core.values import POSITIVE_VALUES, Missing, Value

NAME: Final = "leavs"
VERSION: Final = 1
URGENCY_UNREADABLE: Final = "urgency_unreadable"
_UNREADABLE: Final = "The answer about {what} could not be read, twice."


async def label(
    report: ReportText,
    *,
    backend: Backend,
    schema: Schema,
    config: Config,
    store: CallStore | None = None,
) -> LabelSet:
    """Labels of one report for the targets of `config`; cells of others are left out, as not asked.

    Raises `NoReport` when there is no text, ValueError when `config` names a target that `schema` lacks, and
    `BackendError`.
    """
    targets = config.targets_of(schema)
    job = _Job(Asker(backend, store), Source.of(report), schema, config)
    subjects = [Subject(target, _findings_of(target, schema), config.use_cot) for target in targets]
    labelled = await together(job.label_target(subject) for subject in subjects if subject.findings)
    return LabelSet({cell: found for cells in labelled for cell, found in cells.items()})


def manifest(schema: Schema, config: Config) -> dict[str, Any]:
    """What makes these labels: labeler, code version, schema, switches, and the hash of each prompt."""
    names = PROMPTS if config.tree == "leavs" else (*PROMPTS, *tree.PROMPTS)
    return method_of(NAME, VERSION, schema=schema, switches=asdict(config), prompts=names)


def _findings_of(target: Target, schema: Schema) -> tuple[Finding, ...]:
    asked = set(schema.cells)
    return tuple(finding for finding in schema.findings if Cell(target.name, finding.name) in asked)


@dataclass(frozen=True)
class _Job:
    """One report, and what is asked of it."""

    asker: Asker
    source: Source
    schema: Schema
    config: Config

    async def label_target(self, subject: Subject) -> Mapping[Cell, CellLabel]:
        """All cells of a target. An answer that decides all of them and is not readable makes all unreadable."""
        try:
            selection = await select_sentences(self.asker, self.source, subject, self.config.split_report)
        except UnreadableAnswer:
            return _all_cells(subject, _unreadable("the sentences of this target"))
        if not selection.indexes:
            return _all_cells(subject, CellLabel(Value.NOT_MENTIONED, flags=selection.flags))
        try:
            chosen = await self._chosen(subject, selection)
        except UnreadableAnswer:
            label = _unreadable("the findings that are mentioned in this target")
            return _all_cells(subject, replace(label, evidence=self._evidence(selection), flags=selection.flags))
        labels = await together(
            self._label_cell(subject, finding, selection, is_chosen=finding.name in chosen)
            for finding in subject.findings
        )
        return {_cell(subject, finding): said for finding, said in zip(subject.findings, labels, strict=True)}

    async def _chosen(self, subject: Subject, selection: Selection) -> frozenset[str]:
        """Stage 2; with `definition="individual"` all findings count as chosen."""
        if self.config.definition == "individual":
            return frozenset(finding.name for finding in subject.findings)
        question = subject.which_findings(self.source.excerpt(selection.indexes))
        read = partial(read_findings, findings=subject.findings)
        return await put(self.asker, question, purpose=Purpose("findings", subject.target.name), read=read)

    async def _label_cell(
        self, subject: Subject, finding: Finding, selection: Selection, *, is_chosen: bool
    ) -> CellLabel:
        """Stages 3 and 4."""
        indexes = self.source.outside(selection.indexes, finding.exclude_sections)
        if not indexes:
            return CellLabel(Value.NOT_MENTIONED, flags=selection.flags)
        excerpt = self.source.excerpt(indexes)
        evidence = self._evidence(replace(selection, indexes=indexes))
        try:
            value, reason = await self._certainty(subject, finding, excerpt, is_chosen=is_chosen)
        except UnreadableAnswer:
            return replace(_unreadable("this cell"), evidence=evidence, flags=selection.flags)
        if value is Value.NOT_MENTIONED:
            return CellLabel(value, flags=selection.flags)
        said = CellLabel(value, evidence=evidence, reason=reason, flags=selection.flags)
        if value not in POSITIVE_VALUES or not self.schema.has_urgency(finding.name):
            return said
        return await self._with_urgency(said, subject, finding, excerpt)

    async def _certainty(
        self, subject: Subject, finding: Finding, excerpt: str, *, is_chosen: bool
    ) -> tuple[Value, str]:
        """Stage 3: value and rationale."""
        purpose = Purpose("certainty", subject.target.name, finding.name)
        if self.config.tree == "maplez":
            judgement = await tree.judge(
                self.asker,
                excerpt,
                f"{finding.long_definition}; the organ or region meant is the {subject.target.title}",
                purpose=purpose,
                use_cot=self.config.use_cot,
                start="N0" if is_chosen else "N2",
            )
            return judgement.value, judgement.reason
        question = subject.certainty(excerpt, finding, is_chosen=is_chosen)
        read = partial(read_certainty, is_chosen=is_chosen)
        value, reasoning = await put_reasoned(self.asker, question, purpose=purpose, read=read)
        return value, shortened(reasoning)

    async def _with_urgency(self, said: CellLabel, subject: Subject, finding: Finding, excerpt: str) -> CellLabel:
        """Stage 4. Urgency that is not readable stays out and is flagged; the value of the cell stands."""
        levels = self.schema.urgency.levels if self.schema.urgency else ()
        question = subject.urgency(excerpt, finding, levels)
        purpose = Purpose("urgency", subject.target.name, finding.name)
        read = partial(read_urgency, n_levels=len(levels))
        try:
            return replace(said, urgency=await put(self.asker, question, purpose=purpose, read=read))
        except UnreadableAnswer:
            return replace(said, flags=(*said.flags, URGENCY_UNREADABLE))

    def _evidence(self, selection: Selection) -> tuple[Span, ...]:
        return self.source.spans(selection.indexes) if selection.is_evidence else ()


def _cell(subject: Subject, finding: Finding) -> Cell:
    return Cell(subject.target.name, finding.name)


def _all_cells(subject: Subject, said: CellLabel) -> dict[Cell, CellLabel]:
    return {_cell(subject, finding): said for finding in subject.findings}


def _unreadable(what: str) -> CellLabel:
    return CellLabel(Missing.UNREADABLE, reason=_UNREADABLE.format(what=what))
