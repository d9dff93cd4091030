"""Files are de-identified alike in one process and in many."""

import io
from dataclasses import replace

import pytest

from tests.vision import crashing_decoder
from tests.vision.image_files import write_slices
from vision.core.archives import image_files
from vision.core.limits import DEFAULT_LIMITS
from vision.core.refusals import ImageRefused
from vision.services import cleaning
from vision.services.cleaning import Cleaner, Rules

RULES = Rules(secret="s" * 40, scope="1", dates="shift", limits=DEFAULT_LIMITS)


@pytest.fixture
def files(tmp_path):
    paths = sorted(write_slices(tmp_path / "exam", n=12))
    paths[5].write_bytes(paths[5].read_bytes()[:700])
    return list(image_files(tmp_path / "exam"))


def cleaned(files, *, n_images):
    with Cleaner(RULES, n_images=n_images) as cleaner:
        return list(cleaner.clean_all(files))


def test_processes_give_the_same_files_in_the_same_order_and_the_same_refusals(files):
    alone, together = cleaned(files, n_images=1), cleaned(files, n_images=1000)
    assert isinstance(alone[5], ImageRefused)
    assert (together[5].code, str(together[5])) == (alone[5].code, str(alone[5]))
    for index in (index for index in range(12) if index != 5):
        assert together[index] == alone[index]
    assert len({result.sop_uid for index, result in enumerate(together) if index != 5}) == 11


def test_file_that_ends_its_process_is_refused_and_the_others_are_done(files, monkeypatch):
    alone = cleaned(files, n_images=1)
    monkeypatch.setattr(cleaning, "clean", crashing_decoder.end_at_the_marked)
    crashing = replace(files[3], open=lambda: io.BytesIO(b"crash"))
    results = cleaned([*files[:3], crashing, *files[4:]], n_images=1000)
    assert isinstance(results[3], ImageRefused)
    assert results[3].code == "decoder_died"
    assert [results[index] for index in (0, 4, 11)] == [alone[index] for index in (0, 4, 11)]


def test_few_files_are_on_their_way_at_a_time(files):
    asked = []

    def counted():
        for file in files:
            asked.append(file.name)
            yield file

    with Cleaner(RULES, n_images=1000) as cleaner:
        next(cleaner.clean_all(counted()))
    # Three for each of at most four processes, and the one that came out.
    assert len(asked) <= 13
