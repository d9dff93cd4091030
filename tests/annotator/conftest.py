"""Worlds to test in."""

import pytest

from tests.annotator.worlds import World, make_world


@pytest.fixture
def world(db: None) -> World:
    """The project under test."""
    return make_world("lumbar")


@pytest.fixture
def other_world(db: None) -> World:
    """Another project, whose members must see nothing of the first."""
    return make_world("elsewhere")
