"""Attach masks to series: NIfTI label maps, folders with a file for each class, DICOM segmentations."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Final

from vision.core.archives import ImageFile
from vision.core.mask_classes import MaskClass, built_in_classes, clean_name, color_of, read_class_table
from vision.core.masks import TOTALSEGMENTATOR_CLASSES, LabelMap, label_map_of, merge_class_files
from vision.core.nifti import NiftiVolume, read_nifti
from vision.core.refusals import ImageRefused
from vision.services.context import Context
from vision.services.links import Clues
from vision.services.mask_rows import NewMask, attach
from vision.services.nifti_series import digest_of
from vision.services.options import FileOutcome

_MASK_WORDS: Final = frozenset(
    (
        *("contour", "contours", "label", "labelmap", "labels", "mask", "masks", "roi", "rois", "seg"),
        *("segmentation", "segmentations", "segs", "totalseg", "totalsegmentator"),
    )
)
_MASK_ENDING: Final = re.compile(rf"[ ._-]+(?:{'|'.join(sorted(_MASK_WORDS))})$", re.IGNORECASE)
_CLASS_NAMES: Final = frozenset(known.name for known in TOTALSEGMENTATOR_CLASSES)
# A label map with so many classes, all of which a table of TotalSegmentator names, is one of its own.
_MIN_CLASSES: Final = 4
_NAMED_BY_TABLE: Final = "Its classes are named after TotalSegmentator's table."


def is_mask(name: str, context: Context) -> bool:
    """Whether a NIfTI file is a mask, by what the user said, else by its name."""
    if context.options.nifti_as != "auto":
        return context.options.nifti_as == "mask"
    path = PurePosixPath(name)
    words = set(re.split(r"[\W_]+", f"{stem(name)} {path.parent.name}".casefold()))
    return bool(words & _MASK_WORDS) or _class_name(name, context) is not None


def stem(name: str) -> str:
    """The name of a file without folder and ending."""
    return re.sub(r"\.nii(\.gz)?$", "", PurePosixPath(name).name, flags=re.IGNORECASE)


def import_masks(files: Sequence[ImageFile], context: Context) -> None:
    """Attach each label map to the series it was drawn on; a folder with a file for each class is one label map."""
    for group in _grouped(files, context):
        try:
            _import_group(group, context)
        except ImageRefused as error:
            for file in group:
                context.tally.refuse(file.name, code=error.code, reason=str(error))
        context.advance(len(group))


def _grouped(files: Sequence[ImageFile], context: Context) -> Iterator[list[ImageFile]]:
    folders: dict[str, list[ImageFile]] = {}
    for file in files:
        if _class_name(file.name, context) is None:
            yield [file]
        else:
            folders.setdefault(str(PurePosixPath(file.name).parent), []).append(file)
    yield from folders.values()


def _import_group(group: Sequence[ImageFile], context: Context) -> None:
    digest = "-".join(sorted(digest_of(file) for file in group)) if len(group) > 1 else digest_of(group[0])
    new = NewMask(
        files=tuple(file.name for file in group),
        name=_name_of(group, context),
        source="nifti",
        source_sha256=digest,
        link=context.linker.find(Clues(names=(_path_of(group),))),
    )
    if new.is_stored(context.project):
        for file in group:
            context.tally.add(FileOutcome(file.name, "unchanged"))
        return
    label_map, note = _merged(group, context) if len(group) > 1 else _single(group[0], context)
    attach(new, label_map, note, context)


def _merged(group: Sequence[ImageFile], context: Context) -> tuple[LabelMap, str]:
    label_map, note = merge_class_files((_class_name(file.name, context) or "", _read(file, context)) for file in group)
    return label_map, note or ""


def _single(file: ImageFile, context: Context) -> tuple[LabelMap, str]:
    volume = _read(file, context)
    if context.classes:
        return label_map_of(volume, classes=context.classes), ""
    label_map = label_map_of(volume)
    if any(not known.name.startswith("class ") for known in label_map.classes):
        return label_map, ""
    values = [known.value for known in label_map.classes]
    table = {known.value: known for known in built_in_classes("total_mr" if _is_mr(context) else "total")}
    is_named = "totalseg" in file.name.casefold()
    if values and set(values) <= set(table) and (is_named or len(values) >= _MIN_CLASSES):
        classes = tuple(table[value] for value in values)
        return LabelMap(label_map.labels, label_map.grid, classes), _NAMED_BY_TABLE
    if len(values) == 1:
        name = shown_name(file.name, context) or f"class {values[0]}"
        return LabelMap(label_map.labels, label_map.grid, (MaskClass(values[0], name, color_of(values[0])),)), ""
    return label_map, ""


def _read(file: ImageFile, context: Context) -> NiftiVolume:
    context.advance(0)
    with file.open() as stream:
        return read_nifti(stream, limits=context.limits)


def _class_name(name: str, context: Context) -> str | None:
    """The class that a file is called after, where it is called after one."""
    found = stem(name)
    return found if found in _CLASS_NAMES or any(known.name == found for known in context.classes) else None


def _is_mr(context: Context) -> bool:
    return context.schema.modality.upper() in ("MR", "MRI")


def _path_of(group: Sequence[ImageFile]) -> str:
    return group[0].name if len(group) == 1 else str(PurePosixPath(group[0].name).parent)


def _name_of(group: Sequence[ImageFile], context: Context) -> str:
    return shown_name(_path_of(group), context) or "mask"


def shown_name(path: str, context: Context) -> str:
    """What of the name of a file or folder is a class or a word for masks; all else may be the name of a patient."""
    said = stem(path)
    known = _class_name(path, context)
    if known is not None:
        return known
    if set(re.split(r"[\W_]+", said.casefold())) <= _MASK_WORDS:
        return clean_name(said)
    return _class_name(_MASK_ENDING.sub("", said), context) or ""


def class_table(said: Path | str | None) -> tuple[MaskClass, ...]:
    """The classes that a user's table names: a file, or the name of a table of TotalSegmentator."""
    if said is None:
        return ()
    return read_class_table(said) if isinstance(said, Path) else built_in_classes(said)
