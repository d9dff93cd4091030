"""Small middleware: sign-in, a limit for bodies, no caching of patient pages, the client's address behind proxies."""

import sys
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import resolve

from annotator.models import Role
from annotator.selectors.permissions import project_for
from annotator.views.errors import json_error, wants_json

UPLOAD_ROUTES = frozenset({"imports", "images", "api_image_upload"})
_MAX_DIGITS = 19


class SignInRequired(LoginRequiredMiddleware):
    """Send whoever is not signed in to the sign-in page, and tell the API's callers with a 401."""

    def handle_no_permission(self, request: HttpRequest, view_func: Any) -> Any:
        """The answer to a request without a user."""
        if wants_json(request):
            return json_error(HTTPStatus.UNAUTHORIZED, code="signed_out", message="Sign in again to go on.")
        return super().handle_no_permission(request, view_func)


class BodyLimit:
    """Refuse long bodies before a byte of them is read: anybody could fill the disk with them.

    Only managers send more: reports and images to the pages that import them, whose views check their length unread.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        n_bytes = _declared_bytes(request)
        if n_bytes is None:
            return _refused(request, HTTPStatus.LENGTH_REQUIRED, "A request must say how long its body is.")
        if n_bytes > settings.DATA_UPLOAD_MAX_MEMORY_SIZE and not _may_upload(request):
            limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
            return _refused(request, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"At most {limit:,} bytes can be sent here.")
        return self.get_response(request)


def _declared_bytes(request: HttpRequest) -> int | None:
    """How many bytes follow; None when that is not said in a way that the server keeps to."""
    declared = request.META.get("CONTENT_LENGTH") or "0"
    if request.META.get("HTTP_TRANSFER_ENCODING") or not (declared.isascii() and declared.isdecimal()):
        return None
    return int(declared) if len(declared) < _MAX_DIGITS else sys.maxsize


def _refused(request: HttpRequest, status: HTTPStatus, message: str) -> HttpResponse:
    if wants_json(request):
        response: HttpResponse = json_error(status, code=status.name.lower(), message=message)
    else:
        response = HttpResponse(f"{message}\n", status=status, content_type="text/plain; charset=utf-8")
    response["Cache-Control"] = "no-store"
    return response


def _may_upload(request: HttpRequest) -> bool:
    """Whether these are reports or images from a manager of the project they go to."""
    try:
        route = resolve(request.path_info)
        if route.url_name not in UPLOAD_ROUTES or request.method != "POST":
            return False
        project_for(request.user, route.kwargs["slug"], role=Role.MANAGER)
    except (Http404, PermissionDenied):
        return False
    return True


class JsonErrors:
    """Give every error of the API the one shape, also those that Django answers by itself (405, 413)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        is_json = response.get("Content-Type", "").startswith("application/json")
        if not wants_json(request) or response.status_code < HTTPStatus.BAD_REQUEST or is_json:
            return response
        status = HTTPStatus(response.status_code)
        error = json_error(status, code=status.name.lower(), message=status.description or status.phrase)
        if response.has_header("Allow"):
            error["Allow"] = response["Allow"]
        return error


class PrivatePages:
    """Tell browsers and proxies not to keep what a signed-in user sees, unless a view said otherwise."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not response.has_header("Cache-Control"):
            response["Cache-Control"] = "no-store"
        return response


def client_address(request: HttpRequest) -> str:
    """Address of the browser. X-Forwarded-For is believed only as far as TRUSTED_PROXIES proxies wrote it."""
    forwarded = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
    hops = settings.TRUSTED_PROXIES
    if hops and len(forwarded) >= hops:
        return forwarded[-hops]
    return str(request.META.get("REMOTE_ADDR", ""))
