"""Making projects and schemas, and the list of projects."""

import pytest
from django.urls import reverse

from annotator.exceptions import SchemaRejected, UserError
from annotator.models import DraftState, Event, LabelSchema, Membership, Project, Role
from annotator.selectors.projects import projects_with_progress
from annotator.services.projects import create_project, store_schema
from labeling.core.schema_yaml import preset_source
from tests.factories import CaseFactory, DraftFactory, MembershipFactory, ProjectFactory, UserFactory

pytestmark = pytest.mark.django_db

OWN = """\
format: 1
name: knee
version: 1
targets: [{name: knee}]
findings: [{name: tear, definition: a tear}]
"""


@pytest.fixture
def staff():
    return UserFactory(is_staff=True)


def make(actor, **changes):
    return create_project(**({"name": "Knee MRI", "slug": "", "schema_source": OWN, "actor": actor} | changes))


def test_creator_becomes_manager_and_the_history_begins(staff):
    project = make(staff, description="  Pilot. ")
    assert (project.slug, project.description) == ("knee-mri", "Pilot.")
    assert Membership.objects.get(project=project).role == Role.MANAGER
    event = Event.objects.get(project=project)
    assert (event.verb, event.actor, event.payload["slug"]) == (Event.Verb.PROJECT_CREATED, staff, "knee-mri")


def test_same_schema_is_stored_once_whatever_its_layout():
    first = store_schema(source=OWN)
    assert store_schema(source="# a comment\n" + OWN) == first
    assert LabelSchema.objects.count() == 1


def test_changed_schema_under_the_same_version_is_refused_with_advice():
    store_schema(source=OWN)
    with pytest.raises(UserError, match=r"bump the version \(write version: 2\)"):
        store_schema(source=OWN.replace("a tear", "any tear"))
    assert store_schema(source=OWN.replace("a tear", "any tear").replace("version: 1", "version: 2")).version == 2


def test_schema_with_more_cells_than_fit_is_refused():
    targets = ", ".join(f"{{name: t{number}}}" for number in range(201))
    with pytest.raises(UserError, match="targets: more than 200"):
        store_schema(source=OWN.replace("{name: knee}", targets))


def test_schema_problems_keep_their_lines(staff):
    with pytest.raises(SchemaRejected) as caught:
        make(staff, schema_source=OWN.replace("definition: a tear", "colour: red"))
    assert {problem.line for problem in caught.value.problems} == {5}
    assert not Project.objects.exists()


@pytest.mark.parametrize("slug", ["new", "---"])
def test_address_that_cannot_be_is_refused(staff, slug):
    with pytest.raises(UserError, match="address"):
        make(staff, slug=slug, name="..." if slug == "---" else "x")


def test_address_that_is_taken_is_refused_and_nothing_is_left(staff):
    make(staff)
    with pytest.raises(UserError, match="already"):
        make(staff)
    assert Project.objects.count() == 1


def test_list_shows_own_projects_with_own_progress(client):
    user = UserFactory()
    mine, managed = ProjectFactory(slug="mine"), ProjectFactory(slug="managed", manager=user)
    MembershipFactory(project=mine, user=user)
    ProjectFactory(slug="secret")
    cases = CaseFactory.create_batch(3, project=mine)
    DraftFactory(case=cases[0], reader=user, state=DraftState.SUBMITTED)
    DraftFactory(case=cases[1], reader=user)
    DraftFactory(case=cases[2], state=DraftState.SUBMITTED)
    rows = {row.project.slug: row for row in projects_with_progress(user)}
    assert set(rows) == {"mine", "managed"}
    assert (rows["mine"].n_cases, rows["mine"].n_submitted, rows["mine"].n_drafts) == (3, 1, 1)
    assert rows["managed"].is_manager
    client.force_login(user)
    page = client.get(reverse("projects")).content.decode()
    assert "Mine" in page
    assert reverse("imports", args=[managed.slug]) in page
    assert "Secret" not in page


def test_list_takes_as_many_queries_for_many_projects_as_for_one(client, django_assert_num_queries):
    user = UserFactory()
    for _ in range(5):
        CaseFactory(project=ProjectFactory(manager=user))
    client.force_login(user)
    # session, user, memberships, projects; drafts, seats, readings open again and exclusions of all
    with django_assert_num_queries(8):
        client.get(reverse("projects"))


def test_empty_list_tells_staff_and_others_what_to_do(client, staff):
    client.force_login(staff)
    assert "Make the first project" in client.get(reverse("projects")).content.decode()
    other = UserFactory()
    client.force_login(other)
    page = client.get(reverse("projects")).content.decode()
    assert other.username in page
    assert reverse("project_new") not in page


def test_only_staff_make_projects(client):
    client.force_login(UserFactory())
    assert client.get(reverse("project_new")).status_code == 403
    assert client.post(reverse("project_new"), {"name": "x", "preset": "spine-mri"}).status_code == 403


def test_project_from_a_preset(client, staff):
    client.force_login(staff)
    response = client.post(reverse("project_new"), {"name": "Spine", "preset": "spine-mri"})
    assert response.url == reverse("imports", args=["spine"])
    assert Project.objects.get().schema.name == "spine-mri"


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_project_from_pasted_yaml(client, staff, line_end):
    client.force_login(staff)
    sent = {"name": "Knee", "preset": "", "schema_text": OWN.replace("\n", line_end)}
    assert client.post(reverse("project_new"), sent).status_code == 302
    assert Project.objects.get().schema.source == OWN


def test_schema_errors_are_shown_with_their_lines(client, staff):
    client.force_login(staff)
    response = client.post(
        reverse("project_new"), {"name": "K", "preset": "", "schema_text": OWN + "colour: <b>red</b>\n"}
    )
    page = response.content.decode()
    assert response.status_code == 422
    assert "line 6" in page
    assert "<b>red" not in page


@pytest.mark.parametrize("sent", [{"preset": ""}, {"preset": "spine-mri", "schema_text": OWN}, {"preset": "nothing"}])
def test_no_schema_or_two_are_refused(client, staff, sent):
    client.force_login(staff)
    assert client.post(reverse("project_new"), {"name": "K"} | sent).status_code == 422
    assert not Project.objects.exists()


def test_schema_page_and_yaml(client):
    user = UserFactory()
    project = MembershipFactory(user=user).project
    client.force_login(user)
    page = client.get(reverse("schema", args=[project.slug])).content.decode()
    assert "spondylolisthesis" in page
    response = client.get(reverse("schema_yaml", args=[project.slug]))
    assert response.content.decode() == preset_source("spine-mri")
    assert response["Content-Disposition"].startswith("attachment")
    assert response["X-Content-Type-Options"] == "nosniff"
