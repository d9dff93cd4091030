"""Schemas: presets, hashes, and errors with their lines."""

import pytest

from labeling.core.schema import Cell
from labeling.core.schema_yaml import SchemaError, load_preset, parse_schema, preset_names, preset_source

# METHODS A.1: order of the published vectors
ORGANS = [
    "spleen",
    "liver",
    "right kidney",
    "left kidney",
    "stomach",
    "pancreas",
    "gallbladder",
    "small bowel",
    "large bowel",
]
TYPES = [
    "normal",
    "absent",
    "adjacent",
    "quality",
    "postsurgical",
    "anatomy",
    "device",
    "enlarged",
    "atrophy",
    "diffuse",
    "focal",
]

SMALL = """\
format: 1
name: small
version: 2
targets:
  - name: liver
  - name: spleen
findings:
  - name: cyst
    definition: a fluid-filled lesion
  - name: large
    definition: bigger than it should be
"""


def problems_of(source):
    with pytest.raises(SchemaError) as caught:
        parse_schema(source)
    return [(problem.line, problem.message) for problem in caught.value.problems]


def test_abdomen_has_nine_organs_by_eleven_types_in_published_order():
    schema = load_preset("abdomen-ct")
    assert [target.name for target in schema.targets] == ORGANS
    assert [finding.name for finding in schema.findings] == TYPES
    assert list(schema.cells) == [Cell(organ, kind) for organ in ORGANS for kind in TYPES]
    assert len(schema.urgency.levels) == 4


def test_abdomen_groups_are_those_the_evaluation_merges():
    groups = {group.name: set(group.members) for group in load_preset("abdomen-ct").finding_groups}
    assert groups["size"] == {"enlarged", "atrophy"}
    assert groups["postsurgical or absent"] == {"postsurgical", "absent"}
    targets = {group.name: set(group.members) for group in load_preset("abdomen-ct").target_groups}
    assert targets == {"kidneys": {"right kidney", "left kidney"}, "bowel": {"small bowel", "large bowel"}}


def test_spine_asks_stenosis_at_three_levels_and_the_rest_once():
    schema = load_preset("spine-mri")
    levels = [cell.target for cell in schema.cells if cell.finding == "stenosis"]
    assert levels == ["spine", "L3-L4", "L4-L5", "L5-S1"]
    assert len(schema.cells) == 8
    assert schema.urgency is None
    assert schema.finding_by_name["cancer"].exclude_sections == ("history",)


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_states_a_definition_for_every_finding(name):
    assert all(finding.definition for finding in load_preset(name).findings)


def test_hash_ignores_layout_and_comments_and_nothing_else():
    schema = parse_schema(SMALL)
    assert parse_schema("# a comment\n" + SMALL.replace("  - name: spleen", "  - {name: spleen}")).hash == schema.hash
    assert parse_schema(SMALL.replace("fluid-filled", "fluid filled")).hash != schema.hash
    assert parse_schema(SMALL.replace("version: 2", "version: 3")).hash != schema.hash


def test_a_user_adds_an_organ_and_a_condition_without_code():
    source = preset_source("abdomen-ct")
    source = source.replace(
        "findings:\n  - name: normal",
        "  - {name: adrenal gland, terms: [adrenal, suprarenal]}\nfindings:\n"
        "  - {name: calcified, definition: there is calcium in it, terms: [calcified]}\n  - name: normal",
        1,
    )
    schema = parse_schema(source)
    assert Cell("adrenal gland", "calcified") in schema.cells
    assert len(schema.cells) == 10 * 12
    assert schema.target_by_name["adrenal gland"].terms == ("adrenal", "suprarenal")


def test_cells_restrict_which_pairs_are_asked():
    schema = parse_schema(SMALL + "cells:\n  cyst: [liver, spleen]\n  large: [spleen]\n")
    assert list(schema.cells) == [Cell("liver", "cyst"), Cell("spleen", "cyst"), Cell("spleen", "large")]


def test_every_error_is_reported_with_its_line():
    source = """\
format: 3
name: -bad-
version: none
colour: red
targets:
  - name: liver
  - name: Liver
  - nmae: spleen
findings:
  - name: cyst
groups:
  findings:
    - {name: all, members: [cyst, tumour]}
contradictions:
  - {finding: cist, forbids: [cyst, cyst]}
"""
    found = problems_of(source)
    assert [line for line, _ in found] == [1, 2, 3, 4, 7, 8, 8, 10, 13, 15, 15]
    messages = "\n".join(message for _, message in found)
    for expected in ("format is not 1", "'-bad-'", "'none'", "unknown key 'colour'", "'Liver' stands twice"):
        assert expected in messages
    for expected in ("unknown key 'nmae'", "'definition' is missing", "no 'tumour'", "no finding 'cist'"):
        assert expected in messages


