"""What a run may become, in one place, and the history of what it became."""

from collections.abc import Mapping
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from annotator.models import Event, User
from labeling.exceptions import UserError
from labeling.models import ENDED, Run
from labeling.selectors.runs import leases_of
from labeling.services.clock import seconds_worked

State = Run.State
MAY_BECOME: Final[Mapping[str, frozenset[str]]] = {
    State.QUEUED: frozenset({State.RUNNING, State.PAUSED, State.CANCELLED, State.FAILED, State.COMPLETE}),
    State.RUNNING: frozenset({State.PAUSED, State.CANCELLED, State.FAILED, State.COMPLETE}),
    State.PAUSED: frozenset({State.QUEUED, State.CANCELLED}),
    State.FAILED: frozenset({State.QUEUED}),
    State.CANCELLED: frozenset(),
    State.COMPLETE: frozenset(),
}
# A run of the rules that is going on says so in its manifest every so often.
HEARTBEAT: Final = "heartbeat_at"
MAX_REASON_CHARACTERS: Final = 500


class TransitionRefused(UserError):
    """The run is in a state after which the wanted one cannot come."""


@transaction.atomic
def change_state(
    run: Run, to: str, *, actor: User | None = None, reason: str = "", more: Mapping[str, Any] | None = None
) -> None:
    """Make `run` become `to` and write that down; `more` completes the manifest of a run that ends.

    Raises `TransitionRefused`, with `run` as it is in the database.
    """
    stored = Run.objects.select_for_update(no_key=True).get(pk=run.pk)
    before = stored.state
    if to not in MAY_BECOME[before]:
        run.refresh_from_db()
        raise TransitionRefused(f"run {run.run_id} is {before}; it cannot become {to}")
    now = timezone.now()
    stored.active_s = seconds_worked(stored, until=leases_of(stored, now=now).worked_until(now))
    stored.state = to
    stored.running_since = now if to == State.RUNNING else None
    stored.finished_at = now if to in ENDED else None
    stored.reason = reason[:MAX_REASON_CHARACTERS]
    if to in ENDED:
        stored.manifest = _ended_manifest(stored, dict(more or {}))
    stored.save(update_fields=["state", "running_since", "active_s", "finished_at", "reason", "manifest"])
    for name in ("state", "running_since", "active_s", "finished_at", "reason", "manifest"):
        setattr(run, name, getattr(stored, name))
    log(run, actor, Event.Verb.RUN_CHANGED, {"before": before, "after": to, **({"reason": reason} if reason else {})})


def _ended_manifest(run: Run, more: dict[str, Any]) -> dict[str, Any]:
    assert run.finished_at is not None  # noqa: S101 - by the caller
    active_s = run.active_s or (run.finished_at - run.started_at).total_seconds()
    times = {"started_at": run.started_at.isoformat(), "ended_at": run.finished_at.isoformat()}
    kept = {key: value for key, value in run.manifest.items() if key != HEARTBEAT}
    return kept | more | times | {"wall_seconds": round(active_s, 3)}


def log(run: Run, actor: User | None, verb: str, payload: Mapping[str, Any]) -> None:
    """Write into the history of the project."""
    Event.objects.create(
        project_id=run.project_id,
        actor=actor,
        verb=verb,
        payload={"run": str(run.run_id), **payload},
        at=timezone.now(),
    )
