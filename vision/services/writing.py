"""Make a series or a mask visible: its row and its files together, or neither."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.db import transaction

from annotator.models import Case, Project, Study
from labeling.exceptions import UserError
from vision.models import Mask, Series
from vision.storage import (
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


def store_series(
    prepared: Iterable[PreparedSeries], *, case: Case, modality: str, originals: Mapping[Path, Path] | None = None
) -> list[Series]:
    """Store the parts of one series, and their files as they came: `originals` says from where to where they move.

    A crash leaves all rows or none; files without a row are never served. Raises `UserError` when the project's rules
    for images are no longer those by which the files were made.
    """
    parts = list(prepared)
    with transaction.atomic(), _placing() as placed:
        study = study_of(case, modality=modality)
        for part in parts:
            _require_same_rules(part.row.project)
            part.row.study = study
            part.row.save(force_insert=True)
            _place(part, placed)
        _place_originals(originals or {}, placed)
        sync_folder(project_folder(case.project_id))
    return [part.row for part in parts]


def store_mask(row: Mask, file: Path) -> Mask:
    """Store a mask with its file."""
    with transaction.atomic(), _placing() as placed:
        row.save(force_insert=True)
        placed.append(mask_path(row))
        put_in_place(file, placed[0])
        sync_folder(project_folder(row.project_id))
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


def _require_same_rules(project: Project) -> None:
    """Under the lock of the project: an import that was silent for long counts as ended, and rules may change then."""
    rules = Project.objects.filter(pk=project.pk).values_list("image_dates", "keeps_originals").get()
    if rules != (project.image_dates, project.keeps_originals):
        raise UserError("the rules for images were changed while this import went on; start it again")


@contextmanager
def _placing() -> Iterator[list[Path]]:
    """Where files were put; they are removed on an error.

    To be left before the transaction is: afterwards the number of a row, and with it the name of its file, may be
    that of another import.
    """
    placed: list[Path] = []
    try:
        yield placed
    except BaseException:
        for path in placed:
            path.unlink(missing_ok=True)
        raise


def _place(part: PreparedSeries, placed: list[Path]) -> None:
    targets = (
        (part.file, series_path(part.row)),
        (part.thumbnail, thumbnail_path(part.row)),
        (part.preview, preview_path(part.row)),
    )
    for path, target in targets:
        placed.append(target)
        put_in_place(path, target)


def _place_originals(originals: Mapping[Path, Path], placed: list[Path]) -> None:
    for path, target in originals.items():
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        placed.append(target)
        put_in_place(path, target)
    for folder in {target.parent for target in originals.values()}:
        sync_folder(folder)
