"""An engine for runs in tests, and what carries them in this process."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from labeling.core.backends.scripted import Call, ScriptedBackend
from labeling.models import Run
from labeling.services import Plan
from labeling.services.carrying import Ending, carry
from labeling.services.chunks import claim_next

URL = "http://127.0.0.1:9/v1"  # nobody is there: the engine of these tests is not asked over a network
N_CELLS = 8  # of the preset spine-mri, and so calls of direct-query per report
SAYS_YES = (3.5, 1.0)  # logits of yes and no


@dataclass
class Engine(ScriptedBackend):
    """A scripted backend that can be looked at; by default every answer is yes."""

    script: Any = lambda call: SAYS_YES
    version: str = "1"
    lacks: tuple[str, ...] = field(default=())

    @property
    def fingerprint(self) -> Mapping[str, str]:
        """With a version that a test may change."""
        return {"engine": "scripted", "model": "tiny", "version": self.version}

    async def look(self) -> None:
        """There is nothing to see."""

    async def aclose(self) -> None:
        """There is nothing to close."""


def plan(**changes: Any) -> Plan:
    """A run of direct-query."""
    return Plan(**{"labeler": "direct-query", "url": URL, "model": "tiny", "concurrency": 4} | changes)


def about(call: Call, *texts: str) -> bool:
    """Whether one of the texts is in what the model is told."""
    told = "\n".join(message.content for message in call.messages)
    return any(text in told for text in texts)


def carry_on(run: Run, engine: Engine, *, chunks: int = 1000) -> list[Ending]:
    """Carry the next chunks of the run, as workers do one after the other."""
    endings = []
    while len(endings) < chunks and (taken := claim_next(run)):
        endings.append(carry(taken, backend_of=lambda _: engine))
    run.refresh_from_db()
    return endings
