"""Scripts that answer the nodes of the MAPLEZ tree."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from labeling.core.backends.scripted import Call, ScriptedBackend
from labeling.core.nodes import REASONING_TOKENS
from labeling.core.prompts import fill, prompt_source

NODES = ("n0", "n2", "n3", "n4", "n5")
PERCENTS = ("plain", "observed", "absent")


def node_of(call: Call) -> str:
    """Which node or percent question a call is about, by the words of its last question that is one."""
    for message in reversed(call.messages):
        found = _node_in(message.content)
        if found:
            return found
    raise AssertionError("no question of the tree")


def _node_in(text: str) -> str | None:
    for name in NODES:
        if any(fill(f"maplez_{name}", specifically=word) in text for word in ("", " specifically")):
            return name
    return next((name for name in PERCENTS if prompt_source(f"maplez_percent_{name}") in text), None)


@dataclass
class Tree:
    """Answers by node; a node that is not named is not in the script. Reasoning is answered with `rationale`."""

    answers: Mapping[str, str]
    rationale: str = "The report says so."
    asked: list[str] = field(default_factory=list)

    def __call__(self, call: Call) -> str | None:
        if call.sampling is not None and call.sampling.max_tokens == REASONING_TOKENS:
            return self.rationale
        self.asked.append(node_of(call))
        return self.answers.get(self.asked[-1])


def tree_backend(rationale: str = "The report says so.", **answers: str) -> ScriptedBackend:
    """A backend that answers the tree."""
    return ScriptedBackend(Tree(answers, rationale))


def nodes_asked(backend: ScriptedBackend) -> list[str]:
    """Nodes in the order in which they were asked, reasoning left out."""
    assert isinstance(backend.script, Tree)
    return backend.script.asked
