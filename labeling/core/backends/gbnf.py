"""Grammars of llama.cpp (GBNF) for choices and for regular expressions.

Of regular expressions: literals, classes, groups, alternatives, greedy and lazy repeats, "." and the
classes \\d \\w \\s over ASCII. Look-around, back-references and anchors inside have no grammar.
"""

import json
from collections.abc import Iterable, Sequence
from re import _constants as op  # type: ignore[attr-defined]  # the parser of `re` has no public door
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

_CLASSES = {op.CATEGORY_DIGIT: "0-9", op.CATEGORY_WORD: "0-9A-Za-z_", op.CATEGORY_SPACE: r" \t\n\r"}


def choice_grammar(options: Iterable[str]) -> str:
    """A grammar whose only texts are the options."""
    return "root ::= " + " | ".join(_literal(option) for option in options)


def pattern_grammar(regex: str) -> str:
    """A grammar of the texts that match from the first to the last character. Raises ValueError where there is none."""
    return "root ::= " + _sequence(parser.parse(regex))


def _literal(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _sequence(nodes: Iterable[tuple[Any, Any]]) -> str:
    return " ".join(_node(code, value) for code, value in nodes) or '""'


def _node(code: Any, value: Any) -> str:
    if code is op.LITERAL:
        return _literal(chr(value))
    if code is op.NOT_LITERAL:
        return f"[^{_in_class(value)}]"
    if code is op.ANY:
        return r"[^\n]"
    if code is op.IN:
        return _class(value)
    if code is op.BRANCH:
        return "(" + " | ".join(_sequence(branch) for branch in value[1]) + ")"
    if code is op.SUBPATTERN and not (value[1] or value[2]):
        return f"({_sequence(value[3])})"
    if code in (op.MAX_REPEAT, op.MIN_REPEAT):
        low, high, nodes = value
        upper = "" if high is op.MAXREPEAT else str(high)
        return f"({_sequence(nodes)}){{{low},{upper}}}"
    raise ValueError(f"{code} of a regular expression has no grammar")


def _class(members: Sequence[tuple[Any, Any]]) -> str:
    parts = []
    for code, value in members:
        if code is op.NEGATE:
            parts.append("^")
        elif code is op.LITERAL:
            parts.append(_in_class(value))
        elif code is op.RANGE:
            parts.append(f"{_in_class(value[0])}-{_in_class(value[1])}")
        elif code is op.CATEGORY and value in _CLASSES:
            parts.append(_CLASSES[value])
        else:
            raise ValueError(f"{value} of a regular expression has no grammar")
    return f"[{''.join(parts)}]"


def _in_class(point: int) -> str:
    character = chr(point)
    return f"\\x{point:02X}" if character in r"\]^-[" or point < ord(" ") else character
