"""What a browser or a file may send as labels."""

import pytest

from annotator.core.vectors import VectorError, changes_between, check_body, check_vectors, undecided_cells
from labeling.core.schema_yaml import load_preset

SCHEMA = load_preset("spine-mri")


@pytest.mark.parametrize(
    ("values", "urgencies", "message"),
    [
        ("+" * 7, "_" * 8, "values: expected 8 characters, got 7"),
        ("+" * 8, "_" * 9, "urgencies: expected 8 characters, got 9"),
        ("+" * 7 + "x", "_" * 8, "values: 'x' is not one of"),
        ("+" * 8, "_" * 7 + "4", "urgencies: '4' is not one of"),
        (None, "_" * 8, "got NoneType"),
        (["+"] * 8, "_" * 8, "got list"),
    ],
)
def test_vectors_that_do_not_fit_are_refused(values, urgencies, message):
    with pytest.raises(VectorError, match=message.replace("?", r"\?")):
        check_vectors(values, urgencies, schema=SCHEMA)


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"cells": []},
        {"other": {}},
        {"cells": {"liver|focal": {}}},
        {"cells": {"spine|cancer": {"unknown": 1}}},
        {"cells": {"spine|cancer": {"evidence": [[0, 11]]}}},
        {"cells": {"spine|cancer": {"evidence": [[5, 5]]}}},
        {"cells": {"spine|cancer": {"evidence": [[-1, 5]]}}},
        {"cells": {"spine|cancer": {"evidence": [[0.0, 5]]}}},
        {"cells": {"spine|cancer": {"evidence": [[True, 5]]}}},
        {"cells": {"spine|cancer": {"evidence": [[0, 1]] * 201}}},
        {"cells": {"spine|cancer": {"comment": "x" * 4001}}},
        {"cells": {"spine|cancer": {"comment": "a\x00b"}}},
        {"cells": {"spine|cancer": {"flags": [""]}}},
        {"cells": {"spine|cancer": {"probability": float("nan")}}},
        {"cells": {}, "acknowledged": "all"},
        {"cells": {}, "guidelines": {"focal": 0}},
        {"cells": {}, "reopened": "slip"},
        {"cells": {"spine|cancer": {"image_value": "absent"}}},
        {"cells": {"spine|cancer": {"image_value": "absent", "flags": ["hedged"]}}},
        {"cells": {"spine|cancer": {"image_value": "0", "flags": ["image_disagrees"]}}},
        {"cells": {"spine|cancer": {"image_value": "unreadable", "flags": ["image_disagrees"]}}},
        {"cells": {"spine|cancer": {"image_value": ["absent"], "flags": ["image_disagrees"]}}},
    ],
)
def test_a_body_that_does_not_fit_is_refused(body):
    with pytest.raises(VectorError, match="body"):
        check_body(body, schema=SCHEMA, text_length=10)


def test_a_full_body_is_accepted():
    entry = {"evidence": [[0, 10]], "comment": "hm", "flags": ["image disagrees"], "probability": 0.5, "reason": "r"}
    check_body({"cells": {"spine|cancer": entry}, "acknowledged": []}, schema=SCHEMA, text_length=10)


@pytest.mark.parametrize("value", ["present", "possible", "absent", "ambiguous", "not_mentioned"])
def test_what_the_image_shows_is_accepted_with_the_flag(value):
    entry = {"image_value": value, "flags": ["image_disagrees"], "evidence": []}
    check_body({"cells": {"spine|cancer": entry}}, schema=SCHEMA, text_length=10)


def test_an_error_never_quotes_a_comment():
    with pytest.raises(VectorError) as caught:
        check_body({"cells": {"spine|cancer": {"comment": "Mrs Smith" * 999}}}, schema=SCHEMA, text_length=10)
    assert "Smith" not in str(caught.value)


def test_unreadable_and_not_asked_cells_are_undecided():
    # cells 0 to 7: the five of spine, then the three levels
    assert undecided_cells("+!0._.~?", schema=SCHEMA) == ["spine|cancer", "spine|herniation"]


def test_changes_name_cell_before_and_after():
    before = ("+.......", "1_______")
    after = ("+0......", "2_______")
    assert changes_between(before, after, schema=SCHEMA) == {
        "spine|stenosis": ("+1", "+2"),
        "spine|cancer": ("._", "0_"),
    }
