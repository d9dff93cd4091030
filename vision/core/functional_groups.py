"""Where each frame of a multi-frame image lies: shared and per-frame functional groups (PS3.3 section C.7.6.16)."""

from collections.abc import Hashable, Iterator
from typing import Final

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from vision.core.headers import (
    FrameGeometry,
    orientation_of,
    position_of,
    rescale_of,
    spacing_of,
    splitters_of,
    texts,
)

_SPLITTER_KEYWORDS: Final = (
    ("stack", "FrameContentSequence", "StackID"),
    ("time point", "FrameContentSequence", "TemporalPositionIndex"),
    ("echo", "MREchoSequence", "EffectiveEchoTime"),
    ("cardiac phase", "CardiacSynchronizationSequence", "NominalCardiacTriggerDelayTime"),
    ("b-value", "MRDiffusionSequence", "DiffusionBValue"),
    ("kind of image", "MRImageFrameTypeSequence", "FrameType"),
    ("kind of image", "CTImageFrameTypeSequence", "FrameType"),
    ("acquisition", "FrameContentSequence", "FrameAcquisitionNumber"),
)


def frame_geometries(dataset: Dataset, n_frames: int) -> tuple[FrameGeometry, ...]:
    """One entry per frame; empty when the image does not describe each of its frames.

    Raises `ImageRefused` for absurd numbers in a group.
    """
    per_frame = _items(dataset, "PerFrameFunctionalGroupsSequence")
    if len(per_frame) != n_frames:
        return ()
    shared = next(iter(_items(dataset, "SharedFunctionalGroupsSequence")), Dataset())
    return tuple(_geometry(frame, shared) for frame in per_frame)


def frame_rescales(dataset: Dataset) -> set[tuple[float, float]]:
    """The pairs (slope, intercept) that the functional groups give; several when frames differ."""
    items = [
        *_items(dataset, "SharedFunctionalGroupsSequence"),
        *_items(dataset, "PerFrameFunctionalGroupsSequence"),
    ]
    return {rescale_of(group) for item in items for group in _items(item, "PixelValueTransformationSequence")}


def _geometry(frame: Dataset, shared: Dataset) -> FrameGeometry:
    position = next(_groups(frame, shared, "PlanePositionSequence"), None)
    orientation = next(_groups(frame, shared, "PlaneOrientationSequence"), None)
    measures = next(_groups(frame, shared, "PixelMeasuresSequence"), None)
    return FrameGeometry(
        position_lps=None if position is None else position_of(position),
        orientation=None if orientation is None else orientation_of(orientation),
        pixel_spacing_mm=None if measures is None else spacing_of(measures),
        splitters=tuple(_splitters(frame, shared)),
    )


def _splitters(frame: Dataset, shared: Dataset) -> Iterator[tuple[str, Hashable]]:
    for name, sequence, keyword in _SPLITTER_KEYWORDS:
        group = next(_groups(frame, shared, sequence), None)
        if group is not None and (values := texts(group, keyword)):
            yield name, values
    yield from splitters_of(frame)


def _groups(frame: Dataset, shared: Dataset, keyword: str) -> Iterator[Dataset]:
    """The items of a functional group: the frame's own, else the shared ones."""
    yield from _items(frame, keyword) or _items(shared, keyword)


def _items(dataset: Dataset, keyword: str) -> Sequence:
    found = dataset.get(keyword)
    return found if isinstance(found, Sequence) else Sequence()
