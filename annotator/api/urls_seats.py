"""JSON routes of seats."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
