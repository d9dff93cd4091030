"""Cases of a list with what everybody says of their cells, and why the labeler does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from annotator.core.comparison_tables import SIGNS, state_words
from annotator.core.explored_kinds import KIND_WORDS, Kind
from annotator.core.figure_requests import MAJORITY
from annotator.models import Report
from annotator.selectors.compared_reports import Side, side_of
from annotator.selectors.explorer import Asked, Loaded, mask_of
from labeling.core.evaluation.ratings import NO_URGENCY, RANK_OF_STATE, MergedCell, Ratings
from labeling.core.schema import Cell, Schema
from labeling.core.values import CODE_OF_STATE, Value
from labeling.models import MachineLabel

# Of one case among others.
MAX_CELLS_SHOWN: Final = 2
_CODE_OF_RANK: Final = {rank: CODE_OF_STATE[state] for state, rank in RANK_OF_STATE.items()}
# From here on a value of a member bears on that of its group.
_NOTABLE: Final = RANK_OF_STATE[Value.AMBIGUOUS]


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody says of a cell; `urgency` is empty for none. Of a pair of readers only they count."""

    name: str
    value: str
    sign: str
    css: str
    urgency: str
    counts: bool = True


@dataclass(frozen=True, slots=True)
class CellLine:
    """A cell of a case, or a member of it. `labeler` is None where none is judged or it did not label the case,
    and so is `other`, with which it is compared.

    `key` is that of a cell of the schema, empty for a group. `why` holds evidence and scores, where there are any.
    """

    key: str
    title: str
    is_member: bool
    truth: str
    votes: str
    readers: tuple[Said, ...]
    labeler: Said | None
    other: Said | None
    verdict: str
    why: Side | None


@dataclass(frozen=True, slots=True)
class ExploredCase:
    """A case of the list, with its first cells of the kind."""

    pk: int
    key: str
    n_cells: int
    lines: tuple[CellLine, ...]
    n_more: int

    @property
    def n_lines(self) -> int:
        """Lines of the table that it takes."""
        return len(self.lines) + (1 if self.n_more else 0)


def explored_cases(
    found: Sequence[tuple[int, int]], *, asked: Asked, loaded: Loaded, schema: Schema, inputs: Mapping[str, Any]
) -> list[ExploredCase]:
    """The cases of one page; `found` are their places and numbers of cells."""
    axis = loaded.matrix.axis
    pks = [int(axis.report_pks[case]) for case, _ in found]
    labels = _labels(asked, pks, inputs)
    texts = dict(Report.objects.filter(pk__in=labels).order_by().values_list("pk", "text"))
    mask, most = mask_of(asked, loaded, asked.kind), MAX_CELLS_SHOWN if asked.case is None else None
    shown = []
    for (case, n_cells), pk in zip(found, pks, strict=True):
        lines = _Lines(asked, loaded, schema, case, labels.get(pk), texts.get(pk, ""))
        cells = np.flatnonzero(mask[case])[:most].tolist()
        made = tuple(line for cell in cells for line in lines.of_cell(cell))
        shown.append(ExploredCase(int(axis.pks[case]), axis.keys[case], n_cells, made, n_cells - len(cells)))
    return shown


def _labels(asked: Asked, report_pks: list[int], inputs: Mapping[str, Any]) -> dict[int, MachineLabel]:
    if not asked.request.run:
        return {}
    last = inputs["labels"][asked.request.run]["last"]
    found = MachineLabel.objects.filter(run__run_id=asked.request.run, report__in=report_pks, pk__lte=last)
    return {label.report_id: label for label in found.order_by()}


