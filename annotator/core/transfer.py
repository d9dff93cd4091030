"""Between what the database stores of a label set and what label files say of it, without loss.

A stored body may hold more than a `LabelSet` can say: comments, attributes, acknowledged contradictions. That
remainder travels in `extra["body"]` of JSON Lines.
"""

from collections.abc import Mapping
from typing import Any

from annotator.core.refusals import VectorError
from annotator.core.vectors import BODY_PARTS
from labeling.core.records import LabelSet, StoredLabels
from labeling.core.schema import Schema

# Where a stored body keeps what an import had to change.
IMPORTED = "imported"
# There: the file did not say when the reading was made, and its time is that of the import.
UNTIMED = "untimed"
_SAID_BY_LABELS = frozenset({"evidence", "probability", "logit_difference", "reason", "flags", "image_value"})
_NUMBERS = ("probability", "logit_difference")


def labels_of(stored: StoredLabels, schema: Schema) -> LabelSet:
    """The label set; numbers in a body that a browser wrote as whole numbers become decimal ones."""
    entries = {
        key: {name: float(value) if name in _NUMBERS and value is not None else value for name, value in entry.items()}
        for key, entry in stored.body.get("cells", {}).items()
    }
    return StoredLabels(values=stored.values, urgencies=stored.urgencies, body={"cells": entries}).decode(schema)


def _is_said(name: str, value: Any) -> bool:
    """Whether the label set says it. It cannot tell "no words support this cell" from nothing said of evidence."""
    return name in _SAID_BY_LABELS and not (name == "evidence" and value == [])


def remainder_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """What a body holds beside what its label set says; empty when that is all."""
    remainder = {name: value for name, value in body.items() if name not in ("cells", IMPORTED)}
    cells = {
        key: more
        for key, entry in body.get("cells", {}).items()
        if (more := {name: value for name, value in entry.items() if not _is_said(name, value)})
    }
    return remainder | {"cells": cells} if cells else remainder


def sent_remainder(sent: Any) -> dict[str, Any]:
    """What a file sends as remainder of a body, checked for shape; raises `VectorError`.

    What an entry holds is for `check_body` to judge, but it never says what the label set says already.
    """
    if not isinstance(sent, dict) or set(sent) - BODY_PARTS:
        raise VectorError(f"extra: body is an object that may hold {', '.join(sorted(BODY_PARTS))}")
    cells = sent.get("cells", {})
    if not (isinstance(cells, dict) and all(isinstance(entry, dict) for entry in cells.values())):
        raise VectorError("extra: cells of body is an object of objects")
    said = {name for entry in cells.values() for name, value in entry.items() if _is_said(name, value)}
    if said:
        raise VectorError(f"extra: body says {min(said)}, which stands with the labels")
    return sent


def stored_of(labels: LabelSet, schema: Schema, *, remainder: Mapping[str, Any]) -> StoredLabels:
    """The stored form of a label set and the remainder of its body; raises `VectorError` where the two disagree."""
    encoded = StoredLabels.encode(labels, schema)
    cells = {key: dict(entry) for key, entry in encoded.body["cells"].items()}
    for key, more in remainder.get("cells", {}).items():
        if "evidence" in more and "evidence" in cells.get(key, {}):
            raise VectorError(f"extra: body says that no words support {key}, the labels say which do")
        cells[key] = cells.get(key, {}) | more
    body = {name: value for name, value in remainder.items() if name != "cells"} | {"cells": cells}
    return StoredLabels(values=encoded.values, urgencies=encoded.urgencies, body=body)
