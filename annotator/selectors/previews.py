"""A first look at a file of reports that somebody uploaded."""

from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from annotator.core.identifiers import names_a_person
from annotator.exceptions import ImportRefused
from labeling.core.intake import ColumnMapping, FileInspection, IntakeError, Limits, inspect_file
from labeling.core.intake.delimited import DELIMITER_NAMES

SHOWN_CHARS = 160


@dataclass(frozen=True, slots=True)
class Preview:
    """The file's properties, and its first rows cut to `SHOWN_CHARS`."""

    inspection: FileInspection
    rows: list[list[str]]

    @property
    def delimiter_name(self) -> str:
        """The delimiter in words; empty for a file that has none."""
        delimiter = self.inspection.delimiter
        return DELIMITER_NAMES.get(delimiter, delimiter) if delimiter else ""


def preview_file(path: Path, *, file_name: str) -> Preview:
    """A first look at the file; raises `ImportRefused` when it cannot be read."""
    try:
        inspection = inspect_file(path, filename=file_name, limits=Limits(max_file_bytes=settings.MAX_UPLOAD_BYTES))
    except IntakeError as error:
        raise ImportRefused(str(error)) from error
    rows = [[_cut(fields.get(column, "")) for column in inspection.columns] for fields in inspection.preview]
    return Preview(inspection, rows)


def mapping_warnings(columns: tuple[str, ...], mapping: ColumnMapping | None) -> list[str]:
    """What a mapping does that the user may not expect."""
    if mapping is None:
        return ["No column is recognised as report id or as text. Choose them below."]
    warnings = []
    if mapping.patient_id is None:
        warnings.append("No column names the patient: every report counts as a patient of its own.")
    if mapping.report_id == mapping.patient_id:
        warnings.append("One column is report id and patient: that identifier will be stored and shown.")
    left_out = [column for column in columns if column not in mapping.columns and names_a_person(column)]
    if left_out:
        warnings.append(f"Not stored, because the names suggest an identity: {', '.join(left_out)}.")
    return warnings


def _cut(text: str) -> str:
    flat = " ".join(text[: 2 * SHOWN_CHARS].split())
    return flat if len(flat) <= SHOWN_CHARS else flat[: SHOWN_CHARS - 1] + "…"
