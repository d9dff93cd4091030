"""Pick thresholds of scores."""

import math
import uuid
from datetime import datetime
from typing import Any

from django.db import transaction

from annotator.core.figure_requests import Kind
from annotator.models import Evaluation, Event, PickedThreshold, User
from labeling.exceptions import UserError


@transaction.atomic
def pick_threshold(
    *, evaluation: Evaluation, actor: User, cell: str, threshold: float, now: datetime
) -> PickedThreshold:
    """Keep `threshold` for the scores of `evaluation` in `cell`; earlier ones stay, the latest counts.

    What is picked already is not kept twice in a row. Raises `UserError` for a cell without scores and for a threshold
    that no score can be compared with.
    """
    condition = _condition(evaluation, cell)
    scale = condition["scale"]
    if not math.isfinite(threshold):
        raise UserError("the threshold is no finite number")
    if scale == PickedThreshold.Scale.PROBABILITY and not 0 <= threshold <= 1:
        raise UserError(f"the threshold is {threshold}, expected a probability from 0 to 1")
    run = uuid.UUID(evaluation.request["run"])
    last = PickedThreshold.objects.filter(project=evaluation.project_id, run=run, cell=cell).last()
    if last is not None and last.threshold == threshold and last.schema_id == evaluation.schema_id:
        return last
    is_equal_error = threshold == condition["figures"]["threshold"]["value"]
    picked = PickedThreshold.objects.create(
        project_id=evaluation.project_id,
        schema_id=evaluation.schema_id,
        run=run,
        cell=cell,
        threshold=threshold,
        scale=scale,
        method=PickedThreshold.Method.EQUAL_ERROR if is_equal_error else PickedThreshold.Method.PICKED,
        made_from=_made_from(evaluation, condition),
        picked_by=actor,
        picked_at=now,
    )
    Event.objects.create(
        project_id=evaluation.project_id,
        actor=actor,
        verb=Event.Verb.THRESHOLD_PICKED,
        payload=_payload(picked, before=last),
        at=now,
    )
    return picked


def _condition(evaluation: Evaluation, cell: str) -> dict[str, Any]:
    scores = (evaluation.result or {}).get("scores") if evaluation.kind == Kind.SCORES else None
    found: list[dict[str, Any]] = [each for each in (scores or {}).get("conditions", ()) if each["cell"] == cell]
    if not found or not found[0]["n"]:
        raise UserError("these figures have no scores in that cell")
    return found[0]


def _made_from(evaluation: Evaluation, condition: dict[str, Any]) -> dict[str, Any]:
    """What the choice rests on; the figures themselves can be computed anew."""
    return {
        "request": evaluation.request,
        "inputs": evaluation.inputs,
        "n": condition["n"],
        "n_positive": condition["n_positive"],
    }


def _payload(picked: PickedThreshold, *, before: PickedThreshold | None) -> dict[str, Any]:
    return {
        "run": str(picked.run),
        "cell": picked.cell,
        "threshold": picked.threshold,
        "scale": picked.scale,
        "method": picked.method,
        "before": before.threshold if before else None,
    }
