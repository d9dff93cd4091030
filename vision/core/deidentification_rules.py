"""What happens to each attribute: Table E.1-1 of DICOM PS3.15 as dicom-anonymizer holds it, indexed by tag.

What the table does not name goes too, unless it is a number, a code or a word that reading an image takes
(`kept_attributes`). Where the table leaves a choice (X/Z, X/D and so on) the least is kept that leaves an image valid.
Dates and times that order images stay, to be moved or kept (options of E.3.6); those about a person (birth, admission)
follow the table.
"""

from enum import Enum, auto
from functools import cache, lru_cache
from typing import Final

from dicomanonymizer.simpledicomanonymizer import initialize_actions
from pydicom.datadict import dictionary_has_tag, dictionary_VR, keyword_for_tag

from vision.core.kept_attributes import KEPT_GROUPS, KEPT_KEYWORDS, KEPT_WORDS, NUMBER_VRS

_EDITION: Final = "dicomfields_2026c"


class Action(Enum):
    """What to do with an element."""

    LEAVE = auto()  # not even looked at
    CHECK_TYPE = auto()  # kept, if it is of its own type
    CHECK_WORDS = auto()  # kept, if it looks like what belongs there
    CHECK_CODE = auto()  # kept, if it is of a public coding scheme
    DESCEND = auto()  # a sequence: its items are cleaned
    REMOVE = auto()
    EMPTY = auto()
    REPLACE = auto()
    REPLACE_UID = auto()
    REPLACE_PATIENT_ID = auto()
    SHIFT_DATE = auto()
    KEEP_TIME = auto()


# By the names of dicom-anonymizer's rules.
_ACTIONS: Final = {
    "replace": Action.REPLACE,
    "empty": Action.EMPTY,
    "delete": Action.REMOVE,
    "replace_UID": Action.REPLACE_UID,
    "empty_or_replace": Action.EMPTY,
    "delete_or_empty": Action.EMPTY,
    "delete_or_replace": Action.REMOVE,
    "delete_or_empty_or_replace": Action.REMOVE,
    "delete_or_empty_or_replace_UID": Action.DESCEND,
    "keep": Action.CHECK_TYPE,
}
# Dates and times of images, which a reader needs in order: the options of E.3.6 keep or move them.
_IMAGE_TIME_NAMES: Final = """
AcquisitionDate AcquisitionDateTime AcquisitionTime ContentDate ContentTime ContrastBolusStartTime
ContrastBolusStopTime DateOfSecondaryCapture DecayCorrectionDateTime EndAcquisitionDateTime
FrameAcquisitionDateTime FrameReferenceDateTime InstanceCreationDate InstanceCreationTime
RadiopharmaceuticalStartDateTime RadiopharmaceuticalStartTime RadiopharmaceuticalStopDateTime
RadiopharmaceuticalStopTime SeriesDate SeriesTime StartAcquisitionDateTime StudyDate StudyTime
TimeOfSecondaryCapture
"""
_IMAGE_TIMES: Final = frozenset(_IMAGE_TIME_NAMES.split())
# A kind of object, not an object: mapped only where the table says so.
_KINDS: Final = ("SOPClassUID", "TransferSyntaxUID", "ClassUID", "SOPClassesInStudy", "SOPClassesSupported")
_PIXELS: Final = frozenset({0x7FE00010, 0x7FE00001, 0x7FE00002})
_CODES: Final = frozenset({"CodeValue", "CodingSchemeDesignator", "CodeMeaning"})
_OWN_WORDS: Final = frozenset({"DeidentificationMethodCodeSequence", "DeidentificationMethod"})
_CURVE_GROUPS: Final = range(0x5000, 0x5100)
_OVERLAY_GROUPS: Final = range(0x6000, 0x6100)


@lru_cache(maxsize=16384)
def action_for(tag: int) -> Action:
    """The action for an attribute by its tag (0xggggeeee)."""
    group = tag >> 16
    if group % 2 or group in _CURVE_GROUPS or group in _OVERLAY_GROUPS:
        return Action.REMOVE
    if tag in _PIXELS:
        return Action.LEAVE
    if group <= 0x0002 or not dictionary_has_tag(tag):
        return Action.REMOVE
    keyword, vr = keyword_for_tag(tag), dictionary_VR(tag)
    if keyword in _OWN_WORDS:
        return Action.REMOVE
    if keyword == "PatientID":
        return Action.REPLACE_PATIENT_ID
    ruled = _table().get(tag)
    if ruled is None and group not in KEPT_GROUPS and keyword not in KEPT_KEYWORDS:
        return Action.REMOVE
    if vr in {"DA", "DT", "TM"}:
        return _time_action(ruled, keyword=keyword, vr=vr)
    if ruled is None or ruled is Action.CHECK_TYPE:
        return _default_action(keyword, vr=vr)
    return ruled


def _time_action(ruled: Action | None, *, keyword: str, vr: str) -> Action:
    if ruled is None or ruled is Action.REPLACE or keyword in _IMAGE_TIMES:
        return Action.KEEP_TIME if vr == "TM" else Action.SHIFT_DATE
    return ruled


def _default_action(keyword: str, *, vr: str) -> Action:
    """For what the table does not name, or keeps."""
    if vr == "SQ":
        return Action.DESCEND
    if vr == "UI":
        return Action.CHECK_WORDS if keyword.endswith(_KINDS) else Action.REPLACE_UID
    if keyword in _CODES:
        return Action.CHECK_CODE
    if vr == "CS" or keyword in KEPT_WORDS:
        return Action.CHECK_WORDS
    if vr in NUMBER_VRS or keyword in KEPT_KEYWORDS:
        return Action.CHECK_TYPE
    return Action.REMOVE


@cache
def _table() -> dict[int, Action]:
    """Table E.1-1 without its repeating groups (curves and overlays), which go as whole groups."""
    rules = initialize_actions(_EDITION)
    return {rule[0] << 16 | rule[1]: _ACTIONS[function.__name__] for rule, function in rules.items() if len(rule) == 2}
