"""Plant errors into the pre-fill of a seat that trains a reader, when it is first opened."""

from typing import Final

from annotator.core.planting import Labels, plant_errors, stored_errors
from annotator.models import Arm, Case, Draft, Seat
from annotator.selectors.cases import prefill_of
from annotator.selectors.schemas import parsed_schema
from annotator.selectors.seats import Sitting

# From none, so that nobody can count on a case having one, to this many.
MOST_ERRORS: Final = 3


def plant(case: Case, sitting: Sitting | None) -> None:
    """Choose the run that a seat in the seeded arm starts from, and the errors in its labels, once and for good.

    Nothing for other seats, for cases without pre-fill, and for those that were begun from an empty form. The errors
    follow from the number of the seat and from the labels; there may be none.
    """
    seat = sitting.seat if sitting else None
    if seat is None or seat.arm != Arm.SEEDED or seat.prefill_run is not None:
        return
    label = prefill_of(case)
    if label is None or Draft.objects.filter(case=case, reader=seat.reader_id, round=seat.round).exists():
        return
    shown = Labels(label.values, label.urgencies, label.body.get("cells", {}))
    schema = parsed_schema(case.project.schema)
    errors = plant_errors(shown, schema=schema, n=seat.pk % (MOST_ERRORS + 1), seed=seat.pk)
    unopened = Seat.objects.filter(pk=seat.pk, prefill_run__isnull=True)
    unopened.update(prefill_run=label.run.run_id, planted=stored_errors(errors))
    seat.refresh_from_db(fields=["prefill_run", "planted"])
