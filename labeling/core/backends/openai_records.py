"""What an OpenAI-compatible server is and offers, as far as asking it tells."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Generic, TypeVar

from labeling.core.backends.records import Choice, JsonForm, Pattern

Body = dict[str, Any]
NO_CACHE_COUNT: Final = "Does not say how much of a prompt its cache held: savings are not shown."
Limit = TypeVar("Limit")


class Engine(StrEnum):
    """Programs that are told apart; the rest is generic."""

    VLLM = "vllm"
    SGLANG = "sglang"
    LLAMA_CPP = "llama.cpp"
    OLLAMA = "ollama"
    GENERIC = "openai-compatible"


@dataclass(frozen=True, slots=True)
class Way(Generic[Limit]):
    """One way to write a constraint into a request. `fields` raises ValueError where it cannot say this one."""

    name: str
    fields: Callable[[Limit], Body]


@dataclass(frozen=True, slots=True)
class Identity:
    """Engine, version and model: what must stay the same while a run goes on."""

    engine: Engine
    version: str
    model: str
    weights: str = ""
    revision: str = ""

    def as_mapping(self) -> dict[str, str]:
        """What is known."""
        values = {
            "engine": self.engine.value,
            "version": self.version,
            "model": self.model,
            "weights": self.weights,
            "revision": self.revision,
        }
        return {name: value for name, value in values.items() if value}


@dataclass(frozen=True, slots=True)
class Offers:
    """What the server did when asked. A way is None where none worked; `n_logprobs` is 0 where it gives none."""

    choice: Way[Choice] | None = None
    pattern: Way[Pattern] | None = None
    json_form: Way[JsonForm] | None = None
    any_json: bool = False
    n_logprobs: int = 0
    continues: Mapping[str, Any] | None = None
    repetition_penalty: str = ""
    has_tokenizer: bool = False
    says_cached: bool = False
    cuts_silently: bool = False

    @property
    def ways(self) -> str:
        """How constraints are imposed: part of what makes answers the same."""
        ways = {"choice": self.choice, "pattern": self.pattern, "json": self.json_form}
        return ", ".join(f"{name} {way.name if way else 'none'}" for name, way in ways.items())

    @property
    def lacks(self) -> tuple[str, ...]:
        """What it cannot do, in words, with what follows."""
        json_follows = "any JSON is asked for" if self.any_json else "JSON is asked for in words"
        lacks = {
            "No choice among given answers: they are read strictly, and more may be unreadable.": self.choice,
            "No answers by pattern: they are read strictly, and more may be unreadable.": self.pattern,
            f"No JSON by schema: {json_follows} and checked, and more may be unreadable.": self.json_form,
            "No log-probabilities: labelers that score by them cannot run.": self.n_logprobs,
            "Cannot go on with an answer that was begun: labelers that need it cannot run.": self.continues is not None,
            "No repetition penalty: answers are drawn without it.": self.repetition_penalty,
            NO_CACHE_COUNT: self.says_cached,
            "Cuts a prompt that is too long without a word: give it a context longer than any report.": not (
                self.cuts_silently
            ),
        }
        return tuple(sentence for sentence, has in lacks.items() if not has)
