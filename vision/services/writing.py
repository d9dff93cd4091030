"""Make a series or a mask visible: its row and its files together, or neither."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from django.db import transaction

from annotator.models import Case, Project, Study
from vision.models import Mask, Series
from vision.storage import (
    WORK_PREFIX,
    mask_path,
    preview_path,
    project_folder,
    put_in_place,
    series_path,
    sync_folder,
    thumbnail_path,
)


@dataclass(frozen=True, slots=True)
class PreparedSeries:
    """A series whose files are complete and on the disk, under names that nobody looks for."""

    row: Series
    file: Path
    thumbnail: Path
    preview: Path


@contextmanager
def work_folder(project: Project) -> Iterator[Path]:
    """A folder on the disk of the images for files that are not complete; it goes away with what is left in it."""
    with TemporaryDirectory(prefix=WORK_PREFIX, dir=project_folder(project.pk)) as folder:
        yield Path(folder)


def store_series(prepared: Iterable[PreparedSeries], *, case: Case, modality: str) -> list[Series]:
    """Store the parts of one series. A crash leaves all of them or none; files without a row are never served."""
    parts = list(prepared)
    placed: list[Path] = []
    try:
        with transaction.atomic():
            study = study_of(case, modality=modality)
            for part in parts:
                part.row.study = study
                part.row.save(force_insert=True)
                _place(part, placed)
            sync_folder(project_folder(case.project_id))
    except BaseException:
        for path in placed:
            path.unlink(missing_ok=True)
        raise
    return [part.row for part in parts]


def store_mask(row: Mask, file: Path) -> Mask:
    """Store a mask with its file."""
    placed: list[Path] = []
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            placed.append(mask_path(row))
            put_in_place(file, placed[0])
            sync_folder(project_folder(row.project_id))
    except BaseException:
        for path in placed:
            path.unlink(missing_ok=True)
        raise
    return row


def study_of(case: Case, *, modality: str) -> Study:
    """The study of the case; one is made, under the key of the case, for a case that has none."""
    Project.objects.select_for_update(no_key=True).get(pk=case.project_id)
    study = Study.objects.filter(cases=case.pk).first()
    if study is None:
        name = case.key
        if Study.objects.filter(project=case.project_id, study_id=name).exists():
            name = f"{case.key[:240]}-images"
        study = Study.objects.create(project_id=case.project_id, study_id=name, modality=modality[:16])
        Case.objects.filter(pk=case.pk).update(study=study)
    elif modality and not study.modality:
        Study.objects.filter(pk=study.pk).update(modality=modality[:16])
    case.study = study
    return study


def _place(part: PreparedSeries, placed: list[Path]) -> None:
    targets = (
        (part.file, series_path(part.row)),
        (part.thumbnail, thumbnail_path(part.row)),
        (part.preview, preview_path(part.row)),
    )
    for path, target in targets:
        placed.append(target)
        put_in_place(path, target)
