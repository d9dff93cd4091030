"""The cases that arrays are of, and how far tables reach."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from django.db.models import QuerySet
from numpy.typing import NDArray

from annotator.models import Case, Project

_BATCH: Final = 20_000
# Keys below the last among which rows are counted: more than are given out while a transaction ends.
_RECENT: Final = 20_000


def extent(rows: QuerySet[Any]) -> dict[str, int]:
    """The last key of `rows`, and how many there are of the last."""
    last = rows.order_by("-pk").values_list("pk", flat=True).first() or 0
    return {"n": rows.filter(pk__gt=last - _RECENT).count(), "last": last}


@dataclass(frozen=True, slots=True)
class CaseAxis:
    """The cases that somebody read, in the order of the project: primary keys, keys, patients and reports."""

    pks: NDArray[np.int64]
    keys: tuple[str, ...]
    patients: tuple[str, ...]
    report_pks: NDArray[np.int64]

    def only(self, kept: NDArray[np.bool_]) -> "CaseAxis":
        """The cases where `kept` holds."""
        names = (self.keys, self.patients)
        keys, patients = (tuple(each for each, stays in zip(own, kept, strict=True) if stays) for own in names)
        return CaseAxis(self.pks[kept], keys, patients, self.report_pks[kept])


def axis_of(project: Project, case_pks: set[int]) -> CaseAxis:
    found = Case.objects.filter(project=project).order_by("position")
    rows = [
        row
        for row in found.values_list("pk", "key", "patient_key", "report_id").iterator(chunk_size=_BATCH)
        if row[0] in case_pks
    ]
    return CaseAxis(
        pks=np.array([row[0] for row in rows], np.int64),
        keys=tuple(row[1] for row in rows),
        patients=tuple(row[2] for row in rows),
        report_pks=np.array([row[3] or 0 for row in rows], np.int64),
    )


def places_of(pks: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.intp]:
    """Where each of `wanted` stands among `pks`, which hold all of them."""
    place, known = found_places(pks, wanted)
    if not known.all():
        raise ValueError(f"{int((~known).sum())} readings are of cases that are not there")
    return place


def found_places(pks: NDArray[np.int64], wanted: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Where each of `wanted` stands among `pks`, and whether it does."""
    order = np.argsort(pks, kind="stable")
    at = np.minimum(np.searchsorted(pks, wanted, sorter=order), max(0, len(pks) - 1))
    place = order[at] if len(pks) else np.zeros(len(wanted), np.intp)
    return place, (pks[place] == wanted) if len(pks) else np.zeros(len(wanted), bool)
