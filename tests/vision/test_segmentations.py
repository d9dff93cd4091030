"""Segmentations with packed pixels are attached, and one that ends its decoder is refused alone."""

import numpy as np
import pytest
from highdicom.seg import SegmentationTypeValues
from pydicom.uid import RLELossless

from tests.phantoms import places, series
from tests.vision import crashing_decoder
from tests.vision.core.test_segmentation import REGULAR, segmentation
from tests.vision.image_files import outcomes
from vision.models import Mask
from vision.services import segmentations

pytestmark = pytest.mark.django_db


def write_exam(folder):
    """A series and, as RLE, a segmentation of it in two files."""
    folder.mkdir()
    place = places()[REGULAR[0]]
    for index, dataset in enumerate(series(place)):
        dataset.save_as(folder / f"{index}.dcm", enforce_file_format=True)
    mask = np.zeros(place.shape_kji, np.uint8)
    mask[1, 2:4, 3:6] = 1  # 2 rows x 3 columns
    kind = SegmentationTypeValues.LABELMAP
    made = segmentation(REGULAR[0], [mask], kind=kind, transfer_syntax_uid=RLELossless)
    for name, uid in (("seg1.dcm", "2.25.781"), ("seg2.dcm", "2.25.782")):
        made.SOPInstanceUID = made.file_meta.MediaStorageSOPInstanceUID = uid
        made.save_as(folder / name, enforce_file_format=True)
    return int(mask.sum())


def test_segmentation_that_ends_its_process_is_refused_and_the_other_attached(world, tmp_path, monkeypatch):
    n_voxels = write_exam(tmp_path / "lumbar-1")
    killer = tmp_path / "lumbar-1" / "seg1.dcm"
    killer.write_bytes(crashing_decoder.marked(killer.read_bytes()))
    read = crashing_decoder.end_at_the_marked_segmentation
    monkeypatch.setattr(segmentations, "read_packed_segmentation", read)
    found = outcomes(world.project, tmp_path / "lumbar-1")
    assert found.pop("seg1.dcm") == ("refused", "decoder_died")
    assert {kind for kind, _ in found.values()} == {"stored"}
    [shown] = Mask.objects.get().classes
    assert shown["n_voxels"] == n_voxels
