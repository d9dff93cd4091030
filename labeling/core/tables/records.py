"""Labels of reports as tables hold them, and what reading a table returns."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from labeling.core.intake.records import RowProblem
from labeling.core.records import LabelSet
from labeling.core.schema import Schema


class TableError(ValueError):
    """A label table cannot be written or read as asked. The message is meant for users."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelMeta:
    """What is known of a label set beside its cells. Times are ISO 8601 with a time zone; `extra` is plain JSON.

    `round` is 1, and 2 and more where the rater read the report again as if for the first time.
    """

    text_sha256: str | None = None
    round: int | None = None
    revision: int | None = None
    active_seconds: float | None = None
    created_at: str | None = None
    submitted_at: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


class Key(NamedTuple):
    """Which label set of a file it is."""

    report_id: str
    rater: str
    round: int = 1
    revision: int | None = None


@dataclass(frozen=True, slots=True)
class LabeledReport:
    """All that one rater says about one report. With `text`, JSON Lines quote the evidence as well."""

    report_id: str
    rater: str
    labels: LabelSet
    meta: LabelMeta = field(default_factory=LabelMeta)
    text: str | None = field(default=None, repr=False, compare=False)

    @property
    def key(self) -> Key:
        """What no two label sets of a file share."""
        return Key(self.report_id, self.rater, self.meta.round or 1, self.meta.revision)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelTable:
    """What a label file says. A report with any row that cannot be read is left out as a whole.

    `schema` is the one that the cells of `reports` belong to: the schema that was asked for, or the merged one of a
    wide table (`merging.merged_schema`). `notes` say what was passed over, for users.
    """

    format: str
    schema: Schema
    reports: tuple[LabeledReport, ...]
    problems: tuple[RowProblem, ...]
    notes: tuple[str, ...] = ()
