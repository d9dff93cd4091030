"""The runs of a project, a page at a time."""

from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Count, Sum

from annotator.models import Project
from labeling.models import ENDED, OPEN, MachineLabel, Run, RunChunk
from labeling.selectors.comparisons import comparable_runs
from labeling.selectors.runs import run_name

PAGE_SIZE = 30
_SUMS = ("n_labeled", "n_failed", "n_calls", "prompt_tokens", "generated_tokens")


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run of the list. What a run does not know is None: one that asks no model has no calls, tokens, failures."""

    run: Run
    name: str
    n_labeled: int
    n_failed: int | None = None
    n_calls: int | None = None
    prompt_tokens: int | None = None
    generated_tokens: int | None = None

    @property
    def n_reports(self) -> int:
        """Reports that it is over; those it labeled where it was not told before."""
        return self.run.n_reports or self.n_labeled

    @property
    def n_done(self) -> int:
        """Reports that nothing more happens to."""
        return self.n_labeled + (self.n_failed or 0)

    @property
    def is_open(self) -> bool:
        """Whether it may go on."""
        return self.run.state in OPEN

    @property
    def has_own_schema(self) -> bool:
        """Whether it was made under another schema than the project has."""
        return self.run.schema_id != self.run.project.schema_id


@dataclass(frozen=True, slots=True)
class RunsPage:
    """Some runs, newest first, and where the others are."""

    rows: list[RunRow]
    page: Page[Run]


def runs_page(project: Project, *, number: str = "") -> RunsPage:
    """The page with this number, the nearest one when there is none. A bounded number of queries."""
    runs = Run.objects.filter(project=project).select_related("created_by")
    page = Paginator(runs, PAGE_SIZE).get_page(number)
    shown = list(page.object_list)
    for run in shown:
        run.project = project
    sums = _sums_by_run(shown)
    counted = _labels_by_run([run for run in shown if run.pk not in sums and not _knows_its_count(run)])
    return RunsPage([_row(run, sums.get(run.pk), counted) for run in shown], page)


def runs_to_compare(project: Project) -> list[tuple[str, str]]:
    """Ids and names of the runs that can be compared, with state and day: names alone repeat themselves."""
    return [
        (str(run.run_id), f"{name}, {run.started_at:%Y-%m-%d %H:%M} ({run.state})")
        for run, name in comparable_runs(project)
    ]


def _row(run: Run, sums: dict[str, int] | None, counted: dict[int, int]) -> RunRow:
    if sums is None:
        n_labeled = run.manifest["n_out"] if _knows_its_count(run) else counted.get(run.pk, 0)
        return RunRow(run, run_name(run), n_labeled)
    are_tokens_known = sums["prompt_tokens"] > 0  # no prompt is empty
    return RunRow(
        run,
        run_name(run),
        n_labeled=sums["n_labeled"],
        n_failed=sums["n_failed"],
        n_calls=sums["n_calls"],
        prompt_tokens=sums["prompt_tokens"] if are_tokens_known else None,
        generated_tokens=sums["generated_tokens"] if are_tokens_known else None,
    )


def _knows_its_count(run: Run) -> bool:
    return run.state in ENDED and isinstance(run.manifest.get("n_out"), int)


def _sums_by_run(runs: list[Run]) -> dict[int, dict[str, int]]:
    rows: Any = RunChunk.objects.filter(run__in=runs).order_by().values("run")
    sums = rows.annotate(**{f"all_{name}": Sum(name) for name in _SUMS})
    return {row["run"]: {name: row[f"all_{name}"] for name in _SUMS} for row in sums}


def _labels_by_run(runs: list[Run]) -> dict[int, int]:
    rows = MachineLabel.objects.filter(run__in=runs).order_by().values_list("run").annotate(n=Count("pk"))
    return dict(rows) if runs else {}
