"""Keep the rows of disputed cells in step with what is disputed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from annotator.models import Dispute
from annotator.selectors.settled_cases import SettledCase

State = Dispute.State
_WRITTEN = ("kind", "pattern", "basis", "state", "decision_id", "opened_at", "changed_at")


def write_disputes(settled: Sequence[SettledCase], *, now: datetime) -> None:
    """Open what is disputed, mark what is decided, and withdraw the rest; nothing is deleted."""
    stored: dict[int, dict[str, Dispute]] = {each.case.pk: {} for each in settled}
    for row in Dispute.objects.filter(case__in=list(stored)).order_by():
        stored[row.case_id][row.cell] = row
    made, changed = [], []
    for each in settled:
        rows, wanted = stored[each.case.pk], _wanted(each)
        for cell, fields in wanted.items():
            if cell not in rows and fields["state"] == State.OPEN:
                made.append(_opened(each, cell, fields, now=now))
        changed += [row for cell, row in rows.items() if _changes(row, wanted.get(cell, _WITHDRAWN), now=now)]
    Dispute.objects.bulk_create(made)
    if changed:
        Dispute.objects.bulk_update(changed, [name.removesuffix("_id") for name in _WRITTEN])


_WITHDRAWN: dict[str, Any] = {"state": State.WITHDRAWN, "decision_id": None}


def _wanted(settled: SettledCase) -> dict[str, dict[str, Any]]:
    """What the row of each disputed or decided cell is to say."""
    found: dict[str, dict[str, Any]] = {
        settled.cells[each.cell]: {"state": State.DECIDED, "decision_id": each.pk, "basis": each.basis}
        for each in settled.decided
    }
    for each in settled.disputes:
        found[each.cell] = {
            "state": State.OPEN,
            "decision_id": None,
            "kind": each.kind,
            "pattern": each.pattern,
            "basis": each.basis,
        }
    return found


def _opened(settled: SettledCase, cell: str, fields: dict[str, Any], *, now: datetime) -> Dispute:
    return Dispute(
        project_id=settled.case.project_id,
        case=settled.case,
        cell=cell,
        finding=cell.partition("|")[2],
        opened_at=now,
        changed_at=now,
        **fields,
    )


def _changes(row: Dispute, wanted: dict[str, Any], *, now: datetime) -> bool:
    """Make the row say what is wanted; whether it said something else."""
    if all(getattr(row, name) == value for name, value in wanted.items()):
        return False
    if wanted["state"] == State.OPEN and row.state == State.WITHDRAWN:
        row.opened_at = now
    for name, value in wanted.items():
        setattr(row, name, value)
    row.changed_at = now
    return True
