"""Descriptions keep only words that say how an image was made."""

import pytest

from vision.core.descriptions import clean_description


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("t2_tse_sag", "t2 tse sag"),
        ("Abdomen  Portal venous 5.0  B30f", "Abdomen Portal venous 5.0 B30f"),
        ("THORAX/ABDOMEN JONES 12.03.1961", "THORAX ABDOMEN"),
        ("CT Abdomen 19610312 Dr. Miller", "CT Abdomen"),
        ("Mary^Jones", ""),
        ("ax T1 post GD #4711233", "ax T1 post GD"),
        ("1.25mm 3x3 2024", "1.25mm 3x3"),
        ("Max Hand 010 203 961 Foot", "Max Hand Foot"),
        ("Abdomen 12/03/61", "Abdomen"),
        ("Knee 4711-12 61 axial", "Knee axial"),
        ("Abdomen 5 mm", "Abdomen 5"),
        ("", ""),
    ],
)
def test_names_dates_and_numbers_go(text: str, expected: str) -> None:
    assert clean_description(text) == expected
