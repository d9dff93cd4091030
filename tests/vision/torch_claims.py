"""What the parts that need torch do: run by a Python that has it.

    python -m tests.vision.torch_claims FOLDER

The second implementation of ResNet18 is the one of transformers.
"""

import asyncio
import re
import sys
from pathlib import Path

import numpy as np

from tests.labeling.claims import report
from vision.core.features.torch_networks import of_module, resnet18, resnet18_of
from vision.core.learning.head import Head, HeadData, HeadOptions, head_network, masked_loss, train_head

QUICK = HeadOptions(hidden=32, dropout=0.2, learning_rate=1e-2, epochs=10, batch_cases=60, least_positive=3)


def planted(n: int, seed: int) -> HeadData:
    """Two regions and two outputs; output o of a region shows in its feature o."""
    rng = np.random.default_rng(seed)
    truth = (rng.random((n, 2, 2)) < 0.4).astype(np.int8)
    x = rng.normal(size=(n, 2, 6)).astype(np.float32)
    x[:, :, :2] += 3 * truth
    truth[rng.random(truth.shape) < 0.1] = -1
    return HeadData(x, truth)


def arrays_of(network: object) -> Head:
    return Head({name: value.numpy() for name, value in network.state_dict().items()})  # type: ignore[attr-defined]


async def the_head_has_as_many_parameters_as_was_measured(folder: Path) -> None:
    # METHODS F: 302 862 for 384 features, 602 382 for 768.
    for n_features, expected in ((384, 302_862), (768, 602_382)):
        network = head_network(n_features, 7, HeadOptions())
        assert sum(each.numel() for each in network.parameters()) == expected


async def numpy_gives_the_logits_of_torch(folder: Path) -> None:
    import torch

    network = head_network(12, 7, HeadOptions(hidden=16))
    for _ in range(3):
        network(torch.randn(50, 12) * 5 + 2)  # moves the running means
    network.eval()
    x = torch.randn(20, 12)
    assert np.allclose(arrays_of(network).logits(x.numpy().astype(float)), network(x).detach().numpy(), atol=1e-5)


async def the_head_learns_what_was_planted_and_twice_the_same(folder: Path) -> None:
    training, validation = planted(120, 1), planted(80, 2)
    heads = [train_head(training, validation, seed=5, options=QUICK) for _ in range(2)]
    (head, curve), (again, _) = heads
    assert all((head.arrays[name] == again.arrays[name]).all() for name in head.arrays)
    assert max(point["auc"] for point in curve) > 0.9
    other, _ = train_head(training, validation, seed=6, options=QUICK)
    assert any((head.arrays[name] != other.arrays[name]).any() for name in head.arrays)


async def an_unknown_truth_has_no_gradient_and_ln_2_in_the_mean(folder: Path) -> None:
    import torch

    logits = torch.tensor([[3.0, -2.0]], requires_grad=True)
    loss = masked_loss(logits, torch.tensor([[1, -1]]))
    loss.backward()
    # By hand: (ln(1 + e^-3) + ln 2) / 2.
    assert abs(float(loss.detach()) - (np.log1p(np.exp(-3)) + np.log(2)) / 2) < 1e-6
    assert float(logits.grad[0, 1]) == 0
    assert float(logits.grad[0, 0]) < 0


async def resnet18_gives_what_transformers_gives_with_the_same_weights(folder: Path) -> None:
    import torch
    from transformers import ResNetConfig, ResNetModel

    torch.manual_seed(1)
    config = ResNetConfig(embedding_size=64, hidden_sizes=[64, 128, 256, 512], depths=[2, 2, 2, 2], layer_type="basic")
    peer, ours = ResNetModel(config).eval(), resnet18()
    # 11 689 512 of torchvision's documentation, less 513 000 of the last layer.
    assert sum(each.numel() for each in ours.parameters()) == 11_176_512
    theirs = peer.state_dict()
    for name in theirs:
        if name.endswith(("running_mean", "running_var")):
            theirs[name].uniform_(0.5, 1.5)
    ours.load_state_dict({_name_of(name): value for name, value in theirs.items()})
    pictures = torch.randn(2, 3, 224, 224)
    with torch.inference_mode():
        expected = peer(pictures).pooler_output.flatten(1)
        assert torch.allclose(ours.eval()(pictures), expected, rtol=1e-4, atol=1e-4)


def _name_of(theirs: str) -> str:
    """torchvision's name of a weight of transformers."""
    name = theirs.replace("embedder.embedder.convolution", "conv1").replace("embedder.embedder.normalization", "bn1")
    kinds = r"(layer\.(\d)|shortcut)\.(convolution|normalization)"
    match = re.match(rf"encoder\.stages\.(\d)\.layers\.(\d)\.{kinds}\.(.*)", name)
    if match is None:
        return name
    stage, block, kind, place, part, rest = match.groups()
    if kind == "shortcut":
        inner = f"downsample.{0 if part == 'convolution' else 1}"
    else:
        inner = f"{'conv' if part == 'convolution' else 'bn'}{int(place) + 1}"
    return f"layer{int(stage) + 1}.{block}.{inner}.{rest}"


async def weights_are_read_from_both_kinds_of_file_without_their_last_layer(folder: Path) -> None:
    import torch
    from safetensors.torch import save

    network = resnet18()
    state = network.state_dict() | {"fc.weight": torch.zeros(1000, 512), "fc.bias": torch.zeros(1000)}
    torch.save(state, folder / "weights.pth")
    for name, data in (("a.pth", (folder / "weights.pth").read_bytes()), ("b.safetensors", save(state))):
        read = resnet18_of(Path(name), data).state_dict()
        assert all(torch.equal(read[key], value) for key, value in network.state_dict().items())


async def a_module_becomes_a_network_of_maps(folder: Path) -> None:
    import torch

    half = torch.nn.AvgPool3d(2)
    voxels = np.arange(64, dtype=np.float32).reshape(4, 4, 4)
    [maps] = of_module(half)(voxels)
    assert maps.shape == (1, 2, 2, 2)
    assert maps[0, 0, 0, 0] == voxels[:2, :2, :2].mean()


CLAIMS = [
    the_head_has_as_many_parameters_as_was_measured,
    numpy_gives_the_logits_of_torch,
    the_head_learns_what_was_planted_and_twice_the_same,
    an_unknown_truth_has_no_gradient_and_ln_2_in_the_mean,
    resnet18_gives_what_transformers_gives_with_the_same_weights,
    weights_are_read_from_both_kinds_of_file_without_their_last_layer,
    a_module_becomes_a_network_of_maps,
]


def main() -> None:
    """All claims, on one core: others are testing too."""
    import torch

    torch.set_num_threads(1)
    asyncio.run(report(CLAIMS, Path(sys.argv[1])))


if __name__ == "__main__":
    main()
