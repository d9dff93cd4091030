"""Guessing passwords: the numbers here are those that docs/operations.md states."""

import pytest
from axes.models import AccessAttempt, AccessFailureLog
from django.test import Client
from django.urls import reverse

from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
OPEN, CLOSED, SIGNED_IN = 200, 429, 302
ELSEWHERE = "10.1.2.3"


def sign_in(name, password, **extra):
    return Client().post(reverse("login"), {"username": name, "password": password}, **extra).status_code


def fail_under_many_names(n_failures, *, per_name=7):
    """Wrong passwords, never so many under one name that the name alone is locked."""
    return [sign_in(f"name-{number // per_name}", "wrong") for number in range(n_failures)]


def test_eight_wrong_passwords_lock_one_name_at_one_address():
    user, other = UserFactory(), UserFactory()
    assert [sign_in(user.username, "wrong") for _ in range(8)] == [OPEN] * 7 + [CLOSED]
    assert sign_in(user.username, f"pw-{user.username}") == CLOSED
    assert sign_in(other.username, f"pw-{other.username}") == SIGNED_IN
    assert sign_in(user.username, f"pw-{user.username}", REMOTE_ADDR=ELSEWHERE) == SIGNED_IN


def test_seven_wrong_passwords_lock_nothing_and_the_right_one_starts_the_count_again():
    user = UserFactory()
    for _ in range(2):
        assert [sign_in(user.username, "wrong") for _ in range(7)] == [OPEN] * 7
        assert sign_in(user.username, f"pw-{user.username}") == SIGNED_IN


def test_fifty_wrong_passwords_under_any_names_lock_the_address():
    user = UserFactory()
    assert fail_under_many_names(49) == [OPEN] * 49
    assert sign_in(user.username, f"pw-{user.username}") == SIGNED_IN
    assert sign_in("another", "wrong") == CLOSED
    assert sign_in(user.username, f"pw-{user.username}") == CLOSED
    assert sign_in(user.username, f"pw-{user.username}", REMOTE_ADDR=ELSEWHERE) == SIGNED_IN


def test_signing_in_oneself_does_not_clear_what_the_address_has_guessed():
    user = UserFactory()
    fail_under_many_names(49)
    sign_in(user.username, f"pw-{user.username}")
    assert sum(AccessAttempt.objects.values_list("failures_since_start", flat=True)) == 49


def test_a_lock_is_not_prolonged_by_trying_on():
    user = UserFactory()
    for _ in range(8):
        sign_in(user.username, "wrong")
    [before] = AccessAttempt.objects.values("failures_since_start", "attempt_time")
    assert sign_in(user.username, "wrong") == CLOSED
    assert list(AccessAttempt.objects.values("failures_since_start", "attempt_time")) == [before]


def test_failures_stay_on_record():
    user = UserFactory()
    sign_in(user.username, "wrong")
    sign_in(user.username, f"pw-{user.username}")
    assert list(AccessFailureLog.objects.values_list("username", flat=True)) == [user.username]
