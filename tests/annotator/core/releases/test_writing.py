"""Whole releases: complete, the same for the same, and every changed byte found."""

import json
import os
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from annotator.core.releases.formats import FORMATS
from annotator.core.releases.manifest import file_sha256, verify
from annotator.core.releases.records import ReleaseError, check_contents, only_origins
from annotator.core.releases.writing import remove, write_release
from tests.annotator.core.releases.samples import CELLS, TEXT, case, contents

ALL = tuple(FORMATS)


@pytest.fixture
def release(tmp_path):
    """A release with everything in it."""
    folder = tmp_path / "v1"
    _, digest = write_release(contents(texts=True), folder, formats=ALL)
    yield folder, digest
    remove(folder)


def opened(folder):
    """As somebody with the right to write would find it."""
    for directory, _, names in os.walk(folder):
        os.chmod(directory, 0o700)
        for name in names:
            os.chmod(os.path.join(directory, name), 0o600)
    return folder


def test_same_contents_give_the_same_bytes(release, tmp_path):
    folder, digest = release
    manifest, again = write_release(contents(texts=True), tmp_path / "again", formats=ALL)
    for name, said in manifest["files"].items():
        assert file_sha256(folder / name) == said["sha256"], name
    assert again == digest


def test_manifest_names_every_file_counts_and_schema(release):
    folder, digest = release
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    seen = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert set(manifest["files"]) | {"manifest.json"} == seen
    assert file_sha256(folder / "manifest.json") == digest
    assert manifest["counts"] == {
        "cases": 3,
        "patients": 2,
        "cells": 12,
        "undecided_cells": 1,
        "by_split": {"train": {"cases": 2, "patients": 1}, "test": {"cases": 1, "patients": 1}},
    }
    assert manifest["schema"]["hash"] == contents().schema.hash
    assert manifest["has_report_texts"] is True


def test_files_are_read_only_for_their_owner(release):
    folder, _ = release
    modes = {path.stat().st_mode & 0o777 for path in folder.rglob("*") if path.is_file()}
    assert modes == {0o400}
    assert folder.stat().st_mode & 0o777 == 0o500


def test_untouched_release_is_whole(release):
    folder, digest = release
    verdict = verify(folder, manifest_sha256=digest)
    assert verdict.is_whole
    assert verdict.n_files == len([path for path in folder.rglob("*") if path.is_file()])


def test_one_changed_byte_a_missing_and_an_added_file_are_named(release):
    folder, digest = release
    opened(folder)
    text = (folder / "gold-long.csv").read_bytes()
    (folder / "gold-long.csv").write_bytes(text[:-3] + bytes([text[-3] ^ 1]) + text[-2:])
    (folder / "schema.yaml").unlink()
    (folder / "fhir" / "extra.txt").write_text("x", encoding="utf-8")
    verdict = verify(folder, manifest_sha256=digest)
    assert verdict.changed == ("gold-long.csv",)
    assert verdict.missing == ("schema.yaml",)
    assert verdict.added == ("fhir/extra.txt",)
    assert not verdict.is_whole


def test_link_to_the_same_bytes_is_a_change(release, tmp_path):
    folder, digest = release
    opened(folder)
    (folder / "schema.yaml").rename(tmp_path / "schema.yaml")
    (folder / "schema.yaml").symlink_to(tmp_path / "schema.yaml")
    assert verify(folder, manifest_sha256=digest).changed == ("schema.yaml",)


def test_manifest_that_was_written_anew_is_found_by_its_hash(release):
    folder, digest = release
    opened(folder)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    (folder / "manifest.json").write_text(json.dumps(manifest | {"name": "v2"}), encoding="utf-8")
    assert verify(folder).is_whole
    assert verify(folder, manifest_sha256=digest).changed == ("manifest.json",)


