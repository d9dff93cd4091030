"""Questions to a language model: asked once, remembered, read strictly, asked again once when unreadable.

Every call leaves a record with the raw answer and what was read in it, so that a label can be traced, a run that was
stopped asks nothing twice, and answers can be read again by another parser.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import asdict, astuple, dataclass, replace
from typing import Any, Protocol, TypeVar

from labeling.core.backends import Answer, Backend, ChoiceLogits, Constraint, JsonForm, Message, Sampling, Usage

Read = TypeVar("Read")


class UnreadableAnswer(Exception):
    """An answer in which nothing valid was found. `complaint` tells the model, in a sentence, what was expected."""

    def __init__(self, complaint: str) -> None:
        super().__init__(complaint)
        self.complaint = complaint


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a call is for: the stage of the labeler, and what of the report it concerns. No text of the report."""

    stage: str
    target: str = ""
    finding: str = ""
    sentence: int | None = None
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class CallRecord:
    """A call that was answered: `answer` is its raw text, or logits as JSON; `read` what was found in it, if any."""

    key: str
    purpose: Purpose
    answer: str
    is_cut: bool
    usage: Usage
    read: str = ""

    def as_json(self) -> dict[str, Any]:
        """Plain values, for a line of `calls.jsonl` or a row."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "CallRecord":
        """Inverse of `as_json`; raises KeyError or TypeError when something is missing or too much."""
        return cls(**{**values, "purpose": Purpose(**values["purpose"]), "usage": Usage(**values["usage"])})


class CallStore(Protocol):
    """Where answered calls of one report are kept."""

    def find(self, key: str) -> CallRecord | None:
        """The call with this key, if it was answered before."""
        ...

    def keep(self, record: CallRecord) -> None:
        """Keep an answered call; a later one with the same key replaces it."""
        ...


class MemoryStore:
    """Calls of one report in memory, in the order in which they were first answered."""

    def __init__(self, records: Sequence[CallRecord] = ()) -> None:
        self.records: MutableMapping[str, CallRecord] = {record.key: record for record in records}

    def find(self, key: str) -> CallRecord | None:
        """The call with this key."""
        return self.records.get(key)

    def keep(self, record: CallRecord) -> None:
        """Keep it."""
        self.records[record.key] = record


class Asker:
    """Asks the backend for one report. What `store` holds is not asked again.

    `n_asked` counts calls that went to the backend.
    """

    def __init__(self, backend: Backend, store: CallStore | None = None) -> None:
        self.backend = backend
        self.store: CallStore = store if store is not None else MemoryStore()
        self.n_asked = 0
        self._engine = hashlib.sha256(json.dumps(dict(backend.fingerprint), sort_keys=True).encode())

    async def ask(
        self,
        messages: Sequence[Message],
        sampling: Sampling,
        *,
        purpose: Purpose,
        constraint: Constraint | None = None,
    ) -> Answer:
        """The raw answer. Raises `BackendError`."""
        key = self._key(messages, astuple(sampling), constraint)
        return await self._ask(key, messages, sampling, purpose=purpose, constraint=constraint)

    async def ask_for(
        self,
        messages: Sequence[Message],
        sampling: Sampling,
        *,
        purpose: Purpose,
        read: Callable[[Answer], Read],
        constraint: Constraint | None = None,
    ) -> Read:
        """What `read` finds in the answer; it raises `UnreadableAnswer` when there is nothing.

        An unreadable answer is put back to the model once, with the complaint. Raises `UnreadableAnswer` when the
        second is not readable either, and `BackendError`.
        """
        turns = list(messages)
        for attempt in (1, 2):
            key = self._key(turns, astuple(sampling), constraint)
            asked = replace(purpose, attempt=attempt)
            answer = await self._ask(key, turns, sampling, purpose=asked, constraint=constraint)
            try:
                found = read(answer)
            except UnreadableAnswer as error:
                self._note(key, "unreadable")
                if attempt == 2:
                    raise
                turns += [Message("assistant", answer.text), Message("user", error.complaint)]
            else:
                self._note(key, str(found))
                return found
        raise AssertionError("unreachable")

    async def logit_difference(
        self, messages: Sequence[Message], choices: tuple[str, str], *, purpose: Purpose
    ) -> float:
        """Logit of the first choice minus that of the second, unrounded.

        When the engine listed neither there is nothing to subtract: raises `UnreadableAnswer`. Raises `BackendError`.
        """
        key = self._key(messages, choices, None)
        known = self.store.find(key)
        if known is None:
            self.n_asked += 1
            found: ChoiceLogits = await self.backend.choice_logits(messages, choices)
            answer = json.dumps({"logits": found.logits, "floor": sorted(found.floor)})
            known = CallRecord(key, purpose, answer, is_cut=False, usage=found.usage, read="logits")
            self.store.keep(known)
        said = json.loads(known.answer)
        if len(said["floor"]) == len(choices):
            self._note(key, "unreadable")
            raise UnreadableAnswer(f"Answer with one of these and nothing else: {', '.join(choices)}.")
        first, second = said["logits"]
        return float(first - second)

    async def _ask(
        self,
        key: str,
        messages: Sequence[Message],
        sampling: Sampling,
        *,
        purpose: Purpose,
        constraint: Constraint | None,
    ) -> Answer:
        known = self.store.find(key)
        if known is not None:
            return Answer(known.answer, is_cut=known.is_cut, usage=known.usage)
        self.n_asked += 1
        answer = await self.backend.generate(messages, sampling, constraint)
        text = answer.text.encode("utf-8", "backslashreplace").decode()  # engines may cut a character in two
        self.store.keep(CallRecord(key, purpose, text, is_cut=answer.is_cut, usage=answer.usage))
        return replace(answer, text=text)

    def _note(self, key: str, read: str) -> None:
        record = self.store.find(key)
        if record is not None and record.read != read:
            self.store.keep(replace(record, read=read))

    def _key(self, messages: Sequence[Message], how: tuple[Any, ...], constraint: Constraint | None) -> str:
        """SHA-256 of all that decides the answer: model, conversation, sampling, constraint."""
        digest = self._engine.copy()
        for turn in messages:
            content = turn.content.encode("utf-8", "surrogatepass")
            digest.update(f"{turn.role} {len(content)} ".encode())
            digest.update(content)
        limits = json.dumps(constraint.schema) if isinstance(constraint, JsonForm) else repr(constraint)
        digest.update(f"{how} {limits}".encode("utf-8", "surrogatepass"))
        return digest.hexdigest()
