"""doccano's exports, read as label sets: JSON Lines or JSON of one person, or a ZIP with a file for each.

A label of a text or of a span names its cell, as labels of Label Studio do. doccano does not say who made a file and
when: the name of a file in a ZIP is that of its person, `all` stands for everybody together.
"""

import zipfile
from collections.abc import Generator, Mapping
from contextlib import closing
from pathlib import PurePosixPath
from typing import IO, Any, Final

from labeling.core.intake.archives import (
    DAMAGE,
    is_encrypted,
    is_link,
    is_plainly_packed,
    is_unsafe_name,
    member_name,
    open_archive,
)
from labeling.core.intake.columns import show_name
from labeling.core.intake.encoding import Encoding, bounded_lines, detect_encoding, text_of
from labeling.core.intake.json_stream import DECODER, JsonReader
from labeling.core.intake.records import IntakeError, Limits, ProblemCode, RowProblem
from labeling.core.schema import Schema
from labeling.core.tables.records import LabelMeta, LabelTable
from labeling.core.tables.studio_names import StudioMapping
from labeling.core.tables.studio_results import MARK, StudioError
from labeling.core.tables.told import Found, Saying, SayingReader

FORMAT_NAME: Final = "doccano"
_TEXT: Final = "text"
_COMMENTS: Final = "Comments"
# Where labels stand: of a text or of spans; of texts beside spans; of spans beside relations.
_LABELS: Final = ("label", "labels", "cats", "entities")
_OWN: Final = frozenset({"id", _COMMENTS, "relations", *_LABELS})
# In the file of everybody together there is no name.
_EVERYBODY: Final = frozenset({"all", "unknown"})
_ENDINGS: Final = (".jsonl", ".json")
_EMPTY: Final = "entries without a label, left out"
_RELATED: Final = "entries with relations, which are not read"
_NO_TABLE: Final = "this is no export of doccano: expected are entries with text and label"


def is_entry(entry: Any) -> bool:
    """Whether an object of a file is an entry of doccano."""
    return isinstance(entry, dict) and "format" not in entry and any(isinstance(entry.get(k), list) for k in _LABELS)


def is_line(line: str) -> bool:
    """Whether a line of a file is an entry of doccano."""
    try:
        return is_entry(DECODER.decode(line))
    except (ValueError, RecursionError):
        return False


