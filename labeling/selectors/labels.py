"""Read runs and machine labels."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from annotator.models import Case, Project, Report
from labeling.exceptions import UserError
from labeling.models import MachineLabel, Run


def prefill_run(project: Project) -> Run | None:
    """The run that readers of the project start from."""
    return Run.objects.filter(project=project, is_prefill=True).first()


@dataclass(frozen=True, slots=True)
class LabelingState:
    """How far the reports of a project are labeled by one method.

    `n_labeled` counts the reports that readers start on with labels of this method; `prefill` is the run that readers
    start from, `last` the latest run of the labeler with the number of reports it has labeled so far.
    """

    n_reports: int
    n_labeled: int
    prefill: Run | None
    last: Run | None
    n_of_last: int

    @property
    def n_waiting(self) -> int:
        """Reports without labels of the method."""
        return self.n_reports - self.n_labeled

    @property
    def is_running(self) -> bool:
        """Whether a run is going on."""
        return self.last is not None and self.last.state == Run.State.RUNNING


def readable_reports(project: Project) -> QuerySet[Report]:
    """Reports of the project that a labeler can read."""
    return Report.objects.filter(project=project, has_text=True)


def labeling_state(project: Project, *, labeler: str, method: dict[str, Any]) -> LabelingState:
    """How far `labeler` has labeled the project; `method` is what its manifests say of rules and schema."""
    prefill = prefill_run(project)
    is_current = prefill is not None and prefill.labeler == labeler and method.items() <= prefill.manifest.items()
    last = Run.objects.filter(project=project, labeler=labeler).first()
    return LabelingState(
        n_reports=readable_reports(project).count(),
        n_labeled=MachineLabel.objects.filter(run=prefill).count() if is_current else 0,
        prefill=prefill,
        last=last,
        n_of_last=MachineLabel.objects.filter(run=last).count() if last else 0,
    )


def equal_run(project: Project, *, labeler: str, inputs: dict[str, Any]) -> Run | None:
    """The latest complete run of this labeler whose manifest has these inputs."""
    runs = Run.objects.filter(project=project, labeler=labeler, state=Run.State.COMPLETE)
    return next((run for run in runs if inputs.items() <= run.manifest.items()), None)


@dataclass(frozen=True, slots=True)
class InputSet:
    """The reports that a run is over: all that the project had when this was made, or those of some cases.

    Keys of reports only go up. `pks` are those of chosen ones, None for all.
    """

    project: Project
    last: int
    n_reports: int
    sha256: str
    pks: tuple[int, ...] | None = None

    def reports(self) -> QuerySet[Report]:
        """Those reports by primary key."""
        reports = readable_reports(self.project).filter(pk__lte=self.last).order_by("pk")
        return reports if self.pks is None else reports.filter(pk__in=self.pks)

    def report_pks(self) -> list[int]:
        """Primary keys of those reports, in order."""
        return list(self.pks) if self.pks is not None else list(self.reports().values_list("pk", flat=True))


def input_set(project: Project, *, cases: Collection[str] | None = None) -> InputSet:
    """All reports of the project that have a text, or those of the cases with these keys.

    Raises `UserError` for a key of none.

    `sha256` is over their ids and text hashes, sorted.
    """
    reports = readable_reports(project)
    if cases is not None:
        reports = reports.filter(pk__in=_reports_of(project, cases))
    rows = reports.order_by().values_list("report_id", "text_sha256", "pk")
    found = sorted(rows.iterator(chunk_size=5000))
    digest = hashlib.sha256()
    for report_id, text_sha256, _ in found:
        digest.update(f"{report_id}\0{text_sha256}\n".encode())
    pks = sorted(pk for _, _, pk in found)
    return InputSet(
        project,
        last=pks[-1] if pks else 0,
        n_reports=len(pks),
        sha256=digest.hexdigest(),
        pks=None if cases is None else tuple(pks),
    )


def _reports_of(project: Project, cases: Collection[str]) -> list[int]:
    with_text = Case.objects.filter(project=project, report__has_text=True)
    known = dict(with_text.values_list("key", "report__pk"))
    unknown = sorted(set(cases) - set(known))
    if unknown:
        more = f" and {len(unknown) - 1:,} others" if len(unknown) > 1 else ""
        raise UserError(f"no case {unknown[0]!r}{more} with the text of a report in project {project.slug}")
    return [known[key] for key in set(cases)]
