"""The people half: projects, cases, readings."""

from django.apps import AppConfig


class AnnotatorConfig(AppConfig):
    """Projects, cases, readings; also the Django project package."""

    name = "annotator"
    verbose_name = "People"

    def ready(self) -> None:
        """Register the system checks, and the Celery application that messages are sent with."""
        from annotator import celery, checks  # noqa: F401, PLC0415
