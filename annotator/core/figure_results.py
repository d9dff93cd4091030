"""Figures made of arrays, as plain values that are stored and shown."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from annotator.core.figure_counts import counted, counted_pairs
from annotator.core.figure_requests import FigureRequest, Level
from annotator.core.gold_truths import GoldTruth
from labeling.core.evaluation.agreement import agreement, self_agreement
from labeling.core.evaluation.columns import joined_targets
from labeling.core.evaluation.paired import compared
from labeling.core.evaluation.ratings import MergedCell, Ratings, merged
from labeling.core.evaluation.rows import Row
from labeling.core.evaluation.sound import Clusters, Truth, majority, of_rater, presence_rows, urgency_rows
from labeling.core.evaluation.truths import given_urgencies
from labeling.core.evaluation.urgencies import urgency_shares
from labeling.core.schema import Cell, Group, Schema


@dataclass(frozen=True, slots=True)
class Read:
    """What readers say of cases, and the patient of each case; `gold` where it is the truth.

    `repeats` are what readers said of a case the first time, and when it came back to them.
    """

    ratings: Ratings
    patients: tuple[str, ...]
    gold: GoldTruth | None = None
    repeats: tuple[Ratings, Ratings] | None = None

    def clusters(self, request: FigureRequest) -> Clusters:
        """Cases of one patient belong together."""
        ids = self.ratings.case_ids
        patient_of = dict(zip(ids, self.patients, strict=True))
        return Clusters.of(ids, patient_of, n_resamples=request.n_resamples, seed=request.seed)


def labeler_result(read: Read, labels: Ratings, *, schema: Schema, request: FigureRequest) -> dict[str, Any]:
    """One run beside the readers. Raises KeyError when the reader who is the truth read nothing."""
    readers, machine = (at_level(each, schema, request.level) for each in (read.ratings, labels))
    clusters, truth = read.clusters(request), truth_in(read, readers, schema=schema, request=request)
    judge = request.reader or None
    shown = {
        "shares": shares_of(readers, is_run=False) + shares_of(machine, is_run=True),
        "counts": counted(truth, machine),
        "content": content_hash(readers, machine),
    }
    if read.gold is None:
        return shown | {
            "rows": _plain(presence_rows(readers, machine, truth, clusters, truth_rater=judge)),
            "urgency": _plain(urgency_rows(readers, machine, clusters, truth_rater=judge)),
        }
    chosen, apart = (at_level(each, schema, request.level) for each in (read.gold.chosen, read.gold.apart))
    truths_for = {name: _said(at_level(each, schema, request.level)) for name, each in read.gold.without.items()}
    levels = given_urgencies(chosen)[0]
    return shown | {
        "rows": _plain(presence_rows(readers, machine, truth, clusters, truths_for=truths_for)),
        "urgency": _plain(urgency_rows(readers, machine, clusters, truth=levels)),
        "apart": _apart_result(apart, machine, clusters) if read.gold.apart.known.any() else None,
        "content": content_hash(readers, machine, chosen),
    }


def _apart_result(apart: Ratings, machine: Ratings, clusters: Clusters) -> dict[str, Any]:
    """The labeler against gold that stands apart; nobody is judged by it."""
    truth = _said(apart)
    return {
        "rows": _plain(presence_rows(apart, machine, truth, clusters, truths_for={})),
        "urgency": _plain(urgency_rows(apart, machine, clusters, truth=given_urgencies(apart)[0])),
        "counts": counted(truth, machine),
    }


def comparison_result(
    read: Read, first: Ratings, second: Ratings, *, schema: Schema, request: FigureRequest
) -> dict[str, Any]:
    """Two runs on the same pairs. Raises KeyError when the reader who is the truth read nothing."""
    readers, one, other = (at_level(each, schema, request.level) for each in (read.ratings, first, second))
    truth = truth_in(read, readers, schema=schema, request=request)
    return {
        "compared": [each.as_json() for each in compared(truth, one, other, read.clusters(request))],
        "counts": counted_pairs(truth, one, other),
        "n_shared": int((one.rated & other.rated).sum()),
        "content": content_hash(readers, one, other),
    }


def reader_result(read: Read, *, schema: Schema, request: FigureRequest) -> dict[str, Any]:
    """Readers beside each other."""
    readers = at_level(read.ratings, schema, request.level)
    found = agreement(readers, read.clusters(request))
    return {
        "agreed": [each.as_json() for each in found.agreed],
        "pairs": [each.as_json() for each in found.pairs],
        "repeats": _repeated(read, schema=schema, request=request),
        "content": content_hash(readers),
    }


def _repeated(read: Read, *, schema: Schema, request: FigureRequest) -> list[dict[str, Any]]:
    """Each reader beside itself, where cases came back."""
    if read.repeats is None:
        return []
    first, again = (at_level(each, schema, request.level) for each in read.repeats)
    patient_of = dict(zip(read.ratings.case_ids, read.patients, strict=True))
    clusters = Clusters.of(first.case_ids, patient_of, n_resamples=request.n_resamples, seed=request.seed)
    return [each.as_json() for each in self_agreement(first, again, clusters)]


def shares_of(ratings: Ratings, *, is_run: bool) -> list[dict[str, Any]]:
    """How each rater uses the levels of urgency: `counts`, and percentages of the `n` that it gave, None for no n."""
    return [
        {
            "rater": each.rater,
            "is_run": is_run,
            "n": each.n,
            "counts": list(each.counts),
            "percent": list(each.percent) if each.n else None,
        }
        for each in urgency_shares(ratings)
    ]


def truth_in(read: Read, readers: Ratings, *, schema: Schema, request: FigureRequest) -> Truth:
    """What is true of the cells of `readers`, which are at the level of the request."""
    gold = None if read.gold is None else at_level(read.gold.chosen, schema, request.level)
    return truth_of(readers, request, gold=gold)


def truth_of(readers: Ratings, request: FigureRequest, *, gold: Ratings | None) -> Truth:
    """What `gold` says where it is the truth, else what most readers say, or one of them."""
    if request.is_of_gold:
        if gold is None:
            raise ValueError("gold is the truth, and there is none")
        return _said(gold)
    return of_rater(readers, request.truth) if request.truth else majority(readers)


def _said(one: Ratings) -> Truth:
    return Truth(one.positive[0], one.known[0])


def at_level(ratings: Ratings, schema: Schema, level: Level) -> Ratings:
    """`ratings` as they are, or in the groups of the schema."""
    return ratings if level == Level.CELLS else merged(ratings, cells_at(schema, level))


def cells_at(schema: Schema, level: Level) -> tuple[MergedCell, ...]:
    """What figures at `level` are about. Groups of findings stand with each group of targets and target in none.

    At `Level.GROUPS` each cell of the schema is in one of them. Without groups of groups none are wide.
    """
    if level == Level.CELLS:
        return tuple(MergedCell(cell.target, cell.finding, (cell,)) for cell in schema.cells)
    findings = finding_columns(schema) if level == Level.GROUPS else wide_groups(schema)
    made = []
    for target in joined_targets(schema):
        for finding in findings:
            cells = (Cell(organ, name) for organ in target.members for name in finding.members)
            members = tuple(cell for cell in cells if cell in schema.index_of_cell)
            if members:
                made.append(MergedCell(target.name, finding.name, members))
    return tuple(made)


def finding_columns(schema: Schema) -> tuple[Group, ...]:
    """Groups that contain no other group, and findings in none of these, in the order of the schema."""
    wide = wide_groups(schema)
    narrow = [group for group in schema.finding_groups if group not in wide]
    columns: list[Group] = []
    for finding in schema.findings:
        own = [group for group in narrow if finding.name in group.members]
        columns += own or [Group(finding.name, (finding.name,))]
    return tuple(dict.fromkeys(columns))


def levels_of(schema: Schema) -> tuple[Level, ...]:
    """The levels that differ from each other."""
    has_groups = bool(schema.finding_groups or schema.target_groups)
    return (
        Level.CELLS,
        *([Level.GROUPS] if has_groups else []),
        *([Level.WIDE] if wide_groups(schema) else []),
    )


def wide_groups(schema: Schema) -> tuple[Group, ...]:
    """Groups of findings that contain another group."""
    groups = schema.finding_groups
    return tuple(group for group in groups if any(set(other.members) < set(group.members) for other in groups))


def content_hash(*ratings: Ratings) -> str:
    """SHA-256 of what everybody says, so that two results can be told to be of the same labels."""
    digest = hashlib.sha256()
    for each in ratings:
        digest.update(repr((each.raters, each.case_ids)).encode())
        for array in (each.ranks, each.urgencies, each.rated):
            digest.update(array.tobytes())
    return digest.hexdigest()


def _plain(rows: Sequence[Row]) -> list[dict[str, Any]]:
    return [row.as_json() for row in rows]
