"""Uploaded files of labels: look at one, import it, and keep for a day what was said of it."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from annotator.models import Project, User
from annotator.services.exports import MACHINE, READINGS
from annotator.services.label_files import UNNAMED
from annotator.services.label_imports import LabelImportOptions, import_labels
from annotator.services.outcomes import LabelOutcome, RowOutcome, RunOutcome
from annotator.services.uploads import Upload, upload_in_use
from labeling.core.tables import StudioMapping
from labeling.core.tables.cells import csv_line, text_cell
from labeling.core.tables.studio_names import NO_MAPPING
from labeling.core.values import CODE_OF_STATE, URGENCY_LEVELS
from labeling.models import Run
from labeling.selectors import run_name

# More is read by the command: 32 MiB are LEAVS labels of some 19,000 reports, and take most of a minute.
MAX_LABEL_FILE_BYTES = 32 * 1024**2
# Beside an upload, readable by nobody else either.
_SAID = "said.json"
STATES = tuple(str(state).replace("_", " ") for state in CODE_OF_STATE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What a manager chose for a file: which of its raters to take, None for all, and whose labels readers start from.

    `prefill_rater` is None when readers go on as before, and empty for the only rater of the file. `arm` is that of
    readings, empty for machine labels; `readers` are users here by the raters of the file.
    """

    rater: str = UNNAMED
    mapping: StudioMapping = NO_MAPPING
    raters: frozenset[str] | None = None
    prefill_rater: str | None = None
    arm: str = ""
    create_readers: bool = False
    readers: Mapping[str, str] = field(default_factory=dict)

    def options(self) -> LabelImportOptions:
        """The same for the import."""
        return LabelImportOptions(
            what=READINGS if self.arm else MACHINE,
            arm=self.arm,
            create_readers=self.create_readers,
            readers=self.readers,
            rater=self.rater,
            mapping=self.mapping,
            raters=self.raters,
            prefill=self.prefill_rater is not None,
            prefill_rater=self.prefill_rater or "",
            only_machine=not self.arm,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What became of a file, or would: counts, runs, and the first refused label sets. It stands in a JSON file.

    `basis` is what it depends on beside the file, `n_by_rater` how many label sets each rater of the file has.
    """

    is_over: bool
    format: str
    counts: dict[str, int]
    n_here: int
    n_unknown: int
    raters: list[str]
    notes: list[str]
    runs: list[dict[str, Any]]
    problems: list[dict[str, Any]] = field(repr=False)
    basis: str = ""
    n_by_rater: dict[str, int] = field(default_factory=dict)

    @property
    def n_importable(self) -> int:
        """Label sets that came in, or would."""
        return self.counts["created"]

    @property
    def n_problems(self) -> int:
        """All that is refused or stands twice; `problems` may hold only the first of them."""
        return self.counts["refused"] + self.counts.get("duplicate", 0)

    def problems_csv(self) -> str:
        """The refused label sets that are kept, as a table that is safe in a spreadsheet."""
        lines = [csv_line(["row", "report_id", "code", "reason"])]
        for problem in self.problems:
            texts = [text_cell(str(problem[name])) for name in ("report_id", "code", "reason")]
            lines.append(csv_line([str(problem["row"] or ""), *texts]))
        return "".join(lines)


def look_at(*, project: Project, upload: Upload, choices: Choices, again: bool = True) -> Said:
    """What an import would do now, or did; raises `ImportRefused`. Nothing is stored but what is said, for a day.

    Unless it is looked at `again`, what was said on the same basis is told as it was.
    """
    basis = _basis(project, choices)
    with upload_in_use(upload.path.parent):
        before = said_of(upload)
        if before and (before.is_over or (before.basis == basis and not again)):
            return before
        outcome = import_labels(
            project=project,
            path=upload.path,
            file_name=upload.file_name,
            actor=None,
            options=choices.options(),
            dry_run=True,
        )
        return _kept(upload, outcome, is_over=False, basis=basis)


def bring_in(*, project: Project, upload: Upload, choices: Choices, actor: User) -> Said:
    """Import the file, all of it or nothing; raises `ImportRefused`. The file itself is gone after that.

    Of a file that is imported already, by a second click, it tells what came of the first.
    """
    with upload_in_use(upload.path.parent):
        before = said_of(upload)
        if before and before.is_over:
            return before
        outcome = import_labels(
            project=project,
            path=upload.path,
            file_name=upload.file_name,
            actor=actor,
            options=choices.options(),
        )
        said = _kept(upload, outcome, is_over=True)
        upload.path.write_bytes(b"")
        return said


def said_of(upload: Upload) -> Said | None:
    """What was said last of this upload."""
    try:
        return Said(**json.loads((upload.path.parent / _SAID).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None


def _basis(project: Project, choices: Choices) -> str:
    """What an import depends on beside the file: the choices, and the schema, reports and runs of the project."""
    chosen = asdict(choices)
    runs = Run.objects.filter(project=project).order_by("-pk").values_list("pk", flat=True)
    readings = project.readings.order_by("-pk").values_list("pk", flat=True)
    here = [project.schema_id, project.reports.count(), project.cases.count(), runs.first(), readings.first()]
    return json.dumps([chosen, here], sort_keys=True, default=sorted)


def _kept(upload: Upload, outcome: LabelOutcome, *, is_over: bool, basis: str = "") -> Said:
    said = Said(
        is_over=is_over,
        format=outcome.format,
        counts=outcome.counts(),
        n_here=len(outcome.reports_here),
        n_unknown=len(outcome.reports_unknown),
        raters=sorted(outcome.raters),
        notes=outcome.notes,
        runs=[_run(run) for run in outcome.runs],
        problems=[_problem(problem) for problem in outcome.problems],
        basis=basis,
        n_by_rater=dict(sorted(outcome.raters.items())),
    )
    path = upload.path.parent / _SAID
    path.touch(mode=0o600)
    sent = {name: getattr(said, name) for name in Said.__dataclass_fields__}
    path.write_text(json.dumps(sent), encoding="utf-8")
    return said


def _run(outcome: RunOutcome) -> dict[str, Any]:
    run = outcome.run
    return {
        "rater": outcome.rater,
        "n_reports": outcome.n_reports,
        "values": _in_order(outcome.values, CODE_OF_STATE.values()),
        "urgencies": _in_order(outcome.urgencies, map(str, URGENCY_LEVELS)),
        "run_id": None if run is None else str(run.run_id),
        "name": None if run is None else run_name(run),
        "is_new": outcome.is_new,
    }


def _in_order(counts: Counter[str], codes: Any) -> list[int]:
    return [counts[code] for code in codes]


def _problem(problem: RowOutcome) -> dict[str, Any]:
    return {name: getattr(problem, name) for name in ("row", "report_id", "kind", "code", "reason")}
