"""Ending an account from the shell."""

import io

import pytest
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from annotator.models import Event
from tests.factories import MembershipFactory, ProjectFactory, UserFactory

pytestmark = pytest.mark.django_db


def deactivate(name):
    out = io.StringIO()
    call_command("deactivate_user", name, stdout=out)
    return out.getvalue()


def test_user_is_signed_out_and_cannot_sign_in_again_while_others_stay():
    leaver, other = UserFactory(), UserFactory()
    theirs, others = Client(), Client()
    theirs.force_login(leaver)
    others.force_login(other)
    assert "open sessions ended: 1" in deactivate(leaver.username)
    leaver.refresh_from_db()
    assert not leaver.is_active
    assert Session.objects.count() == 1
    assert theirs.get(reverse("projects")).status_code == 302
    assert others.get(reverse("projects")).status_code == 200
    sent = {"username": leaver.username, "password": f"pw-{leaver.username}"}
    assert theirs.post(reverse("login"), sent).status_code == 200  # the form again, not the way in


def test_what_the_user_did_stays_and_a_project_without_a_manager_is_named():
    boss = UserFactory()
    ProjectFactory(slug="lumbar", manager=boss)
    shared = ProjectFactory(slug="shared", manager=boss)
    MembershipFactory(project=shared, user=UserFactory(), role="manager")
    n_events = Event.objects.count()
    said = deactivate(boss.username)
    assert "project lumbar has no manager now" in said
    assert "shared" not in said
    assert Event.objects.count() == n_events


def test_a_name_nobody_has_is_refused():
    with pytest.raises(CommandError, match="there is no user 'nobody'"):
        deactivate("nobody")
