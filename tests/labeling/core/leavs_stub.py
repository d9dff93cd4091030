"""A scripted model that knows which question of `leavs` it is asked."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from labeling.core.backends import BackendError
from labeling.core.backends.scripted import Call, ScriptedBackend
from labeling.core.schema import Schema
from labeling.core.schema_yaml import load_preset

SCHEMA = load_preset("abdomen-ct")
LETTER = dict(zip((finding.name for finding in SCHEMA.findings), "ABCDEFGHIJK", strict=True))

_STAGES = {
    "fast": "write the single word NONE",
    "sentence": "Does this sentence alone",
    "findings": "About which of these kinds",
    "certainty": "What can be concluded from the sentences",
    "urgency": "How urgent is it",
    "tree": "The finding in question",
}
_NODES = {
    "N0": "may have been seen",
    "N1": "N% likely",
    "N2": "stable or unchanged",
    "N3": "no evidence of this finding",
    "N4": "might this finding be present",
    "N5": "concerns as normal",
}


@dataclass(frozen=True)
class Asked:
    """A question: its stage, what it concerns, and whether it is put again after an unreadable answer."""

    stage: str
    target: str
    finding: str
    sentence: str
    node: str
    is_chosen: bool
    is_reasoning: bool
    is_retry: bool


def asked(call: Call, schema: Schema = SCHEMA) -> Asked:
    """Which question a call puts, from its words."""
    text = call.messages[1].content
    stage = next(name for name, words in _STAGES.items() if words in text)
    named = re.search(r"^Organ or region: (.+) \(called|organ or region meant is the (.+)$", text, re.MULTILINE)
    assert named
    finding = next((f.name for f in schema.findings if f": {f.long_definition}" in text), "") if stage != "fast" else ""
    node = next((name for name, words in _NODES.items() if words in text), "") if stage == "tree" else ""
    return Asked(
        stage=stage,
        target=named[1] or named[2],
        finding=finding,
        sentence=text.split("<report>\n")[-1].split("\n</report>")[0] if stage == "sentence" else "",
        node=node,
        is_chosen="(F)" in text if stage == "certainty" else node == "N0",
        is_reasoning=call.constraint is None and stage != "fast",
        is_retry=_is_retry(call),
    )


def _is_retry(call: Call) -> bool:
    return "Answer with" in call.question or "Write one line for each sentence: a dash" in call.question


Reply = Callable[[Asked], "str | BackendError"]


def model(schema: Schema = SCHEMA, **replies: "Reply | str") -> ScriptedBackend:
    """A model that answers each stage with `replies`, and where nothing is given says that nothing is there."""
    nothing = {"fast": "NONE", "sentence": "No", "findings": "(L)", "certainty": "B", "urgency": "B", "tree": "no"}

    def script(call: Call) -> "str | BackendError":
        question = asked(call, schema)
        if question.is_reasoning:
            return f"Because of {question.stage} {question.target} {question.finding}."
        reply = replies.get(question.stage, nothing[question.stage])
        return reply if isinstance(reply, str) else reply(question)

    return ScriptedBackend(script)


def n_tokens(backend: ScriptedBackend) -> int:
    """Sum of what the calls may generate."""
    return sum(call.sampling.max_tokens for call in backend.calls if call.sampling)
