"""Who belongs to a project."""

import pytest
from django.urls import reverse

from annotator.exceptions import UserError
from annotator.models import Event, Membership, Role
from annotator.services.projects import remove_member, set_member
from tests.factories import DraftFactory, MembershipFactory, ProjectFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager():
    return UserFactory(username="boss")


@pytest.fixture
def project(manager):
    return ProjectFactory(slug="lumbar", manager=manager)


def roles(project):
    return dict(Membership.objects.filter(project=project).values_list("user__username", "role"))


def test_role_is_given_changed_and_written_down(project, manager):
    user = UserFactory(username="ann")
    set_member(project=project, user=user, role="reader", actor=manager)
    set_member(project=project, user=user, role="manager", actor=manager)
    set_member(project=project, user=user, role="manager", actor=manager)
    assert roles(project) == {"boss": "manager", "ann": "manager"}
    payloads = Event.objects.filter(verb=Event.Verb.MEMBER_SET).values_list("payload", flat=True)
    assert [(payload["before"], payload["role"]) for payload in payloads] == [(None, "reader"), ("reader", "manager")]


def test_unknown_role_is_refused(project, manager):
    with pytest.raises(UserError, match="manager, reader"):
        set_member(project=project, user=UserFactory(), role="owner", actor=manager)


def test_last_manager_stays(project, manager):
    MembershipFactory(project=project, user=UserFactory(is_active=False), role=Role.MANAGER)
    with pytest.raises(UserError, match="last manager"):
        remove_member(project=project, user=manager, actor=manager)
    with pytest.raises(UserError, match="last manager"):
        set_member(project=project, user=manager, role="reader", actor=manager)
    set_member(project=project, user=UserFactory(), role="manager", actor=manager)
    remove_member(project=project, user=manager, actor=manager)
    assert "boss" not in roles(project)


def test_work_stays_when_a_membership_ends(project, manager):
    draft = DraftFactory(case__project=project)
    MembershipFactory(project=project, user=draft.reader)
    remove_member(project=project, user=draft.reader, actor=manager)
    draft.refresh_from_db()
    assert Event.objects.get(verb=Event.Verb.MEMBER_REMOVED).payload["before"] == "reader"


def test_page_adds_changes_and_removes(client, project, manager):
    UserFactory(username="ann")
    client.force_login(manager)
    url = reverse("members", args=[project.slug])
    client.post(url, {"username": "ann", "role": "reader"})
    assert roles(project)["ann"] == "reader"
    client.post(url, {"username": "ann", "role": "manager"})
    assert roles(project)["ann"] == "manager"
    client.post(url, {"username": "ann", "action": "remove"})
    assert "ann" not in roles(project)


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"username": "nobody", "role": "reader"}, "no active user"),
        ({"username": "gone", "role": "reader"}, "no active user"),
        ({"username": "boss", "action": "remove"}, "last manager"),
        ({"username": "", "role": "reader"}, "Give a user name"),
        ({"username": "boss", "role": "owner"}, "Give a user name"),
    ],
)
def test_page_says_why_not(client, project, manager, sent, words):
    UserFactory(username="gone", is_active=False)
    client.force_login(manager)
    response = client.post(reverse("members", args=[project.slug]), sent, follow=True)
    assert words in response.content.decode()
    assert roles(project) == {"boss": "manager"}


def test_manager_who_leaves_is_sent_to_the_projects(client, project, manager):
    set_member(project=project, user=UserFactory(), role="manager", actor=manager)
    client.force_login(manager)
    response = client.post(reverse("members", args=[project.slug]), {"username": "boss", "action": "remove"})
    assert response.url == reverse("projects")


def test_readers_do_not_see_members(client, project):
    reader = MembershipFactory(project=project).user
    client.force_login(reader)
    url = reverse("members", args=[project.slug])
    assert client.get(url).status_code == 403
    assert client.post(url, {"username": reader.username, "role": "manager"}).status_code == 403
    assert roles(project)[reader.username] == "reader"


def test_page_counts_submitted_cases_of_this_project_only(client, project, manager):
    DraftFactory.create_batch(2, case__project=project, reader=manager, state="submitted")
    DraftFactory(reader=manager, state="submitted")
    client.force_login(manager)
    members = client.get(reverse("members", args=[project.slug])).context["members"]
    assert [(member.user, member.n_submitted) for member in members] == [(manager, 2)]


@pytest.mark.parametrize("action", ["remove", "set"])
def test_name_that_no_database_stores_is_nobody(client, project, manager, action):
    client.force_login(manager)
    sent = {"username": "a\0", "role": "reader", "action": action}
    assert client.post(reverse("members", args=[project.slug]), sent).status_code == 302
    assert set(roles(project)) == {manager.username}