class Reader:
    """Reads files of one export."""

    def __init__(self, schema: Schema, mapping: StudioMapping, *, rater: str, limits: Limits) -> None:
        self._schema = schema
        self._rater = rater
        self._limits = limits
        self._sayings = SayingReader(schema, mapping, rater=rater, limits=limits)
        self._found = Found()
        self._n_other = 0
        self._row = 0

    def file(self, stream: IO[bytes], *, encoding: Encoding) -> LabelTable:
        """The label sets of a file of one person."""
        self._read(stream, encoding, rater=self._rater, where="")
        return self._table()

    def archive(self, stream: IO[bytes]) -> LabelTable:
        """The label sets of a ZIP with a file for each person. Raises `IntakeError` when it holds something else."""
        archive = open_archive(stream, limits=self._limits)
        members = [member for member in archive.infolist() if not member.is_dir()]
        for member in members:
            name = member_name(member)
            is_bad = is_unsafe_name(name) or is_link(member) or is_encrypted(member) or not is_plainly_packed(member)
            if is_bad or PurePosixPath(name).suffix not in _ENDINGS:
                raise IntakeError(
                    f"the ZIP archive holds {show_name(name)}; label tables in archives are read from doccano's "
                    "exports only, which hold a JSON Lines file for each person",
                    code="not_a_label_table",
                )
        for member in members:
            self._member(archive, member)
        return self._table()

    def _member(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
        name = PurePosixPath(member_name(member))
        rater = self._rater if name.stem in _EVERYBODY else name.stem
        if not member.file_size:
            return
        try:
            with archive.open(member) as stream:
                self._read(stream, detect_encoding(stream), rater=rater, where=f"{name.name}, ")
        except DAMAGE as error:
            raise IntakeError("the ZIP archive is damaged or not complete", code="damaged_archive") from error

    def _table(self) -> LabelTable:
        found = self._found
        if not self._row:
            raise IntakeError("the file holds no entries", code="empty_file")
        if self._n_other == self._row:
            raise IntakeError(_NO_TABLE, code="not_a_label_table")
        return LabelTable(
            format=FORMAT_NAME,
            schema=self._schema,
            reports=found.kept(),
            problems=tuple(found.problems),
            notes=found.notes(),
        )

    def _read(self, stream: IO[bytes], encoding: Encoding, *, rater: str, where: str) -> None:
        with closing(_entries(stream, encoding, self._limits)) as entries:
            for number, entry in enumerate(entries, start=1):
                self._row += 1
                if self._row > self._limits.max_rows:
                    most = f"{self._limits.max_rows:,}"
                    raise IntakeError(f"the file has more than {most} entries; divide it", code="too_many_rows")
                place = f"{where}entry {number}"
                if is_entry(entry):
                    self._entry(entry, number, rater=rater, where=place)
                    continue
                self._n_other += 1
                problem = RowProblem(number, ProblemCode.NOT_A_REPORT, f"{place} is no entry of doccano")
                self._found.problems.append(problem)

    def _entry(self, entry: Mapping[str, Any], row: int, *, rater: str, where: str) -> None:
        report_id = None
        try:
            # Its own number of the text says nothing of the report.
            report_id = self._sayings.report_id(entry, passed_over=tuple(_OWN))
            meta = LabelMeta(revision=1, extra=_comment(entry.get(_COMMENTS)))
            saying = Saying(results=_results(entry), rater=rater, meta=meta)
            report = self._sayings.labeled(saying, report_id=report_id, texts=self._sayings.texts(entry))
        except StudioError as error:
            shown = where if report_id is None else f"{where}, report {report_id!r}"
            self._found.problems.append(RowProblem(row, error.code, f"{shown}: {error}", report_id))
            return
        if entry.get("relations"):
            self._found.pass_over(_RELATED)
        if report is None:
            self._found.pass_over(_EMPTY)
        else:
            self._found.add(report, row, f"{where}, report {report_id!r}")


def _entries(stream: IO[bytes], encoding: Encoding, limits: Limits) -> Generator[Any, None, None]:
    """The objects of JSON Lines, or of an array; numbers are left as text."""
    with text_of(stream, encoding) as text:
        is_array = text.read(4096).lstrip()[:1] == "["
    with text_of(stream, encoding) as text:
        if is_array:
            reader = JsonReader(text, max_value_chars=limits.max_record_chars)
            for _ in reader.array():
                yield reader.value()
            reader.require_end()
            return
        for line in bounded_lines(text, max_chars=limits.max_record_chars):
            if not line.strip():
                continue
            try:
                yield DECODER.decode(line.strip())
            except (ValueError, RecursionError):
                yield None


def _results(entry: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What an entry says, in the form of Label Studio's results."""
    return [_result(label) for key in _LABELS for label in _listed(entry.get(key))]


def _comment(sent: Any) -> dict[str, Any]:
    """Comments on a text, kept as JSON Lines keep what a reader says of a whole case."""
    comments = _listed(sent)
    if not all(isinstance(comment, str) for comment in comments):
        raise StudioError("its comments are no list of texts")
    return {"body": {"case": {"comment": "\n".join(comments)}}} if comments else {}


def _listed(sent: Any) -> list[Any]:
    if sent is None:
        return []
    if not isinstance(sent, list):
        raise StudioError("its labels or comments are no list")
    return sent


def _result(label: Any) -> dict[str, Any]:
    """A name; or `[start, end, name]`, or an object of these, of which spans are made."""
    if isinstance(label, str):
        return {"type": MARK, "from_name": "label", "value": {"labels": [label]}}
    if isinstance(label, dict):
        label = [label.get("start_offset"), label.get("end_offset"), label.get("label")]
    if not (isinstance(label, list) and len(label) == 3 and isinstance(label[2], str)):
        raise StudioError("a label is neither a name nor a start, an end and a name")
    value = {"start": label[0], "end": label[1], "labels": [label[2]]}
    return {"type": "labels", "from_name": "label", "value": value}
