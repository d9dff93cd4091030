"""Links that make whoever opens them a member: once, for a while, and telling nothing to anybody else."""

import hashlib
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from annotator.exceptions import UserError
from annotator.models import Event, Invitation, Membership, Role, User
from annotator.services.invitations import InvitationGone, accept, find_invitation, invite, withdraw
from annotator.services.projects import remove_member, set_member
from tests.factories import MembershipFactory, ProjectFactory, UserFactory

pytestmark = pytest.mark.django_db
PASSWORD = "radius-ulna-humerus"


@pytest.fixture
def manager():
    return UserFactory(username="boss")


@pytest.fixture
def project(manager):
    return ProjectFactory(slug="lumbar", name="Lumbar spines", manager=manager)


def invited(project, manager, *, roles=("reader",), days=7, now=None):
    """The token of a new invitation."""
    made = now or timezone.now()
    return invite(project=project, roles=roles, days=days, actor=manager, now=made)[1]


def page(token):
    return reverse("invitation", args=[token])


def roles_of(project, user):
    return set(Membership.objects.filter(project=project, user=user).values_list("role", flat=True))


def account(**changes):
    return {"username": "ann", "password": PASSWORD, "again": PASSWORD} | changes


# Making and withdrawing


def test_manager_makes_a_link_that_is_shown_once_and_stored_as_a_hash(client, project, manager):
    client.force_login(manager)
    sent = {"for_whom": "Dr. Ann", "roles": ["reader", "adjudicator"], "days": 3}
    answer = client.post(reverse("invitation_new", args=["lumbar"]), sent)
    link = answer.context["link"]
    token = link.rstrip("/").rsplit("/", 1)[1]
    made = Invitation.objects.get()
    assert made.token_sha256 == hashlib.sha256(token.encode()).hexdigest()
    assert made.roles == ["reader", "adjudicator"]
    assert made.expires_at - made.made_at == timedelta(days=3)
    assert link in answer.content.decode()
    members = client.get(reverse("members", args=["lumbar"])).content.decode()
    assert "Dr. Ann" in members
    assert token not in members
    assert token not in str(list(Event.objects.values_list("payload", flat=True)))


@pytest.mark.parametrize("changes", [{"roles": []}, {"roles": ["owner"]}, {"days": 0}, {"days": 31}, {"days": "x"}])
def test_invitation_that_makes_no_sense_is_refused(client, project, manager, changes):
    client.force_login(manager)
    answer = client.post(reverse("invitation_new", args=["lumbar"]), {"roles": ["reader"], "days": 7} | changes)
    assert answer.status_code == 422
    assert not Invitation.objects.exists()


def test_withdrawn_invitation_leaves_the_list_and_stays_on_record(client, project, manager):
    token = invited(project, manager)
    client.force_login(manager)
    url = reverse("invitation_withdraw", args=["lumbar", Invitation.objects.get().pk])
    assert "is withdrawn" in client.post(url, follow=True).content.decode()
    assert not client.get(reverse("members", args=["lumbar"])).context["invitations"]
    assert "withdrawn already" in client.post(url, follow=True).content.decode()
    assert Invitation.objects.get().withdrawn_by == manager
    with pytest.raises(InvitationGone):
        find_invitation(token, now=timezone.now())


def test_invitation_of_another_project_cannot_be_withdrawn(project, manager):
    invited(project, manager)
    with pytest.raises(UserError, match="already"):
        withdraw(project=ProjectFactory(), invitation_id=Invitation.objects.get().pk, actor=manager, now=timezone.now())


def test_what_an_invitation_gives_never_changes(project, manager):
    invited(project, manager)
    with pytest.raises(IntegrityError), transaction.atomic():
        Invitation.objects.update(roles=["manager"])


# Accepting


