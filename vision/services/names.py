"""What records call files: names of files may hold names of patients, so numbers stand for them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final

_KNOWN_ENDING: Final = re.compile(r"\.(nii\.gz|nii|dcm|dicom|ima|zip|txt|csv|json|xml|pdf|png|jpe?g)$", re.IGNORECASE)
_ZIP: Final = re.compile(r"\.zip$", re.IGNORECASE)


@dataclass(slots=True)
class Numbers:
    """Numbers for files and folders, in the order in which they are first seen: that of their sorted names."""

    _files: dict[str, int] = field(default_factory=dict)
    _folders: dict[str, int] = field(default_factory=dict)

    def add(self, name: str) -> None:
        """A file that was found, and its folder."""
        self._files.setdefault(name, len(self._files) + 1)
        folder = PurePosixPath(name).parent.as_posix()
        self._folders.setdefault(folder, len(self._folders) + 1)

    def of(self, name: str) -> str:
        """What stands for a file ("file 17 (.nii.gz)") or a folder ("folder 2")."""
        if name in self._files:
            return f"file {self._files[name]}{_ending(name)}"
        return f"folder {self._folders.setdefault(name, len(self._folders) + 1)}"


def kind_of_source(name: str) -> str:
    """What stands for the name of a folder, archive or file that is imported."""
    if _ZIP.search(name):
        return "a ZIP archive"
    return f"a file{_ending(name)}" if _KNOWN_ENDING.search(name) else "a folder"


def common_name(names: Iterable[str]) -> str:
    """The one name, or the folder that all have in common."""
    listed = [PurePosixPath(name).parts for name in names]
    if len(listed) == 1:
        return "/".join(listed[0])
    common = []
    for parts in zip(*(path[:-1] for path in listed), strict=False):
        if len(set(parts)) > 1:
            break
        common.append(parts[0])
    return "/".join(common) or (listed[0][-1] if listed else "")


def _ending(name: str) -> str:
    found = _KNOWN_ENDING.search(name)
    return f" ({found[0].casefold()})" if found else ""
