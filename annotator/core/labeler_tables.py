"""What is known of a labeler as tables for people: each cell, what cells are pooled into, and humans beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from annotator.core.shown_figures import (
    METRIC_WORDS,
    SIGNIFICANT,
    UNDEFINED,
    Shown,
    corrected,
    least_p,
    p_words,
    scarce_words,
    shown,
)
from labeling.core.metrics.presence import FIGURES

COLUMNS: Final = ("f1", "recall", "precision", "specificity", "mcc", "balanced_accuracy", "coverage")
COLUMN_WORDS: Final = tuple(METRIC_WORDS[name] for name in COLUMNS)
_AVERAGE: Final = "human average"

Rows = Mapping[tuple[str, str], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Line:
    """A cell, or what several are pooled into, with the figures of `COLUMNS` and the counts they are made of."""

    row: str
    target: str
    finding: str
    n: int
    n_positive: int
    missed: int
    invented: int
    figures: tuple[Shown, ...]

    @property
    def scarce(self) -> str:
        """What there is too little of to trust the figures, as `scarce_words` says it."""
        return scarce_words(self.n, self.n_positive)

    @property
    def n_words(self) -> str:
        """Pairs."""
        return f"{self.n:,}"

    @property
    def n_positive_words(self) -> str:
        """Positive pairs."""
        return f"{self.n_positive:,}"


@dataclass(frozen=True, slots=True)
class LabelerTables:
    """The tables of one labeler. `defined` says over how many cells each macro figure is a mean."""

    micro: Line | None
    macro: tuple[Shown, ...]
    defined: tuple[int, ...]
    cells: tuple[Line, ...]
    findings: tuple[Line, ...]
    targets: tuple[Line, ...]

    @property
    def n_few(self) -> int:
        """Cells with too few positives or negatives to trust their figures."""
        return sum(bool(line.scarce) for line in self.cells)


def labeler_tables(result: Mapping[str, Any]) -> LabelerTables:
    """The tables of a stored result."""
    rows = by_name(result["rows"])
    lines: dict[str, list[Line]] = {"cell": [], "finding": [], "target": [], "all": []}
    for counts in result["counts"]:
        lines[counts["scope"]].append(_line(counts, rows))
    cells = tuple(lines["cell"])
    return LabelerTables(
        micro=next(iter(lines["all"]), None),
        macro=tuple(_macro(rows, name) for name in COLUMNS),
        defined=tuple(sum(bool(line.figures[place].key) for line in cells) for place in range(len(COLUMNS))),
        cells=cells,
        findings=tuple(lines["finding"]),
        targets=tuple(lines["target"]),
    )


def by_name(rows: Sequence[Mapping[str, Any]]) -> Rows:
    """Rows of figures by what they are about and their metric."""
    return {(row["row"], row["metric"]): row for row in rows}


def _line(counts: Mapping[str, Any], rows: Rows) -> Line:
    return Line(
        row=counts["row"],
        target=counts["target"],
        finding=counts["finding"],
        n=counts["tp"] + counts["fp"] + counts["fn"] + counts["tn"],
        n_positive=counts["tp"] + counts["fn"],
        missed=counts["fn"],
        invented=counts["fp"],
        figures=tuple(shown(rows.get((counts["row"], name)), name) for name in COLUMNS),
    )


def _macro(rows: Rows, metric: str) -> Shown:
    row = rows.get(("macro", metric))
    if row is None or row["value"] is None:
        why = "coverage is of all pairs" if metric == "coverage" else "it is defined in no cell"
        return Shown(UNDEFINED, why=why)
    return shown(row, metric)


# Humans


@dataclass(frozen=True, slots=True)
class Beside:
    """A human and the labeler on the same pairs. `n` is None for the mean over humans, which Holm does not count."""

    name: str
    n: int | None
    n_positive: int | None
    human: Shown
    labeler: Shown
    p: str
    holm: str
    verdict: str


@dataclass(frozen=True, slots=True)
class Humans:
    """All humans in one metric."""

    metric: str
    words: str
    lines: tuple[Beside, ...]

    @property
    def n_humans(self) -> int:
        """Humans that are tested, their mean not counted."""
        return sum(line.n is not None for line in self.lines)


def human_tables(result: Mapping[str, Any], *, n_resamples: int) -> tuple[Humans, ...]:
    """Each human beside the labeler, by metric; nothing where no human can be judged by others."""
    rows = by_name(result["rows"])
    names = [name for name in result["about"]["n_by_reader"] if (f"human {name}", "f1") in rows]
    return tuple(_humans(rows, names, metric=metric, n_resamples=n_resamples) for metric in _metrics()) if names else ()


def _metrics() -> list[str]:
    return [name for name in COLUMNS if name in FIGURES]


def _humans(rows: Rows, names: Sequence[str], *, metric: str, n_resamples: int) -> Humans:
    least = least_p(n_resamples)
    found = [rows[f"human {name}", metric] for name in names]
    holms = corrected([row["p"] for row in found], least=least)
    lines = [
        _beside(rows, name, metric=metric, least=least, holm=holm) for name, holm in zip(names, holms, strict=True)
    ]
    if (_AVERAGE, metric) in rows and "average" not in names:
        lines.append(_beside(rows, "average", metric=metric, least=least, holm=None))
    return Humans(metric, METRIC_WORDS[metric], tuple(lines))


def _beside(rows: Rows, name: str, *, metric: str, least: float, holm: float | None) -> Beside:
    human, labeler = rows[f"human {name}", metric], rows[f"human {name} / labeler", metric]
    is_one = human["n"] is not None
    held = "< " if human["p"] is not None and human["p"] < least and holm is not None and holm < 1 else ""
    return Beside(
        name=name,
        n=human["n"],
        n_positive=human["n_positive"],
        human=shown(human, metric),
        labeler=shown(labeler, metric),
        p=p_words(human["p"], least=least),
        holm=held + p_words(holm, least=0.0) if is_one else "",
        verdict=_verdict(human["value"], labeler["value"], holm) if is_one else "",
    )


def _verdict(human: float | None, labeler: float | None, holm: float | None) -> str:
    if human is None or labeler is None or holm is None:
        return ""
    if holm >= SIGNIFICANT:
        return "no difference shown"
    return "labeler higher" if labeler > human else "reader higher"
