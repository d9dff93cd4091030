"""Switches of the two query labelers."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from labeling.core.manifests import method_of
from labeling.core.schema import Cell, Schema
from labeling.core.sections import SectionKind


@dataclass(frozen=True, slots=True)
class Config:
    """Switches; the defaults are those of Park et al. (METHODS D.1).

    The answer comes after `marker`; `yes` and `no` are the words whose first tokens are compared, with the blank that
    stands before them there. A cell is present when its logit difference is above its threshold: that of
    `target|finding` in `thresholds`, else that of the finding, else `threshold`. `exclude_sections` are left out for
    every finding, beside those that the schema leaves out for one. Targets in `whole_targets` stand for the whole
    patient, so that questions do not name them. The last two are for summaries.
    """

    yes: str = " yes"
    no: str = " no"
    marker: str = "ANSWER:"
    threshold: float = 0.0
    thresholds: Mapping[str, float] = field(default_factory=dict)
    exclude_sections: tuple[SectionKind, ...] = ()
    whole_targets: tuple[str, ...] = ("spine",)
    summary_tokens: int = 1024
    repetition_penalty: float = 1.15

    def __post_init__(self) -> None:
        if self.yes == self.no:
            raise ValueError(f"the two answers are both {self.yes!r}, expected two different words")
        values = [self.threshold, *self.thresholds.values()]
        if not all(math.isfinite(value) for value in values):
            raise ValueError("a threshold is no finite number; it is a logit difference, 0 where both are as likely")

    def threshold_of(self, cell: Cell) -> float:
        """The logit difference above which `cell` is present."""
        return self.thresholds.get(str(cell), self.thresholds.get(cell.finding, self.threshold))

    def check(self, schema: Schema) -> None:
        """Raise ValueError when `thresholds` names what `schema` does not have."""
        known = {*map(str, schema.cells), *schema.finding_by_name}
        unknown = sorted(set(self.thresholds) - known)
        if unknown:
            raise ValueError(f"schema {schema.name} v{schema.version} has no finding or cell {unknown[0]!r}")


def manifest_of(
    labeler: str, version: int, prompts: tuple[str, ...], *, schema: Schema, config: Config
) -> dict[str, Any]:
    """What decides the labels, apart from model and report."""
    switches = asdict(config) | {"thresholds": dict(config.thresholds)}
    return method_of(labeler, version, schema=schema, switches=switches, prompts=prompts)
