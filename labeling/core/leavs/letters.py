"""Options with capital letters, and lists of such letters as answers.

A letter counts only when the whole answer is letters: published parsers took capitals out of any text, so that
"CT shows (K)" chose C and K (METHODS A.6).
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from string import ascii_uppercase
from typing import Final

from labeling.core.asking import UnreadableAnswer
from labeling.core.backends import Answer, Pattern

_MARKUP: Final = re.compile(r"[*_`\"]")
_BETWEEN: Final = re.compile(r"[\s,;/&.]+|(?<=[)\]])(?=[(\[])")
_LETTER: Final = re.compile(r"\(([A-Za-z]{1,2})\)|\[([A-Za-z]{1,2})\]|([A-Z]{1,2})\)?")


@lru_cache(maxsize=64)
def letters(n_options: int) -> tuple[str, ...]:
    """Names of as many options: A to Z, then AA, AB and so on. Raises ValueError beyond ZZ."""
    pairs = (first + second for first in ascii_uppercase for second in ascii_uppercase)
    names = (*ascii_uppercase, *pairs)[:n_options]
    if len(names) < n_options:
        raise ValueError(f"{n_options} options are more than there are letters for, {len(names)}")
    return names


def lettered(texts: Sequence[str]) -> str:
    """The options, one a line, each behind its letter in parentheses."""
    return "\n".join(f"({letter}) {text}" for letter, text in zip(letters(len(texts)), texts, strict=True))


def letter_list_pattern(options: Sequence[str], *, alone: str) -> Pattern:
    """Constrains an answer to a list of options in parentheses, no longer than there are, or to `alone`."""
    one = rf"\((?:{'|'.join(options)})\)"
    more = f"(?:, {one}){{0,{len(options) - 1}}}" if len(options) > 1 else ""
    return Pattern(rf"\({alone}\)|{one}{more}")


def read_letter_list(answer: Answer, options: Sequence[str]) -> tuple[str, ...]:
    """The options that the answer lists, each once, in their order.

    "(A), (K)", "A and K" and "**(a)** (k)" are lists. An answer with any other word in it, with an unknown letter, with
    nothing in it, or cut off is none. Raises `UnreadableAnswer`.
    """
    complaint = f"Answer with nothing but letters out of {_listed(options)}, with commas between them."
    tokens = [token for token in _BETWEEN.split(_MARKUP.sub("", answer.text)) if token and token.casefold() != "and"]
    said = {_letter(token) for token in tokens}
    if answer.is_cut or not said or not said <= set(options):
        raise UnreadableAnswer(complaint)
    return tuple(option for option in options if option in said)


def _letter(token: str) -> str | None:
    match = _LETTER.fullmatch(token)
    return (match[1] or match[2] or match[3]).upper() if match else None


def _listed(options: Sequence[str]) -> str:
    return ", ".join(f"({option})" for option in options)
