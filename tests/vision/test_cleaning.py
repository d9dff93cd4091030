"""Files are de-identified alike in one process and in many, and none takes the import with it."""

import io
import multiprocessing
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from pydicom.uid import RLELossless

from tests.vision import crashing_decoder
from tests.vision.image_files import slice_dataset, write_slices
from vision.core.archives import image_files
from vision.core.limits import DEFAULT_LIMITS
from vision.core.refusals import ImageRefused
from vision.services import cleaning
from vision.services.cleaning import Cleaner, Rules

ROOT = Path(__file__).resolve().parents[2]
RULES = Rules(secret="s" * 40, scope="1", dates="shift", limits=DEFAULT_LIMITS)
MIB = 1024**2


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


def compressed(index, *, n_bytes=0):
    """A slice packed as RLE; with a private element that makes it so long."""
    dataset = slice_dataset(index)
    if n_bytes:
        dataset.private_block(0x0011, "test", create=True).add_new(1, "OB", bytes(n_bytes))
    dataset.compress(RLELossless, generate_instance_uid=False)
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def with_killer(files, content):
    """The files, the fourth of them one that ends the process that decodes it."""
    content = crashing_decoder.marked(content)
    return [*files[:3], replace(files[3], n_bytes=len(content), open=lambda: io.BytesIO(content)), *files[4:]]


@pytest.mark.parametrize(
    ("n_images", "n_bytes"),
    [(12, 0), (12, 17 * MIB), (1000, 0), (1000, 17 * MIB)],
    ids=["few", "few, large", "many", "many, large"],
)
def test_file_that_ends_its_process_is_refused_and_the_others_are_done(files, monkeypatch, n_images, n_bytes):
    alone = cleaned(files, n_images=1)
    monkeypatch.setattr(cleaning, "clean", crashing_decoder.end_at_the_marked)
    results = cleaned(with_killer(files, compressed(3, n_bytes=n_bytes)), n_images=n_images)
    assert isinstance(results[3], ImageRefused)
    assert results[3].code == "decoder_died"
    assert [results[index] for index in (0, 4, 11)] == [alone[index] for index in (0, 4, 11)]


def test_packed_files_after_one_that_ended_its_process_are_done(files, monkeypatch):
    packed = [replace(file, open=lambda index=index: io.BytesIO(compressed(index))) for index, file in enumerate(files)]
    monkeypatch.setattr(cleaning, "clean", crashing_decoder.end_at_the_marked)
    results = cleaned(with_killer(packed, compressed(3)), n_images=1)
    assert [index for index, result in enumerate(results) if isinstance(result, ImageRefused)] == [3]
    assert len({result.sop_uid for index, result in enumerate(results) if index != 3}) == 11


def test_plain_pixels_of_few_files_need_no_other_process(files):
    with Cleaner(RULES, n_images=12) as cleaner:
        assert [multiprocessing.active_children() for _ in cleaner.clean_all(files)] == [[]] * 12


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


ENDLESS = """
import itertools, sys, time
from pathlib import Path
from vision.core.archives import image_files
from vision.core.limits import DEFAULT_LIMITS
from vision.services.cleaning import Cleaner, Rules

if __name__ == "__main__":
    rules = Rules(secret="s" * 40, scope="1", dates="shift", limits=DEFAULT_LIMITS)
    [file] = image_files(Path(sys.argv[1]))
    with Cleaner(rules, n_images=int(sys.argv[2])) as cleaner:
        results = cleaner.clean_all(itertools.repeat(file))
        print(next(results).sop_uid, flush=True)
        time.sleep(600)
"""


@pytest.mark.parametrize("n_images", [1, 1000], ids=["few", "many"])
def test_processes_end_with_a_killed_import_and_let_go_of_its_output(tmp_path, n_images):
    (tmp_path / "a.dcm").write_bytes(compressed(0))
    (tmp_path / "endless.py").write_text(ENDLESS)
    command = [sys.executable, tmp_path / "endless.py", tmp_path / "a.dcm", str(n_images)]
    with subprocess.Popen(
        command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as importing:
        assert importing.stdout.readline().startswith(b"2.25.")
        importing.send_signal(signal.SIGKILL)
        # Ends when the last process that holds the output has ended; before, that was never.
        importing.communicate(timeout=30)
