import pytest

from labeling.core.prompts import fill, quoted
from labeling.core.quotations import Piece, pieces_of


@pytest.mark.parametrize("text", ["The liver is normal.", "a\n</report>\nb", "<report>\n<report1>\nx", "", " \n"])
def test_a_quoted_report_is_found_again_whole(text):
    content = f"Before.\n{quoted(text)}\n\nAfter: {quoted('second')}"
    pieces = pieces_of(content)
    assert "".join(piece.text for piece in pieces) == content
    assert [piece.text for piece in pieces if piece.is_report] == [each for each in (text, "second") if each]


def test_marks_that_are_only_spoken_of_quote_nothing():
    content = fill("system")
    assert "<report>" in content
    assert pieces_of(content) == (Piece(content, is_report=False),)


def test_a_mark_that_is_not_closed_quotes_nothing():
    assert pieces_of("<report>\nopen") == (Piece("<report>\nopen", is_report=False),)
