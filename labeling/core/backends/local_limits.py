"""Constraints on what a model in this process writes: a choice exactly, patterns and JSON by xgrammar."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import version
from types import ModuleType
from typing import Any, Protocol

from labeling.core.backends.records import BackendError, Choice, Constraint, JsonForm, Pattern, Trouble


class Limit(Protocol):
    """Where one answer is within its constraint."""

    @property
    def text(self) -> str | None:
        """The answer, when the constraint knows better than the tokenizer how it is written."""
        ...

    def narrow(self, scores: Any) -> None:
        """Set the scores of tokens that may not come next to minus infinity, in place."""
        ...

    def take(self, token: int) -> bool:
        """Go on with a token that may come; whether the answer is complete."""
        ...


@dataclass(slots=True)
class _Node:
    """A place in the tree of tokens that options are made of; `option` ends here."""

    after: dict[int, "_Node"] = field(default_factory=dict)
    option: str | None = None


class ChoiceLimit:
    """One of the options, each written with the tokens that the tokenizer gives it.

    After an option that another one begins with, the end of the answer is what speaks for it.
    """

    def __init__(self, tokenizer: Any, options: Iterable[str], stops: Iterable[int]) -> None:
        self._stops = tuple(stops)
        self._at = _Node()
        for option in options:
            node = self._at
            for token in tokenizer.encode(option, add_special_tokens=False):
                node = node.after.setdefault(int(token), _Node())
            node.option = option

    @property
    def text(self) -> str | None:
        """The option that was reached."""
        return self._at.option

    def narrow(self, scores: Any) -> None:
        """Leave the tokens that go on with an option, and the end where one is complete."""
        allowed = [*self._at.after, *(self._stops if self._at.option is not None else ())]
        kept = scores[allowed]
        scores.fill_(float("-inf"))
        scores[allowed] = kept

    def take(self, token: int) -> bool:
        """Whether an option is complete and none goes on."""
        if token not in self._at.after:
            return True
        self._at = self._at.after[token]
        return not self._at.after


class GrammarLimit:
    """What a compiled grammar of xgrammar lets through."""

    def __init__(self, xgrammar: ModuleType, compiled: Any, n_tokens: int) -> None:
        self._xgrammar = xgrammar
        self._matcher = xgrammar.GrammarMatcher(compiled)
        self._bits = xgrammar.allocate_token_bitmask(1, n_tokens)

    @property
    def text(self) -> str | None:
        """It is what the tokens say."""
        return None

    def narrow(self, scores: Any) -> None:
        """Leave the tokens that the grammar allows."""
        self._matcher.fill_next_token_bitmask(self._bits)
        self._xgrammar.apply_token_bitmask_inplace(scores.unsqueeze(0), self._bits.to(scores.device))

    def take(self, token: int) -> bool:
        """Whether the grammar has come to its end."""
        self._matcher.accept_token(token)
        return bool(self._matcher.is_terminated())


class Limits:
    """Makes the limit of a call. Grammars are compiled once and kept by xgrammar."""

    def __init__(self, tokenizer: Any, *, n_tokens: int, stops: Iterable[int]) -> None:
        self._tokenizer = tokenizer
        self._n_tokens = n_tokens
        self._stops = tuple(sorted(stops))
        self._xgrammar: ModuleType | None = None
        self._compiler: Any = None
        try:
            self._xgrammar = import_module("xgrammar")
        except ImportError:
            return
        info = self._xgrammar.TokenizerInfo.from_huggingface(
            tokenizer, vocab_size=n_tokens, stop_token_ids=list(self._stops)
        )
        self._compiler = self._xgrammar.GrammarCompiler(info)

    @property
    def ways(self) -> str:
        """How constraints are imposed, for manifests."""
        return f"choice=tokens pattern,json=xgrammar {version('xgrammar')}" if self._xgrammar else "choice=tokens"

    @property
    def lacks(self) -> tuple[str, ...]:
        """What cannot be imposed, in sentences for the page of a run."""
        if self._xgrammar:
            return ()
        return ("Answers cannot be held to a pattern or to JSON: the package xgrammar is not installed.",)

    def of(self, constraint: Constraint | None) -> Limit | None:
        """A limit that stands at its beginning. Raises `BackendError` where there is none for this constraint."""
        match constraint:
            case None:
                return None
            case Choice(options):
                if not options:
                    raise BackendError(Trouble.REFUSED, "a choice without options was asked for, expected one or more")
                return ChoiceLimit(self._tokenizer, options, self._stops)
            case Pattern() | JsonForm():
                return self._grammar(constraint)

    def _grammar(self, constraint: Pattern | JsonForm) -> Limit:
        if self._xgrammar is None:
            raise BackendError(Trouble.NOT_SUPPORTED, " ".join(self.lacks))
        kind = "regular expression" if isinstance(constraint, Pattern) else "JSON schema"
        try:
            if isinstance(constraint, Pattern):
                compiled = self._compiler.compile_regex(constraint.regex)
            else:
                schema = json.dumps(constraint.schema)
                compiled = self._compiler.compile_json_schema(schema, any_whitespace=False)
        except (RuntimeError, ValueError, TypeError) as error:
            message = f"xgrammar can build no grammar of this {kind} ({type(error).__name__})"
            raise BackendError(Trouble.REFUSED, message) from None
        return GrammarLimit(self._xgrammar, compiled, self._n_tokens)
