"""System checks that tell an operator at start-up what is wrong."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning, register


@register()
def bundle_is_built(**_: Any) -> list[CheckMessage]:
    """The pages need the TypeScript bundle."""
    if settings.BUNDLE_MANIFEST.is_file():
        return []
    return [Warning("the web bundle is not built", hint="run `make web`", id="annotator.W001")]
