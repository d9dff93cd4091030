"""Networks of torch: ResNet18 written out with torchvision's names of weights, and any module that makes dense maps."""

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_STAGES: Final = ((64, 1), (128, 2), (256, 2), (512, 2))


def resnet18_of(weights: Path, data: bytes) -> Any:
    """ResNet18 with the weights in `data`, a .safetensors or torchvision's .pth; its last layer is left out.

    Nothing in the file is run. Raises torch's `RuntimeError` when it holds other weights.
    """
    network = resnet18()
    network.load_state_dict(
        {name: value for name, value in _state(weights, data).items() if not name.startswith("fc.")}
    )
    return network


def resnet18() -> Any:
    """The network without its last layer: pictures (n, 3, rows, columns) to features (n, 512)."""
    import torch

    nn = torch.nn
    network = nn.Sequential()
    network.add_module("conv1", nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False))
    network.add_module("bn1", nn.BatchNorm2d(64))
    network.add_module("relu", nn.ReLU())
    network.add_module("maxpool", nn.MaxPool2d(3, stride=2, padding=1))
    n_in, block = 64, _block()
    for number, (width, stride) in enumerate(_STAGES, start=1):
        network.add_module(f"layer{number}", nn.Sequential(block(n_in, width, stride), block(width, width, 1)))
        n_in = width
    network.add_module("avgpool", nn.AdaptiveAvgPool2d(1))
    network.add_module("flatten", nn.Flatten())
    return network


def _block() -> Callable[[int, int, int], Any]:
    import torch

    nn = torch.nn

    class Block(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, n_in: int, n_out: int, stride: int) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(n_in, n_out, 3, stride=stride, padding=1, bias=False)
            self.bn1 = nn.BatchNorm2d(n_out)
            self.conv2 = nn.Conv2d(n_out, n_out, 3, padding=1, bias=False)
            self.bn2 = nn.BatchNorm2d(n_out)
            self.downsample = None
            if stride != 1 or n_in != n_out:
                skip = nn.Conv2d(n_in, n_out, 1, stride=stride, bias=False)
                self.downsample = nn.Sequential(skip, nn.BatchNorm2d(n_out))

        def forward(self, x: Any) -> Any:
            inner = torch.relu(self.bn1(self.conv1(x)))
            skip = x if self.downsample is None else self.downsample(x)
            return torch.relu(self.bn2(self.conv2(inner)) + skip)

    return Block


def _state(weights: Path, data: bytes) -> dict[str, Any]:
    """Weights by name; nothing in the file is run."""

    import torch

    if weights.suffix == ".safetensors":
        from safetensors.torch import load

        return dict(load(data))
    return dict(torch.load(io.BytesIO(data), weights_only=True, map_location="cpu"))


def of_module(module: Any, *, device: str = "cpu") -> Callable[[NDArray[np.float32]], Sequence[NDArray[np.float32]]]:
    """A network of torch (MONAI) that takes (1, 1, k, j, i) and gives a map, or several, (1, channels, k, j, i)."""
    import torch

    module.eval().to(device)

    def run(voxels: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        with torch.inference_mode():
            given = module(torch.from_numpy(voxels)[None, None].to(device))
        several = given if isinstance(given, (list, tuple)) else [given]
        return [each[0].float().cpu().numpy() for each in several]

    return run
