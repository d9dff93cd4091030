"""Contradictions inside one reading."""

from annotator.core.contradictions import find_contradictions
from labeling.core.schema import Cell
from labeling.core.schema_yaml import load_preset

SCHEMA = load_preset("abdomen-ct")


def vectors(values, urgencies=None):
    """Vectors that say nothing but what is given."""
    value_codes = ["."] * len(SCHEMA.cells)
    urgency_codes = ["_"] * len(SCHEMA.cells)
    for (target, finding), code in values.items():
        value_codes[SCHEMA.index_of_cell[Cell(target, finding)]] = code
    for (target, finding), code in (urgencies or {}).items():
        urgency_codes[SCHEMA.index_of_cell[Cell(target, finding)]] = code
    return "".join(value_codes), "".join(urgency_codes)


def keys(values, urgencies=None):
    return [found.key for found in find_contradictions(*vectors(values, urgencies), schema=SCHEMA)]


def test_an_absent_gallbladder_has_no_focal_finding():
    assert keys({("gallbladder", "absent"): "+", ("gallbladder", "focal"): "+"}) == ["gallbladder|absent|focal"]


def test_a_possible_value_contradicts_like_a_present_one():
    assert keys({("liver", "normal"): "?", ("liver", "diffuse"): "?"}) == ["liver|normal|diffuse"]


def test_two_organs_do_not_contradict_each_other():
    assert keys({("gallbladder", "absent"): "+", ("liver", "focal"): "+"}) == []


def test_denied_ambiguous_and_unread_values_contradict_nothing():
    for code in "0~.!_":
        assert keys({("spleen", "absent"): "+", ("spleen", "focal"): code}) == []


def test_urgency_needs_a_positive_value():
    assert keys({("liver", "focal"): "0"}, {("liver", "focal"): "0"}) == ["liver|focal|urgency"]
    assert keys({("liver", "focal"): "?"}, {("liver", "focal"): "3"}) == []


def test_a_removed_gallbladder_is_both_absent_and_postsurgical():
    assert keys({("gallbladder", "absent"): "+", ("gallbladder", "postsurgical"): "+"}) == []


def test_every_contradiction_of_a_target_is_found():
    found = keys({("spleen", "absent"): "+", ("spleen", "normal"): "+", ("spleen", "focal"): "+"})
    assert found == ["spleen|absent|normal", "spleen|absent|focal", "spleen|normal|focal"]
