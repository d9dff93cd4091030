"""Which cells an address names."""

import pytest

from annotator.core.explored_places import UnknownPlaceError, place_of
from annotator.core.figure_requests import Level
from annotator.core.figure_results import cells_at
from labeling.core.schema_yaml import load_preset

SCHEMA = load_preset("abdomen-ct")


def at(level=Level.CELLS, **query):
    place = place_of(query, schema=SCHEMA, level=level)
    return [f"{cell.target} {cell.finding}" for cell in place.cells]


@pytest.mark.parametrize(
    "query", [{"cell": "liver|focal"}, {"row": "liver focal"}, {"target": "liver", "finding": "focal"}]
)
def test_a_cell_has_three_names(query):
    assert at(**query) == ["liver focal"]


@pytest.mark.parametrize("query", [{"finding": "focal"}, {"row": "finding focal"}])
def test_a_finding_stands_for_its_cells_in_all_targets(query):
    assert at(**query) == [f"{cell.target} focal" for cell in SCHEMA.cells if cell.finding == "focal"]


@pytest.mark.parametrize("query", [{"target": "liver"}, {"row": "target liver"}])
def test_a_target_stands_for_all_of_its_findings(query):
    assert at(**query) == [f"liver {cell.finding}" for cell in SCHEMA.cells if cell.target == "liver"]


@pytest.mark.parametrize("query", [{}, {"row": "micro"}, {"row": "macro"}, {"row": "overall"}])
def test_nothing_and_the_pooled_rows_stand_for_all_cells(query):
    assert len(at(**query)) == len(SCHEMA.cells)


def test_every_row_of_figures_names_its_cell():
    for level in Level:
        for cell in cells_at(SCHEMA, level):
            name = f"{cell.target} {cell.finding}"
            assert at(level=level, row=name) == [name]


def test_a_group_is_made_of_the_cells_of_its_findings_and_targets():
    place = place_of({"cell": "kidneys|any abnormality"}, schema=SCHEMA, level=Level.WIDE)
    abnormal = next(group for group in SCHEMA.finding_groups if group.name == "any abnormality")
    kidneys = next(group for group in SCHEMA.target_groups if group.name == "kidneys")
    assert {cell.target for cell in place.members} == set(kidneys.members)
    assert {cell.finding for cell in place.members} == set(abnormal.members)


@pytest.mark.parametrize("query", [{"cell": "moon|focal"}, {"row": "liver"}, {"row": "target "}, {"finding": "moon"}])
def test_what_the_schema_lacks_is_refused(query):
    with pytest.raises(UnknownPlaceError):
        at(**query)


def test_a_group_is_no_cell_of_the_schema():
    with pytest.raises(UnknownPlaceError):
        at(cell="kidneys|any abnormality")
