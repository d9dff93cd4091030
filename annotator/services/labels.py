"""Label a project after an import without keeping the browser waiting."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings

from annotator.exceptions import UserError
from annotator.models import Project, User
from annotator.selectors.schemas import parsed_schema
from labeling.models import Run
from labeling.selectors import LabelingState, labeling_state
from labeling.services import RULES, end_stale_runs, rules_method, run_rules

# Labeled while the browser waits; more are labeled by a process of their own.
MAX_AT_ONCE = 1000
LOG_NAME = "labeling.log"


def rules_state(project: Project) -> LabelingState:
    """How far the rules have labeled the project; runs whose process is gone are marked as failed."""
    end_stale_runs(project=project)
    return labeling_state(project, labeler=RULES, method=rules_method(parsed_schema(project.schema)))


def reason_to_keep(state: LabelingState) -> str:
    """Why labels of the rules do not take the place of what readers start from; empty when they may."""
    if state.prefill is None or state.prefill.labeler == RULES:
        return ""
    rater = state.prefill.manifest.get("rater", state.prefill.labeler)
    return f"Readers start from the labels of {rater}, which were chosen; they stay. Nothing is labeled with the rules."


def start_labeling(*, project: Project, actor: User) -> str:
    """Label with the rules what has no labels of theirs yet, now or in a process of its own.

    Returns what to tell the user; empty when all reports have their labels.
    """
    state = rules_state(project)
    if not state.n_waiting:
        return ""
    if reason := reason_to_keep(state):
        return reason
    if state.is_running:
        return f"Being labeled already: {state.n_of_last:,} of {state.n_reports:,} reports are done."
    if state.n_waiting <= MAX_AT_ONCE:
        run = run_rules(project=project, actor=actor, keep_chosen=True)
        return f"Labeled with the rules: {run.manifest['n_out']:,} reports. Readers start from these labels."
    _start_process(project, actor)
    return f"Being labeled with the rules: {state.n_waiting:,} reports. Readers start from them once all are there."


def start_rules(*, project: Project, actor: User, is_prefill: bool) -> tuple[Run | None, str]:
    """Label all reports with the rules, now or in a process of its own; the run, once there is one, and what to tell.

    Without `is_prefill` labels of another labeler that readers start from stay their pre-fill.
    """
    state = rules_state(project)
    if not state.n_reports:
        raise UserError(f"project {project.slug} has no reports to label")
    if state.is_running:
        return state.last, f"Being labeled already: {state.n_of_last:,} of {state.n_reports:,} reports are done."
    if state.n_reports > MAX_AT_ONCE:
        _start_process(project, actor, keep_chosen=not is_prefill)
        return None, f"Being labeled with the rules: {state.n_reports:,} reports. The run appears here in a moment."
    run = run_rules(project=project, actor=actor, keep_chosen=not is_prefill)
    is_new = state.last is None or run.pk > state.last.pk
    said = "Labeled with the rules" if is_new else "Nothing has changed since the rules labeled these"
    return run, f"{said}: {run.manifest['n_out']:,} reports."


def _start_process(project: Project, actor: User, *, keep_chosen: bool = True) -> None:
    """`manage.py label` on its own; what it says goes to the log file in the data folder, without texts of reports."""
    command = [sys.executable, "-m", "django", "label", "--labeler=rules", f"--user={actor.get_username()}"]
    command += ["--verbosity=0", "--terse-errors", *(["--keep-chosen"] if keep_chosen else []), "--", project.slug]
    log_path = Path(settings.DATA_DIR) / LOG_NAME
    try:
        with open(log_path, "a", encoding="utf-8", opener=_open_for_owner) as log:
            log.write(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} labeling project {project.pk}\n")
            log.flush()
            subprocess.Popen(
                command,
                cwd=settings.BASE_DIR,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
    except OSError as error:
        raise UserError(f"the labeling could not be started: {error.strerror}") from error


def _open_for_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
