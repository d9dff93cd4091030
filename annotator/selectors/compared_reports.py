"""The reports on which two runs differ: a page of them, with what each run said and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from annotator.core.comparison_tables import KIND_WORDS, SIGNS, state_words
from annotator.models import Case, Report
from labeling.core.comparison import KINDS, Kind, Selection, kind_of
from labeling.core.schema import Cell, Schema
from labeling.core.values import NO_URGENCY_CODE
from labeling.models import MachineLabel, Run
from labeling.selectors.comparisons import labels_of_reports

PAGE_SIZE: Final = 20
MAX_QUOTES: Final = 6
MAX_QUOTE_CHARACTERS: Final = 400
MAX_CELLS_SHOWN: Final = 12


@dataclass(frozen=True, slots=True)
class Side:
    """What one run says of one cell of a report, and why. A text is empty when it does not say."""

    value: str
    sign: str
    css: str
    urgency: str
    probability: str
    logit_difference: str
    flags: tuple[str, ...]
    reason: str
    quotes: tuple[str, ...]
    n_more_quotes: int


@dataclass(frozen=True, slots=True)
class DifferingCell:
    """A cell of a report on which the runs differ."""

    key: str
    title: str
    kind: str
    a: Side
    b: Side


@dataclass(frozen=True, slots=True)
class ComparedReport:
    """A report with its differing cells: the chosen one, else the first of them. `case_id` is None without a case."""

    report_id: str
    case_id: int | None
    case_key: str
    n_cells: int
    cells: tuple[DifferingCell, ...]

    @property
    def n_more_cells(self) -> int:
        """Differing cells that are not listed."""
        return self.n_cells - len(self.cells)


@dataclass(frozen=True, slots=True)
class ReportPage:
    """One page of the reports, counted from 1."""

    rows: list[ComparedReport]
    number: int
    n_pages: int
    n_reports: int
    n_cells: int

    @property
    def total(self) -> str:
        """How many there are on all pages together."""
        n_reports, n_cells = self.n_reports, self.n_cells
        reports = f"{n_reports:,} report{'' if n_reports == 1 else 's'}"
        return reports if n_cells == n_reports else f"{reports}, {n_cells:,} cells"

    @property
    def before(self) -> int | None:
        """Number of the page before."""
        return self.number - 1 if self.number > 1 else None

    @property
    def after(self) -> int | None:
        """Number of the page behind."""
        return self.number + 1 if self.number < self.n_pages else None


def report_page(
    found: Sequence[tuple[int, int]], *, a: Run, b: Run, schema: Schema, selection: Selection, number: int
) -> ReportPage:
    """Page `number`, or the nearest there is, of the reports in `found` (primary key, number of cells)."""
    n_pages = max(1, -(-len(found) // PAGE_SIZE))
    number = min(max(1, number), n_pages)
    shown = found[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
    pks = [pk for pk, _ in shown]
    reports = Report.objects.only("pk", "report_id", "text").in_bulk(pks)
    cases = {case.report_id: case for case in Case.objects.filter(report__in=pks).only("pk", "key", "report_id")}
    of_a, of_b = labels_of_reports(a, pks), labels_of_reports(b, pks)
    rows = [
        ComparedReport(
            reports[pk].report_id,
            cases[pk].pk if pk in cases else None,
            cases[pk].key if pk in cases else "",
            n_cells,
            _cells(of_a[pk], of_b[pk], text=reports[pk].text, schema=schema, selection=selection),
        )
        for pk, n_cells in shown
    ]
    return ReportPage(rows, number, n_pages, len(found), sum(n_cells for _, n_cells in found))


def _cells(
    a: MachineLabel, b: MachineLabel, *, text: str, schema: Schema, selection: Selection
) -> tuple[DifferingCell, ...]:
    chosen = [
        DifferingCell(
            key=str(schema.cells[place]),
            title=cell_title(schema.cells[place], schema),
            kind=KIND_WORDS[kind],
            a=side_of(a, place, text=text, schema=schema),
            b=side_of(b, place, text=text, schema=schema),
        )
        for place, kind in _places(a, b, selection)[:MAX_CELLS_SHOWN]
    ]
    return tuple(chosen)


def _places(a: MachineLabel, b: MachineLabel, selection: Selection) -> list[tuple[int, Kind]]:
    """Places and kinds of the wanted cells of one report, what is positive in one run only first."""
    places = range(len(a.values)) if selection.cell is None else (selection.cell,)
    kinds = [
        (place, kind_of(a.values[place], b.values[place], a.urgencies[place], b.urgencies[place])) for place in places
    ]
    wanted = [(place, kind) for place, kind in kinds if kind in selection.kinds]
    return sorted(wanted, key=lambda each: KINDS.index(each[1]))


def cell_title(cell: Cell, schema: Schema) -> str:
    """A cell in words."""
    return f"{schema.target_by_name[cell.target].title}, {cell.finding}"


def entry_of(label: MachineLabel, cell: Cell) -> dict[str, Any]:
    """What the label keeps of a cell beside value and urgency."""
    entry: dict[str, Any] = label.body.get("cells", {}).get(str(cell), {})
    return entry


def side_of(label: MachineLabel, place: int, *, text: str, schema: Schema) -> Side:
    """What the label says of the cell at `place`; `text` is that of its report."""
    entry = entry_of(label, schema.cells[place])
    urgency = label.urgencies[place]
    spans = entry.get("evidence", [])
    value = state_words(label.values[place])
    return Side(
        value=value,
        sign=SIGNS[label.values[place]],
        css=value.replace(" ", "-"),
        urgency=schema.urgency.levels[int(urgency)] if schema.urgency and urgency != NO_URGENCY_CODE else "",
        probability=_number(entry.get("probability")),
        logit_difference=_number(entry.get("logit_difference")),
        flags=tuple(flag.replace("_", " ") for flag in entry.get("flags", [])),
        reason=entry.get("reason", ""),
        quotes=tuple(_clipped(text[start:end]) for start, end in spans[:MAX_QUOTES]),
        n_more_quotes=max(0, len(spans) - MAX_QUOTES),
    )


def _number(number: float | None) -> str:
    return "" if number is None else f"{number:.6g}"


def _clipped(quote: str) -> str:
    return quote if len(quote) <= MAX_QUOTE_CHARACTERS else f"{quote[: MAX_QUOTE_CHARACTERS - 1]}…"
