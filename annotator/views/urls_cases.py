"""Routes of the pages of cases, notes and guidelines."""

from django.urls import path

from annotator.views import cases, guidelines, notes

urlpatterns = [
    path("projects/<slug:slug>/cases/", cases.cases, name="cases"),
    path("projects/<slug:slug>/cases/<int:case_id>/about/", cases.case, name="case"),
    path("projects/<slug:slug>/notes/", notes.notes, name="notes"),
    path("projects/<slug:slug>/guidelines/", guidelines.guidelines, name="guidelines"),
    path("projects/<slug:slug>/guidelines/text/", guidelines.guideline, name="guideline"),
    path("projects/<slug:slug>/guidelines/affected/", guidelines.guideline_affected, name="guideline_affected"),
    path(
        "projects/<slug:slug>/guidelines/affected.csv",
        guidelines.guideline_affected_csv,
        name="guideline_affected_csv",
    ),
]