@pytest.mark.parametrize(
    ("source", "line", "message"),
    [
        ("", 1, "empty"),
        ("- a\n- b\n", 1, "not a mapping"),
        ("name: [a\nversion: 1\n", 2, "not YAML"),
        ("a: &x 1\nb: *x\n", 2, "aliases"),
        (SMALL + "cells: {cyst: []}\n", 12, "no cell"),
        (SMALL.replace("targets:\n  - name: liver\n  - name: spleen\n", "targets: []\n"), 4, "targets is empty"),
        (SMALL + "attributes:\n  - {name: urgency, levels: [low, high]}\n", 13, "it needs 4"),
        (SMALL + "name: again\n", 12, "'name' stands twice"),
        (SMALL + "title: [a]\n", 12, "title is not text"),
    ],
)
def test_a_schema_that_cannot_be_used_names_line_and_reason(source, line, message):
    assert any(found == line and message in text for found, text in problems_of(source)), problems_of(source)


def with_version(text):
    return SMALL.replace("version: 2", f"version: {text}")


def many(n_targets, n_findings):
    """A schema with that many of each, every pair asked."""
    targets = "".join(f"  - name: t{number}\n" for number in range(n_targets))
    findings = "".join(f"  - {{name: f{number}, definition: d}}\n" for number in range(n_findings))
    return f"format: 1\nname: many\nversion: 1\ntargets:\n{targets}findings:\n{findings}"


@pytest.mark.parametrize(
    ("source", "line", "message"),
    [
        (with_version("9" * 5000), 3, "up to 9 digits"),
        (with_version("2147483648"), 3, "up to 9 digits"),  # 2**31, one more than PostgreSQL stores
        (SMALL + "title: \ud83e\n", 12, "characters that YAML does not allow"),
        (SMALL + "title: a\0b\n", 12, "characters that YAML does not allow"),
        (SMALL + 'title: "\\uD83E"\n', 12, "surrogate"),
        (SMALL + 'title: "a\\0b"\n', 12, "control characters"),
        (SMALL + 'modality: "\\e"\n', 12, "control characters"),
        (SMALL + "title: " + "[" * 20_000, 12, "nested deeper than 20"),
        ("- " * 20_000, 1, "nested deeper than 20"),
        ("# " + "x" * 100_000, 1, "longer than 100000 characters"),
        (many(201, 1), 205, "targets: more than 200"),
        (many(1, 201), 207, "findings: more than 200"),
        (many(45, 45), 1, "2025 cells; a schema has at most 2000"),
        (many(200, 200), 1, "40000 cells"),
    ],
    ids=[
        "digits",
        "integer",
        "surrogate",
        "nul",
        "escaped surrogate",
        "escaped nul",
        "escaped control",
        "flow depth",
        "block depth",
        "length",
        "targets",
        "findings",
        "cells",
        "many cells",
    ],
)
def test_what_is_too_large_or_cannot_be_stored_is_refused_with_its_line(source, line, message):
    found = problems_of(source)
    assert any(number == line and message in text for number, text in found), found


def test_the_largest_schema_is_read():
    schema = parse_schema(many(40, 50))
    assert len(schema.cells) == 2000
    assert parse_schema(with_version("999999999")).version == 999_999_999


def test_problems_end_somewhere_and_quote_little():
    source = SMALL + f"cells:\n  cyst: [{'x,' * 30_000}]\n  large: [{'y' * 30_000}]\n"
    found = problems_of(source)
    assert len(found) == 100
    assert max(len(text) for _, text in problems_of(SMALL + f"title: a\n{'y' * 30_000}: b\n")) < 1000


def test_nothing_is_constructed_from_yaml_tags():
    with pytest.raises(SchemaError):
        parse_schema("!!python/object/apply:os.system ['true']\n")


def test_an_unknown_preset_is_named_beside_those_that_exist():
    with pytest.raises(KeyError, match="abdomen-ct, abdomen-ct-wide, spine-mri"):
        load_preset("chest-ct")


def test_a_cell_key_that_the_schema_lacks_is_refused():
    schema = parse_schema(SMALL)
    assert schema.cell_of("liver|cyst") == Cell("liver", "cyst")
    with pytest.raises(KeyError, match="small v2 has no cell"):
        schema.cell_of("liver|tumour")
