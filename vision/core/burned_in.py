"""Whether the picture itself may show who the patient is: the pixels are never changed, so a person has to look."""

from typing import Final

from pydicom.dataset import Dataset

_SECONDARY_CAPTURE: Final = "1.2.840.10008.5.1.4.1.1.7"
_ANNOTATING_MODALITIES: Final = frozenset({"US", "IVUS", "XC", "ES", "GM", "OP", "OT", "SC", "DOC", "SM", "ECG", "IO"})
_SCREEN_WORDS: Final = frozenset({"SCREEN SAVE", "SCREENSAVE", "SCREEN", "PROT", "DOSE_INFO", "FUSED", "REPORT"})


def burned_in_flags(dataset: Dataset) -> tuple[str, ...]:
    """Reasons to look at the picture before others see it.

    `burned_in_text`: the file says so. `burned_in_likely`: a screenshot, a scan of paper, or of a device that writes
    names into its pictures, unless the file denies it. `overlay_planes`: overlays were there (they are dropped).
    `overlay_in_pixels`: an overlay in unused bits of the pixels. `recognizable_face`: the file says so.
    """
    flags = []
    declared = _word(dataset, "BurnedInAnnotation")
    if declared == "YES":
        flags.append("burned_in_text")
    elif declared != "NO" and _is_likely(dataset):
        flags.append("burned_in_likely")
    overlays = [tag for tag in dataset.keys() if 0x6000 <= tag.group <= 0x60FF]  # noqa: SIM118 (elements stay raw)
    if overlays:
        flags.append("overlay_planes")
    if any(tag.element == 0x0102 and _number(dataset, int(tag)) > 0 for tag in overlays):
        flags.append("overlay_in_pixels")
    if _word(dataset, "RecognizableVisualFeatures") == "YES":
        flags.append("recognizable_face")
    return tuple(flags)


def _is_likely(dataset: Dataset) -> bool:
    sop_class = _word(dataset, "SOPClassUID")
    if sop_class == _SECONDARY_CAPTURE or sop_class.startswith(_SECONDARY_CAPTURE + "."):
        return True
    if _word(dataset, "ConversionType") or _word(dataset, "Modality") in _ANNOTATING_MODALITIES:
        return True
    return not _SCREEN_WORDS.isdisjoint(_word(dataset, "ImageType").split("\\"))


def _word(dataset: Dataset, keyword: str) -> str:
    value = dataset.get_item(keyword).value if keyword in dataset else None
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    elif isinstance(value, (list, tuple)) or (value is not None and not isinstance(value, str)):
        value = "\\".join(str(part) for part in value)
    return "\\".join(part.strip(" \0").upper() for part in (value or "").split("\\"))


def _number(dataset: Dataset, tag: int) -> int:
    value = dataset.get_item(tag).value
    if isinstance(value, bytes):
        return int(any(value))
    return value if isinstance(value, int) else 0
