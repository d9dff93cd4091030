"""How the API answers what its services refuse."""

from collections.abc import Callable
from dataclasses import asdict
from functools import wraps
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, JsonResponse

from annotator.api.requests import json_body
from annotator.core.preferences import PreferencesError
from annotator.core.vectors import VectorError
from annotator.exceptions import (
    ContradictionError,
    ExcludedError,
    OtherRoundError,
    SeatTakenError,
    StaleDraftError,
    SubmittedError,
    UndecidedError,
)
from annotator.selectors.cases import draft_payload
from annotator.views.errors import json_error

READER_HEADER = "X-Reader"
# What stands in the way of storing, other than a newer version: code and words.
_CONFLICTS: Final[dict[type[Exception], tuple[str, str]]] = {
    SubmittedError: ("submitted", "This case was submitted. Reopen it to change it."),
    ExcludedError: ("excluded", "This case was excluded from the study. Nothing in it can be changed."),
    OtherRoundError: (
        "other_round",
        "This page is out of date, and what was typed last cannot be stored. Reload it to go on.",
    ),
    SeatTakenError: (
        "seat_taken",
        "Your reservation of this case ran out, and others read it now. What you typed is kept as your draft; go on "
        "with the next case.",
    ),
}


def writes_labels(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Answer the errors of saving and submitting, and refuse a page that somebody else opened.

    The page names its reader in a header: after another sign-in in the same browser, its session is that of a
    colleague, and nothing of this page may be stored under that name.
    """

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.headers.get(READER_HEADER, str(request.user.pk)) != str(request.user.pk):
            message = "Somebody else has signed in here. Sign in again as yourself to go on."
            return json_error(401, code="other_reader", message=message)
        try:
            return view(request, *args, **kwargs)
        except (VectorError, PreferencesError) as error:
            return json_error(400, code="invalid", message=str(error))
        except StaleDraftError as error:
            return _stale(request, error)
        except tuple(_CONFLICTS) as error:
            code, message = _CONFLICTS[type(error)]
            return json_error(409, code=code, message=message)
        except UndecidedError as error:
            details = {"cells": error.cells}
            return json_error(422, code="undecided", message="Some cells have no value yet.", details=details)
        except ContradictionError as error:
            found = [asdict(contradiction) | {"key": contradiction.key} for contradiction in error.contradictions]
            message = "Some cells contradict each other."
            return json_error(422, code="contradictions", message=message, details={"contradictions": found})

    return answer


def _stale(request: HttpRequest, error: StaleDraftError) -> JsonResponse:
    details = {"theirs": draft_payload(error.theirs) if error.theirs else None, "yours": json_body(request)}
    message = "This case was changed in another window. Both versions are kept; choose."
    return json_error(409, code="stale", message=message, details=details)
