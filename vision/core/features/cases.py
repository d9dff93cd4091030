"""The list of cases to measure: a CSV with paths of files beside it."""

import csv
import io
from pathlib import Path
from typing import Final

from vision.core.features.extraction import Case
from vision.core.refusals import ImageRefused

COLUMNS: Final = ("case_id", "patient_key", "image")
FURTHER: Final = ("mask", "landmarks", "part")


def read_cases(path: Path) -> tuple[list[Case], dict[str, str]]:
    """Cases in the order of the file, and the part of those that have one (training, validation, test).

    Columns are case_id, patient_key and image, and mask or landmarks; paths are relative to the file. Raises
    `ImageRefused` for other columns, an empty cell of the first three, and a case that stands twice.
    """
    try:
        rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ImageRefused(f"{path.name} cannot be read as CSV in UTF-8", code="bad_cases") from error
    if not rows:
        raise ImageRefused(f"{path.name} lists no case", code="bad_cases")
    missing = [column for column in COLUMNS if column not in rows[0]]
    if missing:
        raise ImageRefused(
            f"{path.name} lacks the column {missing[0]}; expected {', '.join(COLUMNS)}, and {', '.join(FURTHER)} as "
            "there are",
            code="bad_cases",
        )
    cases: dict[str, Case] = {}
    part_of: dict[str, str] = {}
    for number, row in enumerate(rows, start=2):
        cells = {name: (row.get(name) or "").strip() for name in (*COLUMNS, *FURTHER)}
        empty = [name for name in COLUMNS if not cells[name]]
        if empty:
            raise ImageRefused(f"{path.name}, line {number}: {empty[0]} is empty", code="bad_cases")
        if cells["case_id"] in cases:
            raise ImageRefused(f"{path.name}, line {number}: the case stands twice", code="bad_cases")
        mask, landmarks = (path.parent / cells[name] if cells[name] else None for name in ("mask", "landmarks"))
        image = path.parent / cells["image"]
        cases[cells["case_id"]] = Case(cells["case_id"], cells["patient_key"], image, mask, landmarks)
        if cells["part"]:
            part_of[cells["case_id"]] = cells["part"]
    return list(cases.values()), part_of
