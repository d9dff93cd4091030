"""The pixels half: series, masks and image models."""

from django.apps import AppConfig


class VisionConfig(AppConfig):
    """The pixels half: series, masks and image models."""

    name = "vision"
    verbose_name = "Pixels"
