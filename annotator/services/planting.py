"""Plant errors into the pre-fill of a seat that trains a reader, when it is first opened."""

from typing import Final

from annotator.core.planting import Labels, plant_errors, stored_errors
from annotator.models import Arm, Case, Seat
from annotator.selectors.cases import prefill_of
from annotator.selectors.schemas import parsed_schema
from annotator.selectors.seats import Sitting

# From none, so that nobody can count on a case having one, to this many.
MOST_ERRORS: Final = 3


def plant(case: Case, sitting: Sitting | None) -> None:
    """Choose the errors of a seat in the seeded arm, once; nothing for other seats and for cases without pre-fill.

    They follow from the number of the seat and from the labels. The run is stored with each, and is the one that the
    reader starts from, whatever pre-fills later.
    """
    seat = sitting.seat if sitting else None
    if seat is None or seat.arm != Arm.SEEDED or seat.planted:
        return
    label = prefill_of(case)
    if label is None:
        return
    shown = Labels(label.values, label.urgencies, label.body.get("cells", {}))
    schema = parsed_schema(case.project.schema)
    errors = plant_errors(shown, schema=schema, n=seat.pk % (MOST_ERRORS + 1), seed=seat.pk)
    planted = {cell: said | {"run": str(label.run.run_id)} for cell, said in stored_errors(errors).items()}
    if planted:
        Seat.objects.filter(pk=seat.pk, planted={}).update(planted=planted)
        seat.refresh_from_db(fields=["planted"])
