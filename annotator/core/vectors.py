"""Check and compare label vectors and bodies that a browser or a file sends."""

import math
from collections.abc import Mapping
from typing import Any

from annotator.core.case_notes import check_case_note
from annotator.core.guidelines import check_shown
from annotator.core.measurements import check_measurements
from annotator.core.refusals import VectorError, is_storable_text
from annotator.core.reopening import check_reopened
from labeling.core.schema import Schema
from labeling.core.values import STATE_CODES, URGENCY_CODES, VALUE_CODES, Value

__all__ = [
    "BODY_PARTS",
    "SERVER_PARTS",
    "VectorError",
    "changes_between",
    "check_body",
    "check_vectors",
    "undecided_cells",
]

MAX_COMMENT_CHARACTERS = 4000
MAX_SPANS_PER_CELL = 200
MAX_FLAGS = 20
MAX_KEY_CHARACTERS = 200
# Parts of a reading's body that the server writes, and a browser never sends as part of one.
SERVER_PARTS = frozenset({"guidelines", "reopened"})
BODY_PARTS = frozenset({"cells", "acknowledged", "case", "measurements"}) | SERVER_PARTS
IMAGE_DISAGREES = "image_disagrees"
_ENTRY_KEYS = {
    *("evidence", "comment", "flags", "reason", "probability", "logit_difference", "attributes"),
    "image_value",
}


def check_vectors(values: Any, urgencies: Any, *, schema: Schema) -> None:
    """Raise `VectorError` unless both are strings of known codes, one per cell of `schema`."""
    for name, vector, codes in (("values", values, STATE_CODES), ("urgencies", urgencies, URGENCY_CODES)):
        if not isinstance(vector, str) or len(vector) != len(schema.cells):
            seen = len(vector) if isinstance(vector, str) else type(vector).__name__
            raise VectorError(f"{name}: expected {len(schema.cells)} characters, got {seen}")
        unknown = set(vector) - set(codes)
        if unknown:
            raise VectorError(f"{name}: {sorted(unknown)[0]!r} is not one of {codes}")


def check_body(body: Any, *, schema: Schema, text_length: int) -> None:
    """Raise `VectorError` unless `body` is `{"cells": {key: entry}}` with known cells and spans inside the report.

    It may also hold `case`, what is said of the whole case, and `measurements` in its images. A reading's body also
    holds `acknowledged`, the keys of the contradictions that its reader let stand, `guidelines`, the version shown of
    each, and as a correction `reopened`, why the one before was opened again.
    """
    if not isinstance(body, Mapping) or set(body) - BODY_PARTS:
        raise VectorError('body: expected {"cells": {...}}')
    if not isinstance(body.get("cells", {}), Mapping) or not isinstance(body.get("acknowledged", []), list):
        raise VectorError("body: cells is a mapping and acknowledged a list")
    if not all(is_storable_text(key, at_most=MAX_KEY_CHARACTERS) for key in body.get("acknowledged", [])):
        raise VectorError("body: acknowledged lists keys of contradictions")
    check_case_note(body.get("case", {}))
    check_measurements(body.get("measurements", []))
    check_shown(body.get("guidelines", {}), where="body: guidelines")
    if "reopened" in body:
        check_reopened(body["reopened"])
    known = {str(cell) for cell in schema.cells}
    for key, entry in body.get("cells", {}).items():
        if key not in known:
            raise VectorError(f"body: schema {schema.name} v{schema.version} has no cell {key!r}")
        if not isinstance(entry, Mapping) or set(entry) - _ENTRY_KEYS:
            raise VectorError(f"body: cell {key!r} may hold {', '.join(sorted(_ENTRY_KEYS))}")
        _check_entry(key, entry, text_length=text_length)
        _check_attributes(key, entry.get("attributes", {}), schema=schema)


def _check_entry(key: str, entry: Mapping[str, Any], *, text_length: int) -> None:
    spans = entry.get("evidence", [])
    if not isinstance(spans, list) or len(spans) > MAX_SPANS_PER_CELL:
        raise VectorError(f"body: cell {key!r}: evidence is a list of at most {MAX_SPANS_PER_CELL} spans")
    for span in spans:
        if not (isinstance(span, list) and len(span) == 2 and all(type(offset) is int for offset in span)):
            raise VectorError(f"body: cell {key!r}: a span is [start, end]")
        if not 0 <= span[0] < span[1] <= text_length:
            raise VectorError(f"body: cell {key!r}: span {span} lies outside the report of {text_length} characters")
    for name in ("comment", "reason"):
        if not is_storable_text(entry.get(name, ""), at_most=MAX_COMMENT_CHARACTERS):
            raise VectorError(f"body: cell {key!r}: {name} is text of at most {MAX_COMMENT_CHARACTERS} characters")
    flags = entry.get("flags", [])
    if (
        not isinstance(flags, list)
        or len(flags) > MAX_FLAGS
        or not all(flag and is_storable_text(flag, at_most=40) for flag in flags)
    ):
        raise VectorError(f"body: cell {key!r}: flags are at most {MAX_FLAGS} short texts")
    _check_image_value(key, entry.get("image_value"), flags)
    for name in ("probability", "logit_difference"):
        number = entry.get(name)
        is_number = isinstance(number, int | float) and not isinstance(number, bool)
        if number is not None and not (is_number and math.isfinite(number)):
            raise VectorError(f"body: cell {key!r}: {name} is a number")


def _check_image_value(key: str, image_value: Any, flags: list[str]) -> None:
    """What the image shows is said only where it disagrees with the report."""
    if image_value is None:
        return
    if image_value not in tuple(Value):
        raise VectorError(f"body: cell {key!r}: image_value is one of {', '.join(Value)}")
    if IMAGE_DISAGREES not in flags:
        raise VectorError(f"body: cell {key!r}: image_value stands with the flag {IMAGE_DISAGREES}")


def _check_attributes(key: str, attributes: Any, *, schema: Schema) -> None:
    levels_of = {attribute.name: attribute.levels for attribute in schema.attributes if attribute.name != "urgency"}
    if not isinstance(attributes, Mapping):
        raise VectorError(f"body: cell {key!r}: attributes is a mapping")
    for name, level in attributes.items():
        if name not in levels_of or level not in levels_of[name]:
            raise VectorError(f"body: cell {key!r}: schema {schema.name} has no such attribute or level")


def undecided_cells(values: str, *, schema: Schema) -> list[str]:
    """Keys of the cells that hold no value yet: unreadable, or not asked."""
    return [str(cell) for cell, code in zip(schema.cells, values, strict=True) if code not in VALUE_CODES]


def changes_between(before: tuple[str, str], after: tuple[str, str], *, schema: Schema) -> dict[str, tuple[str, str]]:
    """Cells whose code pair (value, urgency) differs: key to (before, after)."""
    return {
        str(cell): (v0 + u0, v1 + u1)
        for cell, v0, u0, v1, u1 in zip(schema.cells, *before, *after, strict=True)
        if (v0, u0) != (v1, u1)
    }
