"""Keep what a person sets for the reading screen."""

from datetime import datetime
from typing import Any

from django.db import transaction

from annotator.core.preferences import check_preferences, merged
from annotator.models import Preferences, User


def set_preferences(*, user: User, sent: Any, now: datetime) -> dict[str, Any]:
    """Store what was sent over what is stored, key by key, and return the whole; raises `PreferencesError`."""
    checked = check_preferences(sent)
    with transaction.atomic():
        Preferences.objects.get_or_create(user=user, defaults={"data": {}, "changed_at": now})
        stored = Preferences.objects.select_for_update().get(user=user)
        stored.data = merged(stored.data, checked)
        stored.changed_at = now
        stored.save(update_fields=["data", "changed_at"])
    return dict(stored.data)
