"""What ResNet18 is given, and which file of weights it takes; the network itself is tested with torch."""

import numpy as np
import pytest

from vision.core.features.resnet import resnet_features, slices_for
from vision.core.refusals import ImageRefused


def test_another_file_of_weights_is_refused_before_it_is_read(tmp_path) -> None:
    path = tmp_path / "resnet18.pth"
    path.write_bytes(b"")
    # The SHA-256 of nothing begins e3b0c442 (any implementation).
    with pytest.raises(ImageRefused, match=r"e3b0c44298fc..., expected f37072fd"):
        resnet_features(path)
    with pytest.raises(ImageRefused, match="not the file"):
        resnet_features(path, sha256="e3b0")  # too little to tell a file by


def test_slices_are_stretched_normalised_and_equal_in_three_channels() -> None:
    disc = np.zeros((9, 112, 224), np.float32)
    disc[:, 56:] = 1
    slices = slices_for(disc)
    assert slices.shape == (9, 3, 224, 224)
    # ImageNet: (0 - 0.485) / 0.229 and (1 - 0.485) / 0.229 in the first channel.
    assert slices[0, 0, 0, 0] == pytest.approx(-0.485 / 0.229)
    assert slices[0, 0, 223, 0] == pytest.approx(0.515 / 0.229)
    # Row 111 of 224 lies at 55.25 of 112: a quarter of the way from 0 to 1, rounded to 8 bits.
    assert slices[0, 0, 111, 0] == pytest.approx((64 / 255 - 0.485) / 0.229)
    assert slices[4, 2] == pytest.approx((slices[4, 0] * 0.229 + 0.485 - 0.406) / 0.225, abs=1e-5)
