"""Calls that were answered outlive the run that asked them, whatever ended it."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from labeling.core.asking import CallRecord, Purpose
from labeling.core.backends import Usage
from labeling.core.call_files import FIRST_LINE, CallFile, CallFileError
from labeling.core.records import ReportText

REPORT = ReportText("P1", "A cyst in the liver.")
RECORD = CallRecord("k1", Purpose("fast", "liver", sentence=0), "yes, a cyst", is_cut=False, usage=Usage(7, 3))


def written(path: Path, *records: CallRecord, report: ReportText = REPORT) -> Path:
    """A file with these calls of one report."""
    with CallFile(path, resume=True) as file:
        calls = file.calls_of(report)
        for record in records:
            calls.keep(record)
    return path


def test_answered_call_is_found_by_the_next_run(tmp_path: Path) -> None:
    path = written(tmp_path / "calls.jsonl", RECORD)
    with CallFile(path, resume=True) as file:
        assert (file.n_known, file.n_damaged) == (1, 0)
        calls = file.calls_of(REPORT)
        assert calls.find("k1") == RECORD
        assert calls.find("k2") is None


def test_call_is_in_the_file_before_the_run_ends(tmp_path: Path) -> None:
    with CallFile(tmp_path / "calls.jsonl") as file:
        file.calls_of(REPORT).keep(RECORD)
        [_, line] = (tmp_path / "calls.jsonl").read_text().splitlines()
    assert json.loads(line) == {
        "report_id": "P1",
        # printf 'A cyst in the liver.' | sha256sum
        "text_sha256": "39f84822a60dcedbe9242339753e8144f36c0b5d9d1e962ec76c116e40af7e56",
        **RECORD.as_json(),
    }


def test_what_was_read_is_a_short_line_and_comes_back(tmp_path: Path) -> None:
    read = replace(RECORD, read="liver: cyst")
    path = written(tmp_path / "calls.jsonl", RECORD, read)
    assert path.read_text().count("yes, a cyst") == 1
    with CallFile(path, resume=True) as file:
        assert file.calls_of(REPORT).find("k1") == read


def test_later_answer_replaces_an_earlier_one(tmp_path: Path) -> None:
    path = written(tmp_path / "calls.jsonl", RECORD, replace(RECORD, answer="no"))
    with CallFile(path, resume=True) as file:
        found = file.calls_of(REPORT).find("k1")
    assert found is not None
    assert found.answer == "no"


@pytest.mark.parametrize("report_id", ["a,b", 'say "x"', "two\nlines", "\\", "é\u2028", "", "P1 "])
def test_report_id_is_data(tmp_path: Path, report_id: str) -> None:
    report = ReportText(report_id, REPORT.text)
    path = written(tmp_path / "calls.jsonl", RECORD, report=report)
    assert len(path.read_bytes().splitlines()) == 2
    with CallFile(path, resume=True) as file:
        assert file.calls_of(REPORT).find("k1") is None
        assert file.calls_of(report).find("k1") == RECORD


@pytest.mark.parametrize("answer", ["two\r\nlines", "\u2028\x85", "half a pair: \ud83d", '"}', ""])
def test_answer_keeps_its_exact_characters(tmp_path: Path, answer: str) -> None:
    path = written(tmp_path / "calls.jsonl", replace(RECORD, answer=answer))
    with CallFile(path, resume=True) as file:
        assert file.calls_of(REPORT).find("k1") == replace(RECORD, answer=answer)


def test_other_text_under_the_same_id_finds_nothing(tmp_path: Path) -> None:
    path = written(tmp_path / "calls.jsonl", RECORD)
    with CallFile(path, resume=True) as file:
        assert file.calls_of(ReportText("P1", "A cyst in the kidney.")).find("k1") is None


@pytest.mark.parametrize("missing", range(1, 200, 20))
def test_line_that_was_cut_by_a_crash_is_asked_again(tmp_path: Path, missing: int) -> None:
    path = written(tmp_path / "calls.jsonl", RECORD, replace(RECORD, key="k2"))
    os.truncate(path, path.stat().st_size - missing)
    written(path, replace(RECORD, key="k3"))
    with CallFile(path, resume=True) as file:
        calls = file.calls_of(REPORT)
        assert calls.find("k1") == RECORD
        # With one character missing only the line break is gone.
        assert (calls.find("k2") is None) == (missing > 1)
        assert calls.find("k3") == replace(RECORD, key="k3")
        assert file.n_damaged == (missing > 1)


@pytest.mark.parametrize("length", range(len(FIRST_LINE)))
def test_crash_in_the_first_line_leaves_a_file_that_can_be_used(tmp_path: Path, length: int) -> None:
    path = tmp_path / "calls.jsonl"
    path.write_bytes(FIRST_LINE[:length])
    with CallFile(path) as file:
        file.calls_of(REPORT).keep(RECORD)
    assert path.read_bytes().startswith(FIRST_LINE + b'{"report_id"')


@pytest.mark.parametrize(
    "line",
    [
        '{"key": "k1", "read": 1}',
        '{"key": "k1"}',
        '{"key": "k1", "answer": null, "is_cut": false, "purpose": {"stage": "x"}, "usage": {}}',
        '{"key": "k1", "answer": "a", "is_cut": false, "purpose": [], "usage": {}}',
        '{"key": "k1", "answer": "a", "is_cut": false, "purpose": {"stage": "x"}, "usage": {}, "more": 1}',
        '{"key": ',
    ],
)
def test_line_that_makes_no_sense_is_passed_over(tmp_path: Path, line: str) -> None:
    path = written(tmp_path / "calls.jsonl", RECORD)
    head = path.read_text().splitlines()[1].split('"key"')[0]
    with path.open("a") as file:
        file.write(head + line[1:] + "\nnot JSON at all\n")
    with CallFile(path, resume=True) as opened:
        found = opened.calls_of(REPORT).find("k1")
    assert found is not None
    assert found.answer == "yes, a cyst"


@pytest.mark.parametrize("content", ["report_id,target\n", "x", '{"report_id": "P1"}\n', "\n"])
def test_other_file_is_refused_and_stays_as_it_is(tmp_path: Path, content: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(content)
    with pytest.raises(CallFileError, match="no file of calls"):
        CallFile(path, resume=True)
    assert path.read_text() == content


def test_answered_calls_are_neither_overwritten_nor_mixed_by_accident(tmp_path: Path) -> None:
    path = written(tmp_path / "calls.jsonl", RECORD)
    before = path.read_bytes()
    with pytest.raises(CallFileError, match="holds 1 answered calls; go on with them"):
        CallFile(path)
    assert path.read_bytes() == before


def test_two_runs_do_not_write_to_one_file(tmp_path: Path) -> None:
    path = written(tmp_path / "calls.jsonl", RECORD)
    with CallFile(path, resume=True), pytest.raises(CallFileError, match="another run"):
        CallFile(path, resume=True)
    with CallFile(path, resume=True) as file:
        assert file.n_known == 1


def test_only_its_owner_reads_the_file(tmp_path: Path) -> None:
    assert written(tmp_path / "calls.jsonl", RECORD).stat().st_mode & 0o777 == 0o600
