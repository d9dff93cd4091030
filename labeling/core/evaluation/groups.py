"""Cells, and what they are pooled into: findings over all targets, targets over all findings, all of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labeling.core.schema import Cell

Whole = NDArray[np.integer]


@dataclass(frozen=True, slots=True)
class Grouped:
    """Names of rows, cells first, and which cells each of the rows behind them pools."""

    names: tuple[str, ...]
    members: tuple[NDArray[np.intp], ...]

    def pooled(self, tables: Whole) -> Whole:
        """Tables `(..., rows, 2, 2)` of tables `(..., cells, 2, 2)`."""
        sums = [tables[..., each, :, :].sum(axis=-3) for each in self.members]
        return np.concatenate([tables, np.stack(sums, axis=-3)], axis=-3)


def grouped_cells(cells: Sequence[Cell]) -> Grouped:
    """Each cell (`liver focal`), each finding (`finding focal`), each target (`target liver`) and `micro`.

    Findings have rows where there are several targets, targets where there are several findings.
    """
    findings: dict[str, list[int]] = {}
    targets: dict[str, list[int]] = {}
    for index, cell in enumerate(cells):
        findings.setdefault(cell.finding, []).append(index)
        targets.setdefault(cell.target, []).append(index)
    pooled = {f"finding {name}": members for name, members in findings.items() if len(targets) > 1}
    pooled |= {f"target {name}": members for name, members in targets.items() if len(findings) > 1}
    pooled["micro"] = list(range(len(cells)))
    names = (*(f"{cell.target} {cell.finding}" for cell in cells), *pooled)
    return Grouped(names, tuple(np.array(each, np.intp) for each in pooled.values()))
