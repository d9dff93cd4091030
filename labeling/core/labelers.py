"""The labelers that ask a language model, by name, and their options as text from a command line or a form.

A labeler is a module with `label`, `manifest` and a frozen dataclass `Config`; it is loaded when it is asked for.
A `Config` that not every schema fits has `check(schema)`, which raises ValueError.
"""

import enum
import math
import types
import typing
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Literal

from labeling.core.schema import Schema

if TYPE_CHECKING:
    from labeling.core.records import LabelSet

MODEL_LABELERS: Final[Mapping[str, str]] = {
    "leavs": "labeling.core.leavs",
    "leavs-fast": "labeling.core.leavs_fast",
    "maplez": "labeling.core.maplez",
    "direct-query": "labeling.core.query.direct",
    "summary-query": "labeling.core.query.summary",
}

_YES: Final = frozenset({"true", "yes", "on", "1"})
_NO: Final = frozenset({"false", "no", "off", "0"})


class OptionError(ValueError):
    """An option that a labeler does not take. The message says which it takes, and is meant for users."""


@dataclass(frozen=True, slots=True)
class Labeler:
    """A labeler that asks a language model."""

    name: str
    label: "Callable[..., Awaitable[LabelSet]]"
    manifest: Callable[[Schema, Any], dict[str, Any]]
    config_type: type[Any]

    def configure(self, options: Iterable[str], schema: Schema) -> Any:
        """The configuration with these `key=value` options, the others as published. Raises `OptionError`."""
        hints = typing.get_type_hints(self.config_type)
        values: dict[str, Any] = {}
        for option in options:
            key, equals, text = option.partition("=")
            key = key.strip().replace("-", "_")
            if not equals or key not in self._names():
                said = f"has no option {key!r}" if equals else f"takes key=value, got {option!r}"
                raise OptionError(f"{self.name} {said}; {self.describe()}")
            if key in values:
                raise OptionError(f"{self.name}: {key} is given twice")
            try:
                values[key] = read_value(text, hints[key])
            except ValueError as error:
                raise OptionError(f"{self.name}: {key} is {text!r}, expected is {error}") from error
        try:
            config = self.config_type(**values)
            if check := getattr(config, "check", None):
                check(schema)
            self.manifest(schema, config)
        except ValueError as error:
            raise OptionError(f"{self.name}: {error}") from error
        return config

    def describe(self) -> str:
        """The options and their defaults, a line for each."""
        hints = typing.get_type_hints(self.config_type)
        lines = [
            f"  {each.name}={_as_text(_default(each))}  ({expected(hints[each.name])})"
            for each in fields(self.config_type)
            if each.init
        ]
        return "\n".join(["its options and their defaults are", *lines]) if lines else "it has no options"

    def _names(self) -> set[str]:
        return {each.name for each in fields(self.config_type) if each.init}


def labeler_called(name: str) -> Labeler:
    """The labeler of this name, loaded. Raises KeyError that names the labelers."""
    if name not in MODEL_LABELERS:
        raise KeyError(f"no labeler {name!r}; with a model there are {', '.join(MODEL_LABELERS)}")
    module = import_module(MODEL_LABELERS[name])
    return Labeler(name, module.label, module.manifest, module.Config)


def read_value(text: str, hint: Any) -> Any:
    """`text` as a value of the type `hint`; raises ValueError that says what is expected.

    Lists are separated by commas, and an entry of a mapping is written `name:value`.
    """
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _read_optional(text, hint, inner)
    if origin is Literal:
        for value in inner:
            if str(value) == text.strip():
                return value
    elif origin in (tuple, list) and inner[1:] in ((), (...,)):
        values = [read_value(part, inner[0]) for part in text.split(",")] if text.strip() else []
        return values if origin is list else tuple(values)
    elif origin in (dict, Mapping) and inner[0] is str:
        pairs = [part.rpartition(":") for part in text.split(",")] if text.strip() else []
        if all(name and colon for name, colon, _ in pairs):
            return {name.strip(): read_value(value, inner[1]) for name, _, value in pairs}
    elif isinstance(hint, type):
        return _read_plain(text, hint)
    raise ValueError(expected(hint))


def _read_optional(text: str, hint: Any, inner: tuple[Any, ...]) -> Any:
    if type(None) in inner and text.strip().casefold() in ("", "none"):
        return None
    for each in inner:
        if each is not type(None):
            try:
                return read_value(text, each)
            except ValueError:
                continue
    raise ValueError(expected(hint))


def _read_plain(text: str, kind: type[Any]) -> Any:
    word = text.strip()
    try:
        if kind is str:
            return text
        if kind is bool and word.casefold() in _YES | _NO:
            return word.casefold() in _YES
        if kind is int or (kind is float and math.isfinite(float(word))):
            return kind(word)
        if issubclass(kind, enum.Enum):
            return next(member for member in kind if word.casefold() in (str(member.value), member.name.casefold()))
    except (ValueError, StopIteration) as error:
        raise ValueError(expected(kind)) from error
    raise ValueError(expected(kind))


def expected(hint: Any) -> str:
    """What a text for the type `hint` looks like."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return " or ".join("none" if each is type(None) else expected(each) for each in inner)
    if origin is Literal:
        return "one of " + ", ".join(map(str, inner))
    if origin in (tuple, list) and inner:
        return f"a list, separated by commas, of: {expected(inner[0])}"
    if origin in (dict, Mapping) and inner:
        return f"a list, separated by commas, of name:value with value {expected(inner[1])}"
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return "one of " + ", ".join(str(member.value) for member in hint)
    plain = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
    return plain.get(hint, "what a command line cannot say")


def _default(field: Any) -> Any:
    if field.default is not MISSING:
        return field.default
    return field.default_factory() if field.default_factory is not MISSING else "?"


def _as_text(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    if isinstance(value, (tuple, list)):
        return ",".join(_as_text(each) for each in value)
    if isinstance(value, Mapping):
        return ",".join(f"{name}:{_as_text(each)}" for name, each in value.items())
    return str(value.value) if isinstance(value, enum.Enum) else str(value)
