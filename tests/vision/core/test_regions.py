"""Mask classes become the targets of a schema."""

import numpy as np
import pytest

from labeling.core.schema_yaml import load_preset
from vision.core.geometry import Grid
from vision.core.mask_classes import LabelMap, built_in_classes
from vision.core.refusals import ImageRefused
from vision.core.regions import Region, region_map, regions_of


def mask(*values: int) -> LabelMap:
    labels = np.array(values, np.uint8).reshape(1, 1, -1)
    classes = tuple(known for known in built_in_classes() if known.value in values)
    return LabelMap(labels, Grid(labels.shape, np.eye(4)), classes)


def test_organs_of_the_preset_are_those_of_leavs_with_their_parts_merged() -> None:
    regions = regions_of(load_preset("abdomen-ct"))
    # METHODS A.1 (order) and F (small bowel is small bowel and duodenum; large bowel is colon).
    names = "spleen liver,right kidney,left kidney,stomach pancreas gallbladder small bowel,large bowel"
    assert " ".join(region.name for region in regions) == names.replace(",", " ")
    merged = region_map(mask(0, 18, 19, 20, 5, 51, 1), regions)
    assert merged.labels.ravel().tolist() == [0, 8, 8, 9, 2, 0, 1]
    assert [(known.value, known.name) for known in merged.classes] == [
        (1, "spleen"),
        (2, "liver"),
        (8, "small bowel"),
        (9, "large bowel"),
    ]


def test_a_class_in_two_regions_is_refused_by_its_name() -> None:
    levels = regions_of(load_preset("spine-mri"))
    with pytest.raises(ImageRefused, match="L3-L4 and L4-L5 both have the mask class vertebrae_L4"):
        region_map(mask(28, 29), levels)


def test_a_mask_of_another_body_part_is_refused() -> None:
    with pytest.raises(ImageRefused, match="none of the classes"):
        region_map(mask(51, 90), [Region("liver", ("liver",))])
