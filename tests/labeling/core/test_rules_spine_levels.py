"""Spinal levels in words."""

import pytest

from labeling.core.rules.levels import LEVELS, find_level_groups, level_of_name
from labeling.core.rules.lexicon import fold

L34, L45, L51 = "L3-L4", "L4-L5", "L5-S1"


def levels(text: str) -> list[str]:
    return [level for group in find_level_groups(fold(text)) for level in group.levels]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("L4/5", [L45]), ("L4-L5", [L45]), ("L4 -5", [L45]), ("L4-l5 L5-S1", [L45, L51]), ("L4_L5", [L45]),
        ("L4\u2013L5", [L45]), ("L 4 / L 5", [L45]), ("LV4-LV5", [L45]), ("atL4/L5 level", [L45]), ("notedL4/5", [L45]),
        ("L4/L5&L5/S1", [L45, L51]), ("L3-L4, L5-S1:", [L34, L51]), ("L2/L3,L3/L4&L4/5 levels", ["L2-L3", L34, L45]),
        ("L3-S1", [L34, L45, L51]), ("L3 to S1", [L34, L45, L51]), ("L3/4 to L5/S1", [L34, L45, L51]),
        ("L3-4-5", [L34, L45]), ("L4/L5/S1", [L45, L51]), ("L5/1", [L51]), ("L5-SI level", [L51]), ("S1-L5", [L51]),
        ("L4 on L5", [L45]), ("L5 over S1", [L51]), ("D12/L1", ["T12-L1"]), ("T12-1", ["T12-L1"]), ("D11/12",
        ["T11-T12"]),
        ("C5/6 and C7/T1", ["C5-C6", "C7-T1"]), ("Th10-11", ["T10-T11"]), ("L5-L6 and L6/S1", ["L5-L6", "L6-S1"]),
        ("lower two levels", [L45, L51]), ("the last 2 lumbar levels", [L45, L51]), ("lumbosacral junction", [L51]),
        ("L4/5 (moderate) and L5/S1 (severe)", [L45, L51]), ("L4/5.", [L45]),
    ],
)  # fmt: skip
def test_levels(text: str, expected: list[str]) -> None:
    assert levels(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "L4",
        "L5 nerve root",
        "L4, L5 bodies",
        "T1/T2 weighted images",
        "2-3 mm",
        "L5 - 3 mm",
        "S1",
        "3/5",
        "C9-10",
        "V4-5",
    ],
)
def test_no_level(text: str) -> None:
    assert levels(text) == []


def test_neighbours_are_one_group_and_emphasis_is_its_own() -> None:
    groups = find_level_groups(fold("L3-L4 and L4-L5: bulges, noticeably at L4-L5 level"))
    assert [(group.levels, group.emphasised) for group in groups] == [((L34, L45), False), ((L45,), True)]


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("no stenosis at any level", "all"),
        ("at all lumbar levels", "all"),
        ("the other levels", "rest"),
        ("at this level", "same"),
    ],
)
def test_scope(text: str, scope: str) -> None:
    assert [group.scope for group in find_level_groups(fold(text))] == [scope]


@pytest.mark.parametrize(
    ("name", "level"),
    [
        ("L4-L5", L45), ("L4/5", L45), ("level C5-6", "C5-C6"), ("L5/S1 disc", L51), ("spine", None), ("L3-S1", None),
        ("lumbar spine", None), ("left kidney", None), ("", None),
    ],
)  # fmt: skip
def test_level_of_name(name: str, level: str | None) -> None:
    assert level_of_name(name) == level


def test_levels_are_neighbouring_vertebrae_from_neck_to_sacrum() -> None:
    assert LEVELS[0] == "C1-C2"
    assert {"C7-T1", "T12-L1", "L5-S1"} <= set(LEVELS)
    assert all(level_of_name(level) == level for level in LEVELS)
