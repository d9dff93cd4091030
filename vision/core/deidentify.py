"""Takes the patient out of a DICOM object: the basic profile of DICOM PS3.15 Annex E, with two of its options.

The rules of Table E.1-1 come from dicom-anonymizer; they are indexed once by tag, so that an image costs its own
elements and not the whole table. Beyond the table only numbers, codes and a few words that an image is read with are
kept. Geometry and pixels are never read, so they stay bit for bit.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from pydicom import config
from pydicom._uid_dict import UID_dictionary
from pydicom.datadict import dictionary_has_tag, dictionary_VR, keyword_for_tag
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag
from pydicom.uid import PYDICOM_IMPLEMENTATION_UID, UID

from vision.core.burned_in import burned_in_flags
from vision.core.deidentification_rules import Action, action_for
from vision.core.descriptions import clean_description
from vision.core.kept_attributes import NUMBER_VRS, PUBLIC_SCHEMES, kept_word
from vision.core.pseudonyms import Pseudonyms, shifted_date, shifted_datetime

Dates = Literal["shift", "keep"]
Outcome = Literal["removed", "emptied", "replaced", "shifted", "kept", "cleaned"]

METHOD: Final = "Overread: DICOM PS3.15 basic profile"
_MAX_DEPTH: Final = 16
_PREAMBLE: Final = b"\0" * 128
_DESCRIPTIONS: Final = frozenset({"SeriesDescription", "StudyDescription", "ProtocolName"})
# What pydicom raises for an element that does not hold what its type says.
_DAMAGE: Final = (ValueError, TypeError, KeyError, NotImplementedError, EOFError, AttributeError, LookupError)
# Codes of CID 7050 for what was done.
_BASIC_PROFILE: Final = ("113100", "Basic Application Confidentiality Profile")
_CLEANED_DESCRIPTIONS: Final = ("113105", "Clean Descriptors Option")
_DATES_KEPT: Final = ("113106", "Retain Longitudinal Temporal Information Full Dates Option")
_DATES_SHIFTED: Final = ("113107", "Retain Longitudinal Temporal Information Modified Dates Option")


@dataclass(frozen=True, slots=True)
class Removed:
    """What was done to one object, or to many: never a value, only which attributes, how, and how often."""

    actions: Mapping[str, Outcome] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    flags: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        """For the record of an import: attributes by outcome with counts, and flags."""
        outcomes: dict[str, dict[str, int]] = {}
        for name in sorted(self.actions):
            outcomes.setdefault(self.actions[name], {})[name] = self.counts.get(name, 0)
        return {"attributes": outcomes, "flags": list(self.flags)}


def merge_removed(records: Iterable[Removed]) -> Removed:
    """One record for a series or an import: counts are added, flags are joined."""
    actions: dict[str, Outcome] = {}
    counts: Counter[str] = Counter()
    flags: set[str] = set()
    for record in records:
        actions.update(record.actions)
        counts.update(record.counts)
        flags.update(record.flags)
    return Removed(actions=actions, counts=dict(counts), flags=tuple(sorted(flags)))


def deidentify(
    dataset: Dataset, *, secret: str, scope: str, dates: Dates = "shift", keep_descriptions: bool = False
) -> Removed:
    """De-identify `dataset` in place, and say what was done.

    UIDs and the patient id become keyed stand-ins (`Pseudonyms`) that are the same in every object of a `scope`.
    `dates="shift"` moves the dates that order images by a number of days that is constant for a patient and never 0;
    without a patient id it is constant for a study. `keep_descriptions` keeps the words of descriptions that say how
    an image was made. A second run changes nothing.
    Source: DICOM PS3.15 Table E.1-1 and E.3.5, E.3.6.
    """
    pseudonyms = Pseudonyms(secret=secret, scope=scope)
    patient, study = _text(dataset, "PatientID"), _text(dataset, "StudyInstanceUID")
    done_before = pseudonyms.is_own_patient_id(patient) or (not patient and pseudonyms.is_own_uid(study))
    flags = list(burned_in_flags(dataset))
    if not patient:
        flags.append("no_patient_id")
    moved_before = done_before and _text(dataset, "LongitudinalTemporalInformationModified") == "MODIFIED"
    shift_days = pseudonyms.shift_days(patient or study) if dates == "shift" and not moved_before else 0
    cleaner = _Cleaner(
        pseudonyms=pseudonyms, shift_days=shift_days, keep_descriptions=keep_descriptions, done_before=done_before
    )
    cleaner.clean(dataset, depth=0)
    _say_how(dataset, dates="shift" if moved_before else dates, keep_descriptions=keep_descriptions)
    _renew_file_meta(dataset)
    return Removed(actions=cleaner.actions, counts=dict(cleaner.counts), flags=tuple(flags))


@dataclass(slots=True)
class _Cleaner:
    """Walks a dataset and its sequences, and keeps account."""

    pseudonyms: Pseudonyms
    shift_days: int
    keep_descriptions: bool
    done_before: bool
    actions: dict[str, Outcome] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def clean(self, dataset: Dataset, *, depth: int) -> None:
        for tag in list(dataset.keys()):
            action = action_for(int(tag))
            if action is Action.LEAVE and depth == 0:
                continue
            try:
                outcome = _HANDLERS[action](self, dataset, dataset.get_item(tag), depth)
            except _DAMAGE:
                del dataset[tag]
                outcome = "removed"
            if outcome is not None:
                name = _name(tag)
                self.actions[name] = outcome
                self.counts[name] += 1


_Element = DataElement | RawDataElement
_Handler = Callable[["_Cleaner", Dataset, _Element, int], Outcome | None]


def _remove(cleaner: _Cleaner, dataset: Dataset, element: _Element, depth: int) -> Outcome | None:
    if cleaner.keep_descriptions and keyword_for_tag(element.tag) in _DESCRIPTIONS:
        cleaned = clean_description(" ".join(_strings(element)))
        if cleaned:
            _put(dataset, element.tag, vr="LO", value=cleaned[:64].strip())
            return "cleaned"
    del dataset[element.tag]
    # Group lengths say nothing and are written anew.
    return None if element.tag.element == 0 else "removed"


def _empty(cleaner: _Cleaner, dataset: Dataset, element: _Element, depth: int) -> Outcome | None:
    if not _has_value(element):
        return None
    vr = _known_vr(element.tag)
    _put(dataset, element.tag, vr=vr, value=Sequence() if vr == "SQ" else None)
    return "emptied"


def _replace(cleaner: _Cleaner, dataset: Dataset, element: _Element, depth: int) -> Outcome | None:
    vr = _known_vr(element.tag)
    if vr in {"LO", "SH", "ST", "LT", "UT", "UC", "PN", "CS"}:
        if cleaner.done_before and _strings(element) == ["REMOVED"]:
            return None
        _put(dataset, element.tag, vr=vr, value="REMOVED")
        return "replaced"
    return _empty(cleaner, dataset, element, depth)


def _replace_patient_id(cleaner: _Cleaner, dataset: Dataset, element: _Element, depth: int) -> Outcome | None:
    before = "\\".join(_strings(element))
    after = cleaner.pseudonyms.patient_id(before)
    if after == before:
        return None
    _put(dataset, element.tag, vr="LO", value=after)
    return "replaced"


def _replace_uids(cleaner: _Cleaner, dataset: Dataset, element: _Element, depth: int) -> Outcome | None:
    before = _strings(element)
    after = [uid if uid in UID_dictionary else cleaner.pseudonyms.uid(uid) for uid in before]
    if after == before and _known_vr(element.tag) == "UI" and element.VR in {"UI", None}:
        return None
    _put(dataset, element.tag, vr="UI", value=after[0] if len(after) == 1 else after)
    return "replaced"


def _shift_date(cleaner: _Cleaner, dataset: Dataset, element: _Element, depth: int) -> Outcome | None:
    vr = _known_vr(element.tag)
    before = _strings(element)
    if not any(before):
        return None
    move = shifted_date if vr == "DA" else shifted_datetime
    after = [move(text, cleaner.shift_days) for text in before]
    if None in after:
        return _empty(cleaner, dataset, element, depth)
    if after != before:
        _put(dataset, element.tag, vr=vr, value=after[0] if len(after) == 1 else after)
    return "shifted" if cleaner.shift_days else "kept"


def _keep_time(cleaner: _Cleaner, dataset: Dataset, element: _Element, depth: int) -> Outcome | None:
    if all(set(text) <= set("0123456789.:- ") for text in _strings(element)):
        return "kept"
    return _empty(cleaner, dataset, element, depth)


def _descend(cleaner: _Cleaner, dataset: Dataset, element: _Element, depth: int) -> Outcome | None:
    sequence = dataset[element.tag]
    if sequence.VR != "SQ" or depth >= _MAX_DEPTH:
        del dataset[element.tag]
        return "removed"
    for nested in sequence.value:
        cleaner.clean(nested, depth=depth + 1)
    return None


def _check_type(cleaner: _Cleaner, dataset: Dataset, element: _Element, depth: int) -> Outcome | None:
    """Keep an element of numbers, unless it holds words or may hold any, where its own type cannot."""
    known = dictionary_VR(element.tag)
    vr = known if element.VR in {None, "UN"} else element.VR
    if vr not in NUMBER_VRS and vr not in known.split(" or ") and vr != known:
        return _drop(dataset, element)
    if vr in {"DS", "IS"} and isinstance(element.value, bytes) and element.value.translate(None, _IN_NUMBERS):
        return _drop(dataset, element)
    if element.VR == "UN" and dataset[element.tag].VR == "UN":
        return _drop(dataset, element)
    return None


def _check_words(cleaner: _Cleaner, dataset: Dataset, element: _Element, depth: int) -> Outcome | None:
    """Keep those values of an element that look like what belongs there, each at its place."""
    vr = _known_vr(element.tag)
    before = _strings(element)
    after = [kept_word(value, vr=vr) for value in before]
    if not any(after):
        return _drop(dataset, element) if any(before) or element.VR not in {None, vr} else None
    if after == before and element.VR in {None, vr}:
        return None
    _put(dataset, element.tag, vr=vr, value=after[0] if len(after) == 1 else after)
    return None if after == before else "cleaned"


def _check_code(cleaner: _Cleaner, dataset: Dataset, element: _Element, depth: int) -> Outcome | None:
    """Keep a code of a public scheme; its neighbours are looked at in the order of their tags, the scheme second."""
    if _text(dataset, "CodingSchemeDesignator") not in PUBLIC_SCHEMES or element.VR not in {None, "SH", "LO"}:
        return _drop(dataset, element)
    return None


def _drop(dataset: Dataset, element: _Element) -> Outcome:
    del dataset[element.tag]
    return "removed"


_IN_NUMBERS: Final = b"0123456789+-.eE\\ \0"
_HANDLERS: Final[Mapping[Action, _Handler]] = {
    Action.REMOVE: _remove,
    Action.EMPTY: _empty,
    Action.REPLACE: _replace,
    Action.REPLACE_PATIENT_ID: _replace_patient_id,
    Action.REPLACE_UID: _replace_uids,
    Action.SHIFT_DATE: _shift_date,
    Action.KEEP_TIME: _keep_time,
    Action.DESCEND: _descend,
    Action.CHECK_TYPE: _check_type,
    Action.CHECK_WORDS: _check_words,
    Action.CHECK_CODE: _check_code,
    Action.LEAVE: _remove,  # pixels in an item of a sequence
}


def _put(dataset: Dataset, tag: BaseTag, *, vr: str, value: object) -> None:
    dataset[tag] = DataElement(tag, vr, value, validation_mode=config.IGNORE)


def _strings(element: _Element) -> list[str]:
    """The values of an element as texts, without pydicom's conversion, whose warnings would quote them."""
    value = element.value
    if isinstance(value, bytes):
        return [part.strip(" \0") for part in value.decode("latin-1").split("\\")]
    if isinstance(value, (MultiValue, list, tuple)):
        return [str(part).strip(" \0") for part in value]
    return ["" if value is None else str(value).strip(" \0")]


