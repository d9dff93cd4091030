"""The decision tree of MAPLEZ: yes/no questions about one finding, each in a conversation of its own (METHODS B).

```
N0 possibly observed?
 |-yes-> N1 percent: 90 or more is present, less is possible
 |-no--> N2 unchanged?
          |-no --> N3 absence stated?   yes is absent, no is not mentioned
          |-yes -> N4 might be present? yes is present, no -> N5 normal? yes is absent, no is ambiguous
```
Unlike the published programs, an answer is either read whole or not read: "70-80" is no percentage, and no answer
stands for a label it does not say.
"""

import re
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from labeling.core.asking import Asker, Purpose, UnreadableAnswer
from labeling.core.backends import Answer, Pattern
from labeling.core.nodes import Question, one_of, put, put_reasoned, read_option, shortened
from labeling.core.prompts import fill, prompt_source, quoted
from labeling.core.values import Value

Node = Literal["N0", "N2", "N3", "N4", "N5"]
Condition = Literal["plain", "observed", "absent"]

YES_NO: Final = ("yes", "no")
YES_NO_TOKENS: Final = 1
PERCENT_TOKENS: Final = 80
PRESENT_FROM_PERCENT: Final = 90
PROBABILITY_UNREADABLE: Final = "probability unreadable"
PROMPTS: Final = (
    "system",
    *(f"maplez_{name}" for name in ("frame", "n0", "n2", "n3", "n4", "n5", "reasoning", "answer", "close")),
    *(f"maplez_percent_{name}" for name in ("plain", "observed", "absent", "form")),
)

_PERCENT: Final = re.compile(r"([0-9]{1,3}) ?(?:%|percent)(?: likely)?", re.IGNORECASE)
_PERCENT_FORM: Final = Pattern("(100|[1-9]?[0-9])% likely")
_SAID_OF_NODE: Final[dict[Node, str]] = {
    "N0": "observed",
    "N2": "unchanged",
    "N3": "absence stated",
    "N4": "may be present",
    "N5": "normal",
}
_CONDITION_OF_VALUE: Final[dict[Value, Condition]] = {Value.PRESENT: "observed", Value.ABSENT: "absent"}