@dataclass(frozen=True, slots=True)
class _Lines:
    """Makes the lines of one case."""

    asked: Asked
    loaded: Loaded
    schema: Schema
    case: int
    label: MachineLabel | None
    text: str

    def of_cell(self, index: int) -> list[CellLine]:
        """The cell at this place of the list's cells; a group with those of its members that matter."""
        cell = self.asked.place.cells[index]
        own = cell.members[0] if cell.members == (Cell(cell.target, cell.finding),) else None
        line = CellLine(
            key=str(own) if own else "",
            title=self._title(cell.target, cell.finding),
            is_member=False,
            truth=truth_words(self.loaded, case=self.case, index=index),
            votes=self._votes(index),
            readers=self._readers(self.loaded.readers, index),
            labeler=self._labeler(self.loaded.labels, index),
            other=self._labeler(self.loaded.explored.other, index),
            verdict=verdict_words(self.loaded, case=self.case, index=index),
            why=self._why(own),
        )
        return [line] if own else [line, *self._members(cell)]

    def _members(self, cell: MergedCell) -> list[CellLine]:
        readers, labels = self.loaded.members, self.loaded.member_labels
        lines = []
        for member in cell.members:
            place = readers.cells.index(member)
            ranks = [readers.ranks[:, self.case, place].max(initial=-1)]
            ranks += [
                each.ranks[0, self.case, place] for each in (labels, self.loaded.member_others) if each is not None
            ]
            if max(ranks) >= _NOTABLE:
                said, labeler = self._readers(readers, place), self._labeler(labels, place)
                other = self._labeler(self.loaded.member_others, place)
                title = self._title(member.target, member.finding)
                lines.append(CellLine(str(member), title, True, "", "", said, labeler, other, "", self._why(member)))
        return lines

    def _title(self, target: str, finding: str) -> str:
        known = self.schema.target_by_name.get(target)
        return f"{known.title if known else target}, {finding}"

    def _votes(self, index: int) -> str:
        if self.asked.request.truth != MAJORITY:
            return ""
        n_yes, n_no = (int(votes[self.case, index]) for votes in self.loaded.votes)
        return f"{n_yes} of {n_yes + n_no}"

    def _readers(self, readers: Ratings, index: int) -> tuple[Said, ...]:
        return tuple(
            self._said(name, readers, at=(rater, self.case, index))
            for rater, name in enumerate(readers.raters)
            if readers.rated[rater, self.case]
        )

    def _labeler(self, labels: Ratings | None, index: int) -> Said | None:
        if labels is None or not labels.rated[0, self.case]:
            return None
        return self._said("", labels, at=(0, self.case, index))

    def _said(self, name: str, ratings: Ratings, *, at: tuple[int, int, int]) -> Said:
        code = _CODE_OF_RANK[int(ratings.ranks[at])]
        value, level = state_words(code), int(ratings.urgencies[at])
        urgency = self.schema.urgency.levels[level] if self.schema.urgency and level != NO_URGENCY else ""
        counts = not name or self.asked.pair is None or name in self.asked.pair
        return Said(name, value, SIGNS[code], value.replace(" ", "-"), urgency, counts)

    def _why(self, cell: Cell | None) -> Side | None:
        if cell is None or self.label is None:
            return None
        return side_of(self.label, self.schema.index_of_cell[cell], text=self.text, schema=self.schema)


def truth_words(loaded: Loaded, *, case: int, index: int) -> str:
    """What is true of a cell."""
    truth = loaded.explored.truth
    if truth.known[case, index]:
        return "positive" if truth.positive[case, index] else "negative"
    return "tied" if loaded.is_tie[case, index] else "not known"


def verdict_words(loaded: Loaded, *, case: int, index: int) -> str:
    """Whether the labeler missed or invented it, or said nothing; empty when it is right or nobody knows."""
    if loaded.labels is None or not loaded.explored.truth.known[case, index]:
        return ""
    if not loaded.labels.known[0, case, index]:
        return KIND_WORDS[Kind.UNANSWERED]
    true, said = bool(loaded.explored.truth.positive[case, index]), bool(loaded.labels.positive[0, case, index])
    return "" if true == said else KIND_WORDS[Kind.MISSED if true else Kind.INVENTED]
