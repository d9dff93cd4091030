"""Find the series that a mask was drawn on, and store the mask on its grid."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from django.db import IntegrityError

from annotator.models import Project
from vision.core.geometry import Grid, Matrix, index_to_world
from vision.core.mask_places import centre_of, class_statistics
from vision.core.masks import LabelMap, on_grid
from vision.core.nifti import write_nifti_gz
from vision.core.refusals import ImageRefused
from vision.models import Mask, Series
from vision.selectors import centre_key, values_of_target
from vision.services.context import Context
from vision.services.links import Link
from vision.services.manifests import grid_of
from vision.services.options import FileOutcome
from vision.services.work_folders import work_folder
from vision.services.writing import store_mask
from vision.storage import sha256_of

_SAME_BOX_MM: Final = 0.05
_BY_GRID: Final = "Attached to the series that lies on the same grid: nothing else names its case."


@dataclass(frozen=True, slots=True)
class NewMask:
    """A mask that came in: its files, and what says which series it belongs to."""

    files: tuple[str, ...]
    name: str
    source: str
    source_sha256: str
    link: Link | None = None
    series_uids: tuple[str, ...] = ()
    frame_of_reference_uid: str = ""

    @property
    def key(self) -> str:
        """What tells it from other masks of a series."""
        return self.source_sha256 if len(self.source_sha256) == 64 else _digest(self.source_sha256)

    def is_stored(self, project: Project) -> bool:
        """Whether the project has it, of the same case where one is known: two studies may have equal masks."""
        stored = Mask.objects.filter(project=project, source_sha256=self.key)
        if self.link is not None:
            stored = stored.filter(series__study__cases=self.link.case)
        return stored.exists()


def attach(new: NewMask, label_map: LabelMap, note: str, context: Context) -> Mask | None:
    """Store a mask with its series; one that belongs to none is listed. Raises `ImageRefused`."""
    if not label_map.classes:
        raise ImageRefused("the mask marks no voxel", code="mask_empty")
    found = _series_of(new, label_map.grid, context)
    if found is None:
        context.tally.add_unlinked(new.files, kind="mask", modality="", description=new.name)
        return None
    series, grid, how = found
    context.advance(0)
    moved, moved_note = on_grid(label_map, grid)
    notes = " ".join(part for part in (note, moved_note or "", how) if part)
    mask = None
    context.advance(0)
    if not context.options.dry_run:
        try:
            mask = _store(new, moved, series, note=notes, context=context)
        except IntegrityError:  # another import was faster
            if not Mask.objects.filter(series=series, source_sha256=new.key).exists():
                raise
            for name in new.files:
                context.tally.add(FileOutcome(name, "unchanged"))
            return None
    for name in new.files:
        context.tally.add(FileOutcome(name, "stored"))
    context.tally.record.n_masks += 1
    return mask


def _store(new: NewMask, label_map: LabelMap, series: Series, *, note: str, context: Context) -> Mask:
    classes = _class_payload(label_map)
    with work_folder(context.project) as folder:
        path = folder / "mask.nii.gz"
        n_bytes = write_nifti_gz(path, label_map.labels, affine_lps=label_map.grid.affine_lps)
        row = Mask(
            project=context.project,
            series=series,
            origin=context.tally.record,
            name=new.name[:120],
            source=new.source,
            source_sha256=new.key,
            classes=classes,
            centres=_centres(label_map, classes, context),
            note=note[:300],
            n_bytes=n_bytes,
            sha256=sha256_of(path),
        )
        return store_mask(row, path)


def _class_payload(label_map: LabelMap) -> list[dict[str, Any]]:
    statistics = {found.value: found for found in class_statistics(label_map)}
    return [
        {
            "value": known.value,
            "name": known.name,
            "color": known.color,
            "n_voxels": statistics[known.value].n_voxels,
            "centre_lps_mm": list(statistics[known.value].centre_lps_mm),
        }
        for known in label_map.classes
        if known.value in statistics
    ]


def _centres(label_map: LabelMap, classes: Sequence[dict[str, Any]], context: Context) -> dict[str, list[float]]:
    """Where the viewer moves for each target of the schema."""
    centres: dict[str, list[float]] = {}
    for target in context.schema.targets:
        values = values_of_target(target.masks, classes)
        found = centre_of(label_map, values) if values else None
        if found is not None:
            centres[centre_key(values)] = list(found[1])
    return centres


def _series_of(new: NewMask, grid: Grid, context: Context) -> tuple[Series, Grid, str] | None:
    """The series, its grid, and a note where only the grid speaks for it.

    A segmentation names its series. Other masks belong to the case that their names lead to; without one, to the only
    series of this import that lies on the very same grid.
    """
    rows = Series.objects.filter(project=context.project, kind=Series.Kind.VOLUME).defer("removed")
    if new.series_uids:
        named = _with_grids(rows.filter(series_uid__in=new.series_uids))
        if not named and new.frame_of_reference_uid:
            named = _with_grids(rows.filter(frame_of_reference_uid=new.frame_of_reference_uid))
        if named:
            return *_best(named, grid), ""
    if new.link is not None and new.link.case.study_id:
        of_case = _with_grids(rows.filter(study_id=new.link.case.study_id))
        return (*_best(of_case, grid), "") if of_case else None
    same = [(row, other) for row, other in _with_grids(rows.filter(pk__in=context.touched)) if is_same_box(other, grid)]
    return (*same[0], _BY_GRID) if len(same) == 1 else None


def _with_grids(rows: Iterable[Series]) -> list[tuple[Series, Grid]]:
    return [(row, grid) for row in rows if (grid := grid_of(row.manifest)) is not None]


def _best(found: Sequence[tuple[Series, Grid]], grid: Grid) -> tuple[Series, Grid]:
    """The series on the same voxels, else the one whose box overlaps most."""
    return max(found, key=lambda pair: (is_same_box(pair[1], grid), _overlap(pair[1], grid), -pair[0].pk))


def is_same_box(a: Grid, b: Grid) -> bool:
    """Whether two grids have the same voxels, whatever the order and direction of their axes."""
    if sorted(a.shape_kji) != sorted(b.shape_kji):
        return False
    ours, theirs = _corners(a), _corners(b)
    off = np.linalg.norm(ours[:, None] - theirs[None, :], axis=2).min(axis=1)
    return bool(off.max() <= _SAME_BOX_MM)


def _overlap(a: Grid, b: Grid) -> float:
    """Shared part of the boxes around two grids, of the box around both (0 to 1)."""
    ours, theirs = _corners(a), _corners(b)
    low, high = np.maximum(ours.min(0), theirs.min(0)), np.minimum(ours.max(0), theirs.max(0))
    around = np.maximum(ours.max(0), theirs.max(0)) - np.minimum(ours.min(0), theirs.min(0))
    return float(np.prod(np.clip(high - low, 0, None)) / max(float(np.prod(around)), 1e-9))


def _corners(grid: Grid) -> Matrix:
    last = np.array(grid.shape_kji[::-1]) - 1
    index = np.array([[i, j, k] for i in (0, last[0]) for j in (0, last[1]) for k in (0, last[2])])
    return index_to_world(index, grid.affine_lps)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
