"""JSON routes of adjudication."""

from django.urls import path

from annotator.api import adjudication

urlpatterns = [
    path("api/projects/<slug:slug>/adjudicate/next", adjudication.next_case, name="api_next_disputed"),
    path(
        "api/projects/<slug:slug>/adjudicate/cases/<int:case_id>", adjudication.disputed_case, name="api_disputed_case"
    ),
    path("api/projects/<slug:slug>/adjudicate/cases/<int:case_id>/decide", adjudication.decide_cell, name="api_decide"),
    path("api/projects/<slug:slug>/adjudicate/cases/<int:case_id>/undo", adjudication.undo_decision, name="api_undo"),
]
