"""What of a report is evidence for a finding."""

from collections.abc import Collection

from labeling.core.backends import BackendError, Trouble
from labeling.core.intake.columns import is_blank
from labeling.core.records import ReportText
from labeling.core.sections import SectionKind
from labeling.core.text import structure_report


class NoReport(BackendError):
    """There is no text to ask about. The message names the report.

    It is one of the errors that a run stores for the report before it goes on with the next.
    """

    def __init__(self, report_id: str) -> None:
        super().__init__(Trouble.NO_TEXT, f"report {report_id!r} has no text, expected a radiology report")


def require_text(report: ReportText) -> None:
    """Raises `NoReport` when there is no text, or only the word that a table leaves for a missing one ("nan")."""
    if is_blank(report.text):
        raise NoReport(report.report_id)


def without_sections(text: str, kinds: Collection[str]) -> str:
    """`text` without its sections of `kinds`, titles included; every other character is kept.

    Text before the first title is kept, and so is a report without titles. Raises ValueError for a kind that does not
    exist. Source of the faults avoided here: METHODS D.4.
    """
    unwanted = {SectionKind(kind) for kind in kinds}
    if not unwanted:
        return text
    sections = structure_report(text).sections
    return "".join(text[section.span.start : section.span.end] for section in sections if section.kind not in unwanted)
