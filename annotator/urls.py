"""Every route of the site."""

from django.urls import include, path

from annotator.api import views as api
from annotator.views import read

handler400 = "annotator.views.errors.bad_request"
handler403 = "annotator.views.errors.permission_denied"
handler404 = "annotator.views.errors.not_found"
handler500 = "annotator.views.errors.server_error"

urlpatterns = [
    path("projects/<slug:slug>/next/", read.read_next, name="read_next"),
    path("projects/<slug:slug>/cases/<int:case_id>/", read.read, name="read"),
    path("api/projects/<slug:slug>/next", api.case_after, name="api_next"),
    path("api/projects/<slug:slug>/cases/<int:case_id>", api.case_detail, name="api_case"),
    path("api/projects/<slug:slug>/cases/<int:case_id>/draft", api.draft, name="api_draft"),
    path("api/projects/<slug:slug>/cases/<int:case_id>/submit", api.submit, name="api_submit"),
    path("", include("annotator.views.urls_pages")),
]
