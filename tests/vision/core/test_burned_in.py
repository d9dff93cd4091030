"""Pictures that may show a name are flagged for a person to look at."""

import pytest
from pydicom.dataset import Dataset

from vision.core.burned_in import burned_in_flags


def image(**values: object) -> Dataset:
    dataset = Dataset()
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    dataset.Modality = "CT"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, ()),
        ({"BurnedInAnnotation": "YES"}, ("burned_in_text",)),
        ({"BurnedInAnnotation": "NO", "Modality": "US"}, ()),
        ({"Modality": "US"}, ("burned_in_likely",)),
        ({"Modality": "XC"}, ("burned_in_likely",)),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}, ("burned_in_likely",)),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7.4"}, ("burned_in_likely",)),
        ({"ConversionType": "WSD"}, ("burned_in_likely",)),
        ({"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]}, ("burned_in_likely",)),
        ({"ImageType": ["DERIVED", "SECONDARY", "REFORMATTED"]}, ()),
        ({"RecognizableVisualFeatures": "YES"}, ("recognizable_face",)),
    ],
)
def test_what_a_file_says_of_itself_decides(values: dict[str, object], expected: tuple[str, ...]) -> None:
    assert burned_in_flags(image(**values)) == expected


def test_overlays_are_flagged_and_those_in_the_pixels_twice() -> None:
    dataset = image()
    dataset.add_new(0x60003000, "OW", b"\0\0")
    assert burned_in_flags(dataset) == ("overlay_planes",)
    dataset.add_new(0x60000102, "US", 12)
    assert burned_in_flags(dataset) == ("overlay_planes", "overlay_in_pixels")
