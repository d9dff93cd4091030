"""What a trial found, as the page shows it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from annotator.core.estimates import count_in_words, percent_text, range_text
from annotator.models import Case, Project
from annotator.selectors.schemas import parsed_schema
from labeling.core.many import Failure, Result
from labeling.core.records import CellLabel, LabelSet
from labeling.core.schema import Cell, Schema
from labeling.core.values import CODE_OF_STATE, POSITIVE_VALUES, Missing
from labeling.services.trying import Trial

UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class TriedCell:
    """A cell that is present or possible."""

    target: str
    finding: str
    value: str
    urgency: int | None
    probability: str
    reason: str
    quotes: tuple[str, ...]
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TriedReport:
    """One report: how many cells have which value, and the positive ones; or why it has no labels."""

    report_id: str
    case: Case | None
    failure: str
    counts: tuple[tuple[str, int], ...]
    cells: tuple[TriedCell, ...]


@dataclass(frozen=True, slots=True)
class TrialView:
    """A trial in words: reports, cost, and what all reports of the run would take."""

    reports: tuple[TriedReport, ...]
    n_failed: int
    engine: tuple[tuple[str, str], ...]
    lacks: tuple[str, ...]
    cost: tuple[tuple[str, str], ...]
    n_all: str
    all_calls: str
    all_read: str
    all_written: str
    all_time: str


def trial_view(project: Project, trial: Trial) -> TrialView:
    """`trial` as the page shows it. One query, for the cases."""
    schema = parsed_schema(project.schema)
    ids = [result.report.report_id for result in trial.results]
    found = Case.objects.filter(project=project, report__report_id__in=ids).select_related("report")
    cases = {case.report.report_id: case for case in found if case.report is not None}
    tally, knows = trial.tally, bool(trial.tally.prompt_tokens)
    counted = [
        ("Calls", f"{tally.n_calls:,}"),
        ("Tokens read", f"{tally.prompt_tokens:,}" if knows else UNKNOWN),
        ("of these cached", f"{tally.cached_tokens:,}" if knows and trial.engine.counts_cached else UNKNOWN),
        ("Tokens written", f"{tally.generated_tokens:,}" if knows else UNKNOWN),
        ("Time", f"{trial.seconds:.1f} s"),
    ]
    return TrialView(
        reports=tuple(_report(result, schema, cases.get(result.report.report_id)) for result in trial.results),
        n_failed=tally.n_failed,
        engine=tuple((name.capitalize(), value) for name, value in trial.engine.fingerprint.items() if value),
        lacks=trial.engine.lacks,
        cost=tuple(counted),
        n_all=f"{trial.n_all:,}",
        all_calls=count_in_words(trial.n_calls),
        all_read=count_in_words(trial.prompt_tokens) if knows else UNKNOWN,
        all_written=count_in_words(trial.generated_tokens) if knows else UNKNOWN,
        all_time=range_text(trial.seconds_at_least, trial.seconds_at_most),
    )


def _report(result: Result, schema: Schema, case: Case | None) -> TriedReport:
    report_id = result.report.report_id
    if isinstance(result.labels, Failure):
        said = f"{result.labels.trouble.replace('_', ' ')}: {result.labels.message}"
        return TriedReport(report_id, case, said, (), ())
    return TriedReport(
        report_id, case, "", _counts(result.labels, schema), _cells(result.labels, schema, text=result.report.text)
    )


def _counts(labels: LabelSet, schema: Schema) -> tuple[tuple[str, int], ...]:
    """Every state, but for "not asked" where all was asked."""
    counts = Counter(labels[cell].state for cell in schema.cells)
    states = [state for state in CODE_OF_STATE if state is not Missing.NOT_ASKED or counts[state]]
    return tuple((state.replace("_", " ").capitalize(), counts[state]) for state in states)


def _cells(labels: LabelSet, schema: Schema, *, text: str) -> tuple[TriedCell, ...]:
    positive = [cell for cell in schema.cells if labels[cell].state in POSITIVE_VALUES]
    return tuple(_cell(cell, labels[cell], schema, text=text) for cell in positive)


def _cell(cell: Cell, label: CellLabel, schema: Schema, *, text: str) -> TriedCell:
    return TriedCell(
        target=schema.target_by_name[cell.target].title,
        finding=cell.finding,
        value=str(label.state),
        urgency=label.urgency,
        probability="" if label.probability is None else percent_text(label.probability),
        reason=label.reason,
        quotes=_quotes(text, [(span.start, span.end) for span in label.evidence]),
        flags=tuple(flag.replace("_", " ") for flag in label.flags),
    )


def _quotes(text: str, spans: Sequence[tuple[int, int]]) -> tuple[str, ...]:
    return tuple(text[start:end] for start, end in spans)
