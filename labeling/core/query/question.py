"""The question of the query labelers and the score of its answer (METHODS D.1)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from labeling.core.asking import Asker, Purpose, UnreadableAnswer
from labeling.core.backends import Message
from labeling.core.excerpts import without_sections
from labeling.core.prompts import fill, prompt_source, quoted
from labeling.core.query.config import Config
from labeling.core.records import CellLabel
from labeling.core.schema import Cell, Finding, Schema
from labeling.core.values import Missing, Value

NOTHING_TO_ASK_ABOUT: Final = CellLabel(
    Missing.NOT_ASKED, reason="The report holds no text that is evidence for this finding."
)
PROMPTS: Final = ("system", "query_role", "query_report", "query_question")


@dataclass(frozen=True, slots=True)
class Inquiry:
    """One report on which one labeler asks."""

    asker: Asker
    text: str
    schema: Schema
    config: Config

    def text_for(self, finding: Finding) -> str:
        """The report without the sections that are no evidence for `finding`."""
        return without_sections(self.text, {*finding.exclude_sections, *self.config.exclude_sections})

    async def answer(self, cell: Cell, turns: Sequence[Message]) -> CellLabel:
        """The label of `cell` after `turns`, the last of which asks for it. Raises `BackendError`."""
        asked = [*turns, Message("assistant", self.config.marker)]
        purpose = Purpose("answer", cell.target, cell.finding)
        try:
            difference = await self.asker.logit_difference(asked, (self.config.yes, self.config.no), purpose=purpose)
        except UnreadableAnswer as error:
            return CellLabel(Missing.UNREADABLE, reason=error.complaint)
        return scored(difference, self.config.threshold_of(cell))

    def question(self, cell: Cell, source: str) -> str:
        """Whether the patient has the finding of `cell`, going by `source`. The place comes last."""
        finding = self.schema.finding_by_name[cell.finding]
        is_whole = cell.target in self.config.whole_targets
        return fill(
            "query_question",
            condition=finding.name,
            definition=finding.long_definition,
            source=source,
            place="" if is_whole else f" at this place: {self.schema.target_by_name[cell.target].title}",
            yes=self.config.yes.strip(),
            no=self.config.no.strip(),
        )


def opening(text: str, request: str) -> list[Message]:
    """System turn and first user turn: the report, then what is wanted."""
    system = f"{prompt_source('system')}\n{prompt_source('query_role')}"
    return [Message("system", system), Message("user", fill("query_report", report=quoted(text), request=request))]


def scored(difference: float, threshold: float) -> CellLabel:
    """The label of a logit difference: present strictly above the threshold (METHODS D.2).

    The difference is kept as it is: where probabilities are all 1.0, it still tells which is higher.
    """
    if not math.isfinite(difference):
        return CellLabel(Missing.UNREADABLE, reason="The logits of the two answers have no finite difference.")
    value = Value.PRESENT if difference > threshold else Value.ABSENT
    return CellLabel(value, probability=sigmoid(difference), logit_difference=difference)


def sigmoid(difference: float) -> float:
    """Probability of the first of two answers, for a logit difference of any size."""
    if difference >= 0:
        return 1 / (1 + math.exp(-difference))
    return math.exp(difference) / (1 + math.exp(difference))
