"""The files of a frozen release: check, compare, download them, and write down what was found wrong."""

import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from annotator.core.releases.differences import Difference, compare
from annotator.core.releases.formats import GOLD_FILE
from annotator.core.releases.json_lines import read_gold
from annotator.core.releases.manifest import MANIFEST, Verdict, verify
from annotator.core.releases.records import ReleaseError
from annotator.exceptions import UserError
from annotator.models import Erratum, Event, Release, User
from annotator.selectors.schemas import parsed_schema
from annotator.services.release_contents import folder_of
from labeling.core.intake.records import has_unstorable
from labeling.core.schema import Schema

ERRATA: Final = "errata.json"
ALL_FILES: Final = ""
MAX_ERRATUM_CHARACTERS: Final = 4000
MAX_ERRATUM_CELLS: Final = 1000
_BLOCK: Final = 1 << 18
_TYPES: Final = {
    ".csv": "text/csv; charset=utf-8",
    ".md": "text/markdown; charset=utf-8",
    ".json": "application/json",
    ".jsonl": "application/x-ndjson; charset=utf-8",
    ".ndjson": "application/x-ndjson; charset=utf-8",
    ".yaml": "text/plain; charset=utf-8",
    ".xml": "application/xml",
}
# Packed already: packing them again costs time and saves nothing.
_PACKED: Final = frozenset({".parquet", ".gz"})


@dataclass(frozen=True, slots=True)
class ReleaseDownload:
    """A file that is sent while it is read."""

    file_name: str
    content_type: str
    chunks: Iterator[bytes]


def require_frozen(release: Release) -> Mapping[str, Any]:
    """The manifest of a release that is done; raises `UserError` for any other."""
    if release.state != Release.State.DONE or release.manifest is None:
        raise UserError(f"release {release.name} is not frozen yet, so it has no files")
    manifest: Mapping[str, Any] = release.manifest
    return manifest


def download(*, release: Release, actor: User | None, name: str, now: datetime) -> ReleaseDownload:
    """One file of a release, or all with the errata as a ZIP archive, and an event that it was downloaded.

    Raises `UserError` for a file that the release does not have, or that is gone from the disk.
    """
    manifest = require_frozen(release)
    if name == ALL_FILES:
        made = ReleaseDownload(f"{release.project.slug}-{release.name}.zip", "application/zip", _archive(release))
    elif name == ERRATA:
        made = ReleaseDownload(ERRATA, _TYPES[".json"], iter([errata_text(release).encode()]))
    elif name in (*manifest["files"], MANIFEST):
        path = folder_of(release) / name
        if not path.is_file():
            raise UserError(f"{name} of release {release.name} is gone from the disk; check the release")
        content_type = _TYPES.get(path.suffix, "application/octet-stream")
        made = ReleaseDownload(name.replace("/", "-"), content_type, _blocks(path))
    else:
        raise UserError(f"release {release.name} has no file {name[:100]!r}")
    payload = {"release": release.name, "file": name or "all", "report_texts": manifest["has_report_texts"]}
    verb = Event.Verb.RELEASE_DOWNLOADED
    Event.objects.create(project_id=release.project_id, actor=actor, verb=verb, payload=payload, at=now)
    return made


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            yield block


class _Sent(io.RawIOBase):
    """Takes what an archive writes, for it to be sent at once."""

    def __init__(self) -> None:
        self._waiting: list[bytes] = []

    def writable(self) -> bool:
        """An archive writes to it."""
        return True

    def write(self, block: Any) -> int:
        """Keep a block until it is taken."""
        self._waiting.append(bytes(block))
        return len(block)

    def taken(self) -> bytes:
        """What was written since."""
        joined = b"".join(self._waiting)
        self._waiting.clear()
        return joined


def _archive(release: Release) -> Iterator[bytes]:
    """All files and the errata as an archive that is made while it is sent; the same as long as no erratum is added."""
    root, folder = f"{release.project.slug}-{release.name}", folder_of(release)
    at = (release.finished_at or timezone.now()).timetuple()[:6]
    sent = _Sent()
    with zipfile.ZipFile(sent, "w", allowZip64=True) as archive:
        for name in (MANIFEST, *require_frozen(release)["files"]):
            path = folder / name
            packs = zipfile.ZIP_STORED if path.suffix in _PACKED else zipfile.ZIP_DEFLATED
            with archive.open(_entry(f"{root}/{name}", at, packs), "w", force_zip64=True) as member:
                for block in _blocks(path):
                    member.write(block)
                    yield sent.taken()
        archive.writestr(_entry(f"{root}/{ERRATA}", at, zipfile.ZIP_DEFLATED), errata_text(release))
    yield sent.taken()


