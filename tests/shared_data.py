"""Real files beside the repository, for tests that read them; skipped with the source where they are missing."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2] / "shared" / "data"
_SOURCES = {
    "ct_abdomen": "the tests of wasserth/TotalSegmentator on GitHub (Apache-2.0)",
    "dicom_syntaxes": "the test images of cornerstonejs/cornerstone3D on GitHub (MIT)",
    "leavs": "the files of rsummers11/LEAVS on GitHub (public domain)",
    "reports": "Sudirman et al., Mendeley Data 10.17632/s6bgczr8s2.2 (CC BY 4.0)",
    "spine_mr": "spinalcordtoolbox/sct_testing_data (MIT) and the tests of fo-dicom (MS-PL) on GitHub",
}


def shared_data(name: str) -> Path:
    """Path of `folder` or `folder/file` in the shared data; under CI a missing one is a failure."""
    path = ROOT / name
    if not path.exists():
        message = f"shared/data/{name} is not beside the repository; it comes from {_SOURCES[name.split('/')[0]]}"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return path
