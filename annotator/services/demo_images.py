"""Made-up images for the reports of the demo, painted and then imported like anybody's."""

import multiprocessing
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory

from django.utils import timezone

from annotator.exceptions import UserError
from annotator.models import Case, Project, User
from vision.core.phantoms.plans import StudyPlan, read_plans, write_study
from vision.models import Series
from vision.services.imports import import_images
from vision.services.options import ImportOptions

_FOLDER = Path(__file__).resolve().parent.parent / "demo"
# By how many of the reports are to have images.
_FILES = {"none": (), "some": ("images.yaml",), "all": ("images.yaml", "images-more.yaml")}


def planned_images(how_many: str) -> dict[str, StudyPlan]:
    """What is planned, by report, for `none`, `some` or `all` of the reports."""
    plans: dict[str, StudyPlan] = {}
    for name in _FILES[how_many]:
        plans |= read_plans((_FOLDER / name).read_text(encoding="utf-8"))
    return plans


def add_images(project: Project, planned: Mapping[str, StudyPlan], *, actor: User) -> int:
    """Paint and import what is planned for cases of `project` that have no images; returns how many cases got some."""
    cases = Case.objects.select_related("project", "study").filter(
        project=project, key__in=planned, study__isnull=False
    )
    without = list(cases.exclude(study__in=Series.objects.filter(project=project).values("study")).order_by("position"))
    if not without:
        return 0
    # One process paints ahead and knows nothing of Django; this one imports what is painted.
    context = multiprocessing.get_context("spawn")
    with (
        TemporaryDirectory(prefix="overread-demo-images-") as root,
        ProcessPoolExecutor(1, mp_context=context) as painter,
    ):
        painted = []
        for case in without:
            study_id = (case.study.study_id if case.study else None) or case.key
            paint = partial(write_study, study_id=study_id, patient_id=f"DEMO-{case.key}")
            folder = Path(root) / study_id
            painted.append((case, folder, painter.submit(paint, folder, planned[case.key])))
        for case, folder, painting in painted:
            painting.result()
            _import(case, folder, actor=actor)
            rmtree(folder)
    return len(without)


def _import(case: Case, folder: Path, *, actor: User) -> None:
    options = ImportOptions(title=f"made-up images of {case.key}")
    record = import_images(project=case.project, source=folder, actor=actor, options=options, now=timezone.now())
    if record.n_refused or record.n_unlinked:
        raise UserError(f"of the images of {case.key} {record.n_refused} were refused, {record.n_unlinked} not linked")
