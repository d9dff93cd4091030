"""What a person has set for the reading screen."""

from typing import Any

from annotator.models import Preferences, User


def preferences_of(user: User) -> dict[str, Any]:
    """The user's preferences; empty when nothing was ever set."""
    data: dict[str, Any] | None = Preferences.objects.filter(user=user).values_list("data", flat=True).first()
    return data or {}
