"""Store a NIfTI volume as a series of its own, with a header that says nothing but what the voxels are."""

import hashlib
from pathlib import Path
from typing import Final

import numpy as np
from django.db import IntegrityError
from numpy.typing import NDArray

from annotator.models import Case
from vision.core.archives import ImageFile
from vision.core.frames import to_units
from vision.core.nifti import NiftiVolume, narrowest, read_nifti, write_nifti_gz
from vision.core.refusals import ImageRefused
from vision.models import Series
from vision.services.context import Context
from vision.services.links import Clues, Link
from vision.services.manifests import ROW_FIELDS, VolumeFacts, first_window, nifti_manifest
from vision.services.options import FileOutcome
from vision.services.pictures import write_pictures
from vision.services.work_folders import work_folder
from vision.services.writing import PreparedSeries, store_series
from vision.storage import sha256_of

# A CT volume in Hounsfield units shows air, inside or around the patient.
_AIR_HU: Final = -200.0


def import_volume(file: ImageFile, context: Context) -> Series | None:
    """Link, check and store one NIfTI volume; what cannot be stored is counted with its reason."""
    link = context.linker.find(Clues(names=(file.name,)))
    if link is None:
        context.tally.add_unlinked(
            [file.name], kind="series", reason=context.linker.reason, modality="", description="NIfTI"
        )
        return None
    series_uid = context.pseudonyms.uid(f"nifti {digest_of(file)}")
    if _is_stored(file, series_uid, context):
        return None
    try:
        with file.open() as stream:
            volume = read_nifti(stream, limits=context.limits)
    except ImageRefused as error:
        context.tally.refuse(file.name, code=error.code, reason=str(error))
        return None
    row = None
    context.advance(0)
    if not context.options.dry_run:
        with work_folder(context.project) as folder:
            try:
                row = _store(volume, series_uid, link, context=context, folder=folder)
            except IntegrityError:  # another import was faster
                if _is_stored(file, series_uid, context):
                    return None
                raise
        context.touched.append(row.pk)
    context.tally.warn(file.name, series=row.pk if row else None, warnings=volume.warnings)
    context.tally.add(FileOutcome(file.name, "stored", link.by, link.case.key))
    context.tally.record.n_series += 1
    context.tally.record.n_images += volume.grid.shape_kji[0]
    return row


def _is_stored(file: ImageFile, series_uid: str, context: Context) -> bool:
    """Whether the project has the volume; then the file counts as unchanged."""
    stored = Series.objects.filter(project=context.project, series_uid=series_uid).only("pk").first()
    if stored is None:
        return False
    context.touched.append(stored.pk)
    context.tally.add(FileOutcome(file.name, "unchanged"))
    return True


def digest_of(file: ImageFile) -> str:
    """SHA-256 of a file in hexadecimal digits."""
    digest = hashlib.sha256()
    with file.open() as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _store(volume: NiftiVolume, series_uid: str, link: Link, *, context: Context, folder: Path) -> Series:
    path = folder / "volume.nii.gz"
    grid = volume.grid
    n_bytes = write_nifti_gz(
        path, narrowest(volume.voxels), affine_lps=grid.affine_lps, slope=volume.slope, intercept=volume.intercept
    )
    pixels = to_units(volume.voxels[grid.shape_kji[0] // 2], volume.slope, volume.intercept)
    modality = _modality(link.case, context)
    units = "HU" if modality == "CT" and _lowest(volume) <= _AIR_HU else "stored"
    window = first_window(modality if units == "HU" else "", pixels)
    spacing = grid.spacing_mm[1], grid.spacing_mm[0]
    pictures = write_pictures(folder / "volume", pixels, window=window, invert=False, spacing_mm=spacing)
    facts = VolumeFacts(
        series_uid, modality, units, volume.warnings, slope=volume.slope, intercept=volume.intercept, n_bytes=n_bytes
    )
    manifest = nifti_manifest(grid, facts, window=window)
    row = Series(
        project=context.project,
        origin=context.tally.record,
        n_images=grid.shape_kji[0],
        sha256=sha256_of(path),
        manifest=manifest,
        removed={"attributes": {"removed": {"header text and extensions": 1}}, "flags": []},
        linked_by=link.by,
        **{name: manifest[name] for name in ROW_FIELDS},
    )
    store_series([PreparedSeries(row, path, *pictures)], case=link.case, modality=modality)
    return row


def _modality(case: Case, context: Context) -> str:
    """NIfTI does not say what it is an image of: what the study or the schema says, it is."""
    said = case.study.modality if case.study else ""
    return (said or context.schema.modality)[:16].upper()


def _lowest(volume: NiftiVolume) -> float:
    values: NDArray[np.float32] = to_units(volume.voxels[:: max(1, volume.voxels.shape[0] // 8)], 1.0, 0.0)
    finite = values[np.isfinite(values)]
    edges = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    return min(edge * volume.slope + volume.intercept for edge in edges)
