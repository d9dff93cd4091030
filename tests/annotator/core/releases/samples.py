"""A small release: three cases of two patients, four cells, one of them undecided, names that attack spreadsheets."""

from dataclasses import replace

from annotator.core.releases.records import About, CardTable, Contents, ReleasedCase
from labeling.core.schema_yaml import parse_schema

SCHEMA_SOURCE = """
format: 1
name: small
version: 3
title: Small <schema>
modality: CT
targets:
  - {name: liver, title: Liver}
  - {name: spleen, title: Spleen}
findings:
  - {name: focal, definition: a focal lesion}
  - {name: diffuse, definition: diffuse change}
attributes:
  - {name: urgency, levels: [none, low, medium, high], findings: [focal]}
"""
SCHEMA = parse_schema(SCHEMA_SOURCE)
CELLS = [str(cell) for cell in SCHEMA.cells]
# Liver focal present, liver diffuse absent, spleen focal undecided, spleen diffuse not mentioned.
FIRST = "+0_."
TEXT = "Größe normal 🙂. Cyst, 2 cm.\r\nEnd."
SHA = "ab" * 32


def case(key="R1", **fields):
    """Gold of one case, by default `FIRST`."""
    given = {
        "patient_key": "p1",
        "values": FIRST,
        "urgencies": "2___",
        "origins": "dsud",
        "n_voices": "2122",
        "n_agreeing": "2102",
        "split": "train",
        "evidence": {CELLS[0]: [[16, 26]]},
        "text_sha256": SHA,
        "modality": "CT",
    }
    return ReleasedCase(key=key, **(given | fields))


def contents(*cases, texts=False, **fields):
    """A release of these cases, by default three."""
    made = cases or (
        case("R1"),
        case("=cmd|'/c calc'!A1", values="0000", urgencies="____", origins="dddd", evidence={}),
        case("R3", patient_key="p2", split="test", values="?~..", urgencies="0___", evidence={}, text_sha256=None),
    )
    if texts:
        made = tuple(replace(each, text=TEXT) for each in made)
    agreement = CardTable(caption="Kappa", columns=("readers", "kappa"), rows=(("A, B", 0.5), ("A, C", None)))
    given = {
        "name": "v1",
        "frozen_at": "2026-03-02T09:00:00+00:00",
        "schema": SCHEMA,
        "schema_source": SCHEMA_SOURCE,
        "cases": tuple(made),
        "origin_names": {"d": "double blind", "s": "single blind", "u": "undecided"},
        "about": About(
            project="liver <b>study</b>",
            description="Made | up",
            guidelines=(("the project, version 2", "Cysts count."),),
            selection={"only_final": True},
            resolution={"origins": "all", "version of the rules": 1, "repeats": False},
            splits={"seed": 7},
            agreement=(agreement,),
            limits=("One hospital.",),
        ),
    }
    return Contents(**(given | fields))
