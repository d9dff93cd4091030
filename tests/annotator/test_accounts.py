"""Signing in, throttling, changing a password, and what is open to everybody."""

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError, connection
from django.test import Client
from django.urls import reverse

from annotator.models import User
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def sign_in(client, name, password, **extra):
    return client.post(reverse("login"), {"username": name, "password": password}, **extra)


def test_signing_in_leads_to_the_projects(client):
    user = UserFactory()
    response = sign_in(client, user.username, f"pw-{user.username}")
    assert response.url == reverse("projects")
    assert client.get(reverse("projects")).status_code == 200


def test_next_is_followed_only_on_this_site(client):
    user = UserFactory()
    password = f"pw-{user.username}"
    sent = {"username": user.username, "password": password}
    assert client.post(reverse("login"), sent | {"next": "/password/"}).url == "/password/"
    client.logout()
    assert client.post(reverse("login"), sent | {"next": "https://elsewhere.example/"}).url == reverse("projects")


def test_failure_does_not_say_whether_the_user_exists(client):
    user, closed = UserFactory(), UserFactory(is_active=False)
    pages = []
    for name, password in ((user.username, "wrong"), ("nobody", "wrong"), (closed.username, f"pw-{closed.username}")):
        page = sign_in(Client(), name, password).content.decode()
        assert "The name or the password is wrong" in page
        pages.append(page.replace(name, "NAME").split("<form")[0])
    assert len(set(pages)) == 1


def test_guessing_is_slowed_down_for_one_name_and_address(client):
    user, other = UserFactory(), UserFactory()
    for _ in range(settings.AXES_FAILURE_LIMIT - 1):
        assert sign_in(client, user.username, "wrong").status_code == 200
    response = sign_in(client, user.username, "wrong")
    assert response.status_code == 429
    assert "Too many attempts" in response.content.decode()
    assert sign_in(client, user.username, f"pw-{user.username}").status_code == 429
    assert sign_in(client, other.username, f"pw-{other.username}").status_code == 302
    assert sign_in(Client(), user.username, f"pw-{user.username}", REMOTE_ADDR="10.1.2.3").status_code == 302


def test_forms_need_their_token():
    strict = Client(enforce_csrf_checks=True)
    user = UserFactory()
    response = sign_in(strict, user.username, f"pw-{user.username}")
    assert response.status_code == 403
    assert "out of date" in response.content.decode()
    strict.force_login(user)
    assert strict.post(reverse("logout")).status_code == 403


def test_there_is_no_sign_up(client):
    for path in ("/signup/", "/register/", "/accounts/signup/", "/admin/"):
        response = client.get(path)
        assert response.status_code in (302, 404)
        assert "sign-up" not in response.content.decode().lower()


def test_signing_out_needs_a_post_and_ends_the_session(client):
    client.force_login(UserFactory())
    assert client.get(reverse("logout")).status_code == 405
    client.post(reverse("logout"))
    assert not Session.objects.exists()
    assert client.get(reverse("projects")).status_code == 302


def test_password_change_keeps_this_session_and_ends_the_others():
    user = UserFactory()
    here, there = Client(), Client()
    for client in (here, there):
        client.force_login(user)
    new = "a-long-new-phrase-7"
    sent = {"old_password": f"pw-{user.username}", "new_password1": new, "new_password2": new}
    assert here.post(reverse("password_change"), sent).url == reverse("projects")
    assert here.get(reverse("projects")).status_code == 200
    assert there.get(reverse("projects")).status_code == 302
    assert User.objects.get().check_password(new)


@pytest.mark.parametrize("new", ["short", "q1w2e3r4t5y6", "katharina-read"])
def test_weak_password_is_refused(client, new):
    user = UserFactory(username="katharina-read")
    client.force_login(user)
    sent = {"old_password": f"pw-{user.username}", "new_password1": new, "new_password2": new}
    response = client.post(reverse("password_change"), sent)
    assert response.status_code == 200
    assert response.context["form"].errors


def test_health_says_nothing_but_that_it_works(client):
    response = client.get(reverse("health"))
    assert (response.status_code, response.content) == (200, b"ok\n")
    assert client.post(reverse("health")).status_code == 405


def test_health_fails_without_a_database(client, monkeypatch):
    def no_cursor(*_, **__):
        raise OperationalError("secret-host refused")

    monkeypatch.setattr(connection, "cursor", no_cursor)
    response = client.get(reverse("health"))
    assert response.status_code == 503
    assert b"secret-host" not in response.content


def test_error_pages_are_ours(client):
    client.force_login(UserFactory())
    response = client.get("/projects/nothing-here/")
    assert response.status_code == 404
    assert "There is nothing here" in response.content.decode()


def send(client, url, *, n_bytes=None, **headers):
    """A form that says it is so long; `n_bytes` of None sends no length."""
    length = {} if n_bytes is None else {"CONTENT_LENGTH": str(n_bytes)}
    content_type = "multipart/form-data; boundary=b"
    return client.post(url, b"--b--", content_type=content_type, **length, **headers)


@pytest.fixture
def unread(monkeypatch):
    """Any attempt to read a body fails."""

    def read(*_):
        raise AssertionError("the body was read")

    monkeypatch.setattr("django.http.request.HttpRequest._load_post_and_files", read)


@pytest.mark.parametrize("url", ["/login/", "/logout/", "/projects/new/", "/nothing/", "/projects/lumbar/imports/"])
def test_long_bodies_of_strangers_are_refused_unread(client, world, settings, unread, url):
    response = send(client, url, n_bytes=settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
    assert response.status_code == 413
    assert "no-store" in response["Cache-Control"]


@pytest.mark.parametrize(
    ("person", "url", "status"),
    [
        ("manager", "/projects/lumbar/members/", 413),
        ("manager", "/projects/lumbar/imports/abc/", 413),
        ("manager", "/projects/elsewhere/imports/", 413),
        ("reader", "/projects/lumbar/imports/", 413),
        ("reader", "/api/projects/lumbar/next", 413),
    ],
)
def test_long_bodies_are_for_managers_and_their_imports(
    client, world, other_world, settings, unread, person, url, status
):
    client.force_login(getattr(world, person))
    response = send(client, url, n_bytes=settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
    assert response.status_code == status
    if url.startswith("/api/"):
        assert set(response.json()["error"]) == {"code", "message", "details"}


def test_manager_may_send_a_long_file(client, world, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    client.force_login(world.manager)
    file = SimpleUploadedFile("reports.csv", b"report_id,text\r\nR1," + b"word " * 100)
    assert client.post("/projects/lumbar/imports/", {"file": file}).status_code == 302


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"HTTP_TRANSFER_ENCODING": "chunked"}, 411),
        ({"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": "10"}, 411),
        ({"CONTENT_LENGTH": "-1"}, 411),
        ({"CONTENT_LENGTH": "ten"}, 411),
        ({"CONTENT_LENGTH": "9" * 5000}, 413),
    ],
)
def test_body_of_unknown_length_is_refused(client, db, unread, headers, status):
    assert send(client, "/login/", **headers).status_code == status
