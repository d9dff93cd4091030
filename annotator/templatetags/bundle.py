"""Script and style tags for a bundle that Vite built."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from django import template
from django.conf import settings
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

register = template.Library()


@register.simple_tag
def bundle(name: str) -> SafeString:
    """Tags for `static/src/entries/<name>.ts`; a plain message when the bundle is not built."""
    path: Path = settings.BUNDLE_MANIFEST
    if not path.is_file():
        return mark_safe("<p>The web bundle is not built: run <code>make web</code>.</p>")
    manifest = _manifest(path, path.stat().st_mtime_ns)
    entry = manifest[f"static/src/entries/{name}.ts"]
    styles = format_html_join(
        "", '<link rel="stylesheet" href="{}">', ((static(css),) for css in _styles(manifest, entry))
    )
    return format_html('{}<script type="module" src="{}"></script>', styles, static(entry["file"]))


@lru_cache(maxsize=4)
def _manifest(path: Path, changed_ns: int) -> dict[str, Any]:
    del changed_ns
    manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return manifest


def _styles(manifest: dict[str, Any], entry: dict[str, Any]) -> list[str]:
    """Style sheets of an entry and of every chunk it imports, imports first, each once."""
    found: list[str] = []
    for key in entry.get("imports", []):
        found += _styles(manifest, manifest[key])
    found += entry.get("css", [])
    return list(dict.fromkeys(found))
