"""Reports as JSON Lines: how they leave an instance, and how one of its own lines is known when it comes back.

Version 1: `format`, `version`, `instance`, `report_id`, `patient_key`, `study_id`, `modality`, `text`, and `extra`, an
object of texts. `instance` is the same for all lines of one instance and tells nothing of its secret.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from labeling.core.intake.columns import is_blank
from labeling.core.intake.records import has_unstorable

FORMAT: Final = "overread-reports"
VERSION: Final = "1"
_PATIENT_KEY: Final = re.compile(r"[0-9a-f]{64}")


class LineError(ValueError):
    """A line calls itself one of ours and is not; the message holds no text of a report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportLine:
    """One report as it is exported."""

    report_id: str
    patient_key: str
    study_id: str
    modality: str
    text: str
    extra: Mapping[str, str]

    def render(self, *, secret: str) -> str:
        """The line."""
        entry = {
            "format": FORMAT,
            "version": int(VERSION),
            "instance": instance_mark(secret),
            "report_id": self.report_id,
            "patient_key": self.patient_key,
            "study_id": self.study_id,
            "modality": self.modality,
            "text": self.text,
            "extra": self.extra,
        }
        return json.dumps(entry, ensure_ascii=False, separators=(",", ":")) + "\n"


@dataclass(frozen=True, slots=True)
class OwnPart:
    """What a line of ours says beside what any file of reports says; `patient_key` is None from another instance."""

    patient_key: str | None
    extra: dict[str, str]


def instance_mark(secret: str) -> str:
    """Sixteen digits by which an instance knows its own lines."""
    return hmac.new(secret.encode(), b"overread reports", hashlib.sha256).hexdigest()[:16]


def own_part(fields: Mapping[str, str], *, patient_id: str | None, secret: str) -> OwnPart | None:
    """What a row says that was exported by Overread, None for any other row; raises `LineError` when it is damaged.

    `fields` are the columns of the row that have no meaning in other files.
    """
    if fields.get("format") != FORMAT:
        return None
    if fields.get("version") != VERSION:
        raise LineError(f"version is {fields.get('version', '')[:20]!r}, this program reads {VERSION}")
    is_ours = fields.get("instance") == instance_mark(secret)
    if is_ours and not _PATIENT_KEY.fullmatch(patient_id or ""):
        raise LineError("patient_key is not the 64 digits that were exported")
    return OwnPart(patient_id if is_ours else None, _extra(fields.get("extra", "")))


def _extra(text: str) -> dict[str, str]:
    try:
        extra = json.loads(text or "{}")
    except (ValueError, RecursionError):
        extra = None
    if not isinstance(extra, dict) or not all(isinstance(value, str) for value in extra.values()):
        raise LineError("extra is not an object of texts")
    if any(has_unstorable(part) for pair in extra.items() for part in pair):
        raise LineError("extra holds a NUL character or half of a character pair, which cannot be stored")
    return {name: value for name, value in extra.items() if not is_blank(name)}
