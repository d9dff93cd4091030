"""What the export page offers."""

from dataclasses import dataclass, field

from annotator.models import Project, User
from annotator.services.exports import GOLD, JSONL, MACHINE, READINGS, REPORTS
from annotator.services.measurement_exports import MEASUREMENTS
from labeling.models import Run

_LABEL_FORMATS = (
    (JSONL, "JSON Lines (complete)"),
    ("long", "Long CSV"),
    ("leavs-wide", "LEAVS wide CSV"),
    ("leavs", "LEAVS CSV (one rater)"),
)


@dataclass(frozen=True, slots=True)
class ExportCard:
    """One kind of file with its choices."""

    what: str
    title: str
    what_it_holds: str
    formats: tuple[tuple[str, str], ...]
    readers: list[str] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)


_GOLD_CARD = ExportCard(
    GOLD,
    "Gold",
    "What is held to be true of each cell now, how it came about and by how many. Freeze a release to cite it.",
    (("long", "Long CSV"), (JSONL, "JSON Lines")),
)


def export_cards(project: Project) -> list[ExportCard]:
    """Readings, gold, measurements, machine labels and reports, with the readers and runs that the project has."""
    of_drafts = User.objects.filter(drafts__project=project).order_by("username").values_list("username", flat=True)
    readers = list(of_drafts.distinct())
    runs = Run.objects.filter(project=project, state=Run.State.COMPLETE, schema=project.schema)
    return [
        ExportCard(
            READINGS,
            "Readings",
            "What readers submitted: the latest revision of each.",
            _LABEL_FORMATS,
            readers=readers,
        ),
        _GOLD_CARD,
        ExportCard(
            MEASUREMENTS,
            "Measurements",
            "What readers measured in the images, in millimetres of the patient (LPS).",
            (("csv", "CSV"), ("sr", "DICOM structured reports (ZIP)")),
            readers=readers,
        ),
        ExportCard(
            MACHINE,
            "Machine labels",
            "What one run says of all its reports.",
            _LABEL_FORMATS,
            runs=list(runs.order_by("-is_prefill", "-started_at")),
        ),
        ExportCard(
            REPORTS,
            "Reports",
            "Texts, studies and patient keys, to move the project. Holds patient text.",
            ((JSONL, "JSON Lines"),),
        ),
    ]
