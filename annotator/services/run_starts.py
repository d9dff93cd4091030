"""Try and start runs for somebody at a browser: only listed engines, and no request that lasts for ever."""

import threading
from typing import Final

from annotator.exceptions import UserError
from annotator.models import Project, User
from labeling.engines import look_at
from labeling.models import Run
from labeling.services import Plan, start_model_run
from labeling.services.model_runs import require_allowed
from labeling.services.trying import Trial, try_plan

# A proxy gives a request two minutes (docs/operations.md).
TRY_S: Final = 90.0
# A trial keeps a thread of the web server; the others answer readers.
_TRIALS: Final = threading.BoundedSemaphore(1)


def try_first(*, project: Project, plan: Plan) -> Trial:
    """Label three reports and store nothing. Raises `UserError`, also while another trial goes on."""
    require_allowed(plan.url)
    if not _TRIALS.acquire(blocking=False):
        raise UserError("somebody else is trying a labeler at this moment; try again in a minute")
    try:
        return try_plan(project=project, plan=plan, limit_s=TRY_S)
    finally:
        _TRIALS.release()


def start_asked_run(*, project: Project, plan: Plan, actor: User) -> Run:
    """A queued run on an engine that has just said what it is; the caller wakes the workers.

    Raises `UserError`, and `RunExists` when the same is there.
    """
    require_allowed(plan.url)
    engine = look_at(plan.url, plan.model, revision=plan.revision)
    return start_model_run(project=project, plan=plan, actor=actor, engine=engine)
