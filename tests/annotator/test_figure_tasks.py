"""Celery computes figures: a real worker on the file-system broker, and a broker that is away."""

from contextlib import nullcontext
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from kombu.exceptions import OperationalError

from annotator import tasks
from annotator.core.figure_requests import FigureRequest, Kind, Level
from annotator.models import Evaluation
from annotator.services.figures import ask
from annotator.tasks import compute_figures, send_figures
from tests.labeling.worker_tools import Instance, file_database, wait_until
from tests.study import make_study

State = Evaluation.State


@pytest.fixture
def instance(tmp_path, transactional_db):
    """A local instance whose workers see the database of the test."""
    in_file = nullcontext() if connection.vendor == "postgresql" else file_database(tmp_path / "shared.sqlite3")
    with in_file:
        yield Instance(tmp_path, None)


def queue(study, **more):
    request = FigureRequest(Kind.LABELER, run=str(study.runs[0].run_id), n_resamples=20, **more)
    return ask(project=study.project, actor=None, request=request, send=lambda _: None).pending


def test_a_worker_finds_what_waits_and_what_dead_workers_left(instance):
    study = make_study("lumbar", n_cases=6)
    waits, left = queue(study), queue(study, level=Level.GROUPS)
    Evaluation.objects.filter(pk=left.pk).update(
        state=State.RUNNING, attempts=1, lease_until=timezone.now() - timedelta(seconds=1)
    )
    with instance.worker(queues="default"):
        wait_until(lambda: Evaluation.objects.filter(state=State.DONE).count() == 2, instance)
    assert dict(Evaluation.objects.values_list("pk", "attempts")) == {waits.pk: 1, left.pk: 2}
    assert "Made-up report" not in instance.log()


@pytest.mark.django_db
def test_a_broker_that_is_away_leaves_the_figures_waiting(monkeypatch):
    def refuse(*_, **__):
        raise OperationalError("connection refused")

    monkeypatch.setattr(compute_figures, "delay", refuse)
    pending = queue(make_study("lumbar", n_cases=2))
    assert send_figures(pending.pk) is False
    pending.refresh_from_db()
    assert pending.state == State.QUEUED


@pytest.mark.django_db
def test_the_sweep_sends_a_message_for_each_that_waits(monkeypatch):
    sent = []
    monkeypatch.setattr(tasks, "send_figures", sent.append)
    study = make_study("lumbar", n_cases=2)
    wanted = [queue(study).pk, queue(study, level=Level.GROUPS).pk]
    tasks.sweep_figures()
    assert sent == wanted
