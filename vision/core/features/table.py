"""Features of cases and regions as one array, kept as .npz beside a JSON manifest."""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vision.core.files import write_whole
from vision.core.refusals import ImageRefused

FORMAT: Final = 1
_ARRAYS: Final = ("case_ids", "patient_keys", "regions", "names", "values", "found")


@dataclass(frozen=True, slots=True, eq=False)
class FeatureTable:
    """`values[case, region, feature]` (float32, 0 where a region was not found) and `found[case, region]`.

    `missing_is_value` says what a region that was not found means: True, that the zeros describe it (an organ that is
    gone); False, that nothing is known of it (a level outside the image). `manifest` says how the values were made.
    """

    case_ids: tuple[str, ...]
    patient_keys: tuple[str, ...]
    regions: tuple[str, ...]
    names: tuple[str, ...]
    values: NDArray[np.float32]
    found: NDArray[np.bool_]
    missing_is_value: bool
    manifest: Mapping[str, Any]

    def __post_init__(self) -> None:
        shape = (len(self.case_ids), len(self.regions), len(self.names))
        if self.values.shape != shape or self.found.shape != shape[:2] or len(self.patient_keys) != shape[0]:
            raise ValueError(f"features {self.values.shape} and found {self.found.shape} do not fit {shape}")
        if len(set(self.case_ids)) != len(self.case_ids):
            raise ValueError("a case stands in the features twice")
        if not np.isfinite(self.values).all():
            raise ValueError("features are finite numbers")

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which regions of which cases can be judged `(cases, regions)`."""
        return np.ones_like(self.found) if self.missing_is_value else self.found

    def save(self, path: Path) -> None:
        """Write `path` (.npz) and the manifest beside it as .json; each appears when it is complete."""
        packed = packed_arrays(
            {
                "case_ids": np.array(self.case_ids, dtype=np.str_),
                "patient_keys": np.array(self.patient_keys, dtype=np.str_),
                "regions": np.array(self.regions, dtype=np.str_),
                "names": np.array(self.names, dtype=np.str_),
                "values": self.values,
                "found": self.found,
            }
        )
        write_whole(path, packed)
        about = dict(self.manifest) | {
            "format": FORMAT,
            "missing_is_value": self.missing_is_value,
            "sha256": hashlib.sha256(packed).hexdigest(),
        }
        write_whole(path.with_suffix(".json"), json.dumps(about, indent=2, sort_keys=True).encode() + b"\n")


def load_features(path: Path) -> FeatureTable:
    """Read a table. Raises `ImageRefused` when the files do not belong together or are of another format."""
    about = read_manifest(path.with_suffix(".json"))
    arrays = read_arrays(path, sha256=str(about.get("sha256")), names=_ARRAYS)
    if about.get("format") != FORMAT:
        raise ImageRefused(f"{path.name} has format {about.get('format')!r}, expected {FORMAT}", code="features_format")
    return FeatureTable(
        case_ids=tuple(arrays["case_ids"].tolist()),
        patient_keys=tuple(arrays["patient_keys"].tolist()),
        regions=tuple(arrays["regions"].tolist()),
        names=tuple(arrays["names"].tolist()),
        values=arrays["values"],
        found=arrays["found"],
        missing_is_value=bool(about["missing_is_value"]),
        manifest=about,
    )


def packed_arrays(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """The bytes of an .npz of arrays; the same arrays give the same bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, np.asarray(array), allow_pickle=False)  # type: ignore[no-untyped-call]
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0)), content.getvalue())
    return packed.getvalue()


def read_arrays(path: Path, *, sha256: str, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """The named arrays of an .npz whose bytes have that hash; raises `ImageRefused`. Nothing is unpickled."""
    data = path.read_bytes()
    seen = hashlib.sha256(data).hexdigest()
    if seen != sha256:
        raise ImageRefused(
            f"{path.name} has SHA-256 {seen[:12]}..., its manifest names {sha256[:12]}...: one of them was changed",
            code="arrays_changed",
        )
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        missing = sorted(set(names) - set(archive.files))
        if missing:
            raise ImageRefused(f"{path.name} lacks the array {missing[0]}", code="arrays_missing")
        return {name: archive[name] for name in archive.files}


def read_manifest(path: Path) -> dict[str, Any]:
    """A JSON object. Raises `ImageRefused` when it is none."""
    try:
        loaded = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ImageRefused(f"{path.name} is missing: it says how the numbers were made", code="no_manifest") from error
    except ValueError as error:
        raise ImageRefused(f"{path.name} is no JSON", code="bad_manifest") from error
    if not isinstance(loaded, dict):
        raise ImageRefused(f"{path.name} holds no JSON object", code="bad_manifest")
    return loaded
