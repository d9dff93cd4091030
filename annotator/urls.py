"""Every route of the site."""

from django.urls import include, path

from annotator.api import flow
from annotator.api import views as api
from annotator.views import read

handler400 = "annotator.views.errors.bad_request"
handler403 = "annotator.views.errors.permission_denied"
handler404 = "annotator.views.errors.not_found"
handler500 = "annotator.views.errors.server_error"

urlpatterns = [
    path("projects/<slug:slug>/next/", read.read_next, name="read_next"),
    path("projects/<slug:slug>/cases/<int:case_id>/", read.read, name="read"),
    path("projects/<slug:slug>/cases/<int:case_id>/viewer/", read.viewer, name="viewer"),
    path("api/projects/<slug:slug>/next", api.case_after, name="api_next"),
    path("api/projects/<slug:slug>/cases/<int:case_id>", api.case_detail, name="api_case"),
    path("api/projects/<slug:slug>/cases/<int:case_id>/draft", api.draft, name="api_draft"),
    path("api/projects/<slug:slug>/cases/<int:case_id>/submit", api.submit, name="api_submit"),
    path("api/projects/<slug:slug>/cases/<int:case_id>/skip", flow.skip, name="api_skip"),
    path("api/projects/<slug:slug>/jump", flow.jump, name="api_jump"),
    path("api/projects/<slug:slug>/summary", flow.summary, name="api_summary"),
    path("api/me/preferences", flow.preferences, name="api_preferences"),
    path("", include("annotator.api.urls_images")),
    path("", include("annotator.api.urls_adjudication")),
    path("", include("annotator.api.urls_notes")),
    path("", include("annotator.api.urls_seats")),
    path("", include("annotator.views.urls_adjudication")),
    path("", include("annotator.views.urls_assignment")),
    path("", include("annotator.views.urls_cases")),
    path("", include("annotator.views.urls_dashboard")),
    path("", include("annotator.views.urls_gold")),
    path("", include("annotator.views.urls_invitations")),
    path("", include("annotator.views.urls_releases")),
    path("", include("annotator.views.urls_rules")),
    path("", include("annotator.views.urls_runs")),
    path("", include("annotator.views.urls_pages")),
]
