"""Read runs and machine labels."""

import hashlib
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from annotator.models import Project, Report
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


def labeling_state(project: Project, *, labeler: str, method: dict[str, Any]) -> LabelingState:
    """How far `labeler` has labeled the project; `method` is what its manifests say of rules and schema."""
    prefill = prefill_run(project)
    is_current = prefill is not None and prefill.labeler == labeler and method.items() <= prefill.manifest.items()
    last = Run.objects.filter(project=project, labeler=labeler).first()
    return LabelingState(
        n_reports=Report.objects.filter(project=project).count(),
        n_labeled=MachineLabel.objects.filter(run=prefill).count() if is_current else 0,
        prefill=prefill,
        last=last,
        n_of_last=MachineLabel.objects.filter(run=last).count() if last else 0,
    )


def equal_run(project: Project, *, labeler: str, inputs: dict[str, Any]) -> Run | None:
    """The latest finished run of this labeler whose manifest has these inputs."""
    runs = Run.objects.filter(project=project, labeler=labeler, state=Run.State.FINISHED)
    return next((run for run in runs if inputs.items() <= run.manifest.items()), None)


@dataclass(frozen=True, slots=True)
class InputSet:
    """The reports that a run is over: all that the project had when this was made. Keys of reports only go up."""

    project: Project
    last: int
    n_reports: int
    sha256: str

    def reports(self) -> QuerySet[Report]:
        """Those reports by primary key."""
        return Report.objects.filter(project=self.project, pk__lte=self.last).order_by("pk")


def input_set(project: Project) -> InputSet:
    """All reports of the project; `sha256` is over their ids and text hashes, sorted."""
    rows = Report.objects.filter(project=project).order_by().values_list("report_id", "text_sha256", "pk")
    reports = sorted(rows.iterator(chunk_size=5000))
    digest = hashlib.sha256()
    for report_id, text_sha256, _ in reports:
        digest.update(f"{report_id}\0{text_sha256}\n".encode())
    last = max((pk for _, _, pk in reports), default=0)
    return InputSet(project, last=last, n_reports=len(reports), sha256=digest.hexdigest())
