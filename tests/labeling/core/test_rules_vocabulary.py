"""Every term of the vocabulary files at work: cues, findings and places, each in the example beside it."""

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from labeling.core.records import LabelSet
from labeling.core.rules import label_report
from labeling.core.rules.data import read_vocabulary_file, vocabulary_files, vocabulary_folder, vocabulary_hash
from labeling.core.rules.lexicon import fold
from labeling.core.rules.vocabulary import Cue, FindingTerm, Mention, build_vocabulary
from labeling.core.schema_yaml import load_preset
from labeling.core.values import POSITIVE_VALUES

SCHEMA = load_preset("abdomen-ct")
VOCABULARY = build_vocabulary(SCHEMA)
CUES = read_vocabulary_file("cues.toml")["cue"]
FINDINGS = read_vocabulary_file("abdomen-findings.toml")["finding"]
PLACES = read_vocabulary_file("abdomen-organs.toml")


def entries(tables: list[dict[str, Any]], *, with_example: bool | None = None) -> list[Any]:
    """One case for each table that has terms, named for its first term."""
    chosen = [table for table in tables if with_example is None or ("example" in table) == with_example]
    return [
        pytest.param(table, id=f"{table.get('kind', table.get('name', ''))}-{table['terms'][0]}") for table in chosen
    ]


def value_of(labels: LabelSet, key: str) -> str:
    return str(labels[SCHEMA.cell_of(key)].state)


def meanings(term: str, kind: type) -> list[Any]:
    """What the whole of `term` means, of one kind."""
    items = VOCABULARY.lexicon.scan(fold(term.replace("=", "")))
    return [entry for item in items[:1] for entry in item.entries if isinstance(entry, kind) and len(items) == 1]


def wrong_cells(text: str, expect: dict[str, str]) -> Iterator[str]:
    labels = label_report(text, SCHEMA)
    for key, expected in expect.items():
        if value_of(labels, key) != expected:
            yield f"{text!r}: {key} is {value_of(labels, key)}, not {expected}"


@pytest.mark.parametrize("cue", entries(CUES))
def test_every_cue_is_recognised_as_a_whole(cue: dict[str, Any]) -> None:
    lost = [term for term in cue["terms"] if cue["kind"] not in [found.kind for found in meanings(term, Cue)]]
    assert lost == []


@pytest.mark.parametrize("cue", entries(CUES, with_example=True))
def test_every_cue_works_in_its_example(cue: dict[str, Any]) -> None:
    examples = [cue["example"].replace("{}", term.replace("=", "")) for term in cue["terms"]]
    assert [wrong for text in examples for wrong in wrong_cells(text, cue.get("expect", {}))] == []
    for key, urgency in cue.get("expect_urgency", {}).items():
        assert {label_report(text, SCHEMA)[SCHEMA.cell_of(key)].urgency for text in examples} == {urgency}


@pytest.mark.parametrize("finding", entries(FINDINGS))
def test_every_finding_is_recognised_as_a_whole(finding: dict[str, Any]) -> None:
    lost = [term for term in finding["terms"] if finding["name"] not in [f.name for f in meanings(term, FindingTerm)]]
    assert lost == []


@pytest.mark.parametrize("finding", entries(FINDINGS, with_example=True))
def test_every_finding_works_in_its_example(finding: dict[str, Any]) -> None:
    examples = [finding["example"].replace("{}", term.replace("=", "")) for term in finding["terms"]]
    assert [wrong for text in examples for wrong in wrong_cells(text, finding["expect"])] == []


@pytest.mark.parametrize("finding", entries(FINDINGS, with_example=False))
def test_every_finding_without_example_is_found_where_it_belongs(finding: dict[str, Any]) -> None:
    organs = finding.get("implied", ["liver"])
    missing = []
    for term in finding["terms"]:
        text = f"There is {term.replace('=', '')}." if "implied" in finding else f"There is {term} in the liver."
        labels = label_report(text, SCHEMA)
        for organ in organs:
            for target in VOCABULARY.targets_of[organ].values():
                for name in finding_types(finding, organ):
                    if labels[SCHEMA.cell_of(f"{target}|{name}")].state not in POSITIVE_VALUES:
                        missing.append(f"{text} {target}|{name}")
    assert missing == []


def finding_types(finding: dict[str, Any], organ: str) -> list[str]:
    return list(finding.get("by_organ", {}).get(organ, finding["types"]))


@pytest.mark.parametrize("organ", [pytest.param(organ, id=organ["id"]) for organ in PLACES["organ"]])
def test_every_name_of_an_organ_carries_its_findings(organ: dict[str, Any]) -> None:
    targets = VOCABULARY.targets_of[organ["id"]].values()
    missing = []
    for term in (*organ.get("whole", ()), *organ.get("part", ()), *organ.get("plural", ())):
        labels = label_report(f"A mass in the {term}.", SCHEMA)
        if any(labels[SCHEMA.cell_of(f"{target}|focal")].state not in POSITIVE_VALUES for target in targets):
            missing.append(term)
    for term in organ.get("around", ()):
        labels = label_report(f"Stranding in the {term}.", SCHEMA)
        if any(labels[SCHEMA.cell_of(f"{target}|adjacent")].state not in POSITIVE_VALUES for target in targets):
            missing.append(term)
    assert missing == []


@pytest.mark.parametrize("group", entries(PLACES["collective"]))
def test_every_group_of_organs_is_denied_together(group: dict[str, Any]) -> None:
    missing = []
    for term in group["terms"]:
        labels = label_report(f"No mass in the {term}.", SCHEMA)
        for organ in group["organs"]:
            for target in VOCABULARY.targets_of[organ].values():
                if value_of(labels, f"{target}|focal") != "absent":
                    missing.append(f"{term}: {target}")
    assert missing == []


@pytest.mark.parametrize("other", entries(PLACES["other"]))
def test_nothing_in_another_place_is_labelled(other: dict[str, Any]) -> None:
    assert [term for term in other["terms"] if not meanings(term, Mention)] == []
    for term in other["terms"]:
        labels = label_report(f"There is a mass in the {term}.", SCHEMA)
        assert not any(label.state in POSITIVE_VALUES for label in labels.cells.values()), term


def test_no_term_stands_twice_with_one_meaning() -> None:
    for tables in (CUES, FINDINGS):
        seen: dict[tuple[str, str], str] = {}
        for table in tables:
            for term in table["terms"]:
                key = (term, table.get("kind", table.get("name", "")))
                assert key not in seen, key
                seen[key] = term


def test_hash_changes_with_the_vocabulary_only() -> None:
    assert len(vocabulary_hash()) == 64
    assert vocabulary_hash() == vocabulary_hash()
    assert {"cues.toml", "abdomen-findings.toml", "abdomen-organs.toml", "spelling.toml"} <= set(vocabulary_files())


@pytest.mark.parametrize("name", vocabulary_files())
def test_quick_reading_gives_what_the_parser_of_the_standard_library_gives(name: str) -> None:
    assert read_vocabulary_file(name) == tomllib.loads(vocabulary_folder().joinpath(name).read_text(encoding="utf-8"))
