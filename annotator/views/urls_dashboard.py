"""Routes of the dashboard."""

from django.urls import path

from annotator.views import explorer, figure_report, figures, thresholds, training

urlpatterns = [
    path("projects/<slug:slug>/dashboard/", figures.labelers, name="dashboard"),
    path("projects/<slug:slug>/dashboard/scores/", figures.scores, name="dashboard_scores"),
    path(
        "projects/<slug:slug>/dashboard/scores/<int:evaluation_id>.csv",
        thresholds.scores_csv,
        name="dashboard_scores_csv",
    ),
    path("projects/<slug:slug>/dashboard/scores/<int:evaluation_id>/pick", thresholds.pick, name="threshold_pick"),
    path("projects/<slug:slug>/dashboard/thresholds.csv", thresholds.as_csv, name="thresholds_csv"),
    path("projects/<slug:slug>/dashboard/thresholds.json", thresholds.as_json, name="thresholds_json"),
    path("projects/<slug:slug>/dashboard/compare/", figures.compare, name="dashboard_compare"),
    path("projects/<slug:slug>/dashboard/readers/", figures.readers, name="dashboard_readers"),
    path("projects/<slug:slug>/dashboard/arms/", figures.arms, name="dashboard_arms"),
    path("projects/<slug:slug>/dashboard/training/", training.page, name="dashboard_training"),
    path("projects/<slug:slug>/dashboard/training.csv", training.as_csv, name="dashboard_training_csv"),
    path("projects/<slug:slug>/dashboard/urgency/", figures.urgency, name="dashboard_urgency"),
    path("projects/<slug:slug>/dashboard/gold/", figures.gold, name="dashboard_gold"),
    path("projects/<slug:slug>/dashboard/gold/<int:evaluation_id>.csv", figures.gold_csv, name="dashboard_gold_csv"),
    path("projects/<slug:slug>/dashboard/cases/", explorer.cases, name="dashboard_cases"),
    path("projects/<slug:slug>/dashboard/cases.csv", explorer.cases_csv, name="dashboard_cases_csv"),
    path("projects/<slug:slug>/dashboard/report/", figure_report.report, name="dashboard_report"),
    path("projects/<slug:slug>/dashboard/figures/<int:evaluation_id>.csv", figures.figures_csv, name="dashboard_csv"),
    path(
        "projects/<slug:slug>/dashboard/figures/<int:evaluation_id>.json", figures.figures_json, name="dashboard_json"
    ),
    path("projects/<slug:slug>/dashboard/figures/<int:evaluation_id>/again/", figures.again, name="dashboard_again"),
    path("api/projects/<slug:slug>/figures/<int:evaluation_id>", figures.api_figures, name="api_figures"),
]
