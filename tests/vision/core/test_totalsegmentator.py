"""Where TotalSegmentator is not installed, what is said is what to do."""

import importlib.util

import pytest

from vision.core.refusals import ImageRefused
from vision.core.totalsegmentator import segment


def test_a_machine_without_it_says_what_to_install(tmp_path) -> None:
    if importlib.util.find_spec("totalsegmentator"):
        pytest.skip("TotalSegmentator is installed here")
    with pytest.raises(ImageRefused, match=r"not installed.*docs/training.md"):
        segment(tmp_path / "image.nii.gz", tmp_path / "mask.nii.gz")


def test_another_task_is_refused_before_anything_is_loaded(tmp_path) -> None:
    with pytest.raises(ImageRefused, match="total_mr"):
        segment(tmp_path / "image.nii.gz", tmp_path / "mask.nii.gz", task="lung_vessels")
