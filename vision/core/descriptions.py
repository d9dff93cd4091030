"""Descriptions of series and studies, cleaned: only words that say how an image was made are kept.

Names cannot be recognised, so nothing is searched and removed; what is not on the list is left out (DICOM PS3.15
E.3.5, the option to clean descriptors).
"""

import re
from typing import Final

_KEPT: Final = """
2d 3d 4d abd abdomen abdominal adc adrenal aorta aortic arm arterial artery ax axial b0 b100 b1000 b400 b50 b500
b600 b800 base bilateral biliary blade body bone brachial brain breast c-spine cap cardiac ce cemra cervical
cest chest ciss contrast cor coronal cspine ct cta ctpa cube delayed diff diffusion dixon dual dwi dyn dynamic
early echo elbow epi excretory expiration expiratory fat fatsat femur fgre field fiesta fl2d fl3d flair flash
foot fov fs fse gadolinium gd gre hand haste head heart hepatic hepatobiliary high hip hr iac ideal iliac in
inphase inspiration iv kernel kidney kidneys knee kub l-spine lateral lava left leg lft liver localiser
localizer lower lspine lumbar lumbosacral lung lungs lvl map mask max mdix mediastinum medic min minip mip mpr
mprage mr mra mrcp mri mrv multiplanar native navigator neck nephrographic non noncontrast oblique op opp
opposed orbit out outphase pancreas parotid pc pd pelvic pelvis perfusion phase pituitary plain plane planes
portal portovenous post pre propeller prostate pv recon reformat renal resolve rib ribs right rt sacral
sacroiliac sacrum sag sagittal scout se shoulder si sinus skull small soft space spair spc spgr spinal spine
spleen ss ssfse standard sternum stir sub subtraction survey surview swi t-spine t1 t1w t2 t2* t2star t2w tfe
thick thin thoracic thorax thrive tibia tissue tof topogram tra trans transverse triphasic trufi tse tspine
ultra unenhanced upper uretra urography vein venous vessel vibe vista volume w water whole wholebody window with
without wo wrist
"""
_WORDS: Final = frozenset(_KEPT.split())
# Kernels and measures: "5mm", "1.25", "B30f", "I31s", "Br40", "Qr40d"; no number of more than three digits.
_MEASURE: Final = re.compile(
    r"\d{1,3}(\.\d{1,3})?(mm|cm|s|sec|ms|min|kv|x\d{1,3}(\.\d{1,3})?)?", re.ASCII | re.IGNORECASE
)
# Several that stand together are a date, a telephone or a record number in groups.
_BARE_NUMBER: Final = re.compile(r"[.#-]*\d[\d.-]*", re.ASCII)
_KERNEL: Final = re.compile(r"(B|I|J|Br|Bv|Bl|Hr|Hv|Qr|Sa|Sr)\d\d[a-z]?", re.ASCII)
_SEPARATORS: Final = re.compile(r"[\s_,;:/()\[\]+|&=]+")
_MAX_CHARS: Final = 256


def clean_description(text: str) -> str:
    """The words of a description that say how an image was made, joined by spaces; empty where there are none."""
    words = _SEPARATORS.split(text[:_MAX_CHARS])
    is_bare = [False, *(_BARE_NUMBER.fullmatch(word) is not None for word in words), False]
    return " ".join(
        word
        for at, word in enumerate(words)
        if _is_kept(word.strip(".-")) and not (is_bare[at + 1] and (is_bare[at] or is_bare[at + 2]))
    )


def _is_kept(word: str) -> bool:
    return word.lower() in _WORDS or bool(_MEASURE.fullmatch(word) or _KERNEL.fullmatch(word))
