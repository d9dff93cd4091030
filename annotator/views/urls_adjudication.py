"""Routes of the pages of adjudication."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
