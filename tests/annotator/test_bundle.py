"""Which files a page asks the browser for before its scripts run."""

import json
import re

import pytest
from django.urls import reverse

from annotator.templatetags.bundle import bundle, bundle_ahead
from tests.vision.stored import stored_series

# The reading page's script uses a shared chunk; the viewer comes later, and the engine with its stage later still.
MANIFEST = {
    "static/src/entries/read.ts": {
        "file": "read-1.js",
        "imports": ["_dom.js"],
        "css": ["assets/read.css"],
    },
    "_dom.js": {"file": "chunks/dom-2.js", "css": ["assets/dom.css"]},
    "static/src/viewer/index.ts": {
        "file": "chunks/viewer-3.js",
        "imports": ["_dom.js"],
        "css": ["assets/viewer.css"],
    },
    "static/src/viewer/stage.ts": {
        "file": "chunks/stage-4.js",
        "imports": ["static/src/viewer/index.ts", "_engine.js"],
    },
    "_engine.js": {"file": "chunks/engine-5.js"},
}


@pytest.fixture(autouse=True)
def manifest(tmp_path, settings):
    settings.BUNDLE_MANIFEST = tmp_path / "manifest.json"
    settings.BUNDLE_MANIFEST.write_text(json.dumps(MANIFEST))


def test_a_script_and_what_it_imports_are_asked_for_at_once():
    assert bundle("read") == (
        '<link rel="stylesheet" href="/static/assets/dom.css"><link rel="stylesheet" href="/static/assets/read.css">'
        '<script type="module" src="/static/read-1.js"></script>'
        '<link rel="modulepreload" href="/static/chunks/dom-2.js">'
    )


def test_what_comes_later_is_fetched_once_and_the_engine_is_not_compiled():
    tags = bundle_ahead("static/src/viewer/index.ts", "static/src/viewer/stage.ts")
    assert '<link rel="stylesheet" href="/static/assets/viewer.css">' in tags
    assert tags.count("chunks/viewer-3.js") == tags.count("chunks/dom-2.js") == 1
    assert '<link rel="modulepreload" href="/static/chunks/viewer-3.js">' in tags
    for name in ("stage-4", "engine-5"):
        assert f'<link rel="preload" as="script" crossorigin href="/static/chunks/{name}.js">' in tags
        assert tags.count(name) == 1


def test_pages_without_a_built_bundle_still_answer(settings):
    settings.BUNDLE_MANIFEST.unlink()
    assert "make web" in bundle("read")
    assert bundle_ahead("static/src/viewer/index.ts", "static/src/viewer/stage.ts") == ""


@pytest.mark.django_db
def test_only_a_case_with_images_asks_for_the_viewer_and_the_list_of_images(client, world, settings, tmp_path):
    settings.IMAGE_DIR = tmp_path
    base = {"file": "base-6.js"}
    settings.BUNDLE_MANIFEST.write_text(json.dumps(MANIFEST | {"static/src/entries/base.ts": base}))
    stored_series(world.cases[0])
    client.force_login(world.reader)
    with_images, without = (
        client.get(reverse("read", args=["lumbar", case.pk])).content.decode() for case in world.cases[:2]
    )
    listed = reverse("api_images", args=["lumbar", world.cases[0].pk])
    assert re.search(rf'<link rel="preload"\s+as="fetch"\s+crossorigin\s+href="{listed}">', with_images)
    assert "engine-5" in with_images
    assert "engine-5" not in without
    assert 'as="fetch"' not in without
