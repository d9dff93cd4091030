"""Routes of the pages of gold."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
