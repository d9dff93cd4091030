"""JSON routes of reopening, notes and guidelines."""

from django.urls import path

from annotator.api import notes

urlpatterns = [
    path("api/projects/<slug:slug>/cases/<int:case_id>/reopen", notes.reopen, name="api_reopen"),
    path("api/projects/<slug:slug>/cases/<int:case_id>/notes", notes.notes, name="api_notes"),
    path("api/projects/<slug:slug>/guidelines", notes.guidelines, name="api_guidelines"),
]
