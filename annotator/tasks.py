"""What Celery carries for the people half. A message only says where to look: rows are the truth."""

import logging

from celery import shared_task
from django.utils import timezone
from kombu.exceptions import OperationalError

from annotator.models import Project
from annotator.services import releases
from annotator.services.figures import compute, waiting
from annotator.services.settling import settle_project, unsettled

logger = logging.getLogger(__name__)


@shared_task(name="annotator.tasks.compute_figures", acks_late=True, ignore_result=True)
def compute_figures(evaluation_id: int) -> None:
    """Compute one evaluation. One that somebody has, or that is done, is left alone, however often it is delivered."""
    compute(evaluation_id)


@shared_task(name="annotator.tasks.sweep_figures", acks_late=True, ignore_result=True)
def sweep_figures() -> None:
    """Send messages for what waits and for what dead workers left."""
    for evaluation_id in waiting(now=timezone.now()):
        send_figures(evaluation_id)


def send_figures(evaluation_id: int) -> bool:
    """Send the message for an evaluation. When the broker does not take it, a worker that sweeps finds it."""
    try:
        compute_figures.delay(evaluation_id)
    except OperationalError as error:
        logger.warning("the broker takes no messages: %s", type(error).__name__)
        return False
    return True


@shared_task(name="annotator.tasks.settle", acks_late=True, ignore_result=True)
def settle(project_id: int) -> None:
    """Make the gold of a project again. Settling twice changes nothing."""
    settle_project(Project.objects.get(pk=project_id), now=timezone.now())


def send_settling(project_id: int) -> bool:
    """Send the message that the gold of a project is to be made again."""
    try:
        settle.delay(project_id)
    except OperationalError as error:
        logger.warning("the broker takes no messages: %s", type(error).__name__)
        return False
    return True


@shared_task(name="annotator.tasks.sweep_settling", acks_late=True, ignore_result=True)
def sweep_settling() -> None:
    """Send messages for projects whose gold is behind their rules: the message was lost, or its worker died."""
    for project_id in unsettled(now=timezone.now()):
        send_settling(project_id)


@shared_task(name="annotator.tasks.freeze_release", acks_late=True, ignore_result=True)
def freeze_release(release_id: int) -> None:
    """Freeze one release. One that somebody freezes, or that is done, is left alone, however often it is delivered."""
    releases.freeze(release_id)


@shared_task(name="annotator.tasks.sweep_releases", acks_late=True, ignore_result=True)
def sweep_releases() -> None:
    """Send messages for releases that wait and for those that dead workers left."""
    for release_id in releases.waiting(now=timezone.now()):
        send_release(release_id)


def send_release(release_id: int) -> bool:
    """Send the message for a release. When the broker does not take it, a worker that sweeps finds it."""
    try:
        freeze_release.delay(release_id)
    except OperationalError as error:
        logger.warning("the broker takes no messages: %s", type(error).__name__)
        return False
    return True
