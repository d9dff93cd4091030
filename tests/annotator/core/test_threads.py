"""What may be written in a note."""

import pytest

from annotator.core.refusals import VectorError
from annotator.core.threads import check_cell, check_note_text
from labeling.core.schema_yaml import load_preset

SCHEMA = load_preset("spine-mri")


def test_a_note_is_kept_without_space_around_it():
    assert check_note_text("  is this old?\n") == "is this old?"


@pytest.mark.parametrize("text", ["", " \n", "x" * 4001, "a\x00b", None, 3])
def test_a_note_without_words_or_with_too_many_is_refused(text):
    with pytest.raises(VectorError, match="text"):
        check_note_text(text)


def test_a_note_is_on_a_cell_of_the_schema_or_on_the_whole_case():
    assert check_cell("spine|cancer", schema=SCHEMA) == "spine|cancer"
    assert check_cell("", schema=SCHEMA) == ""
    for cell in ("liver|focal", None, ["spine|cancer"]):
        with pytest.raises(VectorError, match="cell"):
            check_cell(cell, schema=SCHEMA)
