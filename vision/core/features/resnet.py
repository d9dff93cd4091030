"""ResNet18 as a frozen measure of discs (METHODS E.2). The weights are a local file whose hash is checked."""

import hashlib
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vision.core.discs import SHAPE
from vision.core.features.extractors import DiscFeatures
from vision.core.features.torch_networks import resnet18_of
from vision.core.refusals import ImageRefused

VERSION: Final = "1"
WIDTH: Final = 512
# torchvision's ResNet18_Weights.IMAGENET1K_V1, resnet18-f37072fd.pth: the file name holds the first eight digits.
IMAGENET_SHA256_BEGINS: Final = "f37072fd"
_SIDE: Final = 224
_IMAGENET_MEAN, _IMAGENET_SD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def resnet_features(weights: Path, *, sha256: str = IMAGENET_SHA256_BEGINS, device: str = "cpu") -> DiscFeatures:
    """The extractor: 512 features of each slice, averaged over the slices of a disc.

    `sha256` is the hash of the file, or as much of its beginning as is known (8 digits at least). Raises
    `ImageRefused` for another file, and `ImportError` without torch.
    """
    data = weights.read_bytes()
    seen = hashlib.sha256(data).hexdigest()
    if len(sha256) < 8 or not seen.startswith(sha256.lower()):
        raise ImageRefused(
            f"{weights.name} has SHA-256 {seen[:12]}..., expected {sha256[:12]}...: it is not the file of the weights",
            code="other_weights",
        )
    import torch

    network = resnet18_of(weights, data)
    network.eval().to(device)

    def of_volume(disc: NDArray[np.float32]) -> NDArray[np.float64]:
        with torch.inference_mode():
            features = network(torch.from_numpy(slices_for(disc)).to(device))
        mean: NDArray[np.float64] = features.cpu().numpy().astype(np.float64).mean(axis=0)
        return mean

    made_by = (("version", VERSION), ("weights_sha256", seen), ("torch", torch.__version__))
    return DiscFeatures(of_volume, tuple(f"resnet_{index:03d}" for index in range(WIDTH)), "resnet18", made_by)


def slices_for(disc: NDArray[np.float32]) -> NDArray[np.float32]:
    """Slices `(9, 3, 224, 224)` as the network takes them: 8 bits, rows stretched, three equal channels, normalised.

    Rows are stretched linearly between pixel centres, as Pillow and torch do when they enlarge.
    """
    if disc.shape != SHAPE:
        raise ValueError(f"a disc volume is {SHAPE}, got {disc.shape}")
    bytes_ = np.rint(np.clip(disc, 0, 1) * 255).astype(np.float32)
    at = np.clip((np.arange(_SIDE) + 0.5) * SHAPE[1] / _SIDE - 0.5, 0, SHAPE[1] - 1)
    low = np.floor(at).astype(int)
    high, part = np.minimum(low + 1, SHAPE[1] - 1), (at - low).astype(np.float32)[:, None]
    tall = bytes_[:, low] * (1 - part) + bytes_[:, high] * part
    grey = np.rint(tall)[:, None] / np.float32(255)
    mean, sd = (np.array(each, np.float32).reshape(1, 3, 1, 1) for each in (_IMAGENET_MEAN, _IMAGENET_SD))
    slices: NDArray[np.float32] = ((grey - mean) / sd).astype(np.float32)
    return slices
