"""The conversations that a labeler holds about one cell, without an engine.

The labeler itself runs, on a backend that writes down what it is asked. Before a run, answers are placeholders
(`preview`). After a run, they are those that are stored, found by the keys of the calls (`replay`): a conversation that
would be another one today has other keys, and is not shown.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from labeling.core.asking import CallRecord, Purpose
from labeling.core.backends import (
    Answer,
    BackendError,
    ChoiceLogits,
    Constraint,
    Message,
    Sampling,
    Trouble,
)
from labeling.core.labelers import Labeler
from labeling.core.placeholders import SUPPOSED, Placeholders
from labeling.core.records import ReportText
from labeling.core.schema import Cell, Schema
from labeling.core.values import Value

# Characters of all prompts that are put together for one page: a second of work, and as many bytes of memory at most.
MOST_CHARACTERS: Final = 60_000_000
NO_ENGINE: Final[Mapping[str, str]] = {"engine": "none", "model": "none"}


@dataclass(frozen=True, slots=True)
class AskedCall:
    """A call as an engine gets it. `sampling` is None where logits of `choices` are asked for, `stored` in a preview.

    `answers` are what was answered, by what was supposed; one without a supposition was given by the model.
    """

    key: str
    purpose: Purpose
    messages: tuple[Message, ...]
    sampling: Sampling | None
    constraint: Constraint | None = None
    choices: tuple[str, ...] = ()
    answers: tuple[tuple[Value | None, str], ...] = ()
    stored: CallRecord | None = None

    @property
    def n_characters(self) -> int:
        """Characters of its prompt."""
        return sum(len(message.content) for message in self.messages)

    @property
    def answer(self) -> str:
        """The first of the answers."""
        return self.answers[0][1]


@dataclass(frozen=True, slots=True)
class Preview:
    """Calls about a cell, in the order in which they come up. `is_whole` is false when they were too many to make."""

    calls: tuple[AskedCall, ...]
    is_whole: bool = True


async def preview(report: ReportText, *, labeler: Labeler, schema: Schema, config: Any, cell: Cell) -> Preview:
    """The calls that bear on `cell` under each supposition, each once. Raises `NoReport` when there is no text."""
    found: dict[str, AskedCall] = {}
    budget = _Budget(MOST_CHARACTERS)
    for value in SUPPOSED:
        placeholders = Placeholders.of(report, schema=schema, cell=cell, value=value)
        recorder = _Recorder(placeholders, budget)
        await _walk(recorder, report, labeler=labeler, schema=schema, config=_narrowed(config, schema, cell))
        for call in recorder.calls:
            known = found.get(call.key, replace(call, answers=()))
            found[call.key] = replace(known, answers=(*known.answers, (value, call.answer)))
    return Preview(tuple(found.values()), is_whole=budget.left >= 0)


async def replay(
    report: ReportText,
    *,
    labeler: Labeler,
    schema: Schema,
    config: Any,
    cell: Cell,
    records: Iterable[CallRecord],
    fingerprint: Mapping[str, str],
) -> Preview:
    """The calls that bear on `cell` and are among `records`, with their conversations as they were.

    `fingerprint` is that of the engine which answered. Raises `NoReport` when there is no text.
    """
    placeholders = Placeholders.of(report, schema=schema, cell=cell, value=Value.NOT_MENTIONED)
    budget = _Budget(MOST_CHARACTERS)
    recorder = _Recorder(placeholders, budget, {record.key: record for record in records}, fingerprint)
    await _walk(recorder, report, labeler=labeler, schema=schema, config=_narrowed(config, schema, cell))
    calls = {call.key: call for call in recorder.calls if call.stored}
    return Preview(tuple(calls.values()), is_whole=budget.left >= 0)


def concerns(purpose: Purpose, cell: Cell) -> bool:
    """Whether a call bears on the cell: it is about its target and finding, or shared by several."""
    return purpose.target in ("", cell.target) and purpose.finding in ("", cell.finding)


@dataclass
class _Budget:
    left: int


class _Recorder:
    """An engine that is none, and the store of a labeler's calls, which learns from it what they are for.

    The labeler looks a call up in the store, asks the engine and keeps the answer without a break in between, so what
    the three say belongs together.
    """

    def __init__(
        self,
        placeholders: Placeholders,
        budget: _Budget,
        known: Mapping[str, CallRecord] | None = None,
        fingerprint: Mapping[str, str] = NO_ENGINE,
    ) -> None:
        self.calls: list[AskedCall] = []
        self.fingerprint = fingerprint
        self._placeholders = placeholders
        self._budget = budget
        self._known = known or {}
        self._key = ""
        self._asked: AskedCall | None = None

    def find(self, key: str) -> None:
        """Nothing is found, so that every call comes to the engine."""
        self._key = key

    def keep(self, record: CallRecord) -> None:
        """Write the call down, if it bears on the cell."""
        if self._asked is None or self._asked.key != record.key:
            raise RuntimeError(f"stage {record.purpose.stage}: the call that is kept is not the one that was asked")
        if concerns(record.purpose, self._placeholders.cell):
            self.calls.append(replace(self._asked, purpose=record.purpose, answers=((None, record.answer),)))

    async def generate(
        self, messages: Sequence[Message], sampling: Sampling, constraint: Constraint | None = None
    ) -> Answer:
        """The stored answer, else a placeholder."""
        known = self._taken(messages, sampling, constraint)
        if known is not None:
            return Answer(known.answer, is_cut=known.is_cut, usage=known.usage)
        return Answer(self._placeholders.answer(messages, constraint), is_cut=False)

    async def choice_logits(self, messages: Sequence[Message], choices: Sequence[str]) -> ChoiceLogits:
        """The stored logits, else placeholders."""
        known = self._taken(messages, None, None, tuple(choices))
        if known is None:
            return ChoiceLogits(self._placeholders.logits(choices))
        said = json.loads(known.answer)
        return ChoiceLogits(tuple(said["logits"]), frozenset(said["floor"]), known.usage)

    def _taken(
        self,
        messages: Sequence[Message],
        sampling: Sampling | None,
        constraint: Constraint | None,
        choices: tuple[str, ...] = (),
    ) -> CallRecord | None:
        """Note what is asked; the stored call, if there is one."""
        known = self._known.get(self._key)
        asked = AskedCall(self._key, Purpose(""), tuple(messages), sampling, constraint, choices, stored=known)
        self._asked = asked
        self._budget.left -= asked.n_characters
        if self._budget.left < 0:
            raise BackendError(Trouble.TOO_LONG, "there is too much to ask about this report for a preview")
        return known


async def _walk(recorder: _Recorder, report: ReportText, *, labeler: Labeler, schema: Schema, config: Any) -> None:
    """Let the labeler ask, as far as the budget goes."""
    try:
        await labeler.label(report, backend=recorder, schema=schema, config=config, store=recorder)
    except BackendError as error:
        if error.trouble is not Trouble.TOO_LONG:
            raise


def _narrowed(config: Any, schema: Schema, cell: Cell) -> Any:
    """Asks about one target only, where a labeler can be told to: questions there know nothing of other targets."""
    if not hasattr(config, "targets_of"):
        return config
    names = {target.name for target in config.targets_of(schema)}
    return replace(config, targets=(cell.target,) if cell.target in names else ())
