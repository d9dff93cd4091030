"""Reports from files: CSV, TSV, XLSX, JSON, JSON Lines, text files in a folder or an archive. See docs/import.md."""

from labeling.core.intake.reading import inspect_file, read_reports
from labeling.core.intake.records import (
    DEFAULT_LIMITS,
    ColumnMapping,
    FileInspection,
    IntakeError,
    Limits,
    ProblemCode,
    ReportRow,
    RowProblem,
)

__all__ = [
    "DEFAULT_LIMITS",
    "ColumnMapping",
    "FileInspection",
    "IntakeError",
    "Limits",
    "ProblemCode",
    "ReportRow",
    "RowProblem",
    "inspect_file",
    "read_reports",
]
