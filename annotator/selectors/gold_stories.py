"""How the gold of one case came about: who said what of each cell, what was decided, and what follows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from annotator.core.comparison_tables import SIGNS, state_words
from annotator.core.gold_truths import ORIGIN_WORDS
from annotator.core.resolution import Origin
from annotator.core.voices import NEGATIVE, PRESENCE_OF_CODE
from annotator.models import Case, Decision, Exclusion, Gold, Reading
from annotator.selectors.exclusions import open_exclusion
from annotator.selectors.gold_overview import cell_title
from annotator.selectors.schemas import parsed_schema
from annotator.selectors.voices import counting, revisions_of
from labeling.core.schema import Schema
from labeling.core.values import NO_URGENCY_CODE

_UNDECIDED = "_"


@dataclass(frozen=True, slots=True)
class Answer:
    """A value with its urgency in words, as the pages of runs show it."""

    value: str
    sign: str
    css: str
    urgency: str


@dataclass(frozen=True, slots=True)
class Spoke:
    """What one reader says of a cell. `agrees` where that is what gold says of presence."""

    name: str
    answer: Answer
    is_blind: bool
    agrees: bool
    comment: str


@dataclass(frozen=True, slots=True)
class CellStory:
    """One cell. `answer` is None where it is undecided; `decisions` are all there were, the last first."""

    key: str
    title: str
    answer: Answer | None
    origin: str
    n_agreeing: str
    n_voices: str
    voices: tuple[Spoke, ...]
    decisions: tuple[Decision, ...]
    quotes: tuple[str, ...]
    is_quiet: bool


@dataclass(frozen=True, slots=True)
class SpokenReading:
    """A reading that is a voice of the case."""

    name: str
    revision: int
    is_blind: bool
    submitted_at: datetime
    n_revisions: int


@dataclass(frozen=True, slots=True)
class CaseStory:
    """The case. Cells that everybody denies are quiet."""

    case: Case
    gold: Gold
    readings: tuple[SpokenReading, ...]
    exclusion: Exclusion | None
    cells: tuple[CellStory, ...]

    @property
    def loud(self) -> list[CellStory]:
        """Cells of which somebody said more than that it is not there."""
        return [cell for cell in self.cells if not cell.is_quiet]

    @property
    def quiet(self) -> list[CellStory]:
        """The others."""
        return [cell for cell in self.cells if cell.is_quiet]


def case_story(case: Case) -> CaseStory | None:
    """The story of a case; None where it has no gold yet."""
    gold = Gold.objects.filter(case=case).select_related("schema").first()
    if gold is None:
        return None
    gold.case, project, schema = case, case.project, parsed_schema(gold.schema)
    every = list(counting(project).filter(case=case).select_related("reader").order_by("pk"))
    revisions = revisions_of(every)
    spoke = [
        (reading, bool(blind))
        for reading, speaks, blind in zip(every, revisions.speaking(), revisions.blind(), strict=True)
        if speaks
    ]
    decisions: dict[str, list[Decision]] = {}
    for decision in Decision.objects.filter(case=case).select_related("decided_by").order_by("-revision"):
        decisions.setdefault(decision.cell, []).append(decision)
    n_of = {reading.reader_id: sum(each.reader_id == reading.reader_id for each in every) for reading, _ in spoke}
    return CaseStory(
        case=case,
        gold=gold,
        readings=tuple(
            SpokenReading(each.reader.username, each.revision, blind, each.submitted_at, n_of[each.reader_id])
            for each, blind in spoke
        ),
        exclusion=open_exclusion(case),
        cells=tuple(_stories(gold, schema, spoke=spoke, decisions=decisions)),
    )


def _stories(
    gold: Gold,
    schema: Schema,
    *,
    spoke: Sequence[tuple[Reading, bool]],
    decisions: Mapping[str, Sequence[Decision]],
) -> Iterator[CellStory]:
    text = (gold.case.report.text if gold.case.report else None) or ""
    evidence = gold.body.get("evidence", {})
    for place, cell in enumerate(schema.cells):
        key, value = str(cell), gold.values[place]
        voices = tuple(_spoke(reading, place, key, schema, blind=blind, gold=value) for reading, blind in spoke)
        said = {PRESENCE_OF_CODE[ord(reading.values[place])] for reading, _ in spoke}
        yield CellStory(
            key=key,
            title=cell_title(schema, key),
            answer=None if value == _UNDECIDED else _answer(value, gold.urgencies[place], schema),
            origin=ORIGIN_WORDS[Origin(gold.origins[place])],
            n_agreeing=gold.n_agreeing[place],
            n_voices=gold.n_voices[place],
            voices=voices,
            decisions=tuple(decisions.get(key, ())),
            quotes=tuple(text[start:end] for start, end in evidence.get(key, ())),
            is_quiet=said <= {NEGATIVE} and key not in decisions,
        )


def _spoke(reading: Reading, place: int, key: str, schema: Schema, *, blind: bool, gold: str) -> Spoke:
    code = reading.values[place]
    entry: Mapping[str, Any] = reading.body.get("cells", {}).get(key, {})
    return Spoke(
        name=reading.reader.username,
        answer=_answer(code, reading.urgencies[place], schema),
        is_blind=blind,
        agrees=gold != _UNDECIDED and PRESENCE_OF_CODE[ord(code)] == PRESENCE_OF_CODE[ord(gold)],
        comment=entry.get("comment", ""),
    )


def _answer(code: str, urgency: str, schema: Schema) -> Answer:
    words = state_words(code)
    has_level = schema.urgency is not None and urgency != NO_URGENCY_CODE
    level = schema.urgency.levels[int(urgency)] if schema.urgency and has_level else ""
    return Answer(words, SIGNS[code], words.replace(" ", "-"), level)
