"""The pixels half: series, masks and image models."""

import warnings

from django.apps import AppConfig


class VisionConfig(AppConfig):
    """The pixels half: series, masks and image models."""

    name = "vision"
    verbose_name = "Pixels"

    def ready(self) -> None:
        """Keep pydicom from quoting values of elements on the console, which a server keeps as its log."""
        warnings.filterwarnings("ignore", module=r"pydicom(\.|$)")
