"""Planted errors as a file, and an event that it was taken: it names readers."""

from datetime import datetime

from annotator.models import Event, Project, User
from annotator.selectors.training import training_csv


def export_training(*, project: Project, actor: User, now: datetime) -> str:
    """Every planted error that was read, as CSV."""
    payload = {"what": "planted errors", "format": "csv"}
    Event.objects.create(project=project, actor=actor, verb=Event.Verb.LABELS_EXPORTED, payload=payload, at=now)
    return "".join(training_csv(project))