def _text(dataset: Dataset, keyword: str) -> str:
    return "\\".join(_strings(dataset.get_item(keyword))) if keyword in dataset else ""


def _has_value(element: _Element) -> bool:
    value = element.value
    return value is not None and not (isinstance(value, (bytes, str, list, Sequence)) and len(value) == 0)


def _known_vr(tag: BaseTag) -> str:
    return dictionary_VR(tag).partition(" ")[0]


def _name(tag: BaseTag) -> str:
    if tag.is_private:
        return "private"
    if 0x5000 <= tag.group <= 0x50FF:
        return "curves"
    if 0x6000 <= tag.group <= 0x60FF:
        return "overlays"
    return keyword_for_tag(tag) if dictionary_has_tag(tag) else f"({tag.group:04X},{tag.element:04X})"


def _say_how(dataset: Dataset, *, dates: Dates, keep_descriptions: bool) -> None:
    """Write what was done where DICOM has a place for it. Source: PS3.15 E.1.1, PS3.3 C.12.1.1.7."""
    codes = [_BASIC_PROFILE, _DATES_SHIFTED if dates == "shift" else _DATES_KEPT]
    if keep_descriptions:
        codes.append(_CLEANED_DESCRIPTIONS)
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = METHOD
    dataset.DeidentificationMethodCodeSequence = Sequence([_code(value, meaning) for value, meaning in codes])
    dataset.LongitudinalTemporalInformationModified = "MODIFIED" if dates == "shift" else "UNMODIFIED"


def _code(value: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "DCM", meaning
    return item


def _renew_file_meta(dataset: Dataset) -> None:
    """A file head made anew: preamble, sender and private information may say where the file comes from."""
    meta = FileMetaDataset()
    before = getattr(dataset, "file_meta", None)
    syntax = None if before is None else before.get("TransferSyntaxUID")
    if syntax is not None:
        meta.TransferSyntaxUID = syntax
    meta.MediaStorageSOPClassUID = UID(_text(dataset, "SOPClassUID"))
    meta.MediaStorageSOPInstanceUID = UID(_text(dataset, "SOPInstanceUID"))
    meta.ImplementationClassUID = PYDICOM_IMPLEMENTATION_UID
    meta.ImplementationVersionName = "OVERREAD"
    dataset.file_meta = meta
    dataset.preamble = _PREAMBLE


__all__ = ["METHOD", "Dates", "Pseudonyms", "Removed", "clean_description", "deidentify", "merge_removed"]
