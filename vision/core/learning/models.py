"""Trained classifiers as plain arrays beside a JSON manifest: what they score, and from which features."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from vision.core.features.table import FeatureTable, packed_arrays, read_arrays, read_manifest
from vision.core.files import write_whole
from vision.core.learning.head import Head
from vision.core.learning.outcomes import Outcome
from vision.core.learning.svm import Linear
from vision.core.refusals import ImageRefused

Floats = NDArray[np.float64]

FORMAT: Final = 1
ARRAYS_NAME, MANIFEST_NAME = "model.npz", "model.json"
_BAG: Final = -1


class Scorer(Protocol):
    """Scores outcomes of cases, and is made of arrays."""

    @property
    def kind(self) -> str: ...
    def score(self, table: FeatureTable) -> Floats: ...
    def arrays(self) -> dict[str, NDArray[Any]]: ...


@dataclass(frozen=True, slots=True, eq=False)
class LinearScorer:
    """A linear machine for each outcome; `region_of[o]` is its region, -1 for the mean over the regions found."""

    machines: tuple[Linear, ...]
    region_of: NDArray[np.int64]
    kind: str = "svm"

    def score(self, table: FeatureTable) -> Floats:
        """Scores `(cases, outcomes)`; NaN where nothing is known of the region."""
        scores = np.full((len(table.case_ids), len(self.machines)), np.nan)
        for outcome, (machine, region) in enumerate(zip(self.machines, self.region_of.tolist(), strict=True)):
            x, known = inputs_of(table, region)
            scores[known, outcome] = machine.score(x[known])
        return scores

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All that makes it."""
        parts = ("mean", "scale", "weights", "bias")
        stacked = {name: np.array([getattr(machine, name) for machine in self.machines]) for name in parts}
        return stacked | {"region_of": self.region_of}

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]]) -> "LinearScorer":
        """From its arrays."""
        rows = zip(arrays["mean"], arrays["scale"], arrays["weights"], arrays["bias"], strict=True)
        machines = tuple(Linear(mean, scale, weights, float(bias)) for mean, scale, weights, bias in rows)
        return cls(machines, arrays["region_of"])


@dataclass(frozen=True, slots=True, eq=False)
class HeadScorer:
    """One shallow residual head for all regions; outcome o is its output `output_of[o]` on region `region_of[o]`."""

    head: Head
    region_of: NDArray[np.int64]
    output_of: NDArray[np.int64]
    kind: str = "head"

    def score(self, table: FeatureTable) -> Floats:
        """Logits `(cases, outcomes)`; NaN where nothing is known of the region."""
        n_cases, n_regions, n_features = table.values.shape
        flat = self.head.logits(table.values.reshape(-1, n_features).astype(np.float64))
        logits = flat.reshape(n_cases, n_regions, flat.shape[1])
        scores = logits[:, self.region_of, self.output_of]
        return np.where(table.known[:, self.region_of], scores, np.nan)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All that makes it."""
        return {**self.head.arrays, "region_of": self.region_of, "output_of": self.output_of}

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]]) -> "HeadScorer":
        """From its arrays."""
        own = {name: array for name, array in arrays.items() if name not in ("region_of", "output_of", "thresholds")}
        return cls(Head(own), arrays["region_of"], arrays["output_of"])


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A scorer with the threshold of each outcome (NaN: validation could not tell), and how it was made."""

    scorer: Scorer
    outcomes: tuple[Outcome, ...]
    thresholds: Floats
    manifest: Mapping[str, Any]

    def score(self, table: FeatureTable) -> Floats:
        """Scores `(cases, outcomes)`. Raises `ImageRefused` when the features are not those it was trained on."""
        for what, ours, theirs in (
            ("names", self.manifest["names"], list(table.names)),
            ("regions", self.manifest["regions"], list(table.regions)),
            ("extractor", self.manifest["extractor"], table.manifest.get("extractor")),
        ):
            if json.dumps(ours, sort_keys=True) != json.dumps(theirs, sort_keys=True):
                raise ImageRefused(
                    f"the features differ from those the model was trained on in their {what}", code="other_features"
                )
        return self.scorer.score(table)

    def save(self, folder: Path) -> None:
        """Write arrays and manifest; the same model gives the same bytes."""
        packed = packed_arrays({**self.scorer.arrays(), "thresholds": self.thresholds})
        write_whole(folder / ARRAYS_NAME, packed)
        about = dict(self.manifest) | {
            "format": FORMAT,
            "kind": self.scorer.kind,
            "outcomes": [list(outcome) for outcome in self.outcomes],
            "sha256": hashlib.sha256(packed).hexdigest(),
        }
        write_whole(folder / MANIFEST_NAME, json.dumps(about, indent=2, sort_keys=True).encode() + b"\n")


def load_model(folder: Path) -> Model:
    """Read a model; nothing is unpickled. Raises `ImageRefused` when its files do not belong together."""
    about = read_manifest(folder / MANIFEST_NAME)
    if about.get("format") != FORMAT or about.get("kind") not in ("svm", "head"):
        raise ImageRefused(f"{folder.name} holds no model of format {FORMAT}", code="model_format")
    arrays = read_arrays(folder / ARRAYS_NAME, sha256=str(about.get("sha256")), names=("region_of", "thresholds"))
    scorer: Scorer = LinearScorer.of(arrays) if about["kind"] == "svm" else HeadScorer.of(arrays)
    outcomes = tuple(Outcome(*outcome) for outcome in about["outcomes"])
    return Model(scorer, outcomes, arrays["thresholds"], about)


def inputs_of(table: FeatureTable, region: int) -> tuple[Floats, NDArray[np.bool_]]:
    """Features `(cases, features)` of a region, or the mean over regions found, and where they are known."""
    if region != _BAG:
        return table.values[:, region].astype(np.float64), table.known[:, region]
    n_found = table.found.sum(axis=1)
    sums = np.where(table.found[:, :, None], table.values, 0).sum(axis=1, dtype=np.float64)
    return sums / np.maximum(n_found, 1)[:, None], n_found > 0


def region_numbers(outcomes: Sequence[Outcome], regions: Sequence[str]) -> NDArray[np.int64]:
    """The region of each outcome by the name of its target; -1 for a target that is no region: a bag of them all."""
    return np.array([regions.index(each.target) if each.target in regions else _BAG for each in outcomes], np.int64)
