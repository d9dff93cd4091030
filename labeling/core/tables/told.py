"""What files of other labeling programs tell of reports: which report, whose text, and the label sets found so far."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from labeling.core.intake.columns import is_blank, show_name, suggest_mapping
from labeling.core.intake.records import Limits, ProblemCode, RowProblem
from labeling.core.records import CellLabel, LabelSet
from labeling.core.schema import Schema
from labeling.core.tables.records import LabeledReport, LabelMeta
from labeling.core.tables.studio_names import StudioMapping, StudioNames
from labeling.core.tables.studio_results import StudioError, labels_of_results
from labeling.core.tables.studio_spans import Offsets

# Labels of a model keep this kind whoever imports them.
MACHINE_KIND: Final = "machine"
_MAX_RATER_CHARS: Final = 150


@dataclass(slots=True)
class Found:
    """Label sets by report and rater, with what is wrong; `passed_over` counts what was left out, in words."""

    reports: dict[tuple[str, str], LabeledReport] = field(default_factory=dict)
    conflicts: set[tuple[str, str]] = field(default_factory=set)
    problems: list[RowProblem] = field(default_factory=list)
    passed_over: dict[str, int] = field(default_factory=dict)

    def pass_over(self, words: str) -> None:
        """Count one more of what `words` say."""
        self.passed_over[words] = self.passed_over.get(words, 0) + 1

    def notes(self) -> tuple[str, ...]:
        """What was passed over."""
        return tuple(f"{words}: {count:,}" for words, count in self.passed_over.items())

    def kept(self) -> tuple[LabeledReport, ...]:
        """The label sets that nothing contradicts."""
        return tuple(report for key, report in self.reports.items() if key not in self.conflicts)

    def add(self, report: LabeledReport, row: int, where: str) -> None:
        """Add a label set; the same one again is a problem, another one of the same rater spoils both."""
        key = report.report_id, report.rater
        first = self.reports.setdefault(key, report)
        if first is report:
            return
        if first.labels == report.labels and first.meta.text_sha256 == report.meta.text_sha256:
            problem = RowProblem(row, ProblemCode.DUPLICATE, f"{where}: the same rater says it twice", report.report_id)
        else:
            self.conflicts.add(key)
            message = f"{where}: the same rater says different things of this report; none of it is read"
            problem = RowProblem(row, ProblemCode.CONFLICTING_ID, message, report.report_id)
        self.problems.append(problem)


class Texts:
    """The text that stands with labels, and what is made of it when it is needed."""

    def __init__(self, data: Mapping[str, Any], name: str | None) -> None:
        value = data.get(name) if name else None
        self._text = value if isinstance(value, str) else None
        self._offsets: Offsets | None = None

    def sha256(self) -> str | None:
        """Hash of the text; None when there is none."""
        return None if self._text is None else hashlib.sha256(self._text.encode(errors="replace")).hexdigest()

    def offsets(self) -> Offsets | None:
        """The ways to count its characters; None when there is no text."""
        if self._offsets is None and self._text is not None:
            self._offsets = Offsets(self._text)
        return self._offsets


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """What one rater says of one report, still unread; `results` may be the reason why it cannot be read."""

    results: Any
    rater: str
    meta: LabelMeta
    is_model: bool = False
    score: Any = None


class SayingReader:
    """Finds the report and the labels of a saying under a schema and a mapping; `rater` is whoever is not named."""

    def __init__(self, schema: Schema, mapping: StudioMapping, *, rater: str, limits: Limits) -> None:
        self.names = StudioNames(schema, mapping)
        self._schema = schema
        self._mapping = mapping
        self._rater = rater
        self._limits = limits

    def report_id(self, data: Mapping[str, Any], *, passed_over: Sequence[str] = ()) -> str:
        """The id of the report that `data` names; raises `StudioError`. Fields `passed_over` never name it."""
        fields = [name for name in data if name not in passed_over]
        name = self._mapping.report_id or _first_id(fields)
        if name is None or name not in fields:
            seen = ", ".join(show_name(field) for field in fields[:20])
            raise StudioError(f"no field of its data names the report; there are: {seen}", code=ProblemCode.MISSING_ID)
        value = data[name]
        if not isinstance(value, str) or is_blank(value):
            raise StudioError(f"its field {show_name(name)} holds no id", code=ProblemCode.MISSING_ID)
        if len(value) > self._limits.max_id_chars:
            raise StudioError("the id of its report is too long", code=ProblemCode.BAD_ID)
        return value.strip()

    def texts(self, data: Mapping[str, Any]) -> Texts:
        """The text of the report in `data`."""
        if self._mapping.text:
            return Texts(data, self._mapping.text)
        suggested, _ = suggest_mapping(data, report_id="-")
        return Texts(data, suggested.text if suggested and not suggested.more_text else None)

    def labeled(self, saying: Saying, *, report_id: str, texts: Texts) -> LabeledReport | None:
        """The label set of a saying; None when it says nothing. Raises `StudioError`."""
        if isinstance(saying.results, StudioError):
            raise saying.results
        rater = saying.rater or self._rater
        if len(rater) > _MAX_RATER_CHARS:
            raise StudioError("the name of its rater is too long")
        labels = labels_of_results(
            saying.results, names=self.names, mapping=self._mapping, offsets=texts.offsets, score=saying.score
        )
        if not saying.is_model:
            labels = self._filled(labels)
        if not labels.cells:
            return None
        return LabeledReport(report_id, rater, labels, replace(saying.meta, text_sha256=texts.sha256()))

    def _filled(self, labels: LabelSet) -> LabelSet:
        """With the value that cells have of which a person said nothing, where the mapping says one."""
        unsaid = self._mapping.unsaid
        if unsaid is None or not (labels.cells or self._mapping.empty):
            return labels
        return LabelSet(dict.fromkeys(self._schema.cells, CellLabel(unsaid)) | dict(labels.cells))


def _first_id(fields: list[str]) -> str | None:
    suggested, _ = suggest_mapping(fields, text="-")
    return suggested.report_id if suggested else None
