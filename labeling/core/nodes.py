"""Questions as the published labelers put them: reasoning first, then its result in a form that can be read.

Each node is a conversation of its own: a system turn, a question, the model's reasoning, a request for the bare result
(METHODS A.4). Without reasoning it is one question. Only the last answer is read.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from labeling.core.asking import Asker, Purpose, UnreadableAnswer
from labeling.core.backends import Answer, Choice, Constraint, Message, Sampling
from labeling.core.prompts import prompt_source

Read = TypeVar("Read")

REASONING_TOKENS: Final = 1600
LONGEST_REASON: Final = 600


@dataclass(frozen=True, slots=True)
class Question:
    """One node. `close` asks for the bare result of the reasoning; empty, `text` itself asks for the bare result."""

    text: str
    close: str
    max_tokens: int
    constraint: Constraint | None = None


async def put(asker: Asker, question: Question, *, purpose: Purpose, read: Callable[[Answer], Read]) -> Read:
    """What `read` finds in the model's answer. Raises `UnreadableAnswer` and `BackendError`."""
    found, _ = await put_reasoned(asker, question, purpose=purpose, read=read)
    return found


async def put_reasoned(
    asker: Asker, question: Question, *, purpose: Purpose, read: Callable[[Answer], Read]
) -> tuple[Read, str]:
    """The same, and the model's reasoning, empty where none was asked for."""
    turns = [Message("system", prompt_source("system")), Message("user", question.text)]
    reasoning = ""
    if question.close:
        stage = replace(purpose, stage=f"{purpose.stage}-reasoning")
        reasoning = (await asker.ask(turns, Sampling(REASONING_TOKENS), purpose=stage)).text
        turns += [Message("assistant", reasoning), Message("user", question.close)]
    sampling = Sampling(question.max_tokens)
    found = await asker.ask_for(turns, sampling, purpose=purpose, read=read, constraint=question.constraint)
    return found, reasoning.strip()


def shortened(text: str, longest: int = LONGEST_REASON) -> str:
    """`text`, or its beginning and more of its end, where a rationale comes to its conclusion."""
    if len(text) <= longest:
        return text
    n_head = longest // 4
    return f"{text[:n_head].rstrip()} … {text[n_head + 3 - longest :].lstrip()}"


def one_of(options: Sequence[str]) -> Choice:
    """Constrains an answer to one of the options."""
    return Choice(tuple(options))


def read_option(answer: Answer, options: Sequence[str]) -> str:
    """The option that the answer is, whatever its case and the marks around it: "**yes**." is "Yes", "(B)" is "B".

    An answer that was cut counts when only one option begins so. Nothing is searched for inside a sentence. Raises
    `UnreadableAnswer`.
    """
    said = answer.text.strip().strip("*_`\"'()[]{}.:;, \n").casefold()
    found = [option for option in options if option.casefold() == said]
    if not found and answer.is_cut and said:
        found = [option for option in options if option.casefold().startswith(said)]
    if len(found) != 1:
        raise UnreadableAnswer(f"Answer with one of these and nothing else: {', '.join(options)}.")
    return found[0]
