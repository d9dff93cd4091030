"""Routes of the pages of assignment."""

from django.urls import path

from annotator.views import assignment

urlpatterns = [
    path("projects/<slug:slug>/assignment/", assignment.assignment, name="assignment"),
    path("projects/<slug:slug>/assignment/seats/", assignment.change_seats, name="assignment_seats"),
    path("projects/<slug:slug>/assignment/seats.csv", assignment.as_csv, name="assignment_csv"),
]
