"""A worker that computes figures keeps its lease alive, and a dead one does not."""

from datetime import timedelta
from threading import Event
from types import SimpleNamespace

import pytest
from django.db import DatabaseError
from django.utils import timezone

from annotator.models import Evaluation
from annotator.services import figure_holds
from annotator.services.figure_holds import LEASE_S, RENEW_S, holding, renew
from tests.annotator.worlds import stored_evaluation

pytestmark = pytest.mark.django_db
PATIENCE_S = 10


@pytest.fixture
def running(world):
    return stored_evaluation(world.project, state=Evaluation.State.RUNNING)


def test_a_restart_costs_a_minute_and_a_hiccup_nothing():
    assert LEASE_S <= 60
    assert 3 * RENEW_S < LEASE_S


def test_a_lease_is_prolonged_from_now_on(running):
    now = timezone.now()
    assert renew(running, now=now)
    running.refresh_from_db()
    assert running.lease_until == now + timedelta(seconds=LEASE_S)


def test_who_was_taken_over_holds_nothing(running):
    Evaluation.objects.update(attempts=running.attempts + 1)
    before = Evaluation.objects.get().lease_until
    assert not renew(running, now=timezone.now())
    assert Evaluation.objects.get().lease_until == before


def test_the_lease_is_renewed_while_figures_are_computed_even_after_the_database_was_busy(running, monkeypatch):
    is_renewed, turns = Event(), []

    def noted(evaluation, *, now):
        turns.append(evaluation.pk)
        if len(turns) == 1:
            raise DatabaseError("locked")
        is_renewed.set()
        return True

    monkeypatch.setattr(figure_holds, "RENEW_S", 0)
    monkeypatch.setattr(figure_holds, "renew", noted)
    with holding(running):
        assert is_renewed.wait(PATIENCE_S)
    assert set(turns) == {running.pk}


def test_renewing_ends_with_the_block_even_when_it_fails(running, monkeypatch):
    ended = Event()
    monkeypatch.setattr(figure_holds, "connection", SimpleNamespace(close=ended.set))
    with pytest.raises(ZeroDivisionError), holding(running):
        raise ZeroDivisionError
    assert ended.is_set()
