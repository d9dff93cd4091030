"""The cases behind a figure, as a table that is made while it is sent."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from django.utils import timezone

from annotator.core.explored_kinds import PAIR_KINDS
from annotator.models import Event, Project, User
from annotator.selectors.explored_cases import truth_words, verdict_words
from annotator.selectors.explorer import Asked, Loaded, as_of, asked_of, load, mask_of
from annotator.selectors.explorer_pages import require_kind
from annotator.selectors.schemas import parsed_schema
from labeling.core.evaluation.ratings import NO_URGENCY, RANK_OF_STATE, Ratings
from labeling.core.tables.cells import csv_line, number_cell, text_cell

COLUMNS: Final = (
    "case",
    "target",
    "finding",
    "kind",
    "truth",
    "n_positive",
    "n_negative",
    "labeler",
    "labeler_urgency",
)
# Where the labeler is compared with another.
OTHER_COLUMNS: Final = ("other", "other_urgency")
_STATE_OF_RANK: Final = {rank: str(state) for state, rank in RANK_OF_STATE.items()}
_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class CasesExport:
    """A file that is made while it is sent."""

    file_name: str
    chunks: Iterator[str]


def export_cases(*, project: Project, actor: User | None, query: Mapping[str, str]) -> CasesExport:
    """The cells of all cases that the page lists, and an event that they were exported; raises `UserError`."""
    schema = parsed_schema(project.schema)
    asked = asked_of(project, query, schema=schema)
    loaded = load(project, asked, schema=schema, inputs=as_of(project, asked).inputs)
    require_kind(asked, loaded)
    payload: dict[str, Any] = {"what": "cases", "kind": str(asked.kind), "request": asked.request.as_json()}
    payload |= {
        "target": asked.place.target,
        "finding": asked.place.finding,
        "pair": asked.pair,
        "case": asked.case,
        "format": "csv",
    }
    Event.objects.create(
        project=project, actor=actor, verb=Event.Verb.LABELS_EXPORTED, payload=payload, at=timezone.now()
    )
    return CasesExport(f"{project.slug}-cases-{asked.kind}.csv", _chunks(asked, loaded))


def _chunks(asked: Asked, loaded: Loaded) -> Iterator[str]:
    readers = loaded.readers.raters
    yield csv_line(
        [
            *COLUMNS,
            *(OTHER_COLUMNS if loaded.explored.other is not None else ()),
            *(text_cell(f"{what} {name}") for name in readers for what in ("value", "urgency")),
        ]
    )
    cases, cells = np.nonzero(mask_of(asked, loaded, asked.kind))
    for start in range(0, len(cases), _BATCH):
        places = zip(cases[start : start + _BATCH].tolist(), cells[start : start + _BATCH].tolist(), strict=True)
        yield "".join(csv_line(_line(asked, loaded, case=case, index=index)) for case, index in places)


def _line(asked: Asked, loaded: Loaded, *, case: int, index: int) -> Iterator[str]:
    cell = asked.place.cells[index]
    for text in (loaded.matrix.axis.keys[case], cell.target, cell.finding):
        yield text_cell(text)
    yield (asked.kind not in PAIR_KINDS and verdict_words(loaded, case=case, index=index)) or str(asked.kind)
    yield truth_words(loaded, case=case, index=index)
    for votes in loaded.votes:
        yield str(votes[case, index])
    yield from ("", "") if loaded.labels is None else _said(loaded.labels, rater=0, case=case, index=index)
    if loaded.explored.other is not None:
        yield from _said(loaded.explored.other, rater=0, case=case, index=index)
    for rater in range(len(loaded.readers.raters)):
        yield from _said(loaded.readers, rater=rater, case=case, index=index)


def _said(ratings: Ratings, *, rater: int, case: int, index: int) -> tuple[str, str]:
    """Value and urgency; empty for a case that was not read or labeled."""
    if not ratings.rated[rater, case]:
        return "", ""
    urgency = int(ratings.urgencies[rater, case, index])
    given = None if urgency == NO_URGENCY else urgency
    return _STATE_OF_RANK[int(ratings.ranks[rater, case, index])], number_cell(given, what="urgency")
