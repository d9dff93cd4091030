"""Pages of releases."""

from dataclasses import replace

import pytest
from django.urls import reverse

from annotator.core.releases.writing import remove
from annotator.models import Event, Gold, Release
from annotator.services.release_contents import folder_of
from tests.annotator.released import SMALL, add_gold, asked, frozen

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def release_folder(settings, tmp_path):
    settings.RELEASE_DIR = tmp_path / "releases"
    yield
    remove(settings.RELEASE_DIR)


@pytest.fixture
def gold(world):
    return [add_gold(world.cases[0]), add_gold(world.cases[1], values="0.0.0.0.", origins="dddddddd")]


@pytest.fixture
def manager(client, world):
    client.force_login(world.manager)
    return client


def page(client, route, **arguments):
    return client.get(reverse(route, kwargs={"slug": "lumbar", **arguments}))


def sent(**changes):
    return {
        "name": "v1.0",
        "description": "",
        "origins": "all",
        "only_final": "on",
        "splits": "new",
        "percent_train": 50,
        "percent_validation": 0,
        "percent_test": 50,
        "seed": 7,
        "formats": ["csv"],
        **changes,
    }


def test_page_of_a_release_has_the_looks_and_the_name_of_who_asks(manager, world, gold):
    frozen(world)
    manager.cookies["theme"] = "light"
    said = page(manager, "release", name="v1").content.decode()
    assert 'data-theme="light"' in said
    assert world.manager.username in said.partition("<main")[0]


def test_form_asks_for_what_it_says(manager, world, gold):
    answer = manager.post(reverse("release_new", kwargs={"slug": "lumbar"}), sent())
    assert answer.status_code == 302
    release = Release.objects.get()
    assert answer["Location"] == reverse("release", kwargs={"slug": "lumbar", "name": "v1.0"})
    assert release.request == {
        "origins": "all",
        "only_final": True,
        "with_texts": False,
        "fractions": {"train": 0.5, "test": 0.5},
        "seed": 7,
        "splits_of": "",
        "formats": ["csv"],
    }


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"percent_test": 40}, "add up to 90 %"),
        ({"name": "../x"}, "a name has at most 60"),
        ({"splits": "of:v9"}, "not one of the available choices"),
        ({"formats": ["xlsx"]}, "not one of the available choices"),
    ],
)
def test_form_says_what_cannot_be(manager, world, gold, changes, words):
    answer = manager.post(reverse("release_new", kwargs={"slug": "lumbar"}), sent(**changes))
    assert answer.status_code == 400
    assert words in answer.content.decode()
    assert not Release.objects.exists()


def test_empty_pages_say_what_to_do(manager, world):
    assert "No releases yet" in page(manager, "releases").content.decode()
    assert "No gold yet" in page(manager, "release_new").content.decode()


def test_list_takes_the_same_queries_for_more_releases(manager, world, gold, django_assert_max_num_queries):
    for number in range(4):
        asked(world, f"v{number}")
    with django_assert_max_num_queries(12):
        page(manager, "releases")


def test_page_shows_files_and_the_verdict_of_a_check(manager, world, gold):
    release = frozen(world)
    text = page(manager, "release", name="v1").content.decode()
    assert "gold.jsonl" in text
    assert release.manifest_sha256 in text
    address = reverse("release", kwargs={"slug": "lumbar", "name": "v1"}) + "?verify=1"
    assert "byte for byte" in manager.get(address).content.decode()
    path = folder_of(release) / "gold.jsonl"
    path.chmod(0o600)
    path.write_text("x", encoding="utf-8")
    assert "changed: gold.jsonl" in manager.get(address).content.decode()


def test_page_of_a_release_that_waits_is_asked_how_far_it_is(manager, world, gold):
    asked(world)
    assert 'data-release-url="/api/projects/lumbar/releases/v1"' in page(manager, "release", name="v1").content.decode()
    assert page(manager, "api_release", name="v1").json() == {"state": "queued", "progress": "", "reason": ""}


def test_release_that_failed_is_tried_again(manager, world, gold):
    asked(world)
    Release.objects.update(state="failed", reason="the disk is full", finished_at="2026-03-02T09:00:00Z")
    assert "the disk is full" in page(manager, "release", name="v1").content.decode()
    manager.post(reverse("release_again", kwargs={"slug": "lumbar", "name": "v1"}))
    assert Release.objects.get().state == "queued"


def test_file_and_archive_are_sent_as_attachments(manager, world, gold):
    release = frozen(world)
    address = reverse("release_file", kwargs={"slug": "lumbar", "name": "v1"})
    answer = manager.get(address, {"file": "data-card.html"})
    assert answer["Content-Disposition"] == 'attachment; filename="data-card.html"'
    assert answer["Content-Type"] == "application/octet-stream"
    assert b"".join(answer.streaming_content) == (folder_of(release) / "data-card.html").read_bytes()
    assert b"".join(manager.get(address).streaming_content).startswith(b"PK")
    assert Event.objects.filter(verb=Event.Verb.RELEASE_DOWNLOADED).count() == 2
    refused = manager.get(address, {"file": "../x"}, follow=True)
    assert "has no file" in refused.content.decode()


def test_erratum_stands_on_the_page(manager, world, gold):
    frozen(world)
    address = reverse("erratum_new", kwargs={"slug": "lumbar", "name": "v1"})
    manager.post(address, {"text": "Of <another> patient", "cells": "lumbar-1 spine|stenosis\nlumbar-2\n"})
    text = page(manager, "release", name="v1").content.decode()
    assert "Of &lt;another&gt; patient" in text
    assert "lumbar-1: spine|stenosis" in text
    refused = manager.post(address, {"text": "x", "cells": "nobody"})
    assert refused.status_code == 400
    assert "has no case" in refused.content.decode()


def test_difference_is_shown_and_sent_as_csv_and_json(manager, world, gold):
    frozen(world)
    Gold.objects.filter(pk=gold[0].pk).update(values="0.0.+.+.", version=2)
    frozen(world, "v2", replace(SMALL, origins="all"))
    address = reverse("release_diff", kwargs={"slug": "lumbar"}) + "?before=v1&after=v2"
    text = manager.get(address).content.decode()
    assert "1 became positive or ceased to be" in " ".join(text.split())
    lines = b"".join(manager.get(address + "&format=csv").streaming_content).decode().splitlines()
    assert lines[1] == "lumbar-1,cell,spine,stenosis,present,absent,,"
    assert manager.get(address + "&format=json").json()["n_shared"] == 2