def _entry(name: str, at: Sequence[int], packs: int) -> zipfile.ZipInfo:
    year, month, day, hour, minute, second = at
    entry = zipfile.ZipInfo(name, (year, month, day, hour, minute, second))
    entry.compress_type = packs
    entry.external_attr = 0o600 << 16
    return entry


def errata_text(release: Release) -> str:
    """All errata of a release as JSON; who wrote them stands in the history of the project, not here."""
    errata = [
        {"number": each.number, "written_at": each.written_at.isoformat(), "text": each.text, "cells": each.cells}
        for each in release.errata.order_by("number")
    ]
    plain = {"release": release.name, "manifest_sha256": release.manifest_sha256, "errata": errata}
    return json.dumps(plain, ensure_ascii=False, indent=1) + "\n"


def verify_release(release: Release) -> Verdict:
    """Check every byte; raises `UserError` when there is nothing to check against."""
    require_frozen(release)
    try:
        return verify(folder_of(release), manifest_sha256=release.manifest_sha256)
    except ReleaseError as error:
        raise UserError(str(error)) from error


def difference_of(before: Release, after: Release) -> Difference:
    """What changed between two frozen releases of one schema; raises `UserError` when they cannot be compared."""
    for release in (before, after):
        require_frozen(release)
    if before.schema_id != after.schema_id:
        raise UserError(
            f"{before.name} was made with {before.schema}, {after.name} with {after.schema}: "
            "their cells are not the same, so they cannot be compared"
        )
    try:
        first, second = (read_gold(folder_of(release) / GOLD_FILE) for release in (before, after))
        return compare(first, second, schema=parsed_schema(after.schema))
    except FileNotFoundError as error:
        raise UserError("a file of one of the two is gone from the disk; check both releases") from error
    except ReleaseError as error:
        raise UserError(str(error)) from error


@transaction.atomic
def write_erratum(
    *, release: Release, actor: User, text: str, cells: Sequence[tuple[str, str]] = (), now: datetime
) -> Erratum:
    """Add what was found wrong; `cells` are pairs of a case and a cell (`target|finding`, empty: the whole case).

    The files stay as they are. Raises `UserError` for what the release does not have.
    """
    require_frozen(release)
    Release.objects.select_for_update(no_key=True).get(pk=release.pk)
    text = text.strip()
    if not text or len(text) > MAX_ERRATUM_CHARACTERS or has_unstorable(text):
        raise UserError(f"an erratum has 1 to {MAX_ERRATUM_CHARACTERS:,} characters, none of them a null")
    _check_cells(release, cells)
    last = release.errata.aggregate(last=Max("number"))["last"] or 0
    erratum = Erratum.objects.create(
        project_id=release.project_id,
        release=release,
        number=last + 1,
        text=text,
        cells=[{"report_id": case, "cell": cell} for case, cell in cells],
        written_by=actor,
        written_at=now,
    )
    payload = {"release": release.name, "number": erratum.number, "cells": len(cells)}
    verb = Event.Verb.ERRATUM_WRITTEN
    Event.objects.create(project_id=release.project_id, actor=actor, verb=verb, payload=payload, at=now)
    return erratum


def _check_cells(release: Release, cells: Sequence[tuple[str, str]]) -> None:
    if len(cells) > MAX_ERRATUM_CELLS:
        raise UserError(f"an erratum names at most {MAX_ERRATUM_CELLS:,} cells, these are {len(cells):,}")
    if not cells:
        return
    schema: Schema = parsed_schema(release.schema)
    known_cells = {"", *map(str, schema.cells)}
    known_cases = {case.key for case in read_gold(folder_of(release) / GOLD_FILE)}
    for case, cell in cells:
        if case not in known_cases:
            raise UserError(f"release {release.name} has no case {case[:100]!r}")
        if cell not in known_cells:
            raise UserError(f"{schema.name} has no cell {cell[:100]!r}; a cell is written target|finding")
