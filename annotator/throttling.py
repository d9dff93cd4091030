"""Two limits on wrong passwords: a low one for a name at an address, a high one for the address alone.

django-axes compares every count with one limit. A hospital often has one address for everybody, so the address needs a
limit of its own, and a reader who signs in must not clear what somebody else guessed from there.
"""

from datetime import timedelta
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.db.models import Sum
from django.http import HttpRequest
from django.utils import timezone


class Throttle(AxesDatabaseHandler):
    """Counts per name and address as django-axes does, and per address on top."""

    def get_failures(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> int:
        """Failures of this name from this address; those of the address alone once they reach their own limit."""
        of_address = _failures_from(request.axes_ip_address)  # type: ignore[attr-defined]
        if of_address >= settings.AXES_ADDRESS_FAILURE_LIMIT:
            return of_address
        return int(super().get_failures(request, credentials))


def _failures_from(address: str) -> int:
    since = timezone.now() - timedelta(hours=settings.AXES_COOLOFF_TIME)
    recent = AccessAttempt.objects.filter(ip_address=address, attempt_time__gte=since)
    return recent.aggregate(n=Sum("failures_since_start"))["n"] or 0
