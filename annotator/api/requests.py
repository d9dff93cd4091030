"""Read the JSON that the reading screen sends."""

import json
import uuid
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from annotator.core.guidelines import check_shown
from annotator.core.vectors import VectorError
from annotator.services.drafts import DraftContent
from annotator.services.readings import Submission

MAX_CLIENT_ID = 64
MAX_BODY_BYTES = 2_000_000


def json_body(request: HttpRequest) -> dict[str, Any]:
    """The request's JSON object; raises `VectorError` when it is none or too large to be a reading."""
    if len(request.body) > MAX_BODY_BYTES:
        raise VectorError(f"the request has {len(request.body):,} bytes, at most {MAX_BODY_BYTES:,} are read")
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise VectorError("the request is not JSON") from error
    if not isinstance(body, dict):
        raise VectorError("the request is not a JSON object")
    return body


def draft_content(body: dict[str, Any]) -> DraftContent:
    """What a save or a submission says about the screen; raises `VectorError` that names the field."""
    client_id = body.get("client_id")
    if not isinstance(client_id, str) or not 0 < len(client_id) <= MAX_CLIENT_ID or not client_id.isprintable():
        raise VectorError(f"client_id: expected 1 to {MAX_CLIENT_ID} characters")
    return DraftContent(
        version=count(body, "version"),
        values=body.get("values", ""),
        urgencies=body.get("urgencies", ""),
        body=body.get("body", {}),
        active_seconds_delta=count(body, "active_seconds_delta"),
        client_id=client_id,
        prefill_run=identifier(body, "prefill_run") if body.get("prefill_run", "") is not None else None,
        key_presses_delta=count(body, "key_presses_delta") if "key_presses_delta" in body else None,
        round=count(body, "round") if "round" in body else 1,
    )


def submission(body: dict[str, Any]) -> Submission:
    """What a submission says beyond the save that it is."""
    return Submission(
        content=draft_content(body),
        submission_id=identifier(body, "submission_id"),
        acknowledged=acknowledged(body),
        guidelines=shown_guidelines(body),
    )


def identifier(body: dict[str, Any], name: str) -> uuid.UUID:
    """A UUID field."""
    try:
        return uuid.UUID(body[name])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise VectorError(f"{name}: expected a UUID") from error


def acknowledged(body: dict[str, Any]) -> frozenset[str]:
    """Keys of the contradictions that the reader lets stand."""
    keys = body.get("acknowledged", [])
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise VectorError("acknowledged: expected a list of keys")
    return frozenset(keys)


def shown_guidelines(body: dict[str, Any]) -> dict[str, int]:
    """The version shown of each guideline."""
    shown = body.get("guidelines", {})
    check_shown(shown)
    return dict(shown)


def count(body: Mapping[str, Any], name: str) -> int:
    """A whole number of 0 or more; raises `VectorError`."""
    number = body.get(name)
    if type(number) is not int or number < 0 or number > 2**31 - 1:
        raise VectorError(f"{name}: expected a whole number of 0 or more")
    return number
