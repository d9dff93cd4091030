"""Read runs and machine labels."""

import hashlib
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from annotator.models import Case, Project, Report
from labeling.models import MachineLabel, Run


def machine_labels(run: Run) -> QuerySet[MachineLabel]:
    """Labels of a run with their reports (without the texts), in the order of the reports."""
    labels = MachineLabel.objects.filter(run=run).select_related("report").defer("report__text", "report__extra")
    return labels.order_by("report_id")


def prefill_run(project: Project) -> Run | None:
    """The run that readers of the project start from."""
    return Run.objects.filter(project=project, is_prefill=True).first()


def prefill_for(case: Case) -> MachineLabel | None:
    """What readers of the case start from, with its run."""
    if case.report_id is None:
        return None
    labels = MachineLabel.objects.filter(run__project_id=case.project_id, run__is_prefill=True, report=case.report_id)
    return labels.select_related("run").first()


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
