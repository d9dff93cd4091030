"""Find the case that images belong to: by a mapping file, the numbers in their headers, or the names of their files."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final

from django.conf import settings

from annotator.core.identifiers import patient_key
from annotator.models import Case, Project
from labeling.core.intake.records import has_unstorable
from labeling.exceptions import UserError
from vision.services.options import LINKS

MAX_MAPPING_BYTES: Final = 64 * 1024**2
_SELECTORS: Final = ("file", "series_uid", "study_uid", "accession_number", "study_id", "patient_id")
_SELECTOR_NAMES: Final = {
    "file": ("file", "path", "folder", "filename", "image", "images"),
    "series_uid": ("seriesuid", "seriesinstanceuid"),
    "study_uid": ("studyuid", "studyinstanceuid"),
    "accession_number": ("accessionnumber", "accession", "accessionno"),
    "study_id": ("studyid",),
    "patient_id": ("patientid",),
}
_CASE_NAMES: Final = ("case", "casekey", "reportid", "key", "report")
_ENDING: Final = re.compile(r"\.(nii\.gz|nii|dcm|dicom|ima|zip)$", re.IGNORECASE)
_NIFTI: Final = re.compile(r"\.nii(\.gz)?$", re.IGNORECASE)
# What follows the name of a case in the names of its files: a word for an image or a mask, a channel of nnU-Net.
_SUFFIX: Final = re.compile(
    r"[ ._-]+(?:ct|mri?|image|img|masks?|seg|segmentations?|labels?|totalseg(?:mentator)?)$", re.IGNORECASE
)
_CHANNEL: Final = re.compile(r"_000\d$")
# Scanners count their studies from 1: such a number names a study of theirs, and no study of ours.
_SHORTEST_STUDY_ID: Final = 3
_LARGEST_COUNTER: Final = 9999
# Links by what two patients may share.
_WEAK: Final = frozenset({"study_id", "name"})
ANOTHER_PATIENT: Final = "what names a case belongs to another patient; say in a mapping file where these images belong"
NO_CASE: Final = "no case of the project is named by it"


@dataclass(frozen=True, slots=True)
class Clues:
    """What may say where images belong. `names` are paths of their files, or of their folder.

    Names with fewer than `shortest_name` characters do not count: DICOM is exported into folders called 1, 2, 3.
    """

    names: tuple[str, ...]
    shortest_name: int = 1
    series_uid: str = ""
    study_uid: str = ""
    accession_number: str = ""
    study_id: str = ""
    patient_id: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """The case, and what led to it (one of `LINKS`)."""

    case: Case
    by: str


@dataclass(slots=True)
class Linker:
    """Finds the cases of one project. `source_name` counts as the outermost folder.

    `reason` says why the last search led nowhere.
    """

    project: Project
    mapping: Mapping[str, Mapping[str, str]]
    source_name: str = ""
    link_by: tuple[str, ...] = LINKS
    reason: str = NO_CASE
    _found: dict[str, Case | None] = field(default_factory=dict)
    _cases: dict[int, Case] = field(default_factory=dict)

    def find(self, clues: Clues) -> Link | None:
        """The case of these images; None when nothing leads to one, or only a weak link to one of another patient."""
        self.reason = NO_CASE
        for how in self.link_by:
            for name in self._named(how, clues):
                case = self._case(name)
                if case is None:
                    continue
                if how in _WEAK and self._is_of_another(case, clues.patient_id, how=how):
                    self.reason = ANOTHER_PATIENT
                    continue
                return Link(case, how)
        return None

    def _is_of_another(self, case: Case, patient_id: str, *, how: str) -> bool:
        """Whether the images are of another patient than the case, as far as keys of patients tell.

        A study id of a header is trusted least: the case's report must agree where it named a patient. A folder was
        named by somebody: it is doubted where the patient of the images is known in the project by other cases.
        """
        if not patient_id:
            return False
        secret, scope = str(settings.PATIENT_KEY_SECRET), str(self.project.pk)
        key = patient_key(secret=secret, scope=scope, patient_id=patient_id, report_id="")
        if key == case.patient_key:
            return False
        if how == "study_id":
            report_id = case.report.report_id if case.report else case.key
            return case.patient_key != patient_key(secret=secret, scope=scope, patient_id=None, report_id=report_id)
        return Case.objects.filter(project=self.project, patient_key=key).exists()

    def _named(self, how: str, clues: Clues) -> Iterator[str]:
        """Names of cases or studies that this link gives, the nearest first."""
        if how == "mapping":
            yield from self._mapped(clues)
        elif how == "name":
            for name in clues.names[:1]:
                found = names_in(name, source_name=self.source_name)
                yield from (part for part in found if len(part) >= clues.shortest_name)
        elif how != "study_id" or is_telling(clues.study_id):
            yield getattr(clues, how)

    def _mapped(self, clues: Clues) -> Iterator[str]:
        for name in clues.names if "file" in self.mapping else ():
            for part in _paths_of(name, source_name=self.source_name):
                if part in self.mapping["file"]:
                    yield self.mapping["file"][part]
        for selector in _SELECTORS[1:]:
            value = getattr(clues, selector)
            if value and value in self.mapping.get(selector, {}):
                yield self.mapping[selector][value]

    def _case(self, name: str) -> Case | None:
        name = name.strip()
        if not name or has_unstorable(name):
            return None
        if name not in self._found:
            cases = Case.objects.filter(project=self.project).select_related("study", "report").order_by("position")
            case = cases.filter(key=name).first() or cases.filter(study__study_id=name).first()
            self._found[name] = self._cases.setdefault(case.pk, case) if case else None
        return self._found[name]


def is_telling(study_id: str) -> bool:
    """Whether a study id of a header can name a study of ours: scanners write counters there."""
    said = study_id.strip()
    is_counter = said.isascii() and said.isdecimal() and int(said[:10]) <= _LARGEST_COUNTER
    return len(said) >= _SHORTEST_STUDY_ID and not is_counter


def names_in(path: str, *, source_name: str = "") -> Iterator[str]:
    """What of a path may name a case: its file name without ending, then its folders from the inside out."""
    parts = [*([source_name] if source_name else []), *PurePosixPath(path).parts]
    for part in reversed(parts):
        name = _ENDING.sub("", part)
        is_nifti = _NIFTI.search(part) is not None
        while name:
            yield name
            shorter = _SUFFIX.sub("", name)
            shorter = _CHANNEL.sub("", shorter) if is_nifti else shorter
            if shorter == name:
                break
            name = shorter


def _paths_of(name: str, *, source_name: str) -> Iterator[str]:
    """A path, its folders, and its last part with and without ending: what the column `file` may hold."""
    path = PurePosixPath(name)
    yield name
    yield path.name
    yield _ENDING.sub("", path.name)
    for folder in path.parents:
        if folder.parts:
            yield folder.as_posix()
            yield folder.name
    yield f"{source_name}/{name}"
    yield source_name


def read_mapping(path: Path | None) -> dict[str, dict[str, str]]:
    """For each selector, the case that each of its values belongs to. Raises `UserError` for a file that says less."""
    if path is None:
        return {}
    if path.stat().st_size > MAX_MAPPING_BYTES:
        raise UserError(f"the mapping file has more than {MAX_MAPPING_BYTES:,} bytes")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError("the mapping file is not in UTF-8") from error
    dialect: type[csv.Dialect] = csv.excel_tab if "\t" in text.partition("\n")[0] else csv.excel
    reader = csv.DictReader(io.StringIO(text, newline=""), dialect=dialect)
    columns = _recognise(reader.fieldnames or [])
    mapping: dict[str, dict[str, str]] = {selector: {} for selector in columns if selector != "case"}
    try:
        for row in reader:
            _add_row(mapping, row, columns=columns, line=reader.line_num)
    except csv.Error as error:
        raise UserError(f"line {reader.line_num} of the mapping file cannot be read as CSV") from error
    return mapping


def _recognise(names: Iterable[str]) -> dict[str, str]:
    """Column names by what they are."""
    known = {re.sub(r"[\W_]+", "", name or "").casefold(): name for name in names}
    columns = {}
    for what, aliases in {"case": _CASE_NAMES, **_SELECTOR_NAMES}.items():
        column = next((known[alias] for alias in aliases if alias in known), None)
        if column is not None:
            columns[what] = column
    if "case" not in columns or len(columns) < 2:
        raise UserError(
            "the mapping file needs a column `case` and at least one of: "
            + ", ".join(f"`{name}`" for name in _SELECTORS)
        )
    return columns


def _add_row(
    mapping: dict[str, dict[str, str]], row: Mapping[str, str | None], *, columns: Mapping[str, str], line: int
) -> None:
    case = (row[columns["case"]] or "").strip()
    for selector, known in mapping.items():
        value = (row[columns[selector]] or "").strip()
        if selector == "file":
            value = value.removeprefix("./").rstrip("/")
        if not (value and case):
            continue
        if known.setdefault(value, case) != case:
            raise UserError(f"line {line} of the mapping file gives a second case for the same {selector}")
