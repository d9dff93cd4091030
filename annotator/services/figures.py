"""Ask for figures, and compute what was asked for."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from annotator.core.figure_requests import FigureRequest, Kind, fingerprint
from annotator.models import Evaluation, Project, User
from annotator.selectors.figure_pages import stored_figures
from annotator.selectors.matrices import inputs_of
from annotator.services.figure_holds import LEASE_S, held, holding
from annotator.services.figure_kinds import (
    arm_figures,
    comparison_figures,
    labeler_figures,
    reader_figures,
    score_figures,
)
from annotator.services.figure_sources import Source, open_source
from labeling.core.evaluation.ratings import RatingsError
from labeling.exceptions import UserError

logger = logging.getLogger(__name__)

State = Evaluation.State
MAX_ATTEMPTS: Final = 3
# Results of one request that are kept, and all that are younger than this: pages that are open lead to them. Older ones
# can be computed anew.
KEPT: Final = 5
KEPT_FOR: Final = timedelta(days=1)
_SWEPT: Final = 100
FAULT: Final = f"the program failed {MAX_ATTEMPTS} times; the log of the worker says where"
DIED: Final = f"the worker that computed them died {MAX_ATTEMPTS} times, perhaps for want of memory"


@dataclass(frozen=True, slots=True)
class Figures:
    """What is known of a request: the latest result, whether it is of what there is now, and what is being computed."""

    request: FigureRequest
    done: Evaluation | None
    is_current: bool
    pending: Evaluation | None
    failed: Evaluation | None

    @property
    def can_be_tried_again(self) -> bool:
        """Whether what failed may go well another time: it was a fault or a death, not what was asked for."""
        return self.failed is not None and self.failed.reason in {FAULT, DIED}


def ask(*, project: Project, actor: User | None, request: FigureRequest, send: Callable[[int], object]) -> Figures:
    """The stored figures; those that are not of what there is now are computed anew, one at a time for a request.

    `send` gets the key of an evaluation that somebody has to compute, after the transaction.
    """
    inputs, now = inputs_of(project, request), timezone.now()
    stored = stored_figures(project, request)
    _drop_dead(stored.exclude(inputs_hash=fingerprint(inputs)), now=now)
    now_of = stored.filter(inputs_hash=fingerprint(inputs)).first()
    pending = stored.filter(state__in=[State.QUEUED, State.RUNNING]).first()
    if now_of is None and pending is None:
        now_of = _queue(project, actor=actor, request=request, inputs=inputs)
        pending = now_of if now_of.state in {State.QUEUED, State.RUNNING} else None
    done = now_of if now_of and now_of.state == State.DONE else stored.filter(state=State.DONE).first()
    if pending is not None and _is_free(pending, now=now):
        key = pending.pk
        transaction.on_commit(lambda: send(key))
    failed = now_of if now_of and now_of.state == State.FAILED else None
    return Figures(request, done, is_current=done is not None and done == now_of, pending=pending, failed=failed)


def _drop_dead(of_before: QuerySet[Evaluation], *, now: datetime) -> None:
    """Nobody waits for figures of an earlier state whose worker died."""
    of_before.filter(state=State.RUNNING, lease_until__lt=now).delete()


def _is_free(evaluation: Evaluation, *, now: datetime) -> bool:
    is_left = evaluation.lease_until is not None and evaluation.lease_until < now
    return evaluation.state == State.QUEUED or is_left


def _queue(project: Project, *, actor: User | None, request: FigureRequest, inputs: dict[str, Any]) -> Evaluation:
    """A new evaluation, or that of somebody else who asked for the same at this moment."""
    plain = request.as_json()
    made, _ = Evaluation.objects.get_or_create(
        project=project,
        request_hash=fingerprint(plain),
        inputs_hash=fingerprint(inputs),
        defaults={
            "schema": project.schema,
            "kind": request.kind,
            "request": plain,
            "inputs": inputs,
            "requested_by": actor,
            "requested_at": timezone.now(),
        },
    )
    return made


def ask_again(evaluation: Evaluation, *, send: Callable[[int], object]) -> bool:
    """Have an evaluation that failed computed once more. Whether it had failed."""
    had_failed = Evaluation.objects.filter(pk=evaluation.pk, state=State.FAILED)
    if not had_failed.update(state=State.QUEUED, attempts=0, reason="", seconds=None, finished_at=None):
        return False
    transaction.on_commit(lambda: send(evaluation.pk))
    return True


def compute(evaluation_id: int, *, now: datetime | None = None) -> Evaluation | None:
    """Compute one evaluation that nobody else computes; None when there is nothing to do.

    What the figures cannot be made of is kept as the reason. Whatever else is raised is a fault: it goes on to the
    caller, and the evaluation is free to be tried again, `MAX_ATTEMPTS` times in all.
    """
    evaluation = _claim(evaluation_id, now=now or timezone.now())
    if evaluation is None:
        return None
    is_over = False
    try:
        with holding(evaluation):
            ended = _computed(evaluation)
        is_over = True
    finally:
        if not is_over:
            _let_go(evaluation)
    _forget_old(evaluation)
    return ended


def _computed(evaluation: Evaluation) -> Evaluation | None:
    started = time.monotonic()
    try:
        result = _result(evaluation)
    except (UserError, RatingsError) as error:
        return _end(evaluation, State.FAILED, reason=str(error)[:500], seconds=time.monotonic() - started)
    return _end(evaluation, State.DONE, result=result, seconds=time.monotonic() - started)


def waiting(*, now: datetime) -> list[int]:
    """Keys of evaluations that nobody computes, oldest first."""
    free = Q(state=State.QUEUED) | Q(state=State.RUNNING, lease_until__lt=now)
    return list(Evaluation.objects.filter(free).order_by("pk").values_list("pk", flat=True)[:_SWEPT])


def _let_go(evaluation: Evaluation) -> None:
    """After a fault: for the next worker, or for nobody any more."""
    if evaluation.attempts < MAX_ATTEMPTS:
        held(evaluation).update(state=State.QUEUED, lease_until=None)
    else:
        held(evaluation).update(state=State.FAILED, reason=FAULT, lease_until=None, finished_at=timezone.now())


def _claim(evaluation_id: int, *, now: datetime) -> Evaluation | None:
    free = Q(state=State.QUEUED) | Q(state=State.RUNNING, lease_until__lt=now)
    found = Evaluation.objects.filter(free, pk=evaluation_id)
    if found.filter(attempts__gte=MAX_ATTEMPTS).update(
        state=State.FAILED, reason=DIED, lease_until=None, finished_at=now
    ):
        return None
    until = now + timedelta(seconds=LEASE_S)
    if not found.update(state=State.RUNNING, lease_until=until, attempts=F("attempts") + 1):
        return None
    return Evaluation.objects.select_related("project", "schema").get(pk=evaluation_id)


def _end(evaluation: Evaluation, state: str, **fields: Any) -> Evaluation | None:
    """Write the end unless another worker has taken over meanwhile."""
    if not held(evaluation).update(state=state, lease_until=None, finished_at=timezone.now(), **fields):
        logger.warning("evaluation %s was taken over by another worker", evaluation.pk)
        return None
    evaluation.refresh_from_db()
    return evaluation


def _forget_old(evaluation: Evaluation) -> None:
    same = Evaluation.objects.filter(project=evaluation.project_id, request_hash=evaluation.request_hash)
    ended = same.filter(state__in=[State.DONE, State.FAILED]).order_by("-pk")
    surplus = list(ended.values_list("pk", flat=True)[KEPT:])
    Evaluation.objects.filter(pk__in=surplus, finished_at__lt=timezone.now() - KEPT_FOR).delete()


def _result(evaluation: Evaluation) -> dict[str, Any]:
    if evaluation.project.schema_id != evaluation.schema_id:
        raise UserError("the project has another schema by now")
    source = open_source(evaluation)
    return _RESULTS[source.request.kind](source) | {"about": source.about()}


_RESULTS: Final[Mapping[Kind, Callable[[Source], dict[str, Any]]]] = {
    Kind.LABELER: labeler_figures,
    Kind.COMPARISON: comparison_figures,
    Kind.READERS: reader_figures,
    Kind.SCORES: score_figures,
    Kind.ARMS: arm_figures,
}
