"""The pixels half: series, masks and image models."""

from django.apps import AppConfig

from vision.core.silence import silence_pydicom


class VisionConfig(AppConfig):
    """The pixels half: series, masks and image models."""

    name = "vision"
    verbose_name = "Pixels"

    def ready(self) -> None:
        """Keep pydicom from quoting values of elements on the console, which a server keeps as its log."""
        silence_pydicom()
