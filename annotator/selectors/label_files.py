"""What the pages for files of labels say of a project."""

from pathlib import Path

from annotator.models import Project
from annotator.services.files import sha256_of
from annotator.services.imported_runs import IMPORTED_LABELER
from labeling.models import Run
from labeling.selectors import prefill_run, run_name


def start_of_readers(project: Project) -> str:
    """What readers of the project start from now, in words."""
    run = prefill_run(project)
    return "blank cells" if run is None else f"the labels of {run_name(run)}"


def rater_before(project: Project, path: Path) -> str:
    """Who made the labels of this very file when it came in before; empty when it did not, or was by several."""
    runs = Run.objects.filter(project=project, labeler=IMPORTED_LABELER, manifest__file_sha256=sha256_of(path))
    raters = set(runs.order_by().values_list("manifest__rater", flat=True))
    return str(raters.pop()) if len(raters) == 1 else ""
