"""Score the spine rules on hand labels of real lumbar notes: first half of the ids, second half, or both.

Run with `python -m benchmarks.rules_spine_accuracy [first|second|both] [--errors]`. Notes are no part of this
repository (see tests/labeling/core/real_notes.py); labels are tests/golden/lumbar_labels.csv.
"""

import argparse
import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from labeling.core.rules import label_report
from labeling.core.schema import Cell
from labeling.core.schema_yaml import load_preset
from labeling.core.values import POSITIVE_VALUES

ROOT = Path(__file__).resolve().parents[1]
LABELS = ROOT / "tests" / "golden" / "lumbar_labels.csv"
NOTES = ROOT.parent / "shared" / "data" / "reports" / "lumbar_mri_notes.csv"
LEVELS = ("L3-L4", "L4-L5", "L5-S1")
COLUMN_OF_CELL = {
    Cell("spine", "stenosis"): "stenosis",
    **{Cell(level, "stenosis"): f"stenosis_{level}" for level in LEVELS},
    Cell("spine", "cancer"): "cancer",
    Cell("spine", "spondylolisthesis"): "spondylolisthesis",
    Cell("spine", "cauda equina compression"): "cauda_equina_compression",
    Cell("spine", "herniation"): "herniation",
}


@dataclass(slots=True)
class Counts:
    """Counts of one cell, or of several; a positive is `present` or `possible`."""

    tp: int = 0
    fp: int = 0
    fn: int = 0
    tn: int = 0

    @property
    def f1(self) -> float:
        """F1; 1 when nothing was positive and nothing was called so."""
        if not self.tp + self.fp + self.fn:
            return 1.0
        return 2 * self.tp / (2 * self.tp + self.fp + self.fn)

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn, self.tn + other.tn)


def rows_of(half: str) -> list[dict[str, str]]:
    """Label rows of the first or second half of the labelled notes, or of both."""
    with LABELS.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    middle = len(rows) // 2
    return {"first": rows[:middle], "second": rows[middle:], "both": rows}[half]


def notes() -> dict[str, str]:
    """Notes by patient number."""
    with NOTES.open(newline="", encoding="utf-8-sig") as file:
        return {row["patient_id"]: row["report"] for row in csv.DictReader(file)}


def score(rows: Iterable[dict[str, str]], texts: dict[str, str], *, errors: bool = False) -> dict[Cell, Counts]:
    """Counts for each cell; with `errors` each wrong cell is printed with its note."""
    schema = load_preset("spine-mri")
    counts = {cell: Counts() for cell in COLUMN_OF_CELL}
    for row in rows:
        labels = label_report(texts[row["patient_id"]], schema)
        wrong = []
        for cell, column in COLUMN_OF_CELL.items():
            truth, said = row[column] in POSITIVE_VALUES, labels[cell].state in POSITIVE_VALUES
            count = counts[cell]
            count.tp += truth and said
            count.fp += said and not truth
            count.fn += truth and not said
            count.tn += not truth and not said
            if truth != said:
                wrong.append(f"{cell}: {labels[cell].state}, by hand {row[column]} ({labels[cell].reason})")
        if errors and wrong:
            print(f"--- note {row['patient_id']} [{row['flags']}]", *wrong, texts[row["patient_id"]], sep="\n")
    return counts


def level_counts(counts: dict[Cell, Counts]) -> Counts:
    """Stenosis over the three levels together."""
    return sum((counts[Cell(level, "stenosis")] for level in LEVELS), Counts())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("half", nargs="?", default="both", choices=["first", "second", "both"])
    parser.add_argument("--errors", action="store_true")
    arguments = parser.parse_args()
    counts = score(rows_of(arguments.half), notes(), errors=arguments.errors)
    for cell, count in [*((str(cell), count) for cell, count in counts.items()), ("levels", level_counts(counts))]:
        print(f"{cell:40} F1 {count.f1:.3f}  tp {count.tp} fp {count.fp} fn {count.fn} tn {count.tn}")


if __name__ == "__main__":
    main()
