"""What stays of the attributes that Table E.1-1 does not name: a list of what is kept, not of what goes.

A site, a vendor or a later edition may put words into any attribute; only what an image is read and measured with is
worth that risk, and even there words are kept only when they look like what belongs there.
"""

import re
from typing import Final

# General, acquisition, relationship, image, nuclear medicine, segmentation, functional groups of multi-frame images.
KEPT_GROUPS: Final = frozenset({0x0008, 0x0018, 0x0020, 0x0028, 0x0054, 0x0062, 0x5200})
NUMBER_VRS: Final = frozenset({"AT", "DS", "FD", "FL", "IS", "SL", "SS", "UL", "US", "US or SS"})
# Of other groups, or of types that may hold anything: the mapping of pixels to real-world values.
KEPT_KEYWORDS: Final = frozenset(
    [
        "ConceptCodeSequence",
        "ConceptNameCodeSequence",
        "DoubleFloatRealWorldValueFirstValueMapped",
        "DoubleFloatRealWorldValueLastValueMapped",
        "LUTData",
        "MeasurementUnitsCodeSequence",
        "QuantityDefinitionSequence",
        "RealWorldValueFirstValueMapped",
        "RealWorldValueIntercept",
        "RealWorldValueLastValueMapped",
        "RealWorldValueLUTData",
        "RealWorldValueMappingSequence",
        "RealWorldValueSlope",
    ]
)
# Short texts that say how an image was made.
KEPT_WORDS: Final = frozenset(
    [
        "AttenuationCorrectionMethod",
        "ContrastBolusRoute",
        "ConvolutionKernel",
        "FilterType",
        "ImagedNucleus",
        "Manufacturer",
        "ManufacturerModelName",
        "PulseSequenceName",
        "Radiopharmaceutical",
        "RadiopharmaceuticalRoute",
        "ReconstructionMethod",
        "RescaleType",
        "ScatterCorrectionMethod",
        "SequenceName",
        "StackID",
    ]
)
# A code in a scheme of a site's own (99...) may stand for anything.
PUBLIC_SCHEMES: Final = frozenset({"DCM", "FMA", "LN", "NCIt", "RADLEX", "SCT", "SNM3", "SRT", "UCUM", "UMLS"})

# Numbers of persons and dates have six digits or more; no defined term has.
_CODE_STRING: Final = re.compile(r"(?!.*\d{6})[A-Z0-9_ ]{1,16}", re.ASCII)
_SHORT_TEXT: Final = re.compile(r"(?!.*\d{5})[\w .,()&/+*-]{1,64}", re.ASCII)
_UID: Final = re.compile(r"[0-9.]{1,64}", re.ASCII)
_OFTEN_SMALL: Final = frozenset({"MONOCHROME1", "MONOCHROME2", "CT", "MR", "PT"})


def kept_word(value: str, *, vr: str) -> str:
    """A value as it may stay in an attribute of type `vr` (CS, UI, LO, SH); empty where it must not."""
    if vr == "CS":
        value = value.upper() if value.upper() in _OFTEN_SMALL else value
        return value if _CODE_STRING.fullmatch(value) else ""
    return value if (_UID if vr == "UI" else _SHORT_TEXT).fullmatch(value) else ""
