"""direct-query: is this condition in the report, yes or no, by the logits of the two answers (METHODS D.1)."""

from typing import Any, Final

from labeling.core.asking import Asker, CallStore
from labeling.core.backends import Backend
from labeling.core.excerpts import require_text
from labeling.core.query.config import Config, manifest_of
from labeling.core.query.question import NOTHING_TO_ASK_ABOUT, PROMPTS, Inquiry, opening
from labeling.core.records import CellLabel, LabelSet, ReportText
from labeling.core.schema import Cell, Schema
from labeling.core.together import together

NAME: Final = "direct-query"
VERSION: Final = 1


async def label(
    report: ReportText,
    *,
    backend: Backend,
    schema: Schema,
    config: Config,
    store: CallStore | None = None,
) -> LabelSet:
    """Label and score of every cell of `schema`: one call for each, and nothing generated.

    Raises `NoReport` without text, `BackendError`, and ValueError when `config` does not fit `schema`.
    """
    config.check(schema)
    require_text(report)
    inquiry = Inquiry(Asker(backend, store), report.text, schema, config)
    texts = {finding.name: inquiry.text_for(finding) for finding in schema.findings}
    labels = await together(_label(inquiry, cell, texts[cell.finding]) for cell in schema.cells)
    return LabelSet(dict(zip(schema.cells, labels, strict=True)))


def manifest(schema: Schema, config: Config) -> dict[str, Any]:
    """What decides the labels, apart from model and report."""
    return manifest_of(NAME, VERSION, PROMPTS, schema=schema, config=config)


async def _label(inquiry: Inquiry, cell: Cell, text: str) -> CellLabel:
    if not text.strip():
        return NOTHING_TO_ASK_ABOUT
    return await inquiry.answer(cell, opening(text, inquiry.question(cell, "the report")))
