"""Routes of the rules of a study."""

from django.urls import path

from annotator.views import rules

urlpatterns = [path("projects/<slug:slug>/rules/", rules.rules, name="rules")]
