"""Routes of the pages of releases."""

from django.urls import path

from annotator.views import releases

# Names of releases hold dots, which a slug does not.
_ONE = "projects/<slug:slug>/releases/<str:name>"

urlpatterns = [
    path("projects/<slug:slug>/releases/", releases.releases, name="releases"),
    path("projects/<slug:slug>/releases/+new", releases.release_new, name="release_new"),
    path("projects/<slug:slug>/releases/+diff", releases.release_diff, name="release_diff"),
    path(f"{_ONE}/", releases.release, name="release"),
    path(f"{_ONE}/again", releases.release_again, name="release_again"),
    path(f"{_ONE}/download", releases.release_file, name="release_file"),
    path(f"{_ONE}/errata", releases.erratum_new, name="erratum_new"),
    path("api/projects/<slug:slug>/releases/<str:name>", releases.api_release, name="api_release"),
]
