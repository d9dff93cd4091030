"""Read the label sets of a file, whatever form it has; what cannot be read is counted, row by row."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from annotator.exceptions import ImportRefused
from annotator.services.outcomes import LabelOutcome, Outcome, RowOutcome, refused_row
from labeling.core.intake.records import DEFAULT_LIMITS, ProblemCode
from labeling.core.schema import Schema
from labeling.core.tables import LabeledReport, LabelTable, StudioMapping, doccano, jsonl, read_labels
from labeling.core.tables.records import Key

JSONL = "jsonl"
# Whoever made the labels, where nobody says.
UNNAMED = "imported"


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelFile:
    """A file of labels under its `name`; `rater` made them where it does not say.

    `mapping` is for Label Studio and doccano.
    """

    path: Path
    name: str
    rater: str
    mapping: StudioMapping

    @property
    def takes_mapping(self) -> bool:
        """Whether it comes from a program in whose files names may need a mapping: Label Studio, doccano."""
        with self.path.open("rb") as stream:
            return self._begin() == b"[" or stream.read(2) == b"PK" or self._is_doccano

    @property
    def _is_doccano(self) -> bool:
        return self._begin() == b"{" and doccano.is_line(self._first_line())

    def _begin(self) -> bytes:
        with self.path.open("rb") as stream:
            return stream.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()[:1]

    def _first_line(self) -> str:
        """The first line that is not blank; empty where the file is no UTF-8 text."""
        try:
            with self.path.open(encoding="utf-8-sig", newline="\n") as stream:
                lines = iter(lambda: stream.readline(DEFAULT_LIMITS.max_record_chars), "")
                return next((line for line in lines if line.strip()), "")
        except UnicodeDecodeError:
            return ""

    def label_sets(self, schema: Schema, outcome: LabelOutcome) -> Iterator[LabeledReport]:
        """Label sets of the file; rows that cannot be read are counted. JSON Lines are read as they are needed."""
        if self._begin() == b"{" and not self._is_doccano:
            outcome.format = JSONL
            yield from _read_jsonl(self.path, self.name, schema, outcome)
            return
        table = read_labels(self.path, schema=schema, filename=self.name, rater=self.rater, mapping=self.mapping)
        if table.schema.hash != schema.hash:
            raise ImportRefused(
                f"{table.format} merges findings and cannot be read back under {schema.name}; use long, leavs or "
                "jsonl, or a project under the schema abdomen-ct-wide, whose findings are merged"
            )
        outcome.format = table.format
        outcome.notes += table.notes
        for problem in table.problems:
            outcome.add(refused_row(problem))
        yield from table.reports


def _read_jsonl(path: Path, name: str, schema: Schema, outcome: Outcome) -> Iterator[LabeledReport]:
    """Label sets line by line. Lines of one rater, round and revision that contradict each other are all refused."""
    digests, conflicts = _survey(path, name, schema)
    for number, table in _tables(path, name, schema):
        for problem in table.problems:
            outcome.add(refused_row(problem, row=number))
        for labels in table.reports:
            if labels.key in conflicts:
                reason = f"report {labels.report_id!r}: two lines of one rater, round and revision differ"
                outcome.add(RowOutcome(number, labels.report_id, "refused", ProblemCode.CONFLICTING_ID, reason))
            elif digests.pop(labels.key, None) is None:
                reason = f"report {labels.report_id!r}: the line stands twice"
                outcome.add(RowOutcome(number, labels.report_id, "duplicate", ProblemCode.DUPLICATE, reason))
            else:
                yield labels


def _survey(path: Path, name: str, schema: Schema) -> tuple[dict[Key, bytes], set[Key]]:
    """A digest of what is said of each report by each rater and revision, and the places where lines differ."""
    digests: dict[Key, bytes] = {}
    conflicts: set[Key] = set()
    for _, table in _tables(path, name, schema):
        for labels in table.reports:
            line = json.dumps(json.loads(jsonl.render(labels, schema)), sort_keys=True)
            digest = blake2b(line.encode(), digest_size=16).digest()
            if digests.setdefault(labels.key, digest) != digest:
                conflicts.add(labels.key)
    return digests, conflicts


def _tables(path: Path, name: str, schema: Schema) -> Iterator[tuple[int, LabelTable]]:
    """Every line by its number, read as a table of its own."""
    with path.open(encoding="utf-8-sig", newline="\n") as stream:
        try:
            for number, line in enumerate(stream, start=1):
                yield number, jsonl.read([line], schema=schema)
        except UnicodeDecodeError as error:
            raise ImportRefused(f"{name} is not UTF-8 text") from error
