"""Who belongs to a project."""

import pytest
from django.urls import reverse

from annotator.exceptions import UserError
from annotator.models import (
    Arm,
    DraftState,
    Event,
    Membership,
    Project,
    Reads,
    Role,
    Seat,
    SeatState,
    StudyRules,
)
from annotator.selectors.members import members_with_progress
from annotator.selectors.projects import projects_with_progress
from annotator.services.deactivation import deactivate_user
from annotator.services.projects import remove_member, set_member, set_roles
from tests.factories import NOW, CaseFactory, DraftFactory, MembershipFactory, ProjectFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager():
    return UserFactory(username="boss")


@pytest.fixture
def project(manager):
    return ProjectFactory(slug="lumbar", manager=manager)


def roles(project):
    """The roles of each member, as words."""
    held = {}
    for name, role in Membership.objects.filter(project=project).order_by("role").values_list("user__username", "role"):
        held[name] = f"{held[name]} {role}" if name in held else role
    return held


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


def seat(project, user, **fields):
    case = CaseFactory(project=project)
    return Seat.objects.create(project=project, case=case, slot=1, reader=user, arm=Arm.BLANK, **fields)


def test_what_a_reader_who_leaves_has_still_to_read_is_released(project, manager):
    ann = MembershipFactory(project=project).user
    assigned = seat(project, ann)
    pulled = seat(project, ann, is_pulled=True, state=SeatState.HELD, reserved_until=NOW, claimed_at=NOW)
    done = seat(project, ann, state=SeatState.SUBMITTED, submitted_at=NOW)
    of_another = seat(project, manager)
    assert remove_member(project=project, user=ann, actor=manager) == 2
    for each in (assigned, pulled, done, of_another):
        each.refresh_from_db()
    assert (assigned.state, assigned.withdrawn_because) == (SeatState.WITHDRAWN, "the reader left the project")
    assert (pulled.state, pulled.reader, pulled.reserved_until) == (SeatState.OPEN, None, None)
    assert (done.state, done.reader) == (SeatState.SUBMITTED, ann)
    assert of_another.state == SeatState.OPEN
    payload = Event.objects.get(verb=Event.Verb.SEATS_WITHDRAWN).payload
    assert (payload["withdrawn"], payload["freed"]) == (1, 1)


def test_whoever_is_no_reader_any_more_has_nothing_left_to_read(project, manager):
    ann = UserFactory(username="ann")
    set_member(project=project, user=ann, role="reader", actor=manager)
    waiting, done = seat(project, ann), seat(project, ann, state=SeatState.SUBMITTED, submitted_at=NOW)
    set_roles(project=project, user=ann, roles={"reader", "adjudicator"}, actor=manager)
    waiting.refresh_from_db()
    assert waiting.state == SeatState.OPEN
    set_roles(project=project, user=ann, roles={"adjudicator"}, actor=manager)
    for each in (waiting, done):
        each.refresh_from_db()
    assert (waiting.state, done.state) == (SeatState.WITHDRAWN, SeatState.SUBMITTED)


def test_closed_account_releases_its_seats_in_every_project(project):
    ann = UserFactory()
    seats = [seat(project, ann), seat(ProjectFactory(), ann)]
    deactivate_user(ann)
    for each in seats:
        each.refresh_from_db()
    assert {each.state for each in seats} == {SeatState.WITHDRAWN}


def test_open_session_of_somebody_who_was_removed_shows_nothing(client, project, manager):
    reader = MembershipFactory(project=project).user
    client.force_login(reader)
    url = reverse("worklist", args=[project.slug])
    assert client.get(url).status_code == 200
    remove_member(project=project, user=reader, actor=manager)
    assert client.get(url).status_code == 404


def test_manager_who_has_still_to_read_blind_sees_the_members(client, project, manager):
    seat(project, manager)
    client.force_login(manager)
    answer = client.get(reverse("members", args=[project.slug]))
    assert answer.status_code == 200
    assert [member.n_waiting for member in answer.context["members"]] == [1]


def test_page_adds_changes_and_removes(client, project, manager):
    UserFactory(username="ann")
    client.force_login(manager)
    url = reverse("members", args=[project.slug])
    client.post(url, {"username": "ann", "roles": ["reader"]})
    assert roles(project)["ann"] == "reader"
    client.post(url, {"username": "ann", "roles": ["reader", "adjudicator"]})
    assert roles(project)["ann"] == "adjudicator reader"
    assert "checked" in client.get(url).content.decode()
    client.post(url, {"username": "ann", "roles": ["manager"]})
    assert roles(project)["ann"] == "manager"
    client.post(url, {"username": "ann", "action": "remove"})
    assert "ann" not in roles(project)


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"username": "nobody", "roles": ["reader"]}, "no active user"),
        ({"username": "gone", "roles": ["reader"]}, "no active user"),
        ({"username": "boss", "action": "remove"}, "last manager"),
        ({"username": "", "roles": ["reader"]}, "Give a user name"),
        ({"username": "boss"}, "at least one role"),
        ({"username": "boss", "roles": ["owner"]}, "Give a user name"),
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
    assert client.post(url, {"username": reader.username, "roles": ["manager"]}).status_code == 403
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
    sent = {"username": "a\0", "roles": ["reader"], "action": action}
    assert client.post(reverse("members", args=[project.slug]), sent).status_code == 302
    assert set(roles(project)) == {manager.username}


def test_what_waits_is_counted_by_seats_and_in_an_open_project_by_cases(project, manager):
    ann = MembershipFactory(project=project).user
    cases = CaseFactory.create_batch(3, project=project)
    DraftFactory(case=cases[0], reader=ann, state=DraftState.SUBMITTED)

    def waiting():
        return {row.user.username: row.n_waiting for row in members_with_progress(Project.objects.get(pk=project.pk))}

    assert waiting() == {"boss": None, ann.username: 2}
    StudyRules.objects.create(project=project, reads=Reads.ASSIGNED)
    for slot, (case, state) in enumerate(zip(cases, ["submitted", "open", "withdrawn"], strict=True), start=1):
        done = {"submitted_at": NOW} if state == "submitted" else {}
        Seat.objects.create(project=project, case=case, slot=slot, reader=ann, arm=Arm.BLANK, state=state, **done)
    assert waiting() == {"boss": None, ann.username: 1}
    line = projects_with_progress(ann)[0]
    assert (line.n_cases, line.n_submitted) == (2, 1)
