"""A project to import into, a folder of its own for images, and peers that are started once for all tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.annotator.worlds import World, make_world
from tests.vision.peers import Orthanc, complete_ct, running_orthanc, storescu


@pytest.fixture(scope="session")
def ct(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The real CT series, complete enough to be sent."""
    return complete_ct(tmp_path_factory.mktemp("ct"))


@pytest.fixture(scope="session")
def orthanc_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    with running_orthanc(tmp_path_factory.mktemp("orthanc")) as peer:
        yield peer


@pytest.fixture
def orthanc(orthanc_server: Orthanc, ct: list[Path]) -> Iterator[Orthanc]:
    """A PACS that holds the real CT series and nothing else."""
    sent = storescu(orthanc_server.dicom_port, *ct, called="ORTHANC")
    assert sent.returncode == 0, sent.stderr
    yield orthanc_server
    orthanc_server.empty()


@pytest.fixture
def world(db: None) -> World:
    """A project with three cases called lumbar-1 to lumbar-3."""
    return make_world("lumbar")


@pytest.fixture(autouse=True)
def image_dir(tmp_path: Path, settings: Any) -> Path:
    """Where this test's images are stored."""
    folder = tmp_path / "stored images"
    folder.mkdir()
    settings.IMAGE_DIR = folder
    return folder
