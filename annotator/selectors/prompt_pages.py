"""What the page of prompts shows: the conversations about one cell of one report."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from django.http import Http404

from annotator.core.shown_conversations import ShownConversation, characters, shown_conversations
from annotator.models import Case, Project
from annotator.selectors.schemas import parsed_schema
from labeling.core.conversations import conversations, sentences_asked
from labeling.core.labelers import MODEL_LABELERS, labeler_called
from labeling.core.placeholders import SUPPOSED
from labeling.core.schema import Cell, Schema
from labeling.exceptions import UserError
from labeling.models import Run
from labeling.selectors import run_of
from labeling.selectors.answers import calls_about, record_of
from labeling.selectors.conversations import preview_of, replay_of

LISTED_CASES: Final = 100
DEFAULT_LABELER: Final = "leavs-fast"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for; empty where it is not said. `sentence` counts from 1."""

    labeler: str = ""
    options: tuple[str, ...] = ()
    case: str = ""
    target: str = ""
    finding: str = ""
    sentence: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """The conversations. `is_held`: those of the run; else answers are placeholders.

    `n_lost` are answers of the run whose conversation would be another one today. `sentences` are those that are asked
    about one by one, counted from 1. `is_whole` is false when there were too many calls to make.
    """

    conversations: tuple[ShownConversation, ...]
    sentences: tuple[int, ...]
    n_calls: int
    is_held: bool = False
    is_whole: bool = True
    n_lost: int = 0

    @property
    def sentence(self) -> int | None:
        """The sentence that is shown, of those asked about one by one."""
        return next((each.sentence for each in self.conversations if each.sentence is not None), None)

    @property
    def size(self) -> str:
        """The length of the prompts that are shown, in words."""
        return characters(sum(each.n_characters for each in self.conversations))


@dataclass(frozen=True, slots=True)
class PromptPage:
    """The page. `run` is the one whose labeler and switches are shown; `problem` says why nothing was found."""

    wanted: Wanted
    schema: Schema
    case: Case | None
    run: Run | None
    case_keys: tuple[str, ...]
    switches: str
    found: Found | None = None
    problem: str = ""
    labelers: tuple[str, ...] = tuple(MODEL_LABELERS)

    @property
    def cell(self) -> str:
        """The cell that is asked for."""
        return str(Cell(self.wanted.target, self.wanted.finding))


def prompt_page(project: Project, wanted: Wanted, *, run_id: str = "") -> PromptPage:
    """The conversations that were asked for, or why there are none; 404 for a run that the project has not."""
    run = _run(project, run_id) if run_id else None
    schema = parsed_schema(run.schema if run else project.schema)
    wanted = _completed(wanted, schema, run)
    cases = Case.objects.filter(project=project, report__has_text=True).order_by("position")
    case = (cases.filter(key=wanted.case) if wanted.case else cases).select_related("report").first()
    keys = tuple(cases.values_list("key", flat=True)[:LISTED_CASES])
    page = PromptPage(wanted, schema, case, run, case_keys=keys, switches=_switches(wanted.labeler))
    try:
        return replace(page, found=_found(wanted, schema, case, run))
    except UserError as error:
        return replace(page, problem=str(error))


def _run(project: Project, run_id: str) -> Run:
    try:
        return run_of(project, UUID(run_id))
    except ValueError as error:
        raise Http404("no such run in this project") from error


def _completed(wanted: Wanted, schema: Schema, run: Run | None) -> Wanted:
    """Defaults for what is not said; labeler and switches are those of the run, if there is one."""
    first = schema.cells[0]
    return Wanted(
        labeler=run.labeler if run else wanted.labeler or DEFAULT_LABELER,
        options=tuple(run.request.get("options", ())) if run else wanted.options,
        case=wanted.case,
        target=wanted.target or first.target,
        finding=wanted.finding or first.finding,
        sentence=wanted.sentence,
    )


def _switches(labeler: str) -> str:
    return labeler_called(labeler).describe() if labeler in MODEL_LABELERS else ""


def _found(wanted: Wanted, schema: Schema, case: Case | None, run: Run | None) -> Found:
    if case is None or case.report is None:
        raise UserError(f"no case {wanted.case!r} with a report in this project" if wanted.case else "no case yet")
    if wanted.labeler not in MODEL_LABELERS:
        asking = ", ".join(MODEL_LABELERS)
        raise UserError(f"{wanted.labeler} asks no model, so there are no prompts; those that do are {asking}")
    cell = Cell(wanted.target, wanted.finding)
    if cell not in schema.index_of_cell:
        raise UserError(f"the schema has no cell for {cell.finding} in {cell.target}; choose another pair")
    sentence = None if wanted.sentence is None else wanted.sentence - 1
    if run is not None:
        records = [record_of(call) for call in calls_about(run, case.report.pk, cell)]
        if records:
            held = replay_of(run, case.report, schema=schema, cell=cell, records=records)
            calls = tuple(held.calls.values())
            shown = shown_conversations(conversations(calls, sentence=sentence))
            return Found(shown, _numbers(sentences_asked(calls)), len(calls), is_held=True, n_lost=held.n_lost)
    seen = preview_of(case.report, labeler=wanted.labeler, options=wanted.options, schema=schema, cell=cell)
    shown = shown_conversations(conversations(seen.calls, sentence=sentence), n_suppositions=len(SUPPOSED))
    return Found(shown, _numbers(sentences_asked(seen.calls)), len(seen.calls), is_whole=seen.is_whole)


def _numbers(indexes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(index + 1 for index in indexes)


def wanted_of(sent: Mapping[str, str], options: tuple[str, ...]) -> Wanted:
    """What a query asks for; a sentence that is no number is left out."""
    sentence = sent.get("sentence", "")
    is_number = sentence.isascii() and sentence.isdecimal() and len(sentence) < 7
    return Wanted(
        labeler=sent.get("labeler", ""),
        options=options,
        case=sent.get("case", "").strip(),
        target=sent.get("target", ""),
        finding=sent.get("finding", ""),
        sentence=int(sentence) if is_number else None,
    )
