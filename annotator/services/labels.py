"""Label a project after an import without keeping the browser waiting."""

import subprocess
import sys

from django.conf import settings

from annotator.models import Project, Report, User
from labeling.models import MachineLabel
from labeling.services import run_rules

# Labeled while the browser waits; more are labeled by a process of their own.
MAX_AT_ONCE = 1000


def start_labeling(*, project: Project, actor: User) -> str:
    """Label with the rules what has no rules label yet, now or in a process of its own.

    Returns what to tell the user.
    """
    labeled = MachineLabel.objects.filter(run__project=project, run__is_prefill=True, run__labeler="rules")
    n_waiting = Report.objects.filter(project=project).count() - labeled.count()
    if n_waiting <= MAX_AT_ONCE:
        run = run_rules(project=project, actor=actor)
        return f"Labeled with the rules: {run.manifest['n_out']:,} reports. Readers start from these labels."
    command = [sys.executable, "-m", "django", "label", project.slug, "--labeler", "rules"]
    subprocess.Popen(
        [*command, "--user", actor.get_username(), "--verbosity", "0"],
        cwd=settings.BASE_DIR,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    return f"Being labeled with the rules: {n_waiting:,} reports. Readers start from the labels once all are there."
