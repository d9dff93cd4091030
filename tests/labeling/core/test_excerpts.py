"""What is left of a report without some of its sections; the faults avoided are in METHODS D.4."""

import pytest

from labeling.core.excerpts import without_sections

REPORT = "MR spine\nHISTORY: lung cancer\nFINDINGS: Normal é\t cord.\r\nClinical history: cancer\nIMPRESSION: Normal."


def test_a_section_goes_with_its_title_and_the_rest_stays_as_it_was() -> None:
    expected = "MR spine\nFINDINGS: Normal é\t cord.\r\nIMPRESSION: Normal."
    assert without_sections(REPORT, ["history"]) == expected


def test_nothing_is_left_out_unless_it_is_named() -> None:
    assert without_sections(REPORT, []) == REPORT
    assert without_sections(REPORT, ["comparison"]) == REPORT


@pytest.mark.parametrize("text", ["", "Normal cord.", "FINDINGS: Normal cord."])
def test_a_report_with_one_section_or_none_is_not_lost(text: str) -> None:
    assert without_sections(text, ["history"]) == text


def test_a_kind_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="anamnesis"):
        without_sections(REPORT, ["anamnesis"])
