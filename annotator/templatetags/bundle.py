"""Script and style tags for a bundle that Vite built."""

import json
from collections.abc import Iterable
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
    styles = _stylesheets(manifest, entry)
    imports = _preloads(file for key in entry.get("imports", []) for file in _modules(manifest, key))
    return format_html('{}<script type="module" src="{}"></script>{}', styles, static(entry["file"]), imports)


@register.simple_tag
def bundle_ahead(source: str, later: str) -> SafeString:
    """Tags for what a bundle imports when it runs, such as `static/src/viewer/index.ts`, so that it need not wait then.

    `later`, which that module imports in turn, is fetched but not compiled: that would keep the page from starting.
    """
    path: Path = settings.BUNDLE_MANIFEST
    if not path.is_file():
        return mark_safe("")
    manifest = _manifest(path, path.stat().st_mtime_ns)
    modules = dict.fromkeys(_modules(manifest, source))
    fetched = ((static(file),) for file in dict.fromkeys(_modules(manifest, later)) if file not in modules)
    scripts = format_html_join("", '<link rel="preload" as="script" crossorigin href="{}">', fetched)
    return format_html("{}{}{}", _stylesheets(manifest, manifest[source]), _preloads(modules), scripts)


@lru_cache(maxsize=4)
def _manifest(path: Path, changed_ns: int) -> dict[str, Any]:
    del changed_ns
    manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return manifest


def _stylesheets(manifest: dict[str, Any], entry: dict[str, Any]) -> SafeString:
    links = ((static(css),) for css in _styles(manifest, entry))
    return format_html_join("", '<link rel="stylesheet" href="{}">', links)


def _preloads(files: Iterable[str]) -> SafeString:
    links = ((static(file),) for file in dict.fromkeys(files))
    return format_html_join("", '<link rel="modulepreload" href="{}">', links)


def _modules(manifest: dict[str, Any], key: str) -> list[str]:
    """The files of a module and of every module it imports, the module first. None imports itself in a circle."""
    entry = manifest[key]
    found = [str(entry["file"])]
    for imported in entry.get("imports", []):
        found += _modules(manifest, imported)
    return found


def _styles(manifest: dict[str, Any], entry: dict[str, Any]) -> list[str]:
    """Style sheets of an entry and of every chunk it imports, imports first, each once."""
    found: list[str] = []
    for key in entry.get("imports", []):
        found += _styles(manifest, manifest[key])
    found += entry.get("css", [])
    return list(dict.fromkeys(found))
