"""Tables that the server sorts."""

import pytest

from annotator.core.sorting import Order

LINES = [{"name": "a", "f1": 0.5}, {"name": "b", "f1": None}, {"name": "c", "f1": 0.9}, {"name": "d", "f1": 0.1}]


def names(words):
    order = Order.of(words, ("name", "f1"))
    return "".join(line["name"] for line in order.sorted(LINES, lambda line, column: line[column]))


@pytest.mark.parametrize(
    ("words", "expected"),
    [("f1", "cadb"), ("-f1", "dacb"), ("name", "dcba"), ("", "abcd"), ("f2", "abcd"), ("--f1", "abcd")],
)
def test_lines_come_in_the_order_of_the_column_and_undefined_ones_last(words, expected):
    assert names(words) == expected


def test_a_click_on_the_sorted_column_turns_the_order_round():
    titles = {"name": "Cell", "f1": "F1"}
    heads = {words: Order.of(words, ("name", "f1")).heads(titles)[1] for words in ("", "f1", "-f1")}
    assert {words: (head.sort, head.aria_sort) for words, head in heads.items()} == {
        "": ("f1", ""),
        "f1": ("-f1", "descending"),
        "-f1": ("f1", "ascending"),
    }
