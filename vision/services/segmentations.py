"""Attach DICOM segmentations to the series they were drawn on."""

from collections.abc import Sequence

from vision.core.descriptions import clean_description
from vision.core.dicom import read_instance
from vision.core.refusals import ImageRefused
from vision.core.segmentation import Segmentation, read_packed_segmentation, read_segmentation
from vision.services.context import Context
from vision.services.dicom_series import FoundImage, clues_of
from vision.services.mask_rows import NewMask, attach
from vision.services.nifti_series import digest_of
from vision.services.options import FileOutcome
from vision.services.workers import run_apart


def import_segmentations(found: Sequence[FoundImage], context: Context) -> None:
    """Attach each segmentation; what cannot be read, or was drawn on nothing that is stored, is counted or listed."""
    for image in found:
        try:
            _import(image, context)
        except ImageRefused as error:
            context.tally.refuse(image.file.name, code=error.code, reason=str(error))
        context.advance(1)


def _import(image: FoundImage, context: Context) -> None:
    read = _read(image, context)
    uid = context.pseudonyms.uid
    new = NewMask(
        files=(image.file.name,),
        name=clean_description(image.header.description) or "segmentation",
        source="seg",
        source_sha256=digest_of(image.file),
        link=context.linker.find(clues_of([image])),
        series_uids=(uid(read.referenced_series_uid),) if read.referenced_series_uid else (),
        frame_of_reference_uid=uid(read.frame_of_reference_uid or ""),
    )
    if new.is_stored(context.project):
        context.tally.add(FileOutcome(image.file.name, "unchanged"))
        return
    attach(new, read.label_map, " ".join(read.notes), context)


def _read(image: FoundImage, context: Context) -> Segmentation:
    """The segmentation; one with packed pixels is read in a process of its own, which its decoder may end."""
    with image.file.open() as stream:
        instance = read_instance(stream, limits=context.limits)
        if instance.layout.is_encapsulated:
            stream.seek(0)
            return run_apart(read_packed_segmentation, stream.read(), limits=context.limits)
        instance.load_pixels()
    return read_segmentation(instance.dataset, limits=context.limits)
