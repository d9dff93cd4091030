"""The cases behind a figure: what the address asks for, loaded as the figure had it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from django.http import Http404
from numpy.typing import NDArray

from annotator.core.explored_kinds import READER_KINDS, Explored, Kind, of_pair
from annotator.core.explored_places import Place, UnknownPlaceError, place_of
from annotator.core.figure_requests import MAJORITY, FigureRequest, Level, RequestError, fingerprint
from annotator.core.figure_requests import Kind as FigureKind
from annotator.core.figure_results import truth_of
from annotator.models import Evaluation, Project
from annotator.selectors.figure_pages import request_of, stored_figures
from annotator.selectors.matrices import ReadMatrix, inputs_of, label_matrix, read_matrix
from labeling.core.evaluation.ratings import Ratings, merged
from labeling.core.schema import Schema
from labeling.exceptions import UserError

MAX_DIGITS: Final = 9


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for. `request.run` is empty when only readers are looked at, `pair` when all of them.

    `request.other` is the run that it is compared with, empty for none. `case` is the only case to list, None for all.
    """

    request: FigureRequest
    place: Place
    kind: Kind
    pair: tuple[str, str] | None
    page: int
    figures: int | None
    case: int | None


def asked_of(project: Project, query: Mapping[str, str], *, schema: Schema) -> Asked:
    """What can be read of an address; 404 for what is not in the project or its schema."""
    kind, pair = _kind(query), _pair(query)
    request = _request(project, query, kind=kind, is_pair=pair is not None)
    fallback = Kind.DIFFER if request.run else Kind.READERS_DIFFER
    try:
        place = place_of(query, schema=schema, level=request.level)
    except UnknownPlaceError as error:
        raise Http404("the schema has no such cell") from error
    page, figures, case = (_number(query.get(name, "")) for name in ("page", "figures", "case"))
    return Asked(request, place, kind or fallback, pair, page or 1, figures, case)


def _request(project: Project, query: Mapping[str, str], *, kind: Kind | None, is_pair: bool) -> FigureRequest:
    """Of one labeler or two; of readers where two were named, a kind of theirs without a run, or no run is there."""
    if not is_pair and (query.get("run") or kind not in READER_KINDS):
        if query.get("other"):
            request = request_of(project, FigureKind.COMPARISON, query)
            if request.can_be_computed:
                return request
        request = request_of(project, FigureKind.LABELER, query)
        if request.run:
            return request
    try:
        return FigureRequest.of(FigureKind.READERS, query)
    except RequestError as error:
        raise Http404("no such figures") from error


def _kind(query: Mapping[str, str]) -> Kind | None:
    name = query.get("kind", "")
    if name and name not in tuple(Kind):
        raise Http404("no such kind")
    return Kind(name) if name else None


def _pair(query: Mapping[str, str]) -> tuple[str, str] | None:
    names = query.get("reader", ""), query.get("other_reader", "")
    if not any(names):
        return None
    if not all(names) or names[0] == names[1]:
        raise Http404("a pair is two readers")
    return names


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS else None


@dataclass(frozen=True, slots=True)
class AsOf:
    """What the list is made of. `evaluation` is None when it is what there is now, because no figures are stored.

    `is_gone`: the figures that the address names are no longer kept, so that it is of others.
    """

    inputs: Mapping[str, Any]
    evaluation: Evaluation | None
    is_current: bool
    is_gone: bool = False


def as_of(project: Project, asked: Asked) -> AsOf:
    """What the figures were computed from that the address names, else the latest of the same request."""
    now = inputs_of(project, asked.request)
    done = stored_figures(project).filter(state=Evaluation.State.DONE)
    named = done.filter(pk=asked.figures).first() if asked.figures is not None else None
    if named is not None:
        return _as_of_named(named, asked.request.runs, now=now)
    stored = stored_figures(project, asked.request).filter(state=Evaluation.State.DONE)
    of_now, is_gone = fingerprint(now), asked.figures is not None
    found = stored.filter(inputs_hash=of_now).first() or stored.first()
    if found is None:
        return AsOf(now, None, is_current=True, is_gone=is_gone)
    return AsOf(found.inputs, found, is_current=found.inputs_hash == of_now, is_gone=is_gone)


