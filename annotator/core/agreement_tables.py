"""Agreement of readers as a page shows it: what was chosen, and each figure with its interval or why it has none."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from annotator.core.figure_requests import RequestError
from annotator.core.shown_figures import UNDEFINED, Shown, interval_of, number, plain_cell
from labeling.core.evaluation.agreement import CERTAINTY, PRESENCE, URGENCY
from labeling.core.tables.cells import csv_line

PERCENT: Final = "percent_agreement"
COLUMNS: Final = (
    *("scope", "name", "stage", "coefficient", "reader", "other_reader"),
    *("value", "low", "high", "n_cases", "n_units", "n_pairs", "n_positive"),
)
# What each stage asks, among whom, and what its coefficients count as a positive vote.
ASKED: Final[Mapping[str, str]] = {PRESENCE: "is it there?", CERTAINTY: "present or possible?", URGENCY: "how urgent?"}
AMONG: Final[Mapping[str, str]] = {
    PRESENCE: "readers who say whether it is there",
    CERTAINTY: "readers who call it positive",
    URGENCY: "readers who call it positive and give an urgency",
}
POSITIVE: Final[Mapping[str, str]] = {PRESENCE: "positive votes", CERTAINTY: "votes for present", URGENCY: ""}
COEFFICIENTS: Final[Mapping[str, tuple[str, ...]]] = {
    PRESENCE: (PERCENT, "fleiss_kappa", "krippendorff_alpha", "gwet_ac1"),
    CERTAINTY: (PERCENT, "fleiss_kappa", "krippendorff_alpha", "gwet_ac1"),
    URGENCY: (PERCENT, "krippendorff_alpha_ordinal", "gwet_ac2"),
}
NAMES: Final[Mapping[str, str]] = {
    PERCENT: "same answer",
    "fleiss_kappa": "Fleiss κ",
    "krippendorff_alpha": "Krippendorff α",
    "gwet_ac1": "Gwet AC1",
    "krippendorff_alpha_ordinal": "Krippendorff α, ordinal",
    "gwet_ac2": "Gwet AC2",
    "cohen_kappa": "Cohen κ",
}
_NOBODY: Final[Mapping[str, str]] = {
    PRESENCE: "no case was judged by two readers here",
    CERTAINTY: "nowhere did two readers call it positive",
    URGENCY: "nowhere did two readers give an urgency",
}
_NOT_BOTH: Final[Mapping[str, str]] = {
    PRESENCE: "they judged no case in common",
    CERTAINTY: "nowhere did both call it positive",
    URGENCY: "nowhere did both give an urgency",
}
_ALL_ALIKE: Final = "everybody gave one and the same answer, so that chance alone would explain it"
_ENDS: Final = ("value", "low", "high")


class By(StrEnum):
    """What a line of the table stands for."""

    FINDING = "finding"
    TARGET = "target"
    CELL = "cell"


class PairFigure(StrEnum):
    """What is shown of two readers."""

    KAPPA = "cohen_kappa"
    PERCENT = "percent_agreement"


@dataclass(frozen=True, slots=True)
class View:
    """What is looked at. `finding` is of the pairs of readers, empty for all findings together."""

    by: By = By.FINDING
    stage: str = PRESENCE
    coefficient: str = "krippendorff_alpha"
    finding: str = ""
    figure: PairFigure = PairFigure.KAPPA

    @classmethod
    def of(cls, query: Mapping[str, str], *, stages: Sequence[str], findings: Sequence[str]) -> "View":
        """What an address asks for. Raises `RequestError` for words that it cannot hold."""
        stage, finding = query.get("stage", PRESENCE), query.get("finding", "")
        if stage not in stages or (finding and finding not in findings):
            raise RequestError("no such stage or finding")
        offered = COEFFICIENTS[stage]
        coefficient = query.get("coefficient", offered[1] if stage == URGENCY else "krippendorff_alpha")
        if coefficient not in offered:
            raise RequestError(f"{stage} has no {coefficient!r}")
        try:
            by, figure = By(query.get("by", By.FINDING)), PairFigure(query.get("figure", PairFigure.KAPPA))
        except ValueError as error:
            raise RequestError(str(error)) from error
        return cls(by, stage, coefficient, finding, figure)


def shown_or_why(record: Mapping[str, Any], keys: Sequence[str], *, nobody: str) -> Shown:
    """The figure whose value and ends have `keys`; `nobody` says why there is none, empty when there was a vote."""
    row = dict(zip(_ENDS, (record[key] for key in keys), strict=True))
    value = row["value"]
    if value is None:
        return Shown(UNDEFINED, why=nobody or _ALL_ALIKE)
    return Shown(number(value), interval_of(row), repr(value))


def sentence(figure: Shown) -> str:
    """A figure with its interval, or why it has none."""
    if figure.why:
        return f"undefined, {figure.why}"
    return f"{figure.text} ({figure.interval})" if figure.interval else f"{figure.text} (no interval)"


@dataclass(frozen=True, slots=True)
class Line:
    """One scope in one stage: numbers behind it and its coefficients, in the order of `COEFFICIENTS`."""

    scope: str
    name: str
    stage: str
    n_cases: int
    n_units: int
    n_positive: int | None
    figures: tuple[Shown, ...]
    records: tuple[Mapping[str, Any], ...]

    @property
    def row(self) -> str:
        """Its name among rows of figures, such as `finding focal`."""
        return f"{self.scope} {self.name}" if self.scope in (By.FINDING, By.TARGET) else self.name


def lines(result: Mapping[str, Any], *, scope: str, stage: str) -> list[Line]:
    """The lines of one kind of scope, in the order of the schema."""
    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    for record in result["agreed"]:
        if record["scope"] == scope and record["stage"] == stage:
            found.setdefault(record["name"], {})[record["coefficient"]] = record
    return [_line([by_name[each] for each in COEFFICIENTS[stage]]) for by_name in found.values()]


def _line(records: Sequence[Mapping[str, Any]]) -> Line:
    first = records[0]
    stage = first["stage"]
    nobody = "" if first["n_units"] else _NOBODY[stage]
    figures = (shown_or_why(each, _ENDS, nobody=nobody) for each in records)
    behind = first["n_cases"], first["n_units"], first["n_positive"]
    return Line(first["scope"], first["name"], stage, *behind, figures=tuple(figures), records=tuple(records))


@dataclass(frozen=True, slots=True)
class PairLine:
    """Two readers in one scope and stage; `record` is what was stored of them."""

    first: str
    second: str
    scope: str
    name: str
    n_cases: int
    n_units: int
    percent: Shown
    kappa: Shown
    record: Mapping[str, Any]

    def figure(self, which: PairFigure) -> Shown:
        """One of both figures."""
        return self.percent if which == PairFigure.PERCENT else self.kappa


def pair_lines(result: Mapping[str, Any], *, stage: str, kind: str = "pairs") -> list[PairLine]:
    """Each two readers, together and in each finding, in the order in which they were computed.

    Of the kind `repeats` each reader beside itself, over cases that came back.
    """
    return [_pair_line(record) for record in result.get(kind, ()) if record["stage"] == stage]


def _pair_line(record: Mapping[str, Any]) -> PairLine:
    nobody = "" if record["n_units"] else _NOT_BOTH[record["stage"]]
    percent, kappa = (
        shown_or_why(record, pair_ends(figure), nobody=nobody) for figure in (PairFigure.PERCENT, PairFigure.KAPPA)
    )
    return PairLine(
        first=record["first"],
        second=record["second"],
        scope=record["scope"],
        name=record["name"],
        n_cases=record["n_cases"],
        n_units=record["n_units"],
        percent=percent,
        kappa=kappa,
        record=record,
    )


def pair_ends(figure: PairFigure) -> tuple[str, str, str]:
    """The keys of a figure of two readers, and of the ends of its interval."""
    return str(figure), f"{figure}_low", f"{figure}_high"


def cells_of(result: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Target and finding of each cell, by the name of its line."""
    targets = dict.fromkeys(record["name"] for record in result["agreed"] if record["scope"] == By.TARGET)
    return {f"{target} {finding}": (target, finding) for target in targets for finding in findings_of(result)}


def findings_of(result: Mapping[str, Any]) -> list[str]:
    """Names of findings, or of their groups, that the figures tell apart."""
    return list(dict.fromkeys(record["name"] for record in result["agreed"] if record["scope"] == By.FINDING))


def agreement_csv(result: Mapping[str, Any]) -> Iterator[str]:
    """All coefficients, those of two readers with their names; what is undefined is empty."""
    yield csv_line(COLUMNS)
    for record in result["agreed"]:
        yield _csv_line(record)
    for record in (*result["pairs"], *result.get("repeats", ())):
        both = {"reader": record["first"], "other_reader": record["second"]}
        for figure in PairFigure:
            ends = {end: record[key] for end, key in zip(_ENDS, pair_ends(figure), strict=True)}
            weighted = figure == PairFigure.KAPPA and record["stage"] == URGENCY
            name = f"{figure}_quadratic" if weighted else str(figure)
            yield _csv_line(record | both | ends | {"coefficient": name})


def _csv_line(record: Mapping[str, Any]) -> str:
    return csv_line([plain_cell(record.get(name)) for name in COLUMNS])
