"""Write a whole release into a folder that is complete or not there at all."""

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from annotator.core.releases.card_pages import html_page, markdown_page
from annotator.core.releases.data_card import card_sections
from annotator.core.releases.formats import ALWAYS, FORMATS
from annotator.core.releases.manifest import MANIFEST, file_sha256, make_manifest, manifest_text
from annotator.core.releases.records import Contents, ReleaseError, check_contents
from annotator.core.releases.texts import write_text

CARD_HTML: Final = "data-card.html"
CARD_MARKDOWN: Final = "data-card.md"
_PART: Final = ".part"
# Patient data: for its owner only.
_READ_ONLY: Final = stat.S_IRUSR
_READ_ONLY_FOLDER: Final = stat.S_IRUSR | stat.S_IXUSR


def ordered_formats(wanted: tuple[str, ...]) -> tuple[str, ...]:
    """The formats to write, in their usual order; the one that comparing needs is always among them."""
    unknown = [name for name in wanted if name not in FORMATS]
    if unknown:
        raise ReleaseError(f"{unknown[0][:40]!r} is no format of a release; there are {', '.join(FORMATS)}")
    return tuple(name for name in FORMATS if name == ALWAYS or name in wanted)


def write_release(
    contents: Contents,
    folder: Path,
    *,
    formats: tuple[str, ...],
    progress: Callable[[str], object] = lambda _words: None,
) -> tuple[dict[str, Any], str]:
    """Write the release to `folder`, which must not be there yet; its manifest and the SHA-256 of that file.

    Everything is written beside it, brought to the disk, made read-only, and then named. What a writer that was killed
    left there is taken away first. Raises `ReleaseError` when the contents cannot be released.
    """
    chosen = ordered_formats(formats)
    check_contents(contents)
    if folder.exists():
        raise ReleaseError(f"there is a folder {folder.name} already; a release is never written over")
    part = folder.with_name(folder.name + _PART)
    remove(part)
    part.mkdir(parents=True, mode=0o700)
    try:
        _write_files(contents, part, formats=chosen, progress=progress)
        progress("checksums")
        manifest = make_manifest(contents, part, formats=chosen)
        write_text(part / MANIFEST, [manifest_text(manifest)])
        digest = file_sha256(part / MANIFEST)
        _seal(part)
        os.rename(part, folder)
        folder.chmod(_READ_ONLY_FOLDER)
        _sync(folder.parent)
    except BaseException:
        remove(part)
        raise
    return manifest, digest


def _write_files(
    contents: Contents, folder: Path, *, formats: tuple[str, ...], progress: Callable[[str], object]
) -> None:
    for name in formats:
        progress(name)
        FORMATS[name].write(contents, folder)
    progress("data card")
    sections = card_sections(contents, formats=formats)
    title = f"Release {contents.name}"
    write_text(folder / CARD_HTML, html_page(title, sections))
    write_text(folder / CARD_MARKDOWN, markdown_page(title, sections))


def _seal(folder: Path) -> None:
    """Bring every file to the disk and take the right to write away, the folder itself last."""
    for directory, _, names in os.walk(folder, topdown=False):
        for name in names:
            path = Path(directory) / name
            _sync(path)
            path.chmod(_READ_ONLY)
        _sync(Path(directory))
        if Path(directory) != folder:
            Path(directory).chmod(_READ_ONLY_FOLDER)


def _sync(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def remove(folder: Path) -> None:
    """Take away what an unfinished release left, read-only or not."""
    if not folder.exists():
        return
    for directory, _, _ in os.walk(folder):
        Path(directory).chmod(0o700)
    shutil.rmtree(folder)
