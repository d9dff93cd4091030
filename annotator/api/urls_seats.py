"""Routes of seats: hold and give back cases of the queue, and the debrief of planted errors."""

from django.urls import path

from annotator.api import seats
from annotator.views import debrief

urlpatterns = [
    path("api/projects/<slug:slug>/cases/<int:case_id>/heartbeat", seats.heartbeat, name="api_heartbeat"),
    path("api/projects/<slug:slug>/cases/<int:case_id>/give-back", seats.give_case_back, name="api_give_back"),
    path("projects/<slug:slug>/cases/<int:case_id>/debrief/", debrief.debrief, name="debrief"),
]
