"""Addenda: they correct the report above them, cell by cell, and some exchange left and right."""

import pytest

from labeling.core.rules import label_report
from labeling.core.schema import Cell
from labeling.core.values import Value
from tests.labeling.core.test_rules_traps import SCHEMA, expected_cells, positives

BODY = "FINDINGS: Liver is normal. Gallbladder is surgically absent. 3 cm mass in the right kidney. Left kidney ok.\n"


@pytest.mark.parametrize(
    ("addendum", "expected"),
    [
        ("ADDENDUM: The gallbladder is present and contains a stone.", "GB focal; GB postsurgical; RK focal"),
        ("Addendum: There is also hepatic steatosis.", "liver diffuse; GB postsurgical; GB absent; RK focal"),
        ("CORRECTION: There is no mass in the right kidney.", "GB postsurgical; GB absent"),
        ("ADDENDUM: Laterality is reversed in the report above.", "LK focal; GB postsurgical; GB absent"),
        ('Amended report: "right kidney" should read "left kidney".', "LK focal; GB postsurgical; GB absent"),
        ("ADDENDUM: The sides were stated correctly.", "RK focal; GB postsurgical; GB absent"),
        ("Addendum: Discussed with the referring team.", "RK focal; GB postsurgical; GB absent"),
    ],
)
def test_addendum_corrects_the_cells_that_it_is_about(addendum: str, expected: str) -> None:
    assert positives(f"{BODY}\n{addendum}") == expected_cells(expected)


def test_addendum_that_opens_a_report_corrects_nothing() -> None:
    assert positives("ADDENDUM: Right renal cyst.") == expected_cells("RK focal")


def test_corrected_cell_shows_the_sentence_of_the_addendum() -> None:
    text = f"{BODY}\nADDENDUM: There is no mass in the right kidney."
    label = label_report(text, SCHEMA)[Cell("right kidney", "focal")]
    assert label.state is Value.ABSENT
    assert [text[span.start : span.end] for span in label.evidence] == ["There is no mass in the right kidney."]
