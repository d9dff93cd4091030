"""Cases that nobody has read and that a run calls positive: where a rare finding may be found."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from django.db.models import Exists, OuterRef

from annotator.models import Case, Project, Reading
from annotator.selectors.matrices import labels_of_run
from labeling.core.schema import Schema
from labeling.core.values import CODE_OF_STATE, Value

_BATCH: Final = 20_000
_SHOWN: Final = 3
_POSITIVE: Final = np.array([ord(CODE_OF_STATE[value]) for value in (Value.PRESENT, Value.POSSIBLE)], np.uint8)


@dataclass(frozen=True, slots=True)
class Unread:
    """How many unread cases a run calls positive in a cell, and the first of them: key of the row and of the case."""

    n: int
    cases: list[tuple[int, str]]


def unread_positives(project: Project, *, schema: Schema, run: str, inputs: Mapping[str, Any]) -> dict[str, Unread]:
    """For each cell in which there are any, by the key of the cell; of cases in the order of the project."""
    read = Reading.objects.filter(project=project, schema=project.schema, pk__lte=inputs["readings"]["last"])
    # Not "pk not in (...)": PostgreSQL looks that up anew for each case when the list is long.
    is_read = Exists(read.filter(case=OuterRef("pk")).order_by())
    unread = Case.objects.filter(~is_read, project=project, report__isnull=False)
    rows = list(unread.order_by("position").values_list("report_id", "pk", "key").iterator(chunk_size=_BATCH))
    if not rows:
        return {}
    place = {row[0]: index for index, row in enumerate(rows)}
    called = np.zeros((len(rows), len(schema.cells)), bool)
    labels = labels_of_run(project, run).filter(pk__lte=inputs["labels"][run]["last"]).order_by()
    for report_pk, values in labels.values_list("report_id", "values").iterator(chunk_size=_BATCH):
        if report_pk in place:
            codes = np.frombuffer(values.encode("ascii"), np.uint8)
            called[place[report_pk]] = np.isin(codes, _POSITIVE)
    found = {}
    for cell, column in zip(schema.cells, called.T, strict=True):
        places = np.flatnonzero(column)
        if places.size:
            shown = [(rows[index][1], rows[index][2]) for index in places[:_SHOWN].tolist()]
            found[str(cell)] = Unread(int(places.size), shown)
    return found
