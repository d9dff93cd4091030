"""Error pages and the one shape that JSON errors have."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from annotator.exceptions import BlindedError, ReadingRefusedError


def json_error(status: int, *, code: str, message: str, details: dict[str, Any] | None = None) -> JsonResponse:
    """An error as the API gives it."""
    return JsonResponse({"error": {"code": code, "message": message, "details": details or {}}}, status=status)


def wants_json(request: HttpRequest) -> bool:
    """Whether the client talks to the API."""
    return request.path.startswith("/api/")


def _answer(request: HttpRequest, status: int, *, code: str, message: str) -> HttpResponse:
    if wants_json(request):
        return json_error(status, code=code, message=message)
    return render(request, "annotator/error.html", {"status": status, "message": message}, status=status)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form or request did not come from a page of ours, or the session is over."""
    del reason
    return _answer(request, 403, code="csrf", message="This page is out of date. Reload it and try again.")


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400."""
    del exception
    return _answer(request, 400, code="bad_request", message="This request could not be understood.")


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403."""
    if isinstance(exception, BlindedError):
        return _blinded(request, exception)
    if isinstance(exception, ReadingRefusedError):
        return _answer(request, 403, code=exception.code, message=str(exception))
    return _answer(request, 403, code="forbidden", message="Your role in this project does not allow this.")


def _blinded(request: HttpRequest, refused: BlindedError) -> HttpResponse:
    n, n_later = refused.n_blind, refused.n_later
    later = f", {n_later} of them not on your worklist yet" if n_later else ""
    message = f"You have still to read {n} case{'' if n == 1 else 's'} without machine labels{later}."
    if wants_json(request):
        return json_error(403, code="blinded", message=message)
    match = request.resolver_match
    context = {"message": message, "slug": match.kwargs.get("slug") if match else None}
    return render(request, "annotator/blinded.html", context, status=403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404, also for what exists in a project that the user does not belong to."""
    del exception
    return _answer(request, 404, code="not_found", message="There is nothing here that you may see.")


def server_error(request: HttpRequest) -> HttpResponse:
    """500."""
    message = "Something went wrong on the server. What you did last may not have been stored."
    return _answer(request, 500, code="server_error", message=message)
