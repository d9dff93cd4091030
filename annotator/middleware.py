"""Small middleware: sign-in for pages and API, no caching of patient pages, the client's address behind proxies."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse

from annotator.views.errors import json_error, wants_json


class SignInRequired(LoginRequiredMiddleware):
    """Send whoever is not signed in to the sign-in page, and tell the API's callers with a 401."""

    def handle_no_permission(self, request: HttpRequest, view_func: Any) -> Any:
        """The answer to a request without a user."""
        if wants_json(request):
            return json_error(HTTPStatus.UNAUTHORIZED, code="signed_out", message="Sign in again to go on.")
        return super().handle_no_permission(request, view_func)


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
