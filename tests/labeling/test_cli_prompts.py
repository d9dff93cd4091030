"""`python -m labeling prompts`: what a labeler would ask about one cell."""

import pytest

from labeling.cli import main

TEXT = "FINDINGS: The liver has a 2 cm lesion. The spleen is normal."


@pytest.fixture
def report(tmp_path):
    path = tmp_path / "report.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


def prompts(report, *options, labeler="leavs", cell="liver|focal"):
    fixed = ["prompts", "--schema", "abdomen-ct", "--labeler", labeler, "--report", str(report), "--cell", cell]
    return main([*fixed, *options])


def test_questions_are_printed_with_what_an_answer_may_be(report, capsys):
    assert prompts(report, "--config", "use_cot=false") == 0
    said = capsys.readouterr().out
    assert f"<report>\n{TEXT}\n</report>" in said
    assert "--- model: one of Yes, No; at most 1,600 tokens, temperature 0 (greedy)\n" in said
    assert "(supposing present) D\n(supposing ambiguous) E\n" in said
    # Two sentences: one is shown.
    assert "=== 2. Is this sentence about the target (" in said
    assert "and the same for 1 other sentences)" in said


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"cell": "liver|nothing"}, 2, "schema abdomen-ct v1 has no cell 'liver|nothing'"),
        ({"labeler": "maplez"}, 2, "maplez has no option 'nothing'"),
    ],
)
def test_what_cannot_be_asked_for_is_said(report, capsys, change, status, said):
    options = ["--config", "nothing=1"] if "labeler" in change else []
    assert prompts(report, *options, **change) == status
    assert said in capsys.readouterr().err


def test_a_file_without_text_or_that_is_not_there_is_said(tmp_path, capsys):
    assert prompts(tmp_path / "gone.txt") == 1
    assert "gone.txt: No such file or directory" in capsys.readouterr().err
    (tmp_path / "blank.txt").write_text(" \n")
    assert prompts(tmp_path / "blank.txt") == 1
    assert "'blank.txt' has no text" in capsys.readouterr().err
