"""Calls as people read them: put together to conversations, in words for what an answer may be."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from labeling.core.backends import Choice, Constraint, JsonForm, Pattern
from labeling.core.previews import AskedCall
from labeling.core.quotations import Piece, pieces_of
from labeling.core.values import Value

REASONING: Final = "-reasoning"
_STAGES: Final = {
    "fast": "Which sentences are about the target, as quotes",
    "sentence": "Is this sentence about the target",
    "findings": "Which findings anything is said about",
    "certainty": "What is said about the finding",
    "urgency": "How urgent it is",
    "select": "Which sentences are about which target",
    "recall": "A second look at what the selection left out",
    "values": "The values of all findings of the target",
    "support": "Sentences and urgency of what is mentioned",
    "summary": "A summary with the condition in mind",
    "answer": "Yes or no, by the logits of the two answers",
    "N0": "Was it seen, or possibly seen",
    "N2": "Is it unchanged",
    "N3": "Is its absence stated",
    "N4": "Might it be present",
    "N5": "Is it normal",
    "percent-observed": "Percentage, taken as observed",
    "percent-absent": "Percentage, taken as absent",
    "percent-plain": "Percentage of its presence",
}


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn. `call` is the call whose answer it is; `is_open` when that is the last turn, which the model writes."""

    role: str
    pieces: tuple[Piece, ...]
    call: AskedCall | None = None
    is_open: bool = False

    @property
    def text(self) -> str:
        """All of it, as it is sent."""
        return "".join(piece.text for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class Conversation:
    """Calls of which each goes on from the one before. `n_alike` others differ only in the sentence asked about.

    `n_shared` characters at its beginning are those of a conversation before it, so that a prefix cache serves them.
    """

    calls: tuple[AskedCall, ...]
    n_alike: int = 0
    n_shared: int = 0

    @property
    def stage(self) -> str:
        """The stage of what it comes to."""
        return base_stage(self.calls[-1].purpose.stage)

    @property
    def title(self) -> str:
        """Its stages in words."""
        return ", then: ".join(dict.fromkeys(stage_title(call.purpose.stage) for call in self.calls))

    @property
    def sentence(self) -> int | None:
        """The sentence that it is about, when it is about one."""
        return self.calls[-1].purpose.sentence

    @property
    def supposed(self) -> tuple[Value, ...]:
        """What is supposed where it comes up."""
        return tuple(value for value, _ in self.calls[-1].answers if value is not None)

    @property
    def n_characters(self) -> int:
        """Characters of the prompt of its last call."""
        return self.calls[-1].n_characters

    @property
    def turns(self) -> tuple[Turn, ...]:
        """All turns, and the answer to the last."""
        by_length = {len(call.messages): call for call in self.calls[:-1]}
        last = self.calls[-1]
        turns = [
            Turn(message.role, _pieces(message.role, message.content), by_length.get(place))
            for place, message in enumerate(last.messages)
        ]
        return (*turns, Turn("assistant", (Piece(last.answer, is_report=False),), last, is_open=True))


def conversations(calls: Sequence[AskedCall], *, sentence: int | None = None) -> tuple[Conversation, ...]:
    """The calls as conversations, stage by stage.

    Of those about single sentences the one about `sentence` is kept, or that about the first, and the others counted.
    """
    chains: list[list[AskedCall]] = []
    for call in calls:
        chain = next((chain for chain in reversed(chains) if _goes_on(chain[-1], call)), None)
        if chain is None:
            chains.append([call])
        else:
            chain.append(call)
    found = [Conversation(tuple(chain)) for chain in chains]
    order = list(dict.fromkeys(base_stage(call.purpose.stage) for call in calls))
    found.sort(key=lambda each: order.index(each.stage))
    return _with_shared(_without_others(found, sentence))


def sentences_asked(calls: Sequence[AskedCall]) -> tuple[int, ...]:
    """Indexes of the sentences that calls are about."""
    return tuple(sorted({call.purpose.sentence for call in calls if call.purpose.sentence is not None}))


def base_stage(stage: str) -> str:
    """The stage that reasoning is for."""
    return stage.removesuffix(REASONING)


def stage_title(stage: str) -> str:
    """A stage in words; its name where there are none."""
    base = base_stage(stage)
    return _STAGES.get(base) or _STAGES.get(base.partition("-")[2], base)


def answer_form(constraint: Constraint | None, choices: Sequence[str] = ()) -> str:
    """What an answer may be, in words."""
    if choices:
        return f"the logits of {' and '.join(repr(choice) for choice in choices)} as the next word; nothing is written"
    if isinstance(constraint, Choice):
        return f"one of {', '.join(constraint.options)}"
    if isinstance(constraint, Pattern):
        return f"a text that matches {constraint.regex}"
    return "JSON of a fixed form" if isinstance(constraint, JsonForm) else "free text"


def json_form(constraint: Constraint | None) -> str:
    """The JSON Schema of an answer, to be read; empty where there is none."""
    return json.dumps(constraint.schema, indent=1, ensure_ascii=False) if isinstance(constraint, JsonForm) else ""


def sampling_words(call: AskedCall) -> str:
    """How an answer is drawn."""
    sampling = call.sampling
    if sampling is None:
        return "one step, no sampling"
    greedy = " (greedy)" if sampling.temperature == 0 else ""
    words = f"at most {sampling.max_tokens:,} tokens, temperature {sampling.temperature:g}{greedy}"
    if sampling.repetition_penalty != 1:
        words += f", repetition penalty {sampling.repetition_penalty:g}"
    return words if sampling.seed is None else f"{words}, seed {sampling.seed}"


def as_text(found: Sequence[Conversation]) -> str:
    """Conversations to be read in a terminal."""
    lines: list[str] = []
    for number, each in enumerate(found, start=1):
        others = f", and the same for {each.n_alike} other sentences" if each.n_alike else ""
        lines += [f"=== {number}. {each.title} ({each.n_characters:,} characters{others})"]
        for turn in each.turns:
            call = turn.call
            how = f": {answer_form(call.constraint, call.choices)}; {sampling_words(call)}" if call else ""
            lines += [f"--- {'model' if turn.role == 'assistant' else turn.role}{how}"]
            if turn.is_open and each.supposed:
                lines += [f"(supposing {value}) {answer}" for value, answer in each.calls[-1].answers]
            else:
                lines += [turn.text]
        lines += [""]
    return "\n".join(lines)


def _pieces(role: str, content: str) -> tuple[Piece, ...]:
    """Only what the program says quotes the report between marks."""
    return pieces_of(content) if role == "user" else (Piece(content, is_report=False),)


def _goes_on(earlier: AskedCall, later: AskedCall) -> bool:
    """Whether `later` holds the conversation of `earlier` and one of the answers to it."""
    n_turns = len(earlier.messages)
    if len(later.messages) <= n_turns or later.messages[:n_turns] != earlier.messages:
        return False
    said = later.messages[n_turns]
    return said.role == "assistant" and said.content in {text.strip() for _, text in earlier.answers} | {
        text for _, text in earlier.answers
    }


def _without_others(found: Sequence[Conversation], sentence: int | None) -> list[Conversation]:
    """One conversation for each stage that goes through sentences."""
    kept: list[Conversation] = []
    for stage in dict.fromkeys(each.stage for each in found):
        of_stage = [each for each in found if each.stage == stage]
        single = [each for each in of_stage if each.sentence is not None]
        if single:
            shown = next((each for each in single if each.sentence == sentence), single[0])
            kept.append(replace(shown, n_alike=len(single) - 1))
        kept += [each for each in of_stage if each.sentence is None]
    return kept


def _with_shared(found: Sequence[Conversation]) -> tuple[Conversation, ...]:
    texts = ["".join(message.content for message in each.calls[-1].messages) for each in found]
    shared = [max((_n_common(text, before) for before in texts[:at]), default=0) for at, text in enumerate(texts)]
    return tuple(replace(each, n_shared=n) for each, n in zip(found, shared, strict=True))


def _n_common(one: str, other: str) -> int:
    """Characters at the beginning of both."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
