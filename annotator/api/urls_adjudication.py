"""JSON routes of adjudication."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
