"""Scores the `rules` labeler against a gold file of abdominal reports.

Prints F1 of "any abnormality" per organ (as in LEAVS Table 2: both kidneys, both bowels joined) and micro-F1 over
organ x {size, diffuse, focal, postsurgical or absent} (as in LEAVS Table 1). Positive is present or possible.

    python -m benchmarks.rules_accuracy tests/golden/abdomen_reports_a.jsonl --errors
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from labeling.core.records import LabelSet
from labeling.core.rules import label_report
from labeling.core.schema import Cell, Schema
from labeling.core.schema_yaml import load_preset
from labeling.core.values import POSITIVE_VALUES

GROUPS: Final = {
    "size": ("enlarged", "atrophy"),
    "diffuse": ("diffuse",),
    "focal": ("focal",),
    "postsurgical or absent": ("postsurgical", "absent"),
}
JOINED: Final = {"right kidney": "kidneys", "left kidney": "kidneys", "small bowel": "bowel", "large bowel": "bowel"}


@dataclass(slots=True)
class Counts:
    """True positives, false positives and false negatives."""

    tp: int = 0
    fp: int = 0
    fn: int = 0

    def add(self, *, truth: bool, predicted: bool) -> None:
        """Count one cell."""
        self.tp += truth and predicted
        self.fp += predicted and not truth
        self.fn += truth and not predicted

    @property
    def precision(self) -> float:
        """Share of the predicted positives that are true; 0 when there is none."""
        return self.tp / (self.tp + self.fp) if self.tp + self.fp else 0.0

    @property
    def recall(self) -> float:
        """Share of the true positives that were found; 0 when there is none."""
        return self.tp / (self.tp + self.fn) if self.tp + self.fn else 0.0

    @property
    def f1(self) -> float:
        """F1; 0 when nothing is positive."""
        total = 2 * self.tp + self.fp + self.fn
        return 2 * self.tp / total if total else 0.0

    def __str__(self) -> str:
        return f"F1 {self.f1:.3f}  P {self.precision:.3f}  R {self.recall:.3f}  tp {self.tp} fp {self.fp} fn {self.fn}"


@dataclass(frozen=True, slots=True)
class Judged:
    """One report, organ and group of findings: truth, prediction, and whether the truth is debatable."""

    report_id: str
    organ: str
    group: str
    truth: bool
    predicted: bool
    debatable: bool
    reason: str


def read_gold(path: Path) -> list[dict[str, Any]]:
    """Rows of a gold file: JSON lines with `id`, `report`, `cells`, `debatable`."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def judge(rows: list[dict[str, Any]], schema: Schema) -> Iterator[Judged]:
    """Compare the labels of each report with its gold."""
    for row in rows:
        labels = label_report(row["report"], schema)
        debatable = {(organ, finding) for organ, finding in row.get("debatable", ())}
        for target in schema.targets:
            gold = row["cells"].get(target.name, {})
            for group, findings in GROUPS.items():
                yield Judged(
                    row["id"],
                    target.name,
                    group,
                    any(gold.get(finding) in ("present", "possible") for finding in findings),
                    any(labels[Cell(target.name, finding)].state in POSITIVE_VALUES for finding in findings),
                    any((target.name, finding) in debatable for finding in findings),
                    _reason(labels, target.name, findings),
                )


def _reason(labels: LabelSet, organ: str, findings: tuple[str, ...]) -> str:
    return "; ".join(label.reason for finding in findings if (label := labels[Cell(organ, finding)]).reason)


def score(judged: list[Judged]) -> tuple[Counts, dict[str, Counts], Counts]:
    """Micro counts over organ x group, counts of any abnormality by joined organ, and those pooled."""
    micro = Counts()
    truth: dict[tuple[str, str], bool] = {}
    predicted: dict[tuple[str, str], bool] = {}
    for cell in judged:
        micro.add(truth=cell.truth, predicted=cell.predicted)
        key = (cell.report_id, JOINED.get(cell.organ, cell.organ))
        truth[key] = truth.get(key, False) or cell.truth
        predicted[key] = predicted.get(key, False) or cell.predicted
    organs: dict[str, Counts] = {}
    pooled = Counts()
    for key, is_true in truth.items():
        organs.setdefault(key[1], Counts()).add(truth=is_true, predicted=predicted[key])
        pooled.add(truth=is_true, predicted=predicted[key])
    return micro, organs, pooled


def main() -> None:
    """Read the command line and print the scores."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("gold", type=Path)
    parser.add_argument("--errors", action="store_true", help="list every wrong cell")
    arguments = parser.parse_args()
    judged = list(judge(read_gold(arguments.gold), load_preset("abdomen-ct")))
    micro, organs, pooled = score(judged)
    if arguments.errors:
        for cell in judged:
            if cell.truth != cell.predicted:
                kind = "missed" if cell.truth else "false"
                mark = " (debatable)" if cell.debatable else ""
                print(f"{cell.report_id} {cell.organ}: {cell.group} {kind}{mark}  {cell.reason}")
    for organ, counts in organs.items():
        print(f"any abnormality, {organ:12} {counts}")
    print(f"any abnormality, all organs   {pooled}")
    macro = sum(counts.f1 for counts in organs.values()) / len(organs)
    print(f"any abnormality, mean of F1   {macro:.3f}")
    for group in GROUPS:
        print(f"{group:29} {score([cell for cell in judged if cell.group == group])[0]}")
    print(f"organ x group, micro          {micro}")


if __name__ == "__main__":
    main()
