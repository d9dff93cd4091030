"""Grammars for llama.cpp: read back as regular expressions, they match the same texts."""

import re

import pytest

from labeling.core.backends.gbnf import choice_grammar, pattern_grammar
from tests.labeling.llm_servers import regex_of_grammar


@pytest.mark.parametrize(
    ("regex", "grammar"),
    [
        ("yes", 'root ::= "y" "e" "s"'),
        ("(yes|no)", 'root ::= (("y" "e" "s" | "n" "o"))'),
        ("[0-9]{2,3}", "root ::= ([0-9]){2,3}"),
        ("a?b*c+", 'root ::= ("a"){0,1} ("b"){0,} ("c"){1,}'),
        (r"[^\]a-]", r"root ::= [^\x5Da\x2D]"),
        (r"\d.", r"root ::= [0-9] [^\n]"),
        ('"', r'root ::= "\""'),
        ("", 'root ::= ""'),
    ],
)
def test_regular_expression_is_a_grammar(regex: str, grammar: str) -> None:
    assert pattern_grammar(regex) == grammar


@pytest.mark.parametrize(
    ("regex", "right", "wrong"),
    [
        (r"(yes|no) [0-9]{1,3}%", ["yes 7%", "no 100%"], ["maybe 7%", "yes %", "yes 7% "]),
        (r"\{\"a\": (true|[^x\n]+)\}", ['{"a": true}', '{"a": b}'], ['{"a": x}', "{}"]),
        (r"S[0-9]+(, S[0-9]+)*|none", ["S1", "S1, S20", "none"], ["S1,", "S", "none, S1"]),
        (r"\w+\s?", ["ab_9", "a "], ["-", "a  b"]),
    ],
)
def test_grammar_matches_what_the_regular_expression_matches(regex: str, right: list[str], wrong: list[str]) -> None:
    back = regex_of_grammar(pattern_grammar(regex))
    assert back is not None
    for text in right:
        assert re.fullmatch(regex, text)
        assert re.fullmatch(back, text)
    for text in wrong:
        assert not re.fullmatch(regex, text)
        assert not re.fullmatch(back, text)


@pytest.mark.parametrize("regex", [r"(a)\1", "(?=a)b", "^a$", r"\ba", "(?i:a)", r"\D"])
def test_what_has_no_grammar_is_an_error(regex: str) -> None:
    with pytest.raises(ValueError, match="no grammar"):
        pattern_grammar(regex)


def test_choice_is_a_grammar_of_its_options() -> None:
    assert choice_grammar(["not mentioned", 'say "a"\n']) == r'root ::= "not mentioned" | "say \"a\"\n"'
