"""The words half: runs and machine labels."""

from django.apps import AppConfig


class LabelingConfig(AppConfig):
    """The words half: runs and machine labels."""

    name = "labeling"
    verbose_name = "Words"
