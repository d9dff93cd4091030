"""Runs of a project."""

import uuid

from annotator.models import Project
from labeling.models import Run


def run_of_project(project: Project, run_id: uuid.UUID) -> Run | None:
    """The run of this project with this public id, if there is one."""
    return Run.objects.filter(project=project, run_id=run_id).first()
