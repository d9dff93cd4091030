"""LEAVS' shallow residual head (METHODS F), shared by all organs: trained with torch, applied with NumPy alone.

Block = batch normalisation, ReLU, linear, batch normalisation, ReLU, linear, plus a skip (a linear layer where widths
differ). Block A keeps the width, dropout follows in training, block B gives the outputs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from labeling.core.metrics.scores import auroc

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]

_EPSILON: Final = 1e-5


@dataclass(frozen=True, slots=True)
class HeadOptions:
    """The published settings. `least_positive`: outcomes with as many positives choose the epoch that is kept."""

    hidden: int = 256
    dropout: float = 0.9
    learning_rate: float = 1e-3
    batch_cases: int = 512
    epochs: int = 100
    check_every: int = 5
    least_positive: int = 10


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """The trained head as arrays, named as torch names them: `a.norm1.weight`, `b.skip.bias` and so on."""

    arrays: Mapping[str, NDArray[Any]]

    def logits(self, x: Floats) -> Floats:
        """Logits (n, outputs) of features (n, features)."""
        return self._block("b", self._block("a", x))

    def _block(self, name: str, x: Floats) -> Floats:
        inner = self._linear(f"{name}.linear1", self._active(f"{name}.norm1", x))
        out: Floats = self._linear(f"{name}.linear2", self._active(f"{name}.norm2", inner))
        skip = self._linear(f"{name}.skip", x) if f"{name}.skip.weight" in self.arrays else x
        return out + skip

    def _active(self, name: str, x: Floats) -> Floats:
        """Normalised by what training saw, then ReLU."""
        part = {key: self.arrays[f"{name}.{key}"] for key in ("running_mean", "running_var", "weight", "bias")}
        scaled = (x - part["running_mean"]) / np.sqrt(part["running_var"] + _EPSILON)
        active: Floats = np.maximum(scaled * part["weight"] + part["bias"], 0)
        return active

    def _linear(self, name: str, x: Floats) -> Floats:
        found: Floats = x @ self.arrays[f"{name}.weight"].T + self.arrays[f"{name}.bias"]
        return found


@dataclass(frozen=True, slots=True, eq=False)
class HeadData:
    """Features `(cases, regions, features)` and truths `(cases, regions, outputs)`: 1, 0, or -1 for unknown."""

    x: Floats32
    truth: NDArray[np.int8]


def train_head(
    training: HeadData, validation: HeadData, *, seed: int, options: HeadOptions, device: str = "cpu"
) -> tuple[Head, list[dict[str, float]]]:
    """Train, keep the epoch with the best mean AUC of the validation cases, and return it with the curve.

    The curve has, every `check_every` epochs, the loss and the mean AUC (NaN where no outcome can tell; then the last
    epoch is kept). One seed gives one result on one kind of device. Raises `ImportError` without torch.
    """
    import torch

    random = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = head_network(training.x.shape[2], training.truth.shape[2], options).to(device)
        optimizer = torch.optim.AdamW(network.parameters(), lr=options.learning_rate, weight_decay=0.0)
        x, truth = torch.from_numpy(training.x).to(device), torch.from_numpy(training.truth).to(device)
        best, best_auc, curve = _arrays(network), float("-inf"), []
        for epoch in range(1, options.epochs + 1):
            network.train()
            losses = []
            for rows in _batches(len(x), options.batch_cases, random):
                optimizer.zero_grad()
                loss = masked_loss(network(x[rows].flatten(0, 1)), truth[rows].flatten(0, 1))
                loss.backward()
                optimizer.step()
                losses.append(float(loss.detach()))
            if epoch % options.check_every == 0 or epoch == options.epochs:
                head = Head(_arrays(network))
                auc = mean_auc(head, validation, least_positive=options.least_positive)
                curve.append({"epoch": float(epoch), "loss": float(np.mean(losses)), "auc": auc})
                if not auc <= best_auc:
                    best, best_auc = dict(head.arrays), auc if np.isfinite(auc) else best_auc
    return Head(best), curve


def masked_loss(logits: Any, truth: Any) -> Any:
    """Binary cross-entropy; unknown truths become logit 0 and truth 0: no gradient, ln 2 in the mean (METHODS F)."""
    import torch

    known = truth >= 0
    zero = torch.zeros_like(logits)
    wanted = torch.where(known, truth.to(logits.dtype), zero)
    return torch.nn.functional.binary_cross_entropy_with_logits(torch.where(known, logits, zero), wanted)


def mean_auc(head: Head, data: HeadData, *, least_positive: int) -> float:
    """Mean over regions and outputs with more positives than that, and a negative; NaN of none."""
    logits = head.logits(data.x.reshape(-1, data.x.shape[2]).astype(np.float64)).reshape(data.truth.shape)
    found = []
    for region, output in np.ndindex(*data.truth.shape[1:]):
        truth, scores = data.truth[:, region, output], logits[:, region, output]
        known = truth >= 0
        if int((truth == 1).sum()) > least_positive:
            found.append(auroc(truth[known] == 1, scores[known]))
    defined = [auc for auc in found if np.isfinite(auc)]
    return float(np.mean(defined)) if defined else float("nan")


def head_network(n_features: int, n_outputs: int, options: HeadOptions) -> Any:
    """The network of torch that is trained: features (n, n_features) to logits (n, n_outputs)."""
    import torch

    def block(n_in: int, n_out: int) -> Any:
        class Block(torch.nn.Module):  # type: ignore[misc]
            def __init__(self) -> None:
                super().__init__()
                self.norm1, self.linear1 = torch.nn.BatchNorm1d(n_in), torch.nn.Linear(n_in, options.hidden)
                self.norm2, self.linear2 = torch.nn.BatchNorm1d(options.hidden), torch.nn.Linear(options.hidden, n_out)
                self.skip = torch.nn.Linear(n_in, n_out) if n_in != n_out else torch.nn.Identity()

            def forward(self, x: Any) -> Any:
                inner = self.linear1(torch.relu(self.norm1(x)))
                return self.linear2(torch.relu(self.norm2(inner))) + self.skip(x)

        return Block()

    network = torch.nn.Sequential()
    network.add_module("a", block(n_features, n_features))
    network.add_module("dropout", torch.nn.Dropout(options.dropout))
    network.add_module("b", block(n_features, n_outputs))
    return network


def _batches(n_cases: int, batch_cases: int, random: Any) -> list[Any]:
    """Shuffled batches; what is left over is dropped, unless it is all there is."""
    import torch

    order = torch.randperm(n_cases, generator=random)
    n_full = max(1, n_cases // batch_cases)
    return [order[start * batch_cases : (start + 1) * batch_cases] for start in range(n_full)]


def _arrays(network: Any) -> dict[str, NDArray[Any]]:
    return {
        name: value.detach().cpu().numpy().copy()
        for name, value in network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
