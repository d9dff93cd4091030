"""Scores of a run as an array, and the order in which cases were read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from django.db.models import Min
from numpy.typing import NDArray

from annotator.models import Project, Reading
from annotator.selectors.case_axes import CaseAxis
from annotator.selectors.matrices import labels_of_run
from labeling.core.evaluation.scored import Scale
from labeling.core.schema import Schema

# Ids in one query: SQLite takes no more than 999.
_BATCH: Final = 900
# Where a run gave both, the first counts: probabilities saturate.
_SCALES: Final[tuple[Scale, ...]] = ("logit_difference", "probability")


@dataclass(frozen=True, slots=True)
class MachineScores:
    """Scores `(cases, cells)`, NaN where there is none, and what they are. All are of one scale."""

    values: NDArray[np.float64]
    scale: Scale


def machine_scores(
    project: Project, *, schema: Schema, run: str, axis: CaseAxis, inputs: Mapping[str, Any]
) -> MachineScores | None:
    """What the run gave for the cases of `axis`: logit differences, or probabilities where it gave no such; or None."""
    found = {scale: np.full((len(axis.pks), len(schema.cells)), np.nan) for scale in _SCALES}
    index_of = {str(cell): index for index, cell in enumerate(schema.cells)}
    place = {pk: index for index, pk in enumerate(axis.report_pks.tolist())}
    labels = labels_of_run(project, run).filter(pk__lte=inputs["labels"][run]["last"]).order_by()
    reports = list(place)
    for start in range(0, len(reports), _BATCH):
        batch = labels.filter(report_id__in=reports[start : start + _BATCH])
        for report_pk, body in batch.values_list("report_id", "body"):
            for key, entry in body.get("cells", {}).items():
                for scale in _SCALES:
                    if entry.get(scale) is not None:
                        found[scale][place[report_pk], index_of[key]] = entry[scale]
    return next((MachineScores(found[scale], scale) for scale in _SCALES if not np.isnan(found[scale]).all()), None)


def reading_order(project: Project, axis: CaseAxis, inputs: Mapping[str, Any]) -> NDArray[np.intp]:
    """Places of the cases of `axis`, the one that was submitted first before the others."""
    readings = Reading.objects.filter(project=project, schema=project.schema, pk__lte=inputs["readings"]["last"])
    first = dict(readings.order_by().values_list("case_id").annotate(first=Min("pk")))
    return np.argsort([first[pk] for pk in axis.pks.tolist()], kind="stable")
