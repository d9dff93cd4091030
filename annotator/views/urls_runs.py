"""Routes of runs: start, watch, compare, and how each label came about."""

from django.urls import path

from annotator.api import case_labels
from annotator.api import runs as api
from annotator.views import label_import, run_answers, run_compare, run_new, run_prompts, runs

urlpatterns = [
    path("projects/<slug:slug>/runs/", runs.runs, name="runs"),
    path("projects/<slug:slug>/runs/new/", run_new.run_new, name="run_new"),
    path("projects/<slug:slug>/runs/import/", label_import.label_import, name="label_import"),
    path(
        "projects/<slug:slug>/runs/import/<str:token>/",
        label_import.label_import_preview,
        name="label_import_preview",
    ),
    path(
        "projects/<slug:slug>/runs/import/<str:token>/refused.csv",
        label_import.label_import_problems,
        name="label_import_problems",
    ),
    path("projects/<slug:slug>/runs/compare/", run_compare.run_compare, name="run_compare"),
    path("projects/<slug:slug>/runs/compare/cells.csv", run_compare.run_compare_csv, name="run_compare_csv"),
    path("projects/<slug:slug>/runs/prompts/", run_prompts.run_prompts, name="run_prompts"),
    path("projects/<slug:slug>/runs/<uuid:run_id>/", runs.run, name="run"),
    path("projects/<slug:slug>/runs/<uuid:run_id>/failures/", run_answers.run_failures, name="run_failures"),
    path("projects/<slug:slug>/runs/<uuid:run_id>/cases/<int:case_id>/", run_answers.run_case, name="run_case"),
    path("api/projects/<slug:slug>/runs/<uuid:run_id>", api.run_progress, name="api_run"),
    path("api/projects/<slug:slug>/cases/<int:case_id>/labels", case_labels.case_labels, name="api_case_labels"),
]
