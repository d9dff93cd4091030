"""How images are imported."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from vision.services.names import kind_of_source

# How a series finds its case, best first.
LINKS = ("mapping", "accession_number", "study_uid", "study_id", "name")
NiftiRole = Literal["auto", "image", "mask"]


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """What became of one file; of a refused one also why, in a word and in a sentence."""

    name: str
    kind: Literal["stored", "unchanged", "refused", "duplicate", "unlinked", "ignored"]
    code: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What a user may say about an import.

    `mapping` is a CSV file whose column `case` names a case (key, report id or study id) and whose other columns say
    which images belong to it (see docs/images.md). `class_table` names the values of NIfTI label maps: a file, or a
    table of TotalSegmentator (`total`, `total_mr`, `vertebrae_mr`). `link_by` says
    which links are tried. `nifti_as` decides what a NIfTI file is where its name does not tell. With `dry_run` nothing
    is stored. `source_name` is what the user calls the source: it may name a case, and is not stored. `title` is what
    the record calls a source that has a name of ours. `each_file` is told what became of every file.
    """

    mapping: Path | None = None
    class_table: Path | str | None = None
    link_by: tuple[str, ...] = LINKS
    nifti_as: NiftiRole = "auto"
    dry_run: bool = False
    source_name: str = ""
    title: str = ""
    each_file: Callable[[FileOutcome], None] | None = None

    def as_json(self) -> dict[str, Any]:
        """What the record of the import keeps."""
        return {
            "mapping": kind_of_source(self.mapping.name) if self.mapping else "",
            "class_table": self._class_table(),
            "link_by": list(self.link_by),
            "nifti_as": self.nifti_as,
        }

    def _class_table(self) -> str:
        table = self.class_table
        return kind_of_source(table.name) if isinstance(table, Path) else table or ""
