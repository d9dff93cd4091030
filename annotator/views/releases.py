"""Pages of releases, for managers."""

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from annotator.core.releases.differences import Difference, difference_json, difference_lines
from annotator.exceptions import UserError
from annotator.models import Project, Release, Role, User
from annotator.release_forms import ErratumForm, ReleaseForm
from annotator.selectors.permissions import project_for
from annotator.selectors.release_pages import difference_page, release_page
from annotator.selectors.releases import STATE_WORDS, cases_by_state, frozen_releases, release_for, releases_of
from annotator.services.release_files import difference_of, download, verify_release, write_erratum
from annotator.services.releases import ask_again, ask_for_release
from annotator.tasks import send_release


def _project(request: HttpRequest, slug: str) -> tuple[User, Project]:
    user = cast(User, request.user)
    return user, project_for(user, slug, role=Role.MANAGER)


@require_GET
def releases(request: HttpRequest, slug: str) -> HttpResponse:
    """All releases of the project, and what could be released now."""
    _, project = _project(request, slug)
    rows = [(release, STATE_WORDS[Release.State(release.state)]) for release in releases_of(project)]
    context = {"project": project, "study_page": "releases", "rows": rows, "states": cases_by_state(project)}
    context["frozen"] = list(frozen_releases(project))
    return render(request, "annotator/releases.html", context)


@require_http_methods(["GET", "POST"])
def release_new(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask for a release."""
    user, project = _project(request, slug)
    earlier = [release.name for release in frozen_releases(project)]
    form = ReleaseForm(request.POST or None, earlier=earlier)
    if request.method == "POST" and form.is_valid():
        sent = form.cleaned_data
        asked = {"name": sent["name"], "description": sent["description"], "request": form.release_request()}
        try:
            made = ask_for_release(project=project, actor=user, send=send_release, **asked)
        except UserError as error:
            form.add_error(None, str(error))
        else:
            return redirect("release", slug=slug, name=made.name)
    context = {"project": project, "study_page": "releases", "form": form, "states": cases_by_state(project)}
    return render(request, "annotator/release_new.html", context, status=400 if form.errors else 200)


@require_GET
def release(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """One release: what is in it, its files, errata; `verify` in the address checks every byte."""
    _, project = _project(request, slug)
    found = release_for(project, name)
    context = {"project": project, "study_page": "releases", "form": ErratumForm()} | release_page(found)
    if "verify" in request.GET:
        try:
            context["verdict"] = verify_release(found)
        except UserError as error:
            context["verify_error"] = str(error)
    return render(request, "annotator/release.html", context)


@require_GET
def api_release(request: HttpRequest, slug: str, name: str) -> JsonResponse:
    """How far a release is."""
    _, project = _project(request, slug)
    found = release_for(project, name)
    return JsonResponse({"state": found.state, "progress": found.progress, "reason": found.reason})


@require_POST
def release_again(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """Freeze a release that failed once more."""
    _, project = _project(request, slug)
    if not ask_again(release_for(project, name), send=send_release):
        messages.info(request, "This release did not fail; nothing was done.")
    return redirect("release", slug=slug, name=name)


@require_GET
def release_file(request: HttpRequest, slug: str, name: str) -> HttpResponseBase:
    """One file of a release (`file` in the address), or all of them as an archive."""
    user, project = _project(request, slug)
    found = release_for(project, name)
    try:
        file = download(release=found, actor=user, name=request.GET.get("file", ""), now=timezone.now())
    except UserError as error:
        messages.error(request, f"No file: {error}.")
        return redirect("release", slug=slug, name=name)
    headers = {"Content-Disposition": f'attachment; filename="{file.file_name}"', "X-Content-Type-Options": "nosniff"}
    return StreamingHttpResponse(file.chunks, content_type=file.content_type, headers=headers)


@require_POST
def erratum_new(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """Add an erratum to a release."""
    user, project = _project(request, slug)
    found, form = release_for(project, name), ErratumForm(request.POST)
    if form.is_valid():
        sent = {"text": form.cleaned_data["text"], "cells": form.pairs()}
        try:
            write_erratum(release=found, actor=user, now=timezone.now(), **sent)
        except UserError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, "The erratum is written down. The files of the release stay as they are.")
            return redirect("release", slug=slug, name=name)
    context = {"project": project, "study_page": "releases", "form": form} | release_page(found)
    return render(request, "annotator/release.html", context, status=400)


@require_GET
def release_diff(request: HttpRequest, slug: str) -> HttpResponseBase:
    """What changed between two releases; `format` csv or json gives a file."""
    _, project = _project(request, slug)
    asked = request.GET
    if not (asked.get("before") and asked.get("after")):
        messages.info(request, "Choose two releases to compare.")
        return redirect("releases", slug=slug)
    before, after = (release_for(project, asked.get(which, "")) for which in ("before", "after"))
    try:
        difference = difference_of(before, after)
    except UserError as error:
        messages.error(request, f"No comparison: {error}.")
        return redirect("releases", slug=slug)
    if asked.get("format") in {"json", "csv"}:
        return _difference_file(difference, f"{slug}-{before.name}-to-{after.name}.{asked['format']}")
    context = {"project": project, "study_page": "releases", "before": before, "after": after}
    return render(request, "annotator/release_diff.html", context | difference_page(difference))


def _difference_file(difference: Difference, name: str) -> HttpResponseBase:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    if name.endswith(".json"):
        return JsonResponse(difference_json(difference), headers=headers)
    return StreamingHttpResponse(difference_lines(difference), content_type="text/csv; charset=utf-8", headers=headers)
