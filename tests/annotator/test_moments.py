"""Reading much as it was at one moment, also while others write."""

from contextlib import nullcontext

import pytest
from django.db import connection, connections

from annotator.core.releases.writing import remove
from annotator.models import Project
from annotator.selectors.moments import at_one_moment
from annotator.services.release_files import verify_release
from tests.annotator.released import add_gold, frozen
from tests.annotator.worlds import make_world
from tests.factories import ProjectFactory
from tests.labeling.worker_tools import file_database


@pytest.fixture(autouse=True)
def _database(tmp_path, transactional_db):
    """A database to which others can write: in a file where it is SQLite."""
    with nullcontext() if connection.vendor == "postgresql" else file_database(tmp_path / "shared.sqlite3"):
        yield


def rename_all(name):
    """What somebody else does, by a connection of their own."""
    other = connections.create_connection("default")
    other.settings_dict = connection.settings_dict
    try:
        with other.cursor() as cursor:
            cursor.execute("UPDATE annotator_project SET name = %s", [name])
    finally:
        other.close()


def names():
    return list(Project.objects.values_list("name", flat=True))


def test_what_others_write_meanwhile_is_not_seen_and_they_need_not_wait():
    ProjectFactory(name="before")
    with at_one_moment():
        assert names() == ["before"]
        rename_all("after")
        assert names() == ["before"]
    assert names() == ["after"]


def test_fault_inside_leaves_the_connection_as_it_was():
    ProjectFactory(name="before")
    with pytest.raises(ZeroDivisionError), at_one_moment():
        raise ZeroDivisionError(names())
    Project.objects.update(name="after")
    assert names() == ["after"]


def test_release_is_frozen_at_one_moment(settings, tmp_path):
    settings.RELEASE_DIR = tmp_path / "releases"
    world = make_world("lumbar")
    add_gold(world.cases[0])
    assert verify_release(frozen(world)).is_whole
    remove(settings.RELEASE_DIR)
