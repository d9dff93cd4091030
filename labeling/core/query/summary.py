"""summary-query: the report is summarised for a condition, then the condition asked by the summary (METHODS D.1).

The levels of a condition share its summary, which the published scripts write anew for each.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from labeling.core.asking import Asker, CallStore, Purpose, UnreadableAnswer
from labeling.core.backends import Answer, Backend, Message, Sampling
from labeling.core.excerpts import require_text
from labeling.core.nodes import shortened
from labeling.core.prompts import fill
from labeling.core.query.config import Config, manifest_of
from labeling.core.query.question import NOTHING_TO_ASK_ABOUT, PROMPTS, Inquiry, opening
from labeling.core.records import CellLabel, LabelSet, ReportText
from labeling.core.schema import Cell, Finding, Schema
from labeling.core.together import together
from labeling.core.values import Missing

NAME: Final = "summary-query"
VERSION: Final = 1
SUMMARY_CUT: Final = "summary cut"
LONGEST_REASON: Final = 2000


@dataclass(frozen=True, slots=True)
class Summary:
    """What the model wrote. `is_cut`: it came to its limit of tokens."""

    text: str
    is_cut: bool

    def __str__(self) -> str:
        """What was read in the answer, for its call record."""
        return "cut summary" if self.is_cut else "summary"


async def label(
    report: ReportText,
    *,
    backend: Backend,
    schema: Schema,
    config: Config,
    store: CallStore | None = None,
) -> LabelSet:
    """Label and score of every cell of `schema`: one summary for each finding, and one more call for each cell.

    The reason of a label is the summary. Raises `NoReport` without text, `BackendError`, and ValueError when `config`
    does not fit `schema`.
    """
    config.check(schema)
    require_text(report)
    inquiry = Inquiry(Asker(backend, store), report.text, schema, config)
    cells_of = {finding: [cell for cell in schema.cells if cell.finding == finding.name] for finding in schema.findings}
    found = await together(_labels(inquiry, finding, cells) for finding, cells in cells_of.items() if cells)
    labels = {cell: label for of_finding in found for cell, label in of_finding.items()}
    return LabelSet({cell: labels[cell] for cell in schema.cells})


def manifest(schema: Schema, config: Config) -> dict[str, Any]:
    """What decides the labels, apart from model and report."""
    return manifest_of(NAME, VERSION, (*PROMPTS, "query_summary"), schema=schema, config=config)


async def _labels(inquiry: Inquiry, finding: Finding, cells: Sequence[Cell]) -> dict[Cell, CellLabel]:
    text = inquiry.text_for(finding)
    if not text.strip():
        return dict.fromkeys(cells, NOTHING_TO_ASK_ABOUT)
    turns = opening(text, fill("query_summary", condition=finding.name))
    sampling = Sampling(inquiry.config.summary_tokens, repetition_penalty=inquiry.config.repetition_penalty)
    purpose = Purpose("summary", finding=finding.name)
    try:
        summary = await inquiry.asker.ask_for(turns, sampling, purpose=purpose, read=_read)
    except UnreadableAnswer:
        return dict.fromkeys(cells, CellLabel(Missing.UNREADABLE, reason="The model wrote no summary, asked twice."))
    turns.append(Message("assistant", summary.text))
    labels = await together(_answer(inquiry, cell, turns, summary) for cell in cells)
    return dict(zip(cells, labels, strict=True))


async def _answer(inquiry: Inquiry, cell: Cell, turns: Sequence[Message], summary: Summary) -> CellLabel:
    question = Message("user", inquiry.question(cell, "your summary"))
    label = await inquiry.answer(cell, [*turns, question])
    if label.state is Missing.UNREADABLE:
        return label
    flags = (SUMMARY_CUT,) if summary.is_cut else ()
    return replace(label, reason=shortened(summary.text, LONGEST_REASON), flags=flags)


def _read(answer: Answer) -> Summary:
    text = answer.text.strip()
    if not text:
        raise UnreadableAnswer("There is no summary in your answer. Write it.")
    return Summary(text, is_cut=answer.is_cut)