@dataclass(frozen=True, slots=True)
class TreeConfig:
    """How the tree is put.

    `with_probability` asks the percent questions that decide no label. `specifically` asks whether the finding is
    "specifically" unchanged or normal, as MAPLEZ does but for the heart, and LEAVS for nothing. `is_device`: N4 is yes
    without being asked, as in MAPLEZ for support devices.
    """

    with_probability: bool = False
    specifically: bool = False
    is_device: bool = False


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the tree says of one finding.

    `probability` is the percentage of its presence: None when it was not asked for, does not exist (MAPLEZ's 101), or
    could not be read, which `flags` then says. `observed_percent` is the answer to N1. `reason` names the nodes and
    their answers, followed by the rationale of the last yes/no node when there was reasoning.
    """

    value: Value
    probability: int | None = None
    observed_percent: int | None = None
    reason: str = ""
    flags: tuple[str, ...] = ()


async def judge(
    asker: Asker,
    text: str,
    definition: str,
    *,
    purpose: Purpose,
    use_cot: bool,
    start: Literal["N0", "N2"] = "N0",
    config: TreeConfig = TreeConfig(),
) -> Judgement:
    """Walk the tree for the finding that `definition` describes in `text`, a report or an excerpt.

    Starting at N2 is for findings that an earlier stage did not choose (LEAVS). The stage of each call is that of
    `purpose` with the node behind it. Raises `UnreadableAnswer` when a node that decides the value is not readable,
    and `BackendError`. Source: METHODS B.
    """
    walk = _Walk(asker, text, definition, purpose, use_cot, config)
    if start == "N0" and await walk.says("N0"):
        observed = await walk.percent("observed")
        value = Value.PRESENT if observed >= PRESENT_FROM_PERCENT else Value.POSSIBLE
        reason = walk.reason()
        probability, flags = await walk.probability(value)
        return Judgement(value, probability, observed, reason, flags)
    value = await _value_when_not_observed(walk)
    reason = walk.reason()
    probability, flags = await walk.probability(value, is_observed=False)
    return Judgement(value, probability, None, reason, flags)


async def _value_when_not_observed(walk: "_Walk") -> Value:
    if not await walk.says("N2"):
        return Value.ABSENT if await walk.says("N3") else Value.NOT_MENTIONED
    if await walk.says("N4"):
        return Value.PRESENT
    return Value.ABSENT if await walk.says("N5") else Value.AMBIGUOUS


@dataclass
class _Walk:
    """One way through the tree, and what was answered on it."""

    asker: Asker
    text: str
    definition: str
    purpose: Purpose
    use_cot: bool
    config: TreeConfig
    answers: dict[str, str] = field(default_factory=dict)
    rationale: str = ""

    async def says(self, node: Node) -> bool:
        """Whether the answer to the question of `node` is yes."""
        if node == "N4" and self.config.is_device:
            self.answers[_SAID_OF_NODE[node]] = "yes"
            return True
        specifically = " specifically" if self.config.specifically else ""
        asked = fill(f"maplez_{node.lower()}", specifically=specifically)
        form = prompt_source("maplez_reasoning" if self.use_cot else "maplez_answer")
        close = fill("maplez_close", question=asked) if self.use_cot else ""
        question = Question(self._framed(asked, form), close, YES_NO_TOKENS, one_of(YES_NO))
        said, self.rationale = await put_reasoned(
            self.asker, question, purpose=self._purpose(node), read=lambda answer: read_option(answer, YES_NO)
        )
        self.answers[_SAID_OF_NODE[node]] = said
        return said == "yes"

    async def percent(self, condition: Condition) -> int:
        """The answer to a percent question."""
        text = self._framed(prompt_source(f"maplez_percent_{condition}"), prompt_source("maplez_percent_form"))
        question = Question(text, "", PERCENT_TOKENS, _PERCENT_FORM)
        percent = await put(self.asker, question, purpose=self._purpose(f"percent-{condition}"), read=read_percent)
        self.answers[f"likely if {condition}" if condition != "plain" else "likely"] = f"{percent}%"
        return percent

    async def probability(self, value: Value, *, is_observed: bool = True) -> tuple[int | None, tuple[str, ...]]:
        """Percentage of presence and flags; an unreadable answer here leaves the value of the cell as it is."""
        if not self.config.with_probability:
            return None, ()
        try:
            condition = await self._condition_when_observed() if is_observed else self._condition(value)
            return (await self.percent(condition) if condition else None), ()
        except UnreadableAnswer:
            return None, (PROBABILITY_UNREADABLE,)

    def reason(self) -> str:
        """The answers so far, and the last rationale, of bounded length."""
        said = ", ".join(f"{what}: {answer}" for what, answer in self.answers.items())
        return shortened(f"{said}. {self.rationale}".rstrip())

    def _condition(self, value: Value) -> Condition | None:
        """How to ask for the percentage of what N0 did not find; None where N5 leaves it open."""
        if self.answers[_SAID_OF_NODE["N2"]] == "no":
            return "plain"
        return _CONDITION_OF_VALUE.get(value)

    async def _condition_when_observed(self) -> Condition | None:
        """Subtree Q of METHODS B."""
        if not await self.says("N2"):
            return "plain"
        if await self.says("N4"):
            return "observed"
        return "absent" if await self.says("N5") else None

    def _framed(self, question: str, form: str) -> str:
        return fill(
            "maplez_frame", report=quoted(self.text), definition=self.definition, question=f"{question}\n{form}"
        )

    def _purpose(self, node: str) -> Purpose:
        return replace(self.purpose, stage=f"{self.purpose.stage}-{node}")


def read_percent(answer: Answer) -> int:
    """The whole number of an answer like "85% likely", from 0 to 100.

    Two numbers, a fraction, a number without its sign or with words around it are not read. Raises `UnreadableAnswer`.
    """
    match = _PERCENT.fullmatch(answer.text.strip().strip("*_`\"'()[]{}.:;, \n"))
    if match is None or int(match[1]) > 100:
        raise UnreadableAnswer("Answer with one whole number from 0 to 100 in this form and nothing else: N% likely")
    return int(match[1])
