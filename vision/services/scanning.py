"""Look at every file of an import once: what it is, and what its header says. No pixel is read."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Final

from pydicom import dcmread

from vision.core.archives import ImageFile, OpenArchives, Refusal, image_files
from vision.core.dicom import InstanceHeader, read_instance
from vision.core.limits import ImageLimits
from vision.core.quiet import quiet_pydicom
from vision.core.refusals import ImageRefused
from vision.core.sniffing import SNIFF_BYTES, Kind, sniff
from vision.services.context import Context
from vision.services.dicom_series import FoundImage
from vision.services.options import FileOutcome

# Of a damaged file no more than this is read to find the series that it names.
_HEADER_BYTES: Final = 1 << 20
_DAMAGE: Final = (
    OSError,
    EOFError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    NotImplementedError,
    struct.error,
)


@dataclass(slots=True)
class Scan:
    """The files by what they are: DICOM images by series, DICOM segmentations, NIfTI files, and all others."""

    series: dict[tuple[str, str], list[FoundImage]] = field(default_factory=dict)
    segmentations: list[FoundImage] = field(default_factory=list)
    nifti: list[ImageFile] = field(default_factory=list)
    n_files: int = 0
    _n_frames: int = 0
    _n_pixels: int = 0
    _seen: set[tuple[str, str]] = field(default_factory=set)
    _cut_off: set[tuple[str, str]] = field(default_factory=set)

    @property
    def n_images(self) -> int:
        """Files with DICOM images."""
        return sum(len(images) for images in self.series.values())

    def add(self, image: FoundImage, context: Context) -> bool:
        """Put a DICOM file with its series; a second copy of an image is counted and left out.

        Raises `ImageRefused` for one whose frames or pixels are more than an import still takes.
        """
        header = image.header
        place = header.series_uid, header.sop_uid
        if place in self._seen:
            reason = "the same image is there under another name"
            context.tally.add(FileOutcome(image.file.name, "duplicate", "duplicate", reason))
            return False
        self._make_room(header, context.limits)
        self._seen.add(place)
        if header.kind == "segmentation":
            self.segmentations.append(image)
        else:
            self.series.setdefault((header.study_uid, header.series_uid), []).append(image)
        return True

    def _make_room(self, header: InstanceHeader, limits: ImageLimits) -> None:
        n_frames = self._n_frames + header.n_frames
        n_pixels = self._n_pixels + header.n_frames * header.rows * header.columns
        if n_frames > limits.max_total_frames or n_pixels > limits.max_total_pixels:
            if header.kind == "image":
                self._cut_off.add((header.study_uid, header.series_uid))
            raise ImageRefused(
                f"with its {header.n_frames:,} frames of {header.rows:,} x {header.columns:,} the import would have "
                f"{n_frames:,} frames and {n_pixels:,} pixels, at most {limits.max_total_frames:,} and "
                f"{limits.max_total_pixels:,} are allowed; import it by itself",
                code="import_too_large",
            )
        self._n_frames, self._n_pixels = n_frames, n_pixels

    def leave_out_cut_off(self, context: Context) -> None:
        """Refuse what was found of a series of which a file did not fit: stored, it would take no further images."""
        for key in self._cut_off & self.series.keys():
            images = self.series.pop(key)
            for image in images:
                reason = "another image of its series is more than one import takes; import the series by itself"
                context.tally.refuse(image.file.name, code="import_too_large", reason=reason)
            context.tally.n_refused_of[key[1]] += len(images)
            context.advance(len(images))


def scan(source: Path, *, context: Context, archives: OpenArchives) -> Scan:
    """Sort the files under `source`; those that can be nothing of use are counted with their reason."""
    found = Scan()
    for file in image_files(source, limits=context.limits, archives=archives):
        found.n_files += 1
        context.tally.numbers.add(file.name)
        if isinstance(file, Refusal):
            context.tally.refuse(file.name, code=file.code, reason=file.message)
            context.advance(1)
            continue
        try:
            is_waiting = _sort(file, found, context)
        except ImageRefused as error:
            context.tally.refuse(file.name, code=error.code, reason=str(error))
            context.tally.n_refused_of.update(_series_named_by(file))
            is_waiting = False
        except OSError as error:
            reason = f"the file cannot be read ({error.strerror})"
            context.tally.refuse(file.name, code="unreadable_file", reason=reason)
            is_waiting = False
        context.advance(0 if is_waiting else 1)
    found.leave_out_cut_off(context)
    return found


def _sort(file: ImageFile, found: Scan, context: Context) -> bool:
    """Put one file where it belongs; whether it is still to be stored."""
    with file.open() as stream:
        kind = sniff(stream.read(SNIFF_BYTES), file.name)
        if kind == "dicom":
            stream.seek(0)
            instance = read_instance(stream, limits=context.limits)
            return found.add(FoundImage(file, instance.header), context)
    if kind == "nifti":
        found.nifti.append(file)
        return True
    _tell_of_other(file, kind, context)
    return False


def _series_named_by(file: ImageFile) -> list[str]:
    """The series of a file that cannot be read further than its header; empty when it says none."""
    try:
        with quiet_pydicom(), file.open() as stream:
            if sniff(stream.read(SNIFF_BYTES), file.name) != "dicom":
                return []
            stream.seek(0)
            found = dcmread(
                BytesIO(stream.read(_HEADER_BYTES)),
                stop_before_pixels=True,
                specific_tags=["SeriesInstanceUID"],
                force=True,
            )
            return [str(found.SeriesInstanceUID)] if "SeriesInstanceUID" in found else []
    except _DAMAGE:
        return []


def _tell_of_other(file: ImageFile, kind: Kind, context: Context) -> None:
    if kind == "dicomdir":
        context.tally.add(
            FileOutcome(file.name, "ignored", "dicomdir", "a list of files; the files are read themselves")
        )
    elif file.n_bytes == 0:
        context.tally.refuse(file.name, code="empty_file", reason="the file is empty")
    else:
        context.tally.refuse(file.name, code="not_an_image_file", reason="neither DICOM nor NIfTI")


def in_order(found: Scan) -> Iterator[list[FoundImage]]:
    """The images of one series after another, by the names of their files."""
    yield from sorted(found.series.values(), key=lambda images: images[0].file.name)
