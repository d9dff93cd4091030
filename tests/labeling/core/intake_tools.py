"""What the tests of the intake share: read bytes, and look at the outcome row by row."""

import io

from labeling.core.intake import DEFAULT_LIMITS, ColumnMapping, Limits, ReportRow, RowProblem, read_reports


def read(
    content: bytes | str,
    filename: str = "reports.csv",
    *,
    mapping: ColumnMapping | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> list[ReportRow | RowProblem]:
    """All rows of a file with this content."""
    data = content.encode() if isinstance(content, str) else content
    return list(read_reports(io.BytesIO(data), filename=filename, mapping=mapping, limits=limits))


def texts(rows: list[ReportRow | RowProblem]) -> dict[str, str]:
    """Texts by id of the rows that were read."""
    return {row.report_id: row.text for row in rows if isinstance(row, ReportRow)}


def outcomes(rows: list[ReportRow | RowProblem]) -> dict[int, str]:
    """What became of each row: `read`, or the code of the problem."""
    return {row.row: "read" if isinstance(row, ReportRow) else str(row.code) for row in rows}
