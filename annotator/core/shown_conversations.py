"""Conversations as a page shows them: what was shown before on it is folded, what an answer may be is in words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from labeling.core.conversations import Conversation, Turn, answer_form, json_form, sampling_words, stage_title
from labeling.core.previews import AskedCall
from labeling.core.values import Value

ROLES: Final = {"system": "system", "user": "user", "assistant": "model"}
# Shorter texts are not worth folding.
_LONG_CHARACTERS: Final = 160


@dataclass(frozen=True, slots=True)
class ShownPiece:
    """A part of a turn. `is_again`: it stood on the page before."""

    text: str
    is_report: bool
    is_again: bool

    @property
    def size(self) -> str:
        """Its length in words."""
        return characters(len(self.text))


@dataclass(frozen=True, slots=True)
class Supposition:
    """A placeholder for an answer, and what is supposed where it is given."""

    values: tuple[str, ...]
    answer: str


@dataclass(frozen=True, slots=True)
class ShownTurn:
    """One turn. `role` is system, user or model; `asked` names what the model answers in it, if it does."""

    role: str
    pieces: tuple[ShownPiece, ...]
    asked: str = ""
    form: str = ""
    json_form: str = ""
    sampling: str = ""
    suppositions: tuple[Supposition, ...] = ()
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class ShownConversation:
    """One conversation. `supposed` says where it comes up, empty for one that was held or that always does."""

    number: int
    title: str
    stage: str
    sentence: int | None
    n_alike: int
    n_characters: int
    n_shared: int
    supposed: tuple[str, ...]
    turns: tuple[ShownTurn, ...]

    @property
    def size(self) -> str:
        """The length of its prompt in words."""
        return characters(self.n_characters)

    @property
    def shared(self) -> str:
        """How much of its beginning was there before, in words; empty for none."""
        return characters(self.n_shared) if self.n_shared else ""


def shown_conversations(found: Iterable[Conversation], *, n_suppositions: int = 0) -> tuple[ShownConversation, ...]:
    """What the page shows; `n_suppositions` is how many there are for a preview."""
    seen: set[str] = set()
    return tuple(
        ShownConversation(
            number=number,
            title=each.title,
            stage=each.stage,
            sentence=None if each.sentence is None else each.sentence + 1,
            n_alike=each.n_alike,
            n_characters=each.n_characters,
            n_shared=each.n_shared,
            supposed=_words(each.supposed) if len(each.supposed) < n_suppositions else (),
            turns=tuple(_turn(turn, seen) for turn in each.turns),
        )
        for number, each in enumerate(found, start=1)
    )


def characters(count: int) -> str:
    """A number of characters in words."""
    return f"{count:,} character{'' if count == 1 else 's'}"


def value_words(value: str) -> str:
    """A value, or why there is none, as people read it."""
    return value.replace("_", " ")


def _turn(turn: Turn, seen: set[str]) -> ShownTurn:
    pieces = tuple(ShownPiece(piece.text, piece.is_report, _is_again(piece.text, seen)) for piece in turn.pieces)
    call = turn.call
    if call is None:
        return ShownTurn(ROLES[turn.role], pieces)
    suppositions = _suppositions(call) if turn.is_open else ()
    return ShownTurn(
        ROLES[turn.role],
        () if suppositions else pieces,
        asked=stage_title(call.purpose.stage) + (", reasoning" if call.purpose.stage.endswith("-reasoning") else ""),
        form=answer_form(call.constraint, call.choices),
        json_form=json_form(call.constraint),
        sampling=sampling_words(call),
        suppositions=suppositions,
        is_cut=call.stored is not None and call.stored.is_cut,
    )


def _suppositions(call: AskedCall) -> tuple[Supposition, ...]:
    """The placeholders for an answer, each with all that leads to it."""
    by_answer: dict[str, list[Value]] = {}
    for value, answer in call.answers:
        if value is not None:
            by_answer.setdefault(_placeholder(call, answer), []).append(value)
    return tuple(Supposition(_words(values), answer) for answer, values in by_answer.items())


def _placeholder(call: AskedCall, answer: str) -> str:
    """Logits say less than the word that they are higher for."""
    if not call.choices:
        return answer
    return call.choices[0] if answer.startswith('{"logits": [1') else call.choices[1]


def _words(values: Sequence[Value]) -> tuple[str, ...]:
    return tuple(value_words(value) for value in values)


def _is_again(text: str, seen: set[str]) -> bool:
    if len(text) < _LONG_CHARACTERS:
        return False
    is_again = text in seen
    seen.add(text)
    return is_again
