"""What the stages ask, and what their answers mean (METHODS A.5 to A.8).

Every question begins with the report or the excerpt, then names the target, so that an engine's prefix cache serves
what the questions share. Finding texts are those of the schema; the letters follow its order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from labeling.core.backends import Answer
from labeling.core.leavs.letters import letter_list_pattern, lettered, letters, read_letter_list
from labeling.core.nodes import REASONING_TOKENS, Question, one_of, read_option
from labeling.core.prompts import fill, prompt_source, quoted
from labeling.core.schema import Finding, Target
from labeling.core.values import Value

FAST_TOKENS: Final = 4000
YES_NO_TOKENS: Final = 1
FINDINGS_TOKENS: Final = 60
CERTAINTY_TOKENS: Final = 20
URGENCY_TOKENS: Final = 60
_TOKENS_A_LETTER: Final = 5

YES_NO: Final = ("Yes", "No")
_POSITIVE: Final = dict(
    zip(
        "ABCDEF",
        (Value.ABSENT, Value.NOT_MENTIONED, Value.POSSIBLE, Value.PRESENT, Value.AMBIGUOUS, Value.AMBIGUOUS),
        strict=True,
    )
)
_NEGATIVE: Final = dict(zip("ABCD", (Value.ABSENT, Value.NOT_MENTIONED, Value.AMBIGUOUS, Value.AMBIGUOUS), strict=True))
_NOT_MENTIONED: Final = "none of these; the sentences do not mention the organ"
_WITH_FORMS: Final = ("sentence", "findings", "certainty", "urgency")
PROMPTS: Final = (
    "system",
    *(f"leavs_{name}" for name in ("scope", "fast", "excerpt", "urgency_levels")),
    *(f"leavs_certainty_{form}" for form in ("positive", "negative")),
    *(f"leavs_{stage}" for stage in _WITH_FORMS),
    *(f"leavs_{stage}_{form}" for stage in _WITH_FORMS for form in ("cot", "bare", "close")),
)


@dataclass(frozen=True, slots=True)
class Subject:
    """A target, the findings that are asked about in it, and whether the model reasons before it answers."""

    target: Target
    findings: tuple[Finding, ...]
    use_cot: bool

    @property
    def scope(self) -> str:
        """What counts as being about the target, in short."""
        return fill("leavs_scope", target=self.target.title)

    @property
    def finding_list(self) -> str:
        """The findings in their long form, as a list."""
        return "\n".join(f"- {finding.long_definition}" for finding in self.findings)

    def fast(self, report: str) -> Question:
        """Stage 1a: all sentences at once, as quotes."""
        text = fill(
            "leavs_fast", report=quoted(report), target=self.target.title, scope=self.scope, findings=self.finding_list
        )
        return Question(text, "", FAST_TOKENS)

    def sentence(self, report: str, sentence: str) -> Question:
        """Stage 1b: one sentence."""
        text = fill(
            "leavs_sentence",
            report=quoted(report),
            target=self.target.title,
            scope=self.scope,
            findings=self.finding_list,
            sentence=quoted(sentence),
        )
        question = self._formed(text, "sentence", YES_NO_TOKENS, scope=self.scope)
        # Published: without reasoning this one question keeps the long cap (METHODS A.10).
        max_tokens = YES_NO_TOKENS if self.use_cot else REASONING_TOKENS
        return Question(question.text, question.close, max_tokens, one_of(YES_NO))

    def which_findings(self, excerpt: str) -> Question:
        """Stage 2: which findings anything is said about."""
        texts = [*(finding.long_definition for finding in self.findings), _NOT_MENTIONED]
        *options, alone = letters(len(texts))
        pattern = letter_list_pattern(options, alone=alone)
        text = fill("leavs_findings", options=lettered(texts), target=self.target.title)
        max_tokens = max(FINDINGS_TOKENS, _TOKENS_A_LETTER * len(texts))
        question = self._formed(self._about(excerpt, text), "findings", max_tokens, scope=self.scope)
        return Question(question.text, question.close, max_tokens, pattern)

    def certainty(self, excerpt: str, finding: Finding, *, is_chosen: bool) -> Question:
        """Stage 3: what is said about one finding, in the form for those that stage 2 chose or for the others."""
        form = "positive" if is_chosen else "negative"
        options = fill(f"leavs_certainty_{form}", finding=finding.definition)
        text = fill("leavs_certainty", finding=finding.long_definition, options=options, target=self.target.title)
        question = self._formed(self._about(excerpt, text), "certainty", CERTAINTY_TOKENS, finding=finding.definition)
        return Question(question.text, question.close, CERTAINTY_TOKENS, one_of(tuple(_values(is_chosen))))

    def urgency(self, excerpt: str, finding: Finding, levels: Sequence[str]) -> Question:
        """Stage 4: how soon somebody must act; `levels` are the names of the schema's."""
        meanings = prompt_source("leavs_urgency_levels").split("\n")
        options = lettered([f"{name}: {meaning}" for name, meaning in zip(levels, meanings, strict=True)])
        text = fill("leavs_urgency", finding=finding.long_definition, options=options, target=self.target.title)
        question = self._formed(self._about(excerpt, text), "urgency", URGENCY_TOKENS)
        return Question(question.text, question.close, URGENCY_TOKENS, one_of(letters(len(levels))))

    def _about(self, excerpt: str, text: str) -> str:
        return f"{fill('leavs_excerpt', excerpt=quoted(excerpt), target=self.target.title)}\n\n{text}"

    def _formed(self, text: str, stage: str, max_tokens: int, **places: str) -> Question:
        """`text` with the request for reasoning and its close, or for the bare answer."""
        if not self.use_cot:
            return Question(f"{text}\n{prompt_source(f'leavs_{stage}_bare')}", "", max_tokens)
        reasoning = fill(f"leavs_{stage}_cot", **places)
        return Question(f"{text}\n{reasoning}", fill(f"leavs_{stage}_close", **places), max_tokens)


def read_yes(answer: Answer) -> bool:
    """Stage 1b. Raises `UnreadableAnswer` unless the answer is yes or no, with or without marks around it."""
    return read_option(answer, YES_NO) == "Yes"


def read_findings(answer: Answer, findings: Sequence[Finding]) -> frozenset[str]:
    """Stage 2: names of the findings; none when the last option, "not mentioned", was chosen, and alone."""
    options = letters(len(findings) + 1)
    said = read_letter_list(answer, options)
    if options[-1] in said and len(said) > 1:
        said = read_letter_list(answer, options[:-1])
    return frozenset(finding.name for letter, finding in zip(options, findings, strict=False) if letter in said)


def read_certainty(answer: Answer, *, is_chosen: bool) -> Value:
    """Stage 3, in either form (METHODS A.7)."""
    values = _values(is_chosen)
    return values[read_option(answer, tuple(values))]


def read_urgency(answer: Answer, n_levels: int) -> int:
    """Stage 4: 0 for the first level (METHODS A.8)."""
    options = letters(n_levels)
    return options.index(read_option(answer, options))


def _values(is_chosen: bool) -> dict[str, Value]:
    return _POSITIVE if is_chosen else _NEGATIVE