def _as_of_named(evaluation: Evaluation, runs: Collection[str], *, now: Mapping[str, Any]) -> AsOf:
    """Figures may be of other runs as well, as in a comparison, or of none that matters here."""
    inputs = evaluation.inputs
    if set(runs) - set(inputs["labels"]):
        raise Http404("these figures are of other runs")
    same_runs = {run: inputs["labels"][run] for run in runs} == now["labels"]
    is_current = same_runs and all(inputs.get(name) == each for name, each in now.items() if name != "labels")
    return AsOf(inputs, evaluation, is_current=is_current)


@dataclass(frozen=True)
class Loaded:
    """What everybody says of the cells: `explored` and `readers` as figures have them, the rest as it was said.

    `explored.readers` may be two of `readers`. `members` and `member_labels` are of the cells of the schema.
    """

    matrix: ReadMatrix
    explored: Explored
    readers: Ratings
    labels: Ratings | None
    member_labels: Ratings | None
    member_others: Ratings | None
    truth_is_of_most: bool

    @property
    def members(self) -> Ratings:
        """What readers say of the cells of the schema."""
        return self.matrix.ratings

    @cached_property
    def votes(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """How many of all readers say positive and negative."""
        positive, known = self.readers.positive, self.readers.known
        return (positive & known).sum(axis=0), (~positive & known).sum(axis=0)

    @property
    def is_tie(self) -> NDArray[np.bool_]:
        """Where there is no truth because as many say positive as negative."""
        n_yes, n_no = self.votes
        return np.asarray((n_yes == n_no) & (n_yes > 0) & self.truth_is_of_most)


def load(project: Project, asked: Asked, *, schema: Schema, inputs: Mapping[str, Any]) -> Loaded:
    """Raises `UserError` when no readings count, or none of a reader who was named."""
    request, wanted = asked.request, asked.place.members
    matrix = read_matrix(project, schema=schema, request=request, inputs=inputs, cells=wanted)
    for name in (request.reader, *(asked.pair or ())):
        if name and name not in matrix.ratings.raters:
            raise UserError(f"{name!r} has submitted no case that counts")
    member_labels, member_others = (
        label_matrix(project, schema=schema, run=run, axis=matrix.axis, inputs=inputs, cells=wanted) if run else None
        for run in (request.run, request.other)
    )
    readers = _at_level(matrix.ratings, asked)
    labels, others = (None if each is None else _at_level(each, asked) for each in (member_labels, member_others))
    judged = of_pair(readers, asked.pair) if asked.pair else readers
    gold = _at_level(matrix.gold.chosen, asked) if matrix.gold else None
    explored = Explored(judged, labels, truth_of(readers, request, gold=gold), others)
    return Loaded(matrix, explored, readers, labels, member_labels, member_others, request.truth == MAJORITY)


def _at_level(ratings: Ratings, asked: Asked) -> Ratings:
    return merged(ratings, asked.place.cells) if asked.request.level != Level.CELLS else ratings


def mask_of(asked: Asked, loaded: Loaded, kind: Kind) -> NDArray[np.bool_]:
    """Where cells of the cases that are asked for are of that kind, `(cases, cells)`."""
    mask = loaded.explored.mask(kind)
    return mask if asked.case is None else mask & (loaded.matrix.axis.pks == asked.case)[:, np.newaxis]


def found_in(mask: NDArray[np.bool_], *, by_count: bool) -> list[tuple[int, int]]:
    """Cases with their numbers of cells in `mask`, in the order of the project or with the most first."""
    counts = mask.sum(axis=1)
    cases = np.flatnonzero(counts)
    if by_count:
        cases = cases[np.argsort(-counts[cases], kind="stable")]
    return [(int(case), int(counts[case])) for case in cases]
