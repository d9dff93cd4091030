"""A pre-fill never contradicts itself, and urgency stands on positive abnormal cells whose words state it."""

import json
from pathlib import Path

import pytest

from labeling.core.records import LabelSet
from labeling.core.rules import label_report
from labeling.core.schema import Cell
from labeling.core.values import POSITIVE_VALUES
from tests.labeling.core.test_rules_traps import SCHEMA

ROOT = Path(__file__).parents[3]


def reports() -> dict[str, str]:
    """Texts of the gold files and of the invented demo reports, by name."""
    texts = {path.stem: path.read_text(encoding="utf-8") for path in ROOT.glob("annotator/demo/abdomen-ct/*.txt")}
    for letter in "abc":
        lines = (ROOT / f"tests/golden/abdomen_reports_{letter}.jsonl").read_text(encoding="utf-8").splitlines()
        texts.update((row["id"], row["report"]) for row in map(json.loads, filter(str.strip, lines)))
    return texts


def contradictions(labels: LabelSet) -> list[str]:
    """Pairs of positive cells that the schema forbids, and urgencies of cells that are not positive."""
    positive = {cell for cell, label in labels.cells.items() if label.state in POSITIVE_VALUES}
    pairs = [
        f"{target.name}: {rule.finding} and {forbidden}"
        for target in SCHEMA.targets
        for rule in SCHEMA.contradictions
        for forbidden in rule.forbids
        if {Cell(target.name, rule.finding), Cell(target.name, forbidden)} <= positive
    ]
    idle = [str(cell) for cell, label in labels.cells.items() if label.urgency is not None and cell not in positive]
    return pairs + idle


def test_no_report_is_filled_with_a_contradiction() -> None:
    found = {name: contradictions(label_report(text, SCHEMA)) for name, text in reports().items()}
    assert {name: pairs for name, pairs in found.items() if pairs} == {}


@pytest.mark.parametrize(
    ("text", "target", "finding", "urgency"),
    [
        ("Both kidneys show prompt excretion of contrast.", "left kidney", "normal", None),
        ("The spleen is normal with an accessory spleen.", "spleen", "normal", None),
        ("Perforated sigmoid diverticulitis.", "large bowel", "diffuse", 3),
        ("Acute cholecystitis with a stone in the gallbladder neck.", "gallbladder", "focal", 2),
        ("Sigmoid diverticulitis without perforation.", "large bowel", "diffuse", None),
        ("Splenic cyst. Discussed with the emergency physician.", "spleen", "focal", None),
        ("Splenic cyst. Evaluate for perforation of the stomach.", "spleen", "focal", None),
        ("Incidental splenic cyst.", "spleen", "focal", 0),
        ("No acute appendicitis. Colonic wall thickening.", "large bowel", "diffuse", None),
        ("Hepatic laceration with active extravasation.", "liver", "focal", 3),
        ("3 cm renal mass on the left.", "left kidney", "focal", None),
    ],
)
def test_urgency_is_what_the_words_of_the_clause_state(
    text: str, target: str, finding: str, urgency: int | None
) -> None:
    assert label_report(text, SCHEMA)[Cell(target, finding)].urgency == urgency
