"""The stages of `leavs-fast` for one report."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any, Final

from labeling.core.asking import Asker, CallStore, UnreadableAnswer
from labeling.core.backends import Backend
from labeling.core.leavs_fast.config import Config
from labeling.core.leavs_fast.judging import Judge, unreadable
from labeling.core.leavs_fast.page import number_report
from labeling.core.leavs_fast.plan import Part, plan_parts
from labeling.core.leavs_fast.selection import select
from labeling.core.manifests import method_of
from labeling.core.records import CellLabel, LabelSet, ReportText
from labeling.core.schema import Cell, Schema
from labeling.core.together import together
from labeling.core.values import Value

NAME: Final = "leavs-fast"
VERSION: Final = 1
RECALL_UNREADABLE: Final = "recall_unreadable"

_PROMPTS: Final = (
    *("system", "fast_report", "fast_scope", "fast_select"),
    *("fast_recall", "fast_recall_sentences", "fast_recall_targets"),
    *("fast_values", "fast_reason", "fast_support", "fast_urgency", "fast_urgency_reason"),
)
_DEFAULT: Final = Config()


async def label(
    report: ReportText, *, backend: Backend, schema: Schema, config: Config = _DEFAULT, store: CallStore | None = None
) -> LabelSet:
    """Labels of one report, a state for every cell of `schema`.

    Raises `NoReport` when there is no text, and `BackendError`.
    """
    page = number_report(report)
    parts = plan_parts(schema, page)
    asker = Asker(backend, store)
    unsaid = {cell: CellLabel(Value.NOT_MENTIONED) for cell in schema.cells}
    if not parts:
        return LabelSet(unsaid)
    try:
        selection = await select(asker, page, parts, config)
    except UnreadableAnswer as error:
        return LabelSet(unsaid | {cell: unreadable("select", error) for part in parts for cell in part.cells})
    judge = Judge(asker, page, schema, config)
    touched = [part for part in parts if selection.numbers[part.name]]
    judged = await together(judge.judge(part, selection.numbers[part.name]) for part in touched)
    found = {cell: label for labels in judged for cell, label in labels.items()}
    if selection.doubt is not None:
        found = _doubted(found, parts, selection.doubt)
    return LabelSet(unsaid | found)


def manifest(schema: Schema, config: Config = _DEFAULT) -> dict[str, Any]:
    """What decides the labels besides model and report."""
    return method_of(NAME, VERSION, schema=schema, switches=asdict(config), prompts=_PROMPTS)


def _doubted(found: dict[Cell, CellLabel], parts: Sequence[Part], doubt: UnreadableAnswer) -> dict[Cell, CellLabel]:
    """Labels when a recall was unreadable: it decided the targets without a sentence, and may have added to others."""
    flagged = {cell: replace(label, flags=(*label.flags, RECALL_UNREADABLE)) for cell, label in found.items()}
    undecided = (cell for part in parts for cell in part.cells if cell not in found)
    return flagged | {cell: unreadable("recall", doubt) for cell in undecided}
