"""What the pages of one release and of two show."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from annotator.core.releases.csv_tables import urgency_text
from annotator.core.releases.differences import CellChange, Difference, shown_value
from annotator.core.releases.formats import FORMATS
from annotator.core.releases.manifest import MANIFEST
from annotator.core.releases.requests import ReleaseRequest
from annotator.models import Release
from annotator.selectors.releases import STATE_WORDS, frozen_releases

MOST_CHANGES: Final = 500
MOST_KEYS: Final = 200
_WORDS: Final = {
    "data-card.html": "data card, to read in a browser",
    "data-card.md": "data card as Markdown",
    "schema.yaml": "the schema",
    "reports.jsonl": "the report texts",
    MANIFEST: "what it was made of, and the SHA-256 of every file",
}


@dataclass(frozen=True, slots=True)
class FileRow:
    """One file of a release."""

    name: str
    words: str
    n_bytes: int
    sha256: str


def release_page(release: Release) -> dict[str, Any]:
    """The context of the page of one release."""
    asked = ReleaseRequest.of_json(release.request)
    manifest = release.manifest or {}
    counts = manifest.get("counts", {})
    others = frozen_releases(release.project).exclude(pk=release.pk) if manifest else []
    return {
        "release": release,
        "state_words": STATE_WORDS[Release.State(release.state)],
        "asked": asked,
        "shares": ", ".join(f"{name} {share:.0%}" for name, share in asked.fractions.items()),
        "format_titles": [FORMATS[name].title for name in manifest.get("formats", ())],
        "counts": counts,
        "splits": counts.get("by_split", {}),
        "files": [FileRow(name, _words_of(name), said["bytes"], said["sha256"]) for name, said in _files(manifest)],
        "errata": release.errata.select_related("written_by").order_by("number"),
        "others": others,
    }


def _files(manifest: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return list(manifest.get("files", {}).items())


def _words_of(name: str) -> str:
    if name in _WORDS:
        return _WORDS[name]
    found = (form.title for form in FORMATS.values() if any(_is_of(name, each) for each in form.files))
    return next(found, "")


def _is_of(name: str, pattern: str) -> bool:
    return name == pattern or (pattern.endswith("/") and name.startswith(pattern))


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One cell that says something else, in words."""

    key: str
    target: str
    finding: str
    value_before: str
    value_after: str
    urgency_before: str
    urgency_after: str
    flips: bool
    is_positive: bool


def difference_page(difference: Difference) -> dict[str, Any]:
    """The context of the page that compares two releases; flips come first."""
    ordered = sorted(difference.changes, key=lambda change: not change.flips)[:MOST_CHANGES]
    return {
        "difference": difference,
        "findings": difference.by_finding(),
        "n_flips": sum(change.flips for change in difference.changes),
        "n_changed_cases": len({change.key for change in difference.changes}),
        "changes": [_row_of(change) for change in ordered],
        "n_not_shown": len(difference.changes) - len(ordered),
        "cases": [
            ("Cases added", _shortened(difference.added)),
            ("Cases removed", _shortened(difference.removed)),
            ("Cases in another split", _shortened([f"{key}: {old} to {new}" for key, old, new in difference.moved])),
        ],
    }


def _shortened(names: Sequence[str]) -> list[str]:
    n_more = len(names) - MOST_KEYS
    return [*names[:MOST_KEYS], *([f"and {n_more:,} more, which stand in the CSV file"] if n_more > 0 else [])]


def _row_of(change: CellChange) -> ChangeRow:
    before, after = change.value
    return ChangeRow(
        key=change.key,
        target=change.cell.target,
        finding=change.cell.finding,
        value_before=shown_value(before).replace("_", " "),
        value_after=shown_value(after).replace("_", " "),
        urgency_before=urgency_text(change.urgency[0]),
        urgency_after=urgency_text(change.urgency[1]),
        flips=change.flips,
        is_positive=change.is_positive,
    )
