"""How the labels of one case in one run came about: cells, the words they rest on, and what the model said."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from annotator.core.estimates import percent_text
from annotator.core.shown_conversations import ShownConversation, characters, shown_conversations, value_words
from annotator.models import Case
from annotator.selectors.schemas import parsed_schema
from labeling.core.conversations import base_stage, conversations, stage_title
from labeling.core.labelers import MODEL_LABELERS
from labeling.core.records import CellLabel, LabelSet, StoredLabels
from labeling.core.schema import Cell, Schema
from labeling.core.text import structure_report
from labeling.core.values import Missing, Value
from labeling.models import MachineLabel, ReportFailure, Run, StoredCall
from labeling.selectors.answers import LOGITS_STAGE, UNREADABLE, calls_about, record_of
from labeling.selectors.conversations import Replay, replay_of

_SAYS_NOTHING: Final = frozenset({Value.NOT_MENTIONED, Missing.NOT_ASKED})


@dataclass(frozen=True, slots=True)
class CellRow:
    """One cell. `score` is the probability, or the logit difference where there is one; empty for neither."""

    key: str
    target: str
    finding: str
    state: str
    urgency: str
    score: str
    exact_score: str
    flags: tuple[str, ...]
    evidence: tuple[str, ...]
    reason: str
    is_chosen: bool

    @property
    def value(self) -> str:
        """The value, or why there is none, in words."""
        return value_words(self.state)


@dataclass(frozen=True, slots=True)
class ShownCall:
    """One answer. `read` is what was found in it, empty where nothing is looked for; `logits` are said in words."""

    call: StoredCall
    title: str
    logits: str

    @property
    def is_unreadable(self) -> bool:
        """Whether nothing was found in it."""
        return self.call.read == UNREADABLE

    @property
    def is_read_whole(self) -> bool:
        """Whether what was found in it is all of it, JSON as it stands."""
        try:
            return str(json.loads(self.call.answer)) == self.call.read
        except (ValueError, RecursionError):
            return False

    @property
    def size(self) -> str:
        """Its length in words."""
        return characters(len(self.call.answer))

    @property
    def is_reasoning(self) -> bool:
        """Whether it is only what the next answer rests on."""
        return self.call.stage.endswith("-reasoning")


@dataclass(frozen=True, slots=True)
class CallGroup:
    """Answers to one question: reasoning, result, and second try. `sentence` counts from 1.

    `shared_by` says which other cells they bear on; empty for none. `talk` is the conversation. It is left out where
    there is one for each sentence: `is_held` says whether there is one.
    """

    number: int
    title: str
    stage: str
    shared_by: str
    sentence: int | None
    sentence_text: str
    calls: tuple[ShownCall, ...]
    is_held: bool
    talk: ShownConversation | None


@dataclass(frozen=True, slots=True)
class CaseTrace:
    """The page. `label` is None where the run has none for the case; `n_hidden` cells say nothing and are left out.

    `n_lost` answers cannot be put back into their conversations. `shows_all`: no cell was to be left out.
    """

    run: Run
    case: Case
    label: MachineLabel | None
    failures: tuple[ReportFailure, ...]
    rows: tuple[CellRow, ...]
    n_hidden: int
    chosen: CellRow | None
    groups: tuple[CallGroup, ...]
    n_lost: int
    asks_model: bool
    shows_all: bool

    @property
    def prompts_query(self) -> str:
        """What the page of prompts is asked for to show the conversations about the chosen cell."""
        target, _, finding = self.chosen.key.partition("|") if self.chosen else ("", "", "")
        return urlencode({"run": self.run.run_id, "case": self.case.key, "target": target, "finding": finding})


def case_trace(run: Run, case: Case, *, cell_key: str = "", shows_all: bool = False) -> CaseTrace:
    """How `run` came to its labels of `case`; about the cell `cell_key` (`target|finding`) in all detail."""
    schema = parsed_schema(run.schema)
    label = MachineLabel.objects.filter(run=run, report=case.report_id).order_by().first()
    failures = tuple(ReportFailure.objects.filter(run=run, report=case.report_id).order_by("-pk"))
    labels = StoredLabels(label.values, label.urgencies, label.body).decode(schema) if label else LabelSet()
    chosen = next((cell for cell in schema.cells if str(cell) == cell_key), None)
    text = case.report.text if case.report else ""
    rows = tuple(_row(cell, labels[cell], schema, text, is_chosen=cell == chosen) for cell in schema.cells)
    shown = tuple(row for row in rows if shows_all or row.is_chosen or row.state not in _SAYS_NOTHING)
    groups: tuple[CallGroup, ...] = ()
    n_lost = 0
    if chosen is not None and case.report is not None and (calls := calls_about(run, case.report.pk, chosen)):
        held = replay_of(run, case.report, schema=schema, cell=chosen, records=map(record_of, calls))
        groups, n_lost = _groups(calls, held, text), held.n_lost
    return CaseTrace(
        run=run,
        case=case,
        label=label,
        failures=failures,
        rows=shown if label else (),
        n_hidden=len(rows) - len(shown),
        chosen=next((row for row in rows if row.is_chosen), None),
        groups=groups,
        n_lost=n_lost,
        asks_model=run.labeler in MODEL_LABELERS,
        shows_all=shows_all,
    )


def _row(cell: Cell, said: CellLabel, schema: Schema, text: str, *, is_chosen: bool) -> CellRow:
    levels = schema.urgency.levels if schema.urgency else ()
    score, exact = "", ""
    if said.probability is not None:
        score, exact = percent_text(said.probability), f"probability {said.probability!r}"
    if said.logit_difference is not None:
        score, exact = f"{said.logit_difference:+.2f}", f"logit difference {said.logit_difference!r}"
    return CellRow(
        key=str(cell),
        target=schema.target_by_name[cell.target].title,
        finding=cell.finding,
        state=str(said.state),
        urgency="" if said.urgency is None else levels[said.urgency] if levels else str(said.urgency),
        score=score,
        exact_score=exact,
        flags=tuple(flag.replace("_", " ") for flag in said.flags),
        evidence=tuple(text[span.start : span.end] for span in said.evidence),
        reason=said.reason,
        is_chosen=is_chosen,
    )


def _groups(calls: Sequence[StoredCall], held: Replay, text: str) -> tuple[CallGroup, ...]:
    """The calls question by question: stages in the order in which they began, sentences in that of the report."""
    grouped: dict[tuple[str, str, str, int], list[StoredCall]] = {}
    for call in calls:
        sentence = -1 if call.sentence is None else call.sentence
        grouped.setdefault((base_stage(call.stage), call.target, call.finding, sentence), []).append(call)
    stages = list(dict.fromkeys(stage for stage, *_ in grouped))
    ordered = sorted(grouped.items(), key=lambda each: (stages.index(each[0][0]), each[0][3]))
    sentences = structure_report(text).sentences
    groups = []
    for number, ((stage, target, finding, sentence), of_group) in enumerate(ordered, start=1):
        is_there = 0 <= sentence < len(sentences)
        groups.append(
            CallGroup(
                number=number,
                title=stage_title(stage),
                stage=stage,
                shared_by=_shared_by(target, finding),
                sentence=sentence + 1 if sentence >= 0 else None,
                sentence_text=text[slice(*sentences[sentence].span)] if is_there else "",
                calls=tuple(ShownCall(call, stage_title(call.stage), _logits(call)) for call in of_group),
                is_held=of_group[-1].key in held.calls,
                talk=_talk(of_group, held) if sentence < 0 else None,
            )
        )
    return tuple(groups)


def _shared_by(target: str, finding: str) -> str:
    if target and finding:
        return ""
    return f"all findings in {target}" if target else f"{finding} in all targets" if finding else "all cells"


def _talk(of_group: Iterable[StoredCall], held: Replay) -> ShownConversation | None:
    """The conversation of these calls, as far as it can be put together; the last is the one with most in it."""
    found = conversations([held.calls[call.key] for call in of_group if call.key in held.calls])
    return shown_conversations(found[-1:])[0] if found else None


def _logits(call: StoredCall) -> str:
    """Logits in words; empty for an answer in words, or one of which nothing can be said."""
    if call.stage != LOGITS_STAGE:
        return ""
    try:
        said = json.loads(call.answer)
        first, second = said["logits"]
        at_bound = len(said["floor"])
    except (ValueError, KeyError, TypeError):
        return ""
    if at_bound == 2:
        return "neither of the two answers was among those that the engine lists"
    bound = ", a bound: the other answer was not among those that the engine lists" if at_bound else ""
    return f"logit of yes {first:+.3f}, of no {second:+.3f}, difference {first - second:+.3f}{bound}"
