"""What the pages for files of labels say of a project."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from annotator.models import Project, User
from annotator.services.files import sha256_of
from annotator.services.imported_runs import IMPORTED_LABELER
from labeling.models import Run
from labeling.selectors import prefill_run, run_name


def start_of_readers(project: Project) -> str:
    """What readers of the project start from now, in words."""
    run = prefill_run(project)
    return "blank cells" if run is None else f"the labels of {run_name(run)}"


@dataclass(frozen=True, slots=True)
class ReaderRow:
    """A rater of a file, with the label sets they have in it, and who they are here."""

    rater: str
    n_label_sets: int
    username: str
    state: str


def reader_rows(project: Project, n_by_rater: Mapping[str, int], readers: Mapping[str, str]) -> list[ReaderRow]:
    """The raters of a file as users here: by `readers`, else under the names that the file has."""
    names = {rater: readers.get(rater, rater) for rater in n_by_rater}
    users = set(User.objects.filter(username__in=names.values()).values_list("username", flat=True))
    members = project.memberships.filter(user__username__in=names.values()).order_by()
    held = set(members.values_list("user__username", flat=True))
    return [
        ReaderRow(rater, n, names[rater], _state(names[rater], users=users, members=held))
        for rater, n in n_by_rater.items()
    ]


def _state(name: str, *, users: set[str], members: set[str]) -> str:
    if name in members:
        return "a member"
    return "an account here, no member" if name in users else "nobody here"


def rater_before(project: Project, path: Path) -> str:
    """Who made the labels of this very file when it came in before; empty when it did not, or was by several."""
    runs = Run.objects.filter(project=project, labeler=IMPORTED_LABELER, manifest__file_sha256=sha256_of(path))
    raters = set(runs.order_by().values_list("manifest__rater", flat=True))
    return str(raters.pop()) if len(raters) == 1 else ""
