"""What a person has set for the reading screen."""

from django.conf import settings
from django.db import models


class Preferences(models.Model):
    """One row per user who has set anything; `annotator.core.preferences` says what `data` may hold."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="preferences")
    data = models.JSONField(default=dict)
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ["user"]
        verbose_name_plural = "preferences"

    def __str__(self) -> str:
        return f"preferences of {self.user_id}"
