"""How `leavs` reads lists of letters and of quotes, and finds quotes in a report."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labeling.core.asking import UnreadableAnswer
from labeling.core.backends import Answer
from labeling.core.leavs.letters import letter_list_pattern, lettered, letters, read_letter_list
from labeling.core.leavs.matching import is_same, match_quotes, words_of
from labeling.core.leavs.questions import read_certainty, read_findings, read_urgency, read_yes
from labeling.core.leavs.quotes import read_quotes
from labeling.core.values import Value
from tests.labeling.core.leavs_stub import SCHEMA

ELEVEN = letters(12)


def said(text: str) -> Answer:
    return Answer(text, is_cut=False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(A), (K)", "AK"),  # METHODS I
        ("K, A, K", "AK"),
        ("**(a)** and (k).", "AK"),
        ("(A)(K)", "AK"),
        ("[J]", "J"),
        ("(L)", "L"),  # the published parser cannot read it
    ],
)
def test_a_list_of_letters_is_read(text: str, expected: str) -> None:
    assert read_letter_list(said(text), ELEVEN) == tuple(expected)


# METHODS A.6: read as {I, J}, {C, K}, {I, E}, {I}, and "normal" twice by the published parser.
@pytest.mark.parametrize(
    "text", ["I think (J)", "CT shows (K)", "The LIVER", "MRI", "None", "", "(M)", "a cyst", "A: normal", "ABSENT"]
)
def test_capitals_in_other_words_are_no_letters(text: str) -> None:
    with pytest.raises(UnreadableAnswer):
        read_letter_list(said(text), ELEVEN)


def test_a_list_that_was_cut_is_not_read_because_letters_may_be_missing() -> None:
    with pytest.raises(UnreadableAnswer):
        read_letter_list(Answer("(A), (B)", is_cut=True), ELEVEN)


def test_not_mentioned_beside_a_finding_is_no_answer() -> None:
    assert read_findings(said("(L)"), SCHEMA.findings) == frozenset()
    assert read_findings(said("(A), (K)"), SCHEMA.findings) == {"normal", "focal"}
    with pytest.raises(UnreadableAnswer):
        read_findings(said("(A), (L)"), SCHEMA.findings)


@settings(deadline=None)
@given(st.integers(1, 60), st.data())
def test_what_the_constraint_allows_is_read_back(n_options: int, data: st.DataObject) -> None:
    *options, alone = letters(n_options + 1)
    pattern = letter_list_pattern(options, alone=alone).regex
    chosen = data.draw(st.lists(st.sampled_from(options), min_size=1, max_size=n_options, unique=True))
    text = ", ".join(f"({letter})" for letter in chosen)
    assert re.fullmatch(pattern, text)
    assert re.fullmatch(pattern, f"({alone})")
    assert not re.fullmatch(pattern, f"{text}, ({alone})")
    assert set(read_letter_list(said(text), options)) == set(chosen)


def test_letters_go_on_behind_z_and_the_constraint_ends() -> None:
    assert letters(28)[25:] == ("Z", "AA", "AB")
    assert lettered(["x", "y"]) == "(A) x\n(B) y"
    with pytest.raises(ValueError, match="703 options"):
        letters(703)  # 26 + 26 * 26 = 702 names
    assert re.fullmatch(letter_list_pattern(("A", "B"), alone="C").regex, "(A), (A), (A)") is None


# METHODS A.7: the published parser reads A, C, and -2 for the last three.
@pytest.mark.parametrize("text", ["A finding is positive: D", "CT: D", "", "positive", "G"])
def test_certainty_is_one_letter_and_nothing_else(text: str) -> None:
    with pytest.raises(UnreadableAnswer):
        read_certainty(said(text), is_chosen=True)


def test_certainty_letters_mean_what_the_paper_says() -> None:
    positive = [read_certainty(said(f"({letter})"), is_chosen=True) for letter in "ABCDEF"]
    assert positive == ["absent", "not_mentioned", "possible", "present", "ambiguous", "ambiguous"]
    negative = [read_certainty(said(letter), is_chosen=False) for letter in "ABCD"]
    assert negative == ["absent", "not_mentioned", "ambiguous", "ambiguous"]
    assert read_certainty(said("F"), is_chosen=True) is Value.AMBIGUOUS  # METHODS I: "F" is -3
    with pytest.raises(UnreadableAnswer):
        read_certainty(said("E"), is_chosen=False)


def test_urgency_is_one_of_four_letters() -> None:
    assert [read_urgency(said(letter), 4) for letter in "ABCD"] == [0, 1, 2, 3]
    for text in ("E", "K", "I would say (C)", ""):  # published: 4, 10, 8 and 0
        with pytest.raises(UnreadableAnswer):
            read_urgency(said(text), 4)


def test_yes_is_yes_with_marks_around_it_and_a_sentence_is_neither() -> None:
    assert all(read_yes(said(text)) for text in ("Yes", "Yes.", "**Yes**", " yes\n", '"Yes"'))  # METHODS I
    assert not read_yes(said("no."))
    for text in ("Maybe", "", "It does", "No doubt: yes"):
        with pytest.raises(UnreadableAnswer):
            read_yes(said(text))


@pytest.mark.parametrize(
    ("text", "quotes"),
    [
        ('- "Liver normal." Informative\n- "Spleen big." Uninformative', ["Liver normal."]),
        ("1. “Liver normal.” – Informative", ["Liver normal."]),
        ('• **"Liver normal."** **Informative**', ["Liver normal."]),
        ("2) «Liver normal.» (Informative)", ["Liver normal."]),
        ("* ‘The patient’s liver is normal.’ Informative", ["The patient’s liver is normal."]),
        ('- "The "halo" sign is seen." Informative', ['The "halo" sign is seen.']),
        ('- "Bad." Uninformative, not about the "liver"\n- "A" Informative', ["A"]),
        ("- The liver is normal. - Informative", ["The liver is normal."]),
        ('- "A line\nand the next." Informative\n- "B" Informative', ["A line\nand the next.", "B"]),
        ('- "2–3 cm ?Metastase, größer" Informative', ["2–3 cm ?Metastase, größer"]),
        ('Here they are:\n\n- "A" Informative\n\nThat is all.', ["A"]),
        ('- "A" not informative\n- "B" non-informative', []),
        ('- "A"\n- "A" Informative', ["A"]),
        ("NONE.", []),
    ],
)
def test_quotes_are_read_in_the_forms_that_models_write(text: str, quotes: list[str]) -> None:
    assert list(read_quotes(said(text)).quotes) == quotes


def test_a_list_without_an_entry_is_unreadable_and_a_cut_one_loses_its_last_entry() -> None:
    for text in ("", "I cannot help with that.", '- ""'):
        with pytest.raises(UnreadableAnswer):
            read_quotes(said(text))
    for rest in ('"B and', '"B" Un'):
        cut = read_quotes(Answer(f'- "A" Informative\n- {rest}', is_cut=True))
        assert (cut.quotes, cut.is_cut) == (("A",), True)


@pytest.mark.parametrize(
    "text", ['"' * 16_000, "- " * 8_000, "informative " * 1_400, '- "a" ' * 2_700, "\n- x" * 4_000]
)
def test_endless_repetition_is_read_in_no_time(text: str) -> None:
    started = time.perf_counter()
    try:
        quotes = read_quotes(Answer(text, is_cut=True)).quotes
    except UnreadableAnswer:
        quotes = ()
    match_quotes(quotes, ["The liver is normal."] * 50)
    assert time.perf_counter() - started < 10


# The first two are the same by the published rule of ten characters (METHODS I).
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("right kidney normal", "left kidney normal"),
        ("spleen is normal", "liver is normal"),
        ("no ascites", "no stones"),
        ("no.", "liver."),
        ("1.", "2."),
        ("There is a 2.3 cm cyst in the upper pole.", "There is a 2.8 cm cyst in the upper pole."),
        ("The hydronephrosis is seen on both of the sides.", "No hydronephrosis is seen on both of the sides."),
        ("The liver shows no focal lesion on this scan today.", "The spleen shows no focal lesion on this scan today."),
        (
            "There is a large hypodense lesion in the right lobe.",
            "There is a large hyperdense lesion in the right lobe.",
        ),
        ("The lesion looks typical of a cyst in this organ.", "The lesion looks atypical of a cyst in this organ."),
        ("The cyst is a simple one.", "cyst simple one"),  # only small words differ, 10 of 24 characters
        ("", ""),
    ],
)
def test_sentences_of_different_meaning_are_not_the_same(first: str, second: str) -> None:
    assert not is_same(words_of(first), words_of(second))
    assert match_quotes([first], [second]).sentences == frozenset()


@pytest.mark.parametrize(
    "quote",
    [
        "THE LIVER IS ENLARGED AND SHOWS A NON-SPECIFIC LESION",
        "The liver  is\tenlarged and\nshows a nonspecific lesion...",
        "Liver is enlarged and shows a non-specific lesion",
        "The liver is enlarged and shows a non-specific leison.",
        "enlarged and shows a non-specific lesion",
        "The spleen is fine. The liver is enlarged and shows a non-specific lesion.",
    ],
)
def test_a_slip_of_the_copyist_does_not_hide_a_sentence(quote: str) -> None:
    sentences = ["The spleen is fine.", "The liver is enlarged and shows a non-specific lesion.", "Normal."]
    matches = match_quotes([quote], sentences)
    assert 1 in matches.sentences
    assert 2 not in matches.sentences
    assert matches.n_not_found == 0


def test_a_short_part_of_several_sentences_selects_none() -> None:
    sentences = ["The liver shows no evidence of a mass in any lobe.", "The spleen shows no evidence of a mass today."]
    assert match_quotes(["evidence of"], sentences).sentences == frozenset()


def test_a_quote_that_is_not_there_is_counted_unless_it_repeats_the_question() -> None:
    sentences = ["The liver is normal."]
    matches = match_quotes(
        ["There is a tumour.", "a focal finding", "The liver is normal"], sentences, scope="- a focal finding"
    )
    assert (matches.sentences, matches.n_not_found) == (frozenset({0}), 1)
    half = match_quotes(["The liver is normal. There is a tumour in it."], sentences)
    assert (half.sentences, half.n_not_found) == (frozenset({0}), 1)
