"""Store the DICOM images of one series: de-identified, in viewing order, all of them or none."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from django.db import IntegrityError
from numpy.typing import NDArray

from vision.core.archives import ImageFile
from vision.core.deidentify import Removed, merge_removed
from vision.core.dicom import InstanceHeader, read_instance
from vision.core.frames import decode_frame, to_units
from vision.core.refusals import ImageRefused
from vision.core.stacks import Stack, arrange
from vision.models import Series
from vision.services.cleaning import Cleaner
from vision.services.context import Context
from vision.services.links import Clues, Link
from vision.services.manifests import ROW_FIELDS, describe, dicom_manifest, first_window, middle_image
from vision.services.names import common_name
from vision.services.options import FileOutcome
from vision.services.pictures import write_pictures
from vision.services.work_folders import work_folder
from vision.services.writing import PreparedSeries, store_series
from vision.storage import copy_range, create_file, originals_folder, sha256_of, sync

# Names shorter than this are those of exported folders (1, 2, SE), not of cases.
_SHORTEST_NAME = 3
BURNED_IN_FLAGS = frozenset({"burned_in_text", "burned_in_likely"})
BURNED_IN = "It may show patient data in the picture."


@dataclass(frozen=True, slots=True)
class FoundImage:
    """A DICOM file with an image, as its header describes it."""

    file: ImageFile
    header: InstanceHeader


@dataclass(frozen=True, slots=True)
class Spooled:
    """An image whose de-identified file lies in the spool; `sop_uid` is its new one."""

    found: FoundImage
    sop_uid: str
    offset: int
    length: int
    removed: Removed


def import_series(found: Sequence[FoundImage], context: Context, cleaner: Cleaner) -> list[Series]:
    """Link, check and store the images of one series; what cannot be stored is counted with its reason."""
    names = [image.file.name for image in found]
    link = context.linker.find(clues_of(found))
    if link is None:
        header = found[0].header
        about = {"kind": "series", "modality": header.modality, "description": describe(header, None)}
        context.tally.add_unlinked(names, reason=context.linker.reason, **about)
        context.advance(len(found))
        return []
    new = _without_stored(found, context)
    if not new:
        return []
    if context.options.dry_run:
        return _only_judged(new, link, context)
    with work_folder(context.project) as folder:
        return _store(new, link, context, folder=folder, cleaner=cleaner)


def clues_of(found: Sequence[FoundImage]) -> Clues:
    """What may say which case the files of a series belong to."""
    header, names = found[0].header, [image.file.name for image in found]
    return Clues(
        names=(common_name(names), names[0]),
        shortest_name=_SHORTEST_NAME,
        series_uid=header.series_uid,
        study_uid=header.study_uid,
        accession_number=header.accession_number,
        study_id=header.study_id,
        patient_id=header.patient_id,
    )


def _without_stored(found: Sequence[FoundImage], context: Context, *, n_done: int | None = None) -> list[FoundImage]:
    """The images of a series that is not stored. Of one that is, its own are unchanged and others are refused.

    It may have been stored by another import in the meantime; the files are counted as done by then (`n_done`).
    """
    uid = context.pseudonyms.uid
    rows = Series.objects.filter(project=context.project, series_uid=uid(found[0].header.series_uid))
    stored = {image["sop_uid"] for row in rows.only("manifest") for image in row.manifest["images"]}
    if not stored:
        return list(found)
    context.touched.extend(row.pk for row in rows)
    late = [image.file.name for image in found if uid(image.header.sop_uid) not in stored]
    if late:
        first = rows.order_by("part").values_list("pk", flat=True)[0]
        context.tally.warn(common_name(late), series=first, warnings=[_late(len(late), context, first)])
    for image in found:
        if uid(image.header.sop_uid) in stored:
            context.tally.add(FileOutcome(image.file.name, "unchanged"))
        else:
            reason = "its series is stored without it; remove the series and import all of its images together"
            context.tally.refuse(image.file.name, code="series_is_stored", reason=reason)
    context.advance(len(found) if n_done is None else n_done)
    return []


def _late(n_images: int, context: Context, series_id: int) -> str:
    command = f"manage.py remove_series {context.project.slug} {series_id}"
    return (
        f"{n_images:,} images came after their series was stored and were refused. To replace the series, run "
        f"`{command}` and import all of its images together."
    )


def _only_judged(found: Sequence[FoundImage], link: Link, context: Context) -> list[Series]:
    """Say what would be stored."""
    stacks = arrange([image.header for image in found])
    for stack in stacks:
        context.tally.warn(common_name(image.file.name for image in found), series=None, warnings=stack.warnings)
    for image in found:
        context.tally.add(FileOutcome(image.file.name, "stored", link.by, link.case.key))
    context.tally.record.n_series += len(stacks)
    context.tally.record.n_images += sum(len(stack.images) for stack in stacks)
    context.advance(len(found))
    return []


def _store(
    found: Sequence[FoundImage], link: Link, context: Context, *, folder: Path, cleaner: Cleaner
) -> list[Series]:
    order = [index for stack in arrange([image.header for image in found]) for index, _ in stack.images]
    in_order = [found[index] for index in dict.fromkeys(order)]
    spool_path = folder / "spool"
    with create_file(spool_path) as spool:
        spooled = list(_spool(in_order, spool, context, folder=folder, cleaner=cleaner))
    if not spooled:
        return []
    stacks = arrange([image.found.header for image in spooled])
    extra = _warnings(spooled, link, context)
    with spool_path.open("rb") as spool:
        prepared = [
            _prepare(stack, spooled, spool, context=context, link=link, folder=folder, extra=extra) for stack in stacks
        ]
    kept = originals_folder(context.project) / prepared[0].row.series_uid
    originals = {path: kept / path.name for path in folder.glob("*.dcm")}
    modality = spooled[0].found.header.modality
    try:
        rows = store_series(prepared, case=link.case, modality=modality, originals=originals)
    except IntegrityError:
        if _without_stored([image.found for image in spooled], context, n_done=0):
            raise
        return []
    context.touched.extend(row.pk for row in rows)
    _count(rows, spooled, stacks, context)
    return rows


def _spool(
    found: Sequence[FoundImage], spool: BinaryIO, context: Context, *, folder: Path, cleaner: Cleaner
) -> Iterator[Spooled]:
    """De-identify one image after the other; those that turn out to be damaged are refused."""
    files = (image.file for image in found)
    for image, result in zip(found, cleaner.clean_all(files), strict=True):
        if isinstance(result, ImageRefused):
            context.tally.refuse(image.file.name, code=result.code, reason=str(result))
            context.tally.n_refused_of[image.header.series_uid] += 1
        else:
            if context.project.keeps_originals:
                _copy_original(image.file, folder / f"{result.sop_uid}.dcm")
            yield Spooled(image, result.sop_uid, spool.tell(), len(result.content), result.removed)
            spool.write(result.content)
        context.advance(1)


def _warnings(spooled: Sequence[Spooled], link: Link, context: Context) -> list[str]:
    """What readers are told of a series beside its geometry."""
    header = spooled[0].found.header
    said = [context.patient_warning(link.case, {image.found.header.patient_id for image in spooled})]
    n_refused = context.tally.n_refused_of[header.series_uid]
    if n_refused:
        said.append(f"{n_refused:,} images of this series were refused: it is not complete.")
    return [warning for warning in said if warning]


def _copy_original(file: ImageFile, path: Path) -> None:
    with file.open() as stream, create_file(path) as target:
        shutil.copyfileobj(stream, target)
        sync(target)


def _prepare(
    stack: Stack,
    spooled: Sequence[Spooled],
    spool: BinaryIO,
    *,
    context: Context,
    link: Link,
    folder: Path,
    extra: Sequence[str],
) -> PreparedSeries:
    """The pack of one part, its pictures and its row."""
    path = folder / f"{stack.part}.pack"
    places = _write_pack(path, stack, spooled, spool)
    index, frame = stack.images[middle_image(stack)]
    header = spooled[index].found.header
    pixels = _pixels(path, places[index], header, frame=frame, context=context)
    window = first_window(header.modality, pixels, header=header)
    is_inverted = header.photometric == "MONOCHROME1"
    spacing = header.pixel_spacing_mm
    pictures = write_pictures(path.with_suffix(""), pixels, window=window, invert=is_inverted, spacing_mm=spacing)
    removed = merge_removed(spooled[index].removed for index in places)
    extra = [*extra, *([BURNED_IN] if BURNED_IN_FLAGS & set(removed.flags) else [])]
    shown = {**window, "is_inverted": is_inverted}
    manifest = dicom_manifest(stack, spooled, places=places, window=shown, extra=extra, n_bytes=path.stat().st_size)
    manifest["series_uid"] = context.pseudonyms.uid(header.series_uid)
    row = _row(header, manifest, context, sha256=sha256_of(path), removed=removed, linked_by=link.by)
    return PreparedSeries(row, path, *pictures)


def _write_pack(path: Path, stack: Stack, spooled: Sequence[Spooled], spool: BinaryIO) -> dict[int, tuple[int, int]]:
    """Write the instances of a part one behind the other; returns offset and length of each."""
    places: dict[int, tuple[int, int]] = {}
    with create_file(path) as pack:
        for index in dict.fromkeys(index for index, _ in stack.images):
            places[index] = pack.tell(), spooled[index].length
            copy_range(spool, pack, offset=spooled[index].offset, length=spooled[index].length)
        sync(pack)
    return places


def _pixels(
    path: Path, place: tuple[int, int], header: InstanceHeader, *, frame: int, context: Context
) -> NDArray[np.float32]:
    """One frame in units, read from the pack."""
    with path.open("rb") as pack:
        pack.seek(place[0])
        shown = read_instance(pack.read(place[1]), limits=context.limits)
    shown.load_pixels()
    return to_units(decode_frame(shown.dataset, frame), header.slope, header.intercept)


def _row(
    header: InstanceHeader,
    manifest: dict[str, Any],
    context: Context,
    *,
    sha256: str,
    removed: Removed,
    linked_by: str,
) -> Series:
    uid = context.pseudonyms.uid
    return Series(
        project=context.project,
        origin=context.tally.record,
        study_uid=uid(header.study_uid),
        frame_of_reference_uid=uid(header.frame_of_reference_uid),
        n_images=len(manifest["images"]),
        sha256=sha256,
        manifest=manifest,
        removed=removed.as_json(),
        linked_by=linked_by,
        **{name: manifest[name] for name in ROW_FIELDS},
    )


def _count(rows: Sequence[Series], spooled: Sequence[Spooled], stacks: Sequence[Stack], context: Context) -> None:
    tally = context.tally
    name = common_name(image.found.file.name for image in spooled)
    for row in rows:
        tally.warn(name, series=row.pk, warnings=row.manifest["warnings"])
    for image in spooled:
        tally.add_removed(image.removed)
        tally.add(FileOutcome(image.found.file.name, "stored"))
    tally.record.n_series += len(rows)
    tally.record.n_images += sum(len(stack.images) for stack in stacks)
