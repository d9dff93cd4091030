"""What the pages say exists: settings, commands, links, and the example of a schema."""

import re
from dataclasses import fields
from pathlib import Path

import pytest
from django.core.management import get_commands

from labeling.core.schema import Attribute, Finding, Group, Target
from labeling.core.schema_yaml import parse_schema

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONVENTIONS.md", *sorted((ROOT / "docs").glob("*.md"))]
SETTINGS = [ROOT / "annotator" / "settings" / f"{name}.py" for name in ("base", "dev", "prod")]


def text_of(*parts: str) -> str:
    return ROOT.joinpath(*parts).read_text(encoding="utf-8")


def test_every_environment_variable_is_in_the_table() -> None:
    read = {name for path in SETTINGS for name in re.findall(r'env\.\w+\(\s*"(\w+)"', path.read_text())}
    read |= set(re.findall(r"\$\{(\w+)", text_of("compose.yaml")))
    rows = re.findall(r"^\| (`.+?) \|", text_of("docs", "operations.md"), flags=re.MULTILINE)
    documented = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert read - documented == set()
    assert documented - read <= {"DJANGO_SETTINGS_MODULE", "WEB_CONCURRENCY"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_links_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    commands = set(re.findall(r"manage\.py (\w+)", text))
    assert commands - set(get_commands()) == set()
    targets = set(re.findall(r"^make (\w[\w-]*)", text, flags=re.MULTILINE))
    assert targets - set(re.findall(r"^([a-z-]+):", text_of("Makefile"), flags=re.MULTILINE)) == set()
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if not link.startswith("http")]
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_schema_page_shows_every_key_and_its_example_can_be_used() -> None:
    [example] = re.findall(r"```yaml\n(.*?)```", text_of("docs", "schema.md"), flags=re.DOTALL)
    schema = parse_schema(example)
    for name in ("version", "title", "modality", "attributes", "contradictions"):
        assert getattr(schema, name)
    assert schema.finding_groups
    assert schema.target_groups
    assert len(schema.cells) < len(schema.targets) * len(schema.findings)
    for record in (Target, Finding, Attribute, Group):
        for field in fields(record):
            assert re.search(rf"\b{field.name}:", example), f"{record.__name__}.{field.name}"


def test_readme_counts_the_reports_of_the_demo() -> None:
    [said] = re.findall(r"(\d+) made-up reports", text_of("README.md"))
    assert int(said) == len(list((ROOT / "annotator" / "demo").glob("*/*.txt")))
