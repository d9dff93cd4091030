"""Routes of the pages of assignment."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
