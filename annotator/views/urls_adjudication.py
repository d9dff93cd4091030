"""Routes of the pages of adjudication."""

from django.urls import path

from annotator.views import adjudicate, dispute_figures

urlpatterns = [
    path("projects/<slug:slug>/adjudicate/", adjudicate.queue, name="adjudicate"),
    path("projects/<slug:slug>/adjudicate/next/", adjudicate.to_next, name="adjudicate_next"),
    path("projects/<slug:slug>/adjudicate/cases/<int:case_id>/", adjudicate.case, name="adjudicate_case"),
    path("projects/<slug:slug>/adjudicate/alike/", adjudicate.alike, name="adjudicate_alike"),
    path("projects/<slug:slug>/adjudicate/batches/<uuid:batch>/", adjudicate.batch, name="adjudicate_batch"),
    path("projects/<slug:slug>/dashboard/disputes/", dispute_figures.disputes, name="dashboard_disputes"),
    path("projects/<slug:slug>/dashboard/disputes.csv", dispute_figures.disputes_csv, name="dashboard_disputes_csv"),
]
