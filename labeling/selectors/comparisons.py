"""Read what two runs say of the same reports."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import numpy as np
from django.db.models import Exists, OuterRef
from django.db.models.fields.json import KT

from annotator.models import Project
from labeling.core.comparison import Labels, Selection, Tally
from labeling.core.manifest_differences import ManifestDifference, manifest_differences
from labeling.core.schema import Schema
from labeling.exceptions import UserError
from labeling.models import MachineLabel, Run
from labeling.selectors.runs import name_of

# Runs to choose from.
MAX_COMPARED: Final = 200
# Pairs of cells that are counted at once, and reports that are fetched at once.
_BATCH_CELLS: Final = 400_000
_MAX_BATCH_REPORTS: Final = 2000


class CannotCompare(UserError):
    """These two runs cannot be compared cell by cell."""


def comparable_runs(
    project: Project, *, schema_id: int | None = None, kept: Collection[UUID] = ()
) -> list[tuple[Run, str]]:
    """The latest runs of the project with labels, newest first, without manifests; and what people call them.

    Only those under one schema when `schema_id` says so; of these also the runs `kept`, however old they are.
    """
    labels = MachineLabel.objects.filter(run=OuterRef("pk")).order_by()
    runs = Run.objects.filter(Exists(labels), project=project).select_related("schema")
    if schema_id is not None:
        runs = runs.filter(schema=schema_id)
    runs = runs.defer("schema__source", "manifest").annotate(rater=KT("manifest__rater"))
    found = list(runs[:MAX_COMPARED])
    missing = set(kept) - {run.run_id for run in found}
    found += list(runs.filter(run_id__in=missing)) if missing else []
    return [(run, name_of(run.labeler, behind=run.request.get("model") or run.rater)) for run in found]


def require_comparable(a: Run, b: Run) -> None:
    """Raises `CannotCompare` for a run with itself, and for runs under two schemas."""
    if a.pk == b.pk:
        raise CannotCompare("A and B are the same run; choose another one for A or B")
    if a.schema_id != b.schema_id:
        raise CannotCompare(
            f"A was made under {a.schema}, B under {b.schema}; only runs under the same schema have the same cells"
        )


@dataclass(frozen=True, slots=True)
class RunComparison:
    """Two runs over the reports that both labeled.

    `found` lists the reports with pairs of the wanted selection, and how many pairs: in one cell by report, in any the
    most first.
    """

    n_a: int
    n_b: int
    tally: Tally
    found: list[tuple[int, int]]

    @property
    def n_both(self) -> int:
        """Reports that both labeled."""
        return self.tally.n_reports

    @property
    def n_only_a(self) -> int:
        """Reports that only A labeled."""
        return self.n_a - self.n_both

    @property
    def n_only_b(self) -> int:
        """Reports that only B labeled."""
        return self.n_b - self.n_both


def compare_runs(a: Run, b: Run, *, schema: Schema, selection: Selection) -> RunComparison:
    """Counts of the two runs over the reports that both labeled; three queries, and one pass over their labels."""
    tally = Tally(len(schema.cells))
    found: list[tuple[int, int]] = []
    for batch in label_pairs(a, b, n_cells=tally.n_cells):
        per_report = selection.per_report(tally.add([pair for _, pair in batch]))
        found += [(batch[row][0], int(per_report[row])) for row in np.flatnonzero(per_report)]
    if selection.cell is None:
        found.sort(key=lambda each: (-each[1], each[0]))
    n_a, n_b = (max(MachineLabel.objects.filter(run=run).count(), tally.n_reports) for run in (a, b))
    return RunComparison(n_a, n_b, tally, found)


Pair = tuple[int, tuple[Labels, Labels]]


def label_pairs(a: Run, b: Run, *, n_cells: int) -> Iterator[list[Pair]]:
    """Primary keys of the reports that both labeled and what they say of them, by primary key, in batches."""
    size = max(1, min(_MAX_BATCH_REPORTS, _BATCH_CELLS // max(1, n_cells)))
    rows = (
        MachineLabel.objects.filter(run=a, report__machine_labels__run=b)
        .order_by("report_id")
        .values_list(
            *("report_id", "values", "urgencies"),
            *("report__machine_labels__values", "report__machine_labels__urgencies"),
        )
    )
    batch: list[Pair] = []
    for report_id, values_a, urgencies_a, values_b, urgencies_b in rows.iterator(chunk_size=size):
        batch.append((report_id, (Labels(values_a, urgencies_a), Labels(values_b, urgencies_b))))
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def labels_of_reports(run: Run, report_ids: Sequence[int]) -> dict[int, MachineLabel]:
    """What the run says of these reports, with all that it keeps of the cells."""
    return {label.report_id: label for label in MachineLabel.objects.filter(run=run, report__in=report_ids)}


def run_differences(a: Run, b: Run) -> list[ManifestDifference]:
    """What was different when the two runs were made."""
    return manifest_differences(_described(a), _described(b))


def _described(run: Run) -> dict[str, Any]:
    """The manifest, with what the run was asked to be that it may lack."""
    url = {"engine address": run.request["url"]} if run.request.get("url") else {}
    revision = {"revision asked for": run.request["revision"]} if run.request.get("revision") else {}
    return {"labeler": run.labeler} | run.manifest | url | revision
