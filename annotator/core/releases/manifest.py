"""The manifest of a release: what it was made of, and the SHA-256 of every file, so that any change is found."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from annotator.core.releases.records import Contents, ReleaseError

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
_BLOCK: Final = 1 << 20


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def listed_files(folder: Path) -> dict[str, Path]:
    """Everything under `folder` but the manifest by its path there, in order; links count as files."""
    found = {}
    for directory, folders, names in os.walk(folder):
        linked = [name for name in folders if (Path(directory) / name).is_symlink()]
        for name in [*names, *linked]:
            path = Path(directory) / name
            found[path.relative_to(folder).as_posix()] = path
    found.pop(MANIFEST, None)
    return dict(sorted(found.items()))


def make_manifest(contents: Contents, folder: Path, *, formats: tuple[str, ...]) -> dict[str, Any]:
    """The manifest of the files in `folder`, as plain JSON."""
    schema, about = contents.schema, contents.about
    patients: dict[str, set[str]] = {}
    for case in contents.cases:
        patients.setdefault(case.split, set()).add(case.patient_key)
    return {
        "format": FORMAT,
        "name": contents.name,
        "project": about.project,
        "frozen_at": contents.frozen_at,
        "schema": {"name": schema.name, "version": schema.version, "hash": schema.hash, "n_cells": len(schema.cells)},
        "guidelines": [name for name, _ in about.guidelines],
        "selection": dict(about.selection),
        "resolution": dict(about.resolution),
        "splits": dict(about.splits),
        "formats": list(formats),
        "has_report_texts": contents.has_texts,
        "counts": {
            "cases": len(contents.cases),
            "patients": len(set().union(*patients.values())),
            "cells": len(contents.cases) * len(schema.cells),
            "undecided_cells": sum(case.n_undecided for case in contents.cases),
            "by_split": {
                split: {
                    "cases": sum(case.split == split for case in contents.cases),
                    "patients": len(patients[split]),
                }
                for split in contents.splits
            },
        },
        "software": dict(about.software),
        "files": {
            name: {"sha256": file_sha256(path), "bytes": path.stat().st_size}
            for name, path in listed_files(folder).items()
        },
    }


def manifest_text(manifest: Mapping[str, Any]) -> str:
    """The manifest as it stands in its file."""
    return json.dumps(manifest, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest in `folder`; raises `ReleaseError` when there is none that can be read."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ReleaseError(f"{folder.name} holds no {MANIFEST}, so it is no release") from error
    except ValueError as error:
        raise ReleaseError(f"{MANIFEST} of {folder.name} is not JSON; it was changed") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT or not _is_file_list(manifest.get("files")):
        raise ReleaseError(f"{MANIFEST} of {folder.name} is not one of format {FORMAT}")
    return manifest


def _is_file_list(files: Any) -> bool:
    if not isinstance(files, dict):
        return False
    return all(
        isinstance(said, dict) and {"sha256", "bytes"} <= set(said) and _stays_inside(name)
        for name, said in files.items()
    )


def _stays_inside(name: str) -> bool:
    return not PurePosixPath(name).is_absolute() and ".." not in PurePosixPath(name).parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What checking every byte of a release found: paths of files that are not as they were frozen."""

    n_files: int
    n_bytes: int
    missing: tuple[str, ...]
    changed: tuple[str, ...]
    added: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """Whether all is as it was frozen."""
        return not (self.missing or self.changed or self.added)


def verify(folder: Path, *, manifest_sha256: str | None = None) -> Verdict:
    """Check every file against the manifest, and the manifest against `manifest_sha256` where that is known.

    Raises `ReleaseError` when there is no manifest that can be read.
    """
    manifest = read_manifest(folder)
    wanted, found = manifest["files"], listed_files(folder)
    changed = [name for name in wanted if name in found and not _is_same(found[name], wanted[name])]
    if manifest_sha256 is not None and file_sha256(folder / MANIFEST) != manifest_sha256:
        changed.insert(0, MANIFEST)
    return Verdict(
        n_files=len(wanted) + 1,
        n_bytes=sum(path.stat().st_size for path in found.values() if path.is_file()),
        missing=tuple(name for name in wanted if name not in found),
        changed=tuple(changed),
        added=tuple(name for name in found if name not in wanted),
    )


def _is_same(path: Path, said: Mapping[str, Any]) -> bool:
    """A link is never what was frozen, even to the same bytes."""
    if path.is_symlink() or not path.is_file() or path.stat().st_size != int(said["bytes"]):
        return False
    return file_sha256(path) == str(said["sha256"])
