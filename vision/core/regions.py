"""Which classes of a mask make which target of a schema: organs whose parts are merged (METHODS F)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from labeling.core.schema import Schema
from vision.core.mask_classes import LabelMap, MaskClass, color_of
from vision.core.refusals import ImageRefused


@dataclass(frozen=True, slots=True)
class Region:
    """A target and the names of the mask classes that make it."""

    name: str
    masks: tuple[str, ...]


def regions_of(schema: Schema) -> tuple[Region, ...]:
    """The targets that name mask classes, in schema order."""
    return tuple(Region(target.name, target.masks) for target in schema.targets if target.masks)


def region_map(label_map: LabelMap, regions: Sequence[Region]) -> LabelMap:
    """A label map whose value r + 1 is region r, on the same grid; `classes` are the regions that occur.

    Raises `ImageRefused` when two regions name one class (spinal levels share a vertebra: see `discs`), and when the
    mask has none of the classes of any region.
    """
    region_of: dict[str, int] = {}
    for number, region in enumerate(regions, start=1):
        for name in region.masks:
            if region_of.setdefault(name, number) != number:
                other = regions[region_of[name] - 1].name
                raise ImageRefused(
                    f"{other} and {region.name} both have the mask class {name}, expected a class in one region",
                    code="regions_overlap",
                )
    highest = max([int(label_map.labels.max(initial=0)), *(known.value for known in label_map.classes)])
    table = np.zeros(highest + 1, dtype=np.uint8 if len(regions) < 256 else np.uint16)
    for known in label_map.classes:
        table[known.value] = region_of.get(known.name, 0)
    if not table.any():
        wanted = ", ".join(list(region_of)[:5])
        raise ImageRefused(
            f"the mask has none of the classes of the schema's targets ({wanted}, ...): is it of another schema?",
            code="mask_without_regions",
        )
    labels = table[label_map.labels]
    present = np.flatnonzero(np.bincount(labels.ravel(), minlength=len(regions) + 1))
    classes = tuple(
        MaskClass(int(number), regions[number - 1].name, color_of(int(number))) for number in present if number
    )
    return LabelMap(labels=labels, grid=label_map.grid, classes=classes)
