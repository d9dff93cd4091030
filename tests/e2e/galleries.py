"""Two more projects with images for the browser tests: cases to compare one after the other, and every transfer syntax.

Run as a program with the name of one it fills the database that the settings name.
"""

import base64
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate

from tests import phantoms
from tests.e2e import pictures

PAIRS = "pairs"
SYNTAXES = "syntaxes"
SYNTAXES_CASE = "SYNTAXES"
GOLDEN_HTJ2K = Path(__file__).resolve().parents[1] / "golden" / "htj2k.json"

# Grey all over, in HU: white and black in the window of these series. Case: value of each of its series.
WHITE_HU, BLACK_HU = 380, 20
LEVELS_HU = {
    "white-1": (WHITE_HU, WHITE_HU + 1),
    "black-1": (BLACK_HU, BLACK_HU + 1),
    "white-2": (WHITE_HU + 2, WHITE_HU + 3),
    "black-2": (BLACK_HU + 2,),
    "white-3": (WHITE_HU + 4, WHITE_HU + 5),
    "nothing": (),
    "black-3": (BLACK_HU + 4, BLACK_HU + 5),
}
N_PICTURES = 6


def _level_series(level_hu: int, key: str, number: int) -> list[Dataset]:
    seed = f"2.25.5{list(LEVELS_HU).index(key):02d}{number}"
    return [
        phantoms.image(
            np.full((16, 16), level_hu + 1024, dtype=np.int16),
            AccessionNumber=key,
            PatientID=key,
            StudyInstanceUID=seed[:-1] + "8",
            SeriesInstanceUID=f"{seed}0",
            SOPInstanceUID=f"{seed}1{picture:02d}",
            FrameOfReferenceUID=seed[:-1] + "9",
            SeriesNumber=number,
            InstanceNumber=picture + 1,
            ImagePositionPatient=[-8.0, -8.0, 3.0 * picture],
            PixelSpacing=[1.0, 1.0],
            WindowCenter=200,
            WindowWidth=400,
        )
        for picture in range(N_PICTURES)
    ]


def make_pairs() -> None:
    """White cases, each followed by black ones."""
    with TemporaryDirectory() as name:
        for key, levels in LEVELS_HU.items():
            for number, level in enumerate(levels, start=1):
                phantoms.write_files(_level_series(level, key, number), Path(name) / f"{key}-dicom" / str(number))
        reports = {key: f"FINDINGS: The liver of {key} is normal." for key in LEVELS_HU}
        pictures.make_project(PAIRS, reports, Path(name))


def syntax_files(examples: Path) -> dict[str, Dataset]:
    """A picture in each transfer syntax, by its UID: those in `examples`, and the golden ones of HTJ2K."""
    found = {}
    for path in sorted(examples.glob("*_1.2.840.10008.1.2*.dcm")):
        dataset = dcmread(path)
        found[str(dataset.file_meta.TransferSyntaxUID)] = dataset
    golden = json.loads(GOLDEN_HTJ2K.read_text(encoding="utf-8"))
    for uid, stream in golden["codestreams"].items():
        dataset = phantoms.image(np.zeros(golden["shape"], "u2"))
        dataset.file_meta.TransferSyntaxUID = uid
        dataset.PixelData = encapsulate([base64.b64decode(stream["base64"])], has_bot=False)
        dataset["PixelData"].VR = "OB"
        found[uid] = dataset
    for number, dataset in enumerate(found.values(), start=1):
        dataset.AccessionNumber, dataset.PatientID = SYNTAXES_CASE, "P-1"
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "2.25.61", f"2.25.62{number:02d}"
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"2.25.63{number:02d}"
        dataset.SeriesNumber, dataset.InstanceNumber = number, 1
    return found


def make_syntaxes(examples: Path) -> None:
    """One case with a series in each transfer syntax."""
    with TemporaryDirectory() as name:
        for uid, dataset in syntax_files(examples).items():
            dataset.save_as(Path(name) / f"{uid}.dcm", enforce_file_format=True)
        pictures.make_project(SYNTAXES, {SYNTAXES_CASE: "FINDINGS: The liver is normal."}, Path(name))


if __name__ == "__main__":
    import django

    django.setup()
    if sys.argv[1] == PAIRS:
        make_pairs()
    else:
        make_syntaxes(Path(sys.argv[2]))
