"""System checks that tell an operator at start-up what is wrong."""

import stat
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning, register


@register()
def bundle_is_built(**_: Any) -> list[CheckMessage]:
    """The pages need the TypeScript bundle."""
    if settings.BUNDLE_MANIFEST.is_file():
        return []
    return [Warning("the web bundle is not built", hint="run `make web`", id="annotator.W001")]


@register()
def data_are_private(**_: Any) -> list[CheckMessage]:
    """Reports, uploads and, locally, the secrets lie in the data folder."""
    mode = stat.S_IMODE(settings.DATA_DIR.stat().st_mode)
    if not mode & (stat.S_IRWXG | stat.S_IRWXO):
        return []
    message = f"other users of this machine may enter the data folder {settings.DATA_DIR} (mode {mode:03o})"
    return [Warning(message, hint=f"run `chmod 700 {settings.DATA_DIR}`", id="annotator.W002")]
