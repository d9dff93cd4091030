"""Fixtures for what runs in processes of its own."""

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from django.db import connection

from tests.labeling.worker_tools import Instance, file_database, redis_server


@pytest.fixture
def shared(tmp_path: Path, transactional_db: None) -> Iterator[None]:
    """The database as other processes see it too."""
    in_file = nullcontext() if connection.vendor == "postgresql" else file_database(tmp_path / "shared.sqlite3")
    with in_file:
        yield


@pytest.fixture(params=["filesystem", "redis"])
def instance(request: pytest.FixtureRequest, shared: None, tmp_path: Path) -> Iterator[Instance]:
    """A local instance whose workers are woken by files or by Redis."""
    broker = redis_server(tmp_path) if request.param == "redis" else nullcontext(None)
    with broker as url:
        yield Instance(tmp_path, url)
