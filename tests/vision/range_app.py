"""A WSGI application that serves one file by `vision.serving`, for a test with a real server."""

import os
from pathlib import Path

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponseBase
from django.urls import path

if not settings.configured:
    settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["127.0.0.1"], MIDDLEWARE=[], SECRET_KEY="x" * 50)
django.setup()

from vision.serving import StoredBytes, serve  # noqa: E402 (settings come first)


def file(request: HttpRequest) -> HttpResponseBase:
    """The file that the environment names."""
    stored = StoredBytes(
        path=Path(os.environ["RANGE_APP_FILE"]), tag="v1", content_type="application/octet-stream", name="pack"
    )
    return serve(request, stored)


urlpatterns = [path("", file)]
application = WSGIHandler()