@pytest.mark.parametrize("text", ["", "[]", '{"format": 1, "files": {"../x": {"sha256": "a", "bytes": 1}}}'])
def test_folder_without_a_manifest_that_can_be_read_is_refused(tmp_path, text):
    if text:
        (tmp_path / "manifest.json").write_text(text, encoding="utf-8")
    with pytest.raises(ReleaseError, match=r"manifest\.json"):
        verify(tmp_path)


def test_writer_that_fails_leaves_nothing_and_what_a_killed_one_left_is_taken_away(tmp_path):
    (tmp_path / "v1.part").mkdir()
    (tmp_path / "v1.part" / "half").write_text("x", encoding="utf-8")

    def stop(words):
        if words == "checksums":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_release(contents(), tmp_path / "v1", formats=ALL, progress=stop)
    assert list(tmp_path.iterdir()) == []
    write_release(contents(), tmp_path / "v1", formats=())
    names = sorted(path.name for path in (tmp_path / "v1").iterdir())
    assert names == ["data-card.html", "data-card.md", "gold.jsonl", "manifest.json", "schema.yaml"]
    with pytest.raises(ReleaseError, match="never written over"):
        write_release(contents(), tmp_path / "v1", formats=())


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"values": "+0_"}, "4 cells of the schema"),
        ({"values": "+0!."}, "code that is not known"),
        ({"origins": "zzzz"}, "code that is not known"),
        ({"key": "R3"}, "stands twice"),
        ({"patient_key": "p2"}, "two splits"),
    ],
)
def test_contents_that_do_not_hold_together_are_refused(fields, words):
    made = contents()
    with pytest.raises(ReleaseError, match=words):
        check_contents(replace(made, cases=(replace(made.cases[0], **fields), *made.cases[1:])))


def test_release_of_no_case_is_refused():
    with pytest.raises(ReleaseError, match="no case"):
        check_contents(replace(contents(), cases=()))


def test_cells_of_other_origins_become_undecided():
    said = case(evidence={CELLS[0]: [[16, 26]], CELLS[1]: [[1, 9]]})
    kept = only_origins(said, cells=CELLS, kept=frozenset("d"), undecided="u")
    assert (kept.values, kept.urgencies, kept.origins) == ("+__.", "2___", "duud")
    # Nothing tells what was said of them.
    assert (kept.n_voices, kept.n_agreeing, kept.evidence) == ("2002", "2002", {CELLS[0]: [[16, 26]]})
    assert only_origins(said, cells=CELLS, kept=frozenset("dsu"), undecided="u") == said


class _Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.words = set(), []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        assert not {name for name, _ in attrs} & {"src", "href", "onclick"}

    def handle_data(self, data):
        self.words.append(data)


def test_data_card_escapes_and_holds_no_script_no_link_and_no_report(release):
    folder, _ = release
    page = _Tags()
    page.feed((folder / "data-card.html").read_text(encoding="utf-8"))
    assert not page.tags & {"script", "b", "a", "img"}
    text = " ".join(page.words)
    assert "liver <b>study</b>" in text
    assert "1 of 12 cells in 1 of 3 cases are undecided" in text
    markdown = (folder / "data-card.md").read_text(encoding="utf-8")
    assert r"Made \| up" in markdown
    assert "- version of the rules: 1\n- repeats: no\n" in markdown
    assert r"\<b\>" in markdown
    assert TEXT[:20] not in text + markdown


def test_data_card_counts_each_cell_by_value_and_split(release):
    folder, _ = release
    lines = (folder / "data-card.md").read_text(encoding="utf-8").splitlines()
    table = lines[lines.index("**Cells by value: train, 2 cases**") :]
    # Of R1 "+0_." and the other "0000": liver focal once present and once absent; spleen focal absent, undecided.
    assert "| liver | focal | 1 | 0 | 1 | 0 | 0 | 0 |" in table
    assert "| spleen | focal | 0 | 0 | 1 | 0 | 0 | 1 |" in table
    assert "| A, C | – |" in lines