def test_stranger_makes_an_account_and_is_a_signed_in_member(client, project, manager):
    token = invited(project, manager, roles=["reader", "adjudicator"])
    assert "Lumbar spines" in client.get(page(token)).content.decode()
    answer = client.post(page(token), account(), follow=True)
    ann = User.objects.get(username="ann")
    assert answer.redirect_chain[-1][0] == reverse("worklist", args=["lumbar"])
    assert answer.context["request"].user == ann
    assert ann.check_password(PASSWORD)
    assert (ann.is_staff, ann.is_superuser) == (False, False)
    assert roles_of(project, ann) == {"reader", "adjudicator"}
    made = Invitation.objects.get()
    assert (made.used_by, made.used_at is None) == (ann, False)
    assert Event.objects.get(verb=Event.Verb.INVITATION_USED).payload["user"] == "ann"


def test_user_who_is_signed_in_accepts_and_keeps_the_roles_held_before(client, project, manager):
    ann = MembershipFactory(project=project, user=UserFactory(username="ann")).user
    token = invited(project, manager, roles=["adjudicator"])
    client.force_login(ann)
    assert "Accept as ann" in client.get(page(token)).content.decode()
    client.post(page(token))
    assert roles_of(project, ann) == {"reader", "adjudicator"}


def test_sign_in_leads_back_to_the_invitation(client, project, manager):
    UserFactory(username="ann")
    token = invited(project, manager)
    assert f"{reverse('login')}?next={page(token)}" in client.get(page(token)).content.decode()
    sent = {"username": "ann", "password": "pw-ann", "next": page(token)}
    assert client.post(reverse("login"), sent).url == page(token)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"again": "something-else-9"}, "are not the same"),
        ({"password": "short", "again": "short"}, "too short"),
        ({"password": "password", "again": "password"}, "too common"),
        ({"username": "boss"}, "there is a user"),
        ({"username": "a b"}, "valid username"),
        ({"username": ""}, "required"),
    ],
)
def test_account_that_cannot_be_made_uses_up_nothing(client, project, manager, changes, words):
    token = invited(project, manager)
    answer = client.post(page(token), account(**changes))
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert User.objects.count() == 1
    assert find_invitation(token, now=timezone.now())


def test_invitation_works_once(project, manager):
    token = invited(project, manager)
    first, second = UserFactory(), UserFactory()
    accept(token=token, user=first, now=timezone.now())
    with pytest.raises(InvitationGone):
        accept(token=token, user=second, now=timezone.now())
    assert roles_of(project, second) == set()


def spoiled(project, manager, how):
    """A link that holds no more, or never did."""
    now = timezone.now()
    token = invited(project, manager, now=now - timedelta(days=8) if how == "expired" else now)
    if how == "used":
        accept(token=token, user=UserFactory(), now=now)
    if how == "withdrawn":
        withdraw(project=project, invitation_id=Invitation.objects.get().pk, actor=manager, now=now)
    if how == "maker left":
        set_member(project=project, user=UserFactory(), role=Role.MANAGER, actor=manager)
        remove_member(project=project, user=manager, actor=manager)
    if how == "maker is no manager now":
        set_member(project=project, user=UserFactory(), role=Role.MANAGER, actor=manager)
        set_member(project=project, user=manager, role=Role.READER, actor=manager)
    return "x" * 43 if how == "unknown" else token


@pytest.mark.parametrize("how", ["expired", "used", "withdrawn", "unknown", "maker left", "maker is no manager now"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_link_that_does_not_hold_looks_the_same_whatever_the_reason(client, project, manager, how, method):
    nothing = Client().get(page("y" * 43))
    answer = getattr(client, method)(page(spoiled(project, manager, how)), account() if method == "post" else {})
    assert answer.status_code == 404
    assert answer.content == nothing.content
    assert b"Lumbar" not in answer.content
    assert not User.objects.filter(username="ann").exists()


def test_eight_wrong_links_from_one_address_close_it_for_links(project, manager):
    token = invited(project, manager)
    codes = [Client().get(page("z" * 43 + str(number))).status_code for number in range(8)]
    assert codes == [404] * 7 + [429]
    assert Client().get(page(token)).status_code == 404
    assert Client().get(page(token), REMOTE_ADDR="10.1.2.3").status_code == 200


def test_no_other_page_makes_accounts(client, project):
    assert client.post(reverse("login"), account()).status_code == 200
    assert not User.objects.filter(username="ann").exists()
