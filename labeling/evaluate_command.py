"""The command `evaluate`: read tables, let a protocol make its rows, write them."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace

from labeling.core.evaluation import published, sound
from labeling.core.evaluation.clusters import PERCENTILE
from labeling.core.evaluation.columns import columns, joined_targets, single_targets
from labeling.core.evaluation.origins import ALL, BLIND_FIRST, Kept, by_origin, truth_notes
from labeling.core.evaluation.ratings import Ratings, RatingsError, aligned, merged, ratings_of, shared_ids
from labeling.core.evaluation.rows import Row
from labeling.core.intake import IntakeError
from labeling.core.schema import Group, Schema
from labeling.core.tables import LabelTable, TableError
from labeling.evaluation_files import (
    EvaluationRefused,
    by_row,
    patients_of,
    readable_table,
    say,
    told_apart,
    write_rows,
)


@dataclass(frozen=True, slots=True)
class _Readings:
    """What the reference says: with all that the rater says who was named, and as it counts for other humans."""

    for_labeler: Ratings
    for_humans: Ratings


def evaluate(options: argparse.Namespace, schema: Schema) -> None:
    """Rows of the table that `options` ask for. Raises `EvaluationRefused`."""
    _refuse_what_has_no_effect(options)
    try:
        tables = _shared([readable_table(path, schema) for path in (options.reference, options.labels)])
        kept = _of_origin(tables[0], options)
        reference, labeler = _side_by_side(
            [replace(tables[0], reports=kept.reports), tables[1]],
            schema,
            protocol=options.protocol,
            table=options.table,
        )
        rows = _rows(options, _Readings(reference, reference.without(kept.only_named)), labeler)
    except (IntakeError, TableError, RatingsError) as error:
        raise EvaluationRefused(str(error)) from error
    least_p = min(1.0, 2 / options.resamples)
    floored = rows if options.protocol == "published" else [_floored(row, least_p) for row in rows]
    write_rows(floored, options, render_text=lambda _: by_row(rows, least_p=least_p))


def _refuse_what_has_no_effect(options: argparse.Namespace) -> None:
    without: dict[str, tuple[str, ...]] = {}
    if options.protocol == "published":
        without["published protocol"] = ("truth", "adjudicator", "patients", "origin", "interval")
    if options.table == "urgency-prevalence":
        without["table urgency-prevalence"] = ("truth", "adjudicator", "patients", "interval")
    for what, names in without.items():
        for name in names:
            if getattr(options, name):
                raise EvaluationRefused(f"--{name} is not for the {what}")


def _floored(row: Row, least_p: float) -> Row:
    """Without a p that so many resamples cannot tell from 0."""
    return row if row.p is None else replace(row, p=max(row.p, least_p))


def _shared(tables: Sequence[LabelTable]) -> list[LabelTable]:
    """The reports that both tables have, by the ids that they have in common."""
    ids = [[report.report_id for report in table.reports] for table in tables]
    named = shared_ids(*ids)
    return [
        replace(
            table,
            reports=tuple(
                replace(report, report_id=names[report.report_id])
                for report in table.reports
                if report.report_id in names
            ),
        )
        for table, names in zip(tables, named, strict=True)
    ]


def _of_origin(table: LabelTable, options: argparse.Namespace) -> Kept:
    """The readings of the reference that count under the default protocol; what was left out is said."""
    if options.protocol == "published":
        return by_origin(table.reports, ALL)
    kept = by_origin(table.reports, options.origin or BLIND_FIRST, named=options.truth or options.adjudicator)
    say(truth_notes(kept, truth=options.truth, adjudicator=options.adjudicator))
    return kept


def _side_by_side(
    tables: Sequence[LabelTable], schema: Schema, *, protocol: str, table: str
) -> tuple[Ratings, Ratings]:
    targets = single_targets(schema) if table in ("labels", "urgency-prevalence") else joined_targets(schema)
    findings = _findings(schema, tables, protocol=protocol, table=table)
    wanted = [columns(each, schema, targets=targets, findings=findings) for each in tables]
    shared = {(cell.target, cell.finding) for cell in wanted[0]} & {(cell.target, cell.finding) for cell in wanted[1]}
    if not shared:
        raise EvaluationRefused("the two files have no cell in common")
    made = [
        merged(ratings_of(each.reports, each.schema.cells), [c for c in cells if (c.target, c.finding) in shared])
        for each, cells in zip(tables, wanted, strict=True)
    ]
    if len(made[1].raters) != 1:
        raise EvaluationRefused(f"the labels are of {len(made[1].raters)} raters, expected is one labeler")
    return aligned(made[0], made[1])


def _findings(schema: Schema, tables: Sequence[LabelTable], *, protocol: str, table: str) -> tuple[Group, ...]:
    """The columns of a table of results: the published four types, or what the schema says."""
    if protocol == "published":
        _require_published(schema)
        return {"labels": published.TYPES, "urgency-prevalence": published.TYPES[:3]}.get(table, published.ANY)
    if table in ("any-abnormality", "urgency"):
        found = tuple(group for group in schema.finding_groups if group.name == published.ANY[0].name)
        if not found:
            raise EvaluationRefused(f"schema {schema.name} has no group of findings {published.ANY[0].name!r}")
        return found
    return told_apart(schema, tables)


def _require_published(schema: Schema) -> None:
    missing = [name for name in published.ANY[0].members if name not in schema.finding_by_name]
    if missing:
        raise EvaluationRefused(
            f"the published protocol needs the finding {missing[0]!r}, schema {schema.name} has none"
        )


def _rows(options: argparse.Namespace, readings: _Readings, labeler: Ratings) -> list[Row]:
    reference = readings.for_labeler
    if options.table == "urgency-prevalence":
        return published.prevalence_rows(readings.for_humans, labeler)
    if options.protocol == "published":
        how = published.Resampling(options.resamples, options.seed)
        make = published.urgency_rows if options.table == "urgency" else published.presence_rows
        return make(reference, labeler, how)
    _require_named(reference, options)
    clusters = sound.Clusters.of(
        reference.case_ids,
        patients_of(options.patients, reference.case_ids) if options.patients else {},
        n_resamples=options.resamples,
        seed=options.seed,
        interval=options.interval or PERCENTILE,
    )
    if options.table == "urgency":
        return sound.urgency_rows(
            reference, labeler, clusters, adjudicator=options.adjudicator, truth_rater=options.truth
        )
    truth = _truth(reference, options)
    named = {"adjudicator": options.adjudicator, "truth_rater": options.truth}
    return sound.presence_rows(readings.for_humans, labeler, truth, clusters, **named)


def _require_named(reference: Ratings, options: argparse.Namespace) -> None:
    try:
        for name in filter(None, (options.truth, options.adjudicator)):
            reference.of_rater(name)
    except KeyError as error:
        raise EvaluationRefused(str(error.args[0])) from error


def _truth(reference: Ratings, options: argparse.Namespace) -> sound.Truth:
    if options.adjudicator:
        return sound.adjudicated(reference, options.adjudicator)
    return sound.of_rater(reference, options.truth) if options.truth else sound.majority(reference)
