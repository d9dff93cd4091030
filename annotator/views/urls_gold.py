"""Routes of the pages of gold."""

from django.urls import path

from annotator.views import gold

urlpatterns = [
    path("projects/<slug:slug>/gold/", gold.gold, name="gold"),
    path("projects/<slug:slug>/gold/counts.csv", gold.gold_counts, name="gold_counts"),
    path("projects/<slug:slug>/gold/settle/", gold.gold_settle, name="gold_settle"),
    path("projects/<slug:slug>/gold/cases/<int:case_id>/", gold.gold_case, name="gold_case"),
]
