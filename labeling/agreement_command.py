"""The command `agreement`: how much the readers of a table agree."""

import argparse
from collections.abc import Collection, Iterator
from dataclasses import replace

from labeling.core.evaluation.agreement import agreement, stages_of
from labeling.core.evaluation.columns import columns, single_targets
from labeling.core.evaluation.origins import BLIND_FIRST, by_origin, reading_notes
from labeling.core.evaluation.ratings import Ratings, RatingsError, merged, ratings_of
from labeling.core.evaluation.rows import Row
from labeling.core.evaluation.sound import Clusters
from labeling.core.evaluation.urgencies import urgency_shares
from labeling.core.intake import IntakeError
from labeling.core.schema import Schema
from labeling.core.tables import LabelTable, TableError
from labeling.evaluation_files import EvaluationRefused, patients_of, readable_table, say, told_apart, write_rows


def agree(options: argparse.Namespace, schema: Schema) -> None:
    """Rows of the agreement that `options` ask for. Raises `EvaluationRefused`."""
    try:
        table = readable_table(options.readings, schema)
        kept = by_origin(table.reports, options.origin or BLIND_FIRST)
        ratings = _ratings(replace(table, reports=kept.reports), schema, path=options.readings)
    except (IntakeError, TableError, RatingsError) as error:
        raise EvaluationRefused(str(error)) from error
    say(reading_notes(kept))
    patient_of = patients_of(options.patients, ratings.case_ids) if options.patients else {}
    clusters = Clusters.of(ratings.case_ids, patient_of, n_resamples=options.resamples, seed=options.seed)
    write_rows(list(_rows(ratings, clusters, stages=stages_of(table))), options)


def _ratings(table: LabelTable, schema: Schema, *, path: str) -> Ratings:
    ratings = ratings_of(table.reports, table.schema.cells)
    if len(ratings.raters) < 2:
        said = f"of {ratings.raters[0]!r} alone" if ratings.raters else "of nobody"
        raise EvaluationRefused(
            f"{path}: the readings are {said}; agreement needs at least two raters, told apart by a column 'rater' "
            "('labeler' in leavs-wide)"
        )
    return merged(ratings, columns(table, schema, targets=single_targets(schema), findings=told_apart(schema, [table])))


def _rows(ratings: Ratings, clusters: Clusters, *, stages: Collection[str]) -> Iterator[Row]:
    """All raters, then each two, then how each uses the urgencies."""
    found = agreement(ratings, clusters, stages=stages)
    for agreed in found.agreed:
        yield agreed.as_row()
    for pair in found.pairs:
        yield from pair.as_rows()
    for shares in urgency_shares(ratings):
        yield from shares.as_rows(f"human {shares.rater}")
