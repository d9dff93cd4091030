"""Give columns a meaning: recognise the names that published tools and hospitals use, and read a row by them."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Final

from labeling.core.intake.records import (
    ColumnMapping,
    IntakeError,
    Limits,
    ProblemCode,
    RawRow,
    ReportRow,
    RowProblem,
    has_unstorable,
)

# Names without case, blanks, underscores and punctuation; the first that a file has is taken.
_TEXT: Final = (
    *("anonymizedreport", "anonymisedreport", "reporttext", "report", "reports", "radiologyreport", "text"),
    *("fulltext", "reportbody", "note", "notes", "notetext", "narrative"),
)
_SECTION_TEXT: Final = ("findings", "impression", "conclusion")
_REPORT_ID: Final = (
    *("reportid", "reportuid", "image1", "subjectidstudyid", "id", "noteid", "documentid", "caseid"),
    *(
        "accession",
        "accessionnumber",
        "accessionno",
        "studyid",
        "examid",
        "studyinstanceuid",
        "image",
        "filename",
        "key",
    ),
)
_PATIENT_ID: Final = ("patientid", "patid", "patientkey", "subjectid", "mrn", "pid")
_STUDY_ID: Final = ("studyid", "studyinstanceuid", "accession", "accessionnumber", "accessionno", "examid")
_MODALITY: Final = ("modality",)

_NULL_TEXTS: Final = frozenset({"nan", "none", "null", "na", "n/a", "#n/a", "<na>", "nat"})
# Control and format characters (such as those that turn the direction of writing) and line ends: nobody sees them.
_UNSEEN: Final = frozenset({"Cc", "Cf", "Zl", "Zp"})
# What a spreadsheet leaves of a number with many digits.
_SHORTENED_NUMBER: Final = re.compile(r"\d(?:[.,]\d+)?E\+\d+", re.IGNORECASE)


def normalise(name: str) -> str:
    """Column name in lower case, letters and digits only."""
    return re.sub(r"[\W_]+", "", name).casefold()


def suggest_mapping(
    columns: Iterable[str], *, report_id: str | None = None, text: str | None = None
) -> tuple[ColumnMapping | None, tuple[str, ...]]:
    """What each column is likely to be, and which of "report_id" and "text" is not recognised.

    A column that names the patient is the report id as well when nothing else can be. `report_id` and `text`, where
    they are given, are taken instead of looked for.
    """
    by_name: dict[str, str] = {}
    for column in columns:
        by_name.setdefault(normalise(column), column)
    patient = _first(by_name, _PATIENT_ID)
    report_id = report_id or _first(by_name, _REPORT_ID) or patient
    text = text or _first(by_name, _TEXT)
    sections = [] if text else [by_name[name] for name in _SECTION_TEXT if name in by_name]
    if sections:
        text = sections.pop(0)
    missing = tuple(what for what, column in (("report_id", report_id), ("text", text)) if column is None)
    if report_id is None or text is None:
        return None, missing
    mapping = ColumnMapping(
        report_id=report_id,
        text=text,
        patient_id=patient,
        study_id=_first(by_name, _STUDY_ID),
        modality=_first(by_name, _MODALITY),
        more_text=tuple(sections),
    )
    return mapping, ()


def _first(by_name: Mapping[str, str], names: Iterable[str]) -> str | None:
    return next((by_name[name] for name in names if name in by_name), None)


def require_mapping(columns: tuple[str, ...], mapping: ColumnMapping | None) -> ColumnMapping:
    """`mapping`, or the suggested one; raises `IntakeError` when a column is missing or not recognised."""
    if mapping is None:
        suggested, missing = suggest_mapping(columns)
        if suggested is None:
            what = " and no column of ".join({"report_id": "report ids", "text": "report texts"}[m] for m in missing)
            raise IntakeError(
                f"no column of {what} is recognised; the columns are {name_columns(columns)}",
                code="columns_not_recognised",
            )
        return suggested
    for column in mapping.columns:
        if column not in columns:
            raise IntakeError(
                f"there is no column {show_name(column)}; the columns are {name_columns(columns)}",
                code="no_such_column",
            )
    return mapping


def name_columns(columns: Iterable[str]) -> str:
    """Column names for a message, at most 20, each by `show_name`."""
    names = [show_name(column) for column in columns]
    return ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")


def show_name(column: str) -> str:
    """A column name as a message may show it; a file without a header has text of reports in its place."""
    short_enough = len(column) <= 40 and len(column.split()) <= 4 and column.isprintable()
    return repr(column) if short_enough else f"(a name of {len(column):,} characters)"


def unique_columns(header: Iterable[str]) -> tuple[str, ...]:
    """Header names trimmed and made unique; one without a name is called by its position."""
    columns: list[str] = []
    for position, name in enumerate(header, start=1):
        base = name.strip().lstrip("\ufeff") or f"column {position}"
        unique, copy = base, 2
        while unique in columns:
            unique, copy = f"{base} ({copy})", copy + 1
        columns.append(unique)
    return tuple(columns)


def is_blank(text: str) -> bool:
    """Whether there is no report: nothing but blanks, or what programs write for a missing value ("nan")."""
    return (len(text) < 8 and text.strip().casefold() in _NULL_TEXTS) or not text.strip()


def read_row(raw: RawRow, *, mapping: ColumnMapping, limits: Limits) -> ReportRow | RowProblem:
    """The report in `raw`, or why it cannot be imported. Fields are checked in this order: id, text, the rest."""
    report_id = raw.fields.get(mapping.report_id, "").strip()
    if problem := _id_problem(raw.row, report_id, limits):
        return problem
    text = _compose_text(raw.fields, mapping)
    if problem := _text_problem(raw.row, report_id, text, limits):
        return problem
    mapped = mapping.columns
    extra = {name: value for name, value in raw.fields.items() if name not in mapped and value}
    others = {name: _other(raw.fields, column) for name, column in _other_columns(mapping)}
    if problem := _others_problem(raw.row, report_id, others, limits):
        return problem
    for name, value in extra.items():
        if has_unstorable(value) or has_unstorable(name):
            found_in = value if has_unstorable(value) else name
            return _unstorable(raw.row, report_id, f"column {show_name(name)}", found_in)
    return ReportRow(row=raw.row, report_id=report_id, text=text, extra=extra, **others)


def _other_columns(mapping: ColumnMapping) -> tuple[tuple[str, str | None], ...]:
    return (("patient_id", mapping.patient_id), ("study_id", mapping.study_id), ("modality", mapping.modality))


def _other(fields: Mapping[str, str], column: str | None) -> str | None:
    value = fields.get(column, "").strip() if column else ""
    return None if is_blank(value) else value


def _compose_text(fields: Mapping[str, str], mapping: ColumnMapping) -> str:
    text = fields.get(mapping.text, "")
    if not mapping.more_text:
        return text
    pieces = [(name, fields.get(name, "")) for name in (mapping.text, *mapping.more_text)]
    return "\n\n".join(f"{name.upper()}:\n{piece}" for name, piece in pieces if not is_blank(piece))


def _id_problem(row: int, report_id: str, limits: Limits) -> RowProblem | None:
    if is_blank(report_id):
        return RowProblem(row, ProblemCode.MISSING_ID, "the report has no id")
    if len(report_id) > limits.max_id_chars:
        message = f"the id has {len(report_id):,} characters, at most {limits.max_id_chars} are allowed"
        return RowProblem(row, ProblemCode.BAD_ID, message)
    if has_unstorable(report_id) or any(unicodedata.category(character) in _UNSEEN for character in report_id):
        return RowProblem(
            row, ProblemCode.BAD_ID, "the id holds a control character, a line break or one without width"
        )
    if _SHORTENED_NUMBER.fullmatch(report_id):
        message = f"id {report_id!r} is a number that a spreadsheet has shortened; store ids as text"
        return RowProblem(row, ProblemCode.DAMAGED_ID, message, report_id)
    return None


def _text_problem(row: int, report_id: str, text: str, limits: Limits) -> RowProblem | None:
    if is_blank(text):
        seen = repr(text.strip()) if text.strip() else "empty"
        return RowProblem(row, ProblemCode.BLANK_TEXT, f"report {report_id!r} is blank ({seen})", report_id)
    if len(text) > limits.max_text_chars:
        message = f"report {report_id!r} has {len(text):,} characters, at most {limits.max_text_chars:,} are allowed"
        return RowProblem(row, ProblemCode.TEXT_TOO_LONG, message, report_id)
    if has_unstorable(text):
        return _unstorable(row, report_id, "its text", text)
    return None


def _others_problem(row: int, report_id: str, others: Mapping[str, str | None], limits: Limits) -> RowProblem | None:
    for name, value in others.items():
        if value and len(value) > limits.max_id_chars:
            message = f"report {report_id!r}: {name} has {len(value):,} characters, at most {limits.max_id_chars}"
            return RowProblem(row, ProblemCode.BAD_VALUE, message, report_id)
        if value and has_unstorable(value):
            return _unstorable(row, report_id, name, value)
    return None


def _unstorable(row: int, report_id: str, where: str, value: str) -> RowProblem:
    position = next(at for at, character in enumerate(value) if has_unstorable(character))
    kind = "a NUL character" if value[position] == "\x00" else "half of a character pair (a lone surrogate)"
    message = f"report {report_id!r}: {where} holds {kind} at position {position:,}, which cannot be stored"
    return RowProblem(row, ProblemCode.UNSTORABLE_CHARACTER, message, report_id)
