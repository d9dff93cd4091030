"""Features of many cases: image and mask are read once each, and what was measured before comes from the cache.

The cache knows a case by the content of its files, the extractor with its options and version, the regions, and the
versions of the libraries that measure.
"""

import hashlib
import importlib.metadata
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from vision.core.discs import places_in_mask, places_of_landmarks, read_landmarks
from vision.core.features.table import FeatureTable, packed_arrays
from vision.core.files import write_whole
from vision.core.mask_classes import LabelMap, MaskClass
from vision.core.masks import label_map_of, on_grid
from vision.core.nifti import read_nifti
from vision.core.refusals import ImageRefused
from vision.core.regions import Region
from vision.core.volumes import Volume, volume_of

Measured = tuple[NDArray[np.float64], NDArray[np.bool_]]
_LIBRARIES: Final = ("numpy", "SimpleITK")


@dataclass(frozen=True, slots=True)
class Case:
    """A study to measure: files are NIfTI. `mask` is a label map; `landmarks` a CSV of vertebrae instead of it."""

    case_id: str
    patient_key: str
    image: Path
    mask: Path | None = None
    landmarks: Path | None = None


@dataclass(frozen=True, slots=True)
class Study:
    """What was read of a case: the image, and its mask on the same grid or its landmarks by vertebra."""

    volume: Volume
    label_map: LabelMap | None
    landmarks: dict[str, NDArray[np.float64]] = field(default_factory=dict)

    def discs(self, regions: Sequence[Region]) -> dict[str, Any]:
        """Places of discs by region."""
        if self.label_map is not None:
            return places_in_mask(self.label_map, regions)
        return places_of_landmarks(self.landmarks, regions)


class Extractor(Protocol):
    """Measures the regions of one study: features `(regions, names)` and which regions were found.

    `options` says all on which the numbers depend beside the files: it is part of the key of the cache.
    """

    @property
    def name(self) -> str: ...
    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def options(self) -> dict[str, Any]: ...
    @property
    def missing_is_value(self) -> bool: ...
    def measure(self, study: Study, regions: Sequence[Region]) -> Measured: ...


@dataclass(frozen=True, slots=True)
class Failure:
    """A case that could not be measured, and why; no text of a patient."""

    case_id: str
    code: str
    message: str


def extract(
    cases: Iterable[Case],
    regions: Sequence[Region],
    extractor: Extractor,
    *,
    cache: Path | None = None,
    classes: Sequence[MaskClass] = (),
    told: Callable[[str], None] = lambda case_id: None,
) -> tuple[FeatureTable, list[Failure]]:
    """Measure the cases in their order; those whose files are refused are listed and left out.

    One study is in memory at a time. `classes` name the values of masks that do not name them. `told` hears each case.
    """
    measured: list[tuple[Case, Measured]] = []
    failures, n_cached = [], 0
    for case in cases:
        try:
            numbers, was_cached = _measure(case, regions, extractor, cache=cache, classes=classes)
            measured.append((case, numbers))
            n_cached += was_cached
        except ImageRefused as error:
            failures.append(Failure(case.case_id, error.code, str(error)))
        told(case.case_id)
    shape = (len(measured), len(regions), len(extractor.names))
    manifest = {"extractor": about(extractor, regions), "n_cases": len(measured), "n_from_cache": n_cached}
    manifest["failures"] = [[failure.case_id, failure.code] for failure in failures]
    table = FeatureTable(
        case_ids=tuple(case.case_id for case, _ in measured),
        patient_keys=tuple(case.patient_key for case, _ in measured),
        regions=tuple(region.name for region in regions),
        names=extractor.names,
        values=np.array([values for _, (values, _) in measured], np.float32).reshape(shape),
        found=np.array([found for _, (_, found) in measured], bool).reshape(shape[:2]),
        missing_is_value=extractor.missing_is_value,
        manifest=manifest,
    )
    return table, failures


def about(extractor: Extractor, regions: Sequence[Region]) -> dict[str, Any]:
    """All on which features depend beside the files."""
    return {
        "name": extractor.name,
        "options": extractor.options,
        "regions": [[region.name, *region.masks] for region in regions],
        "libraries": {name: importlib.metadata.version(name) for name in _LIBRARIES},
    }


def _measure(
    case: Case,
    regions: Sequence[Region],
    extractor: Extractor,
    *,
    cache: Path | None,
    classes: Sequence[MaskClass],
) -> tuple[Measured, bool]:
    files = [_bytes(path) for path in (case.image, case.mask, case.landmarks)]
    kept = None
    if cache is not None:
        named = [[known.value, known.name] for known in classes]
        said = json.dumps([about(extractor, regions), named], sort_keys=True)
        parts = [hashlib.sha256(data or b"").hexdigest() for data in files]
        key = hashlib.sha256("\n".join([said, *parts]).encode()).hexdigest()
        kept = cache / key[:2] / f"{key}.npz"
        found = _cached(kept)
        if found is not None:
            return found, True
    values, was_found = extractor.measure(_study(files, classes), regions)
    if kept is not None:
        write_whole(kept, packed_arrays({"values": values, "found": was_found}))
    return (values, was_found), False


def _study(files: Sequence[bytes | None], classes: Sequence[MaskClass]) -> Study:
    image, mask, landmarks = files
    volume = volume_of(read_nifti(io.BytesIO(image or b"")))
    if mask is None and landmarks is None:
        raise ImageRefused("the case has neither mask nor landmarks, expected one of them", code="no_regions")
    if mask is None:
        return Study(volume, None, read_landmarks(landmarks or b""))
    label_map = label_map_of(read_nifti(io.BytesIO(mask)), classes=classes)
    return Study(volume, on_grid(label_map, volume.grid)[0])


def _bytes(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        return path.read_bytes()
    except OSError as error:
        raise ImageRefused(f"the file {path.name} cannot be read", code="no_file") from error


def _cached(path: Path) -> Measured | None:
    """What is in the cache; None where nothing is, or what a crash left."""
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as archive:
            return archive["values"], archive["found"]
    except (FileNotFoundError, zipfile.BadZipFile, KeyError, ValueError):
        return None
