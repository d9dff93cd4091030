"""What every page knows of whoever looks at it."""

from typing import Any

from django.http import HttpRequest

from annotator.models import Membership, Role


def roles(request: HttpRequest) -> dict[str, Any]:
    """`is_manager` and `is_adjudicator` in the project that the address names."""
    match = getattr(request, "resolver_match", None)
    slug = match.kwargs.get("slug") if match else None
    if slug is None or not request.user.is_authenticated:
        return {}
    mine = Membership.objects.filter(project__slug=slug, user_id=request.user.pk).order_by()
    held = set(mine.values_list("role", flat=True))
    return {"is_manager": Role.MANAGER in held, "is_adjudicator": Role.ADJUDICATOR in held}
