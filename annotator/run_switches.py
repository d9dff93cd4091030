"""The switches of a labeler as fields of a form, made from its configuration, and back as options of a plan."""

import typing
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from enum import Enum
from typing import Any, Final, Literal

from django import forms
from django.forms.utils import ErrorList

from annotator.run_words import SWITCHES, Words
from labeling.core.labelers import Labeler, OptionError, expected, read_value
from labeling.core.schema import Schema

# Only for summaries, which this labeler writes none of.
_NOT_SHOWN: Final[Mapping[str, frozenset[str]]] = {"direct-query": frozenset({"summary_tokens", "repetition_penalty"})}


class SwitchForm(forms.Form):
    """The switches of one labeler; their names on the page begin with its name. Unbound, they stand as published."""

    def __init__(self, labeler: Labeler, schema: Schema, *, data: Any = None, initial: Any = None) -> None:
        super().__init__(data, prefix=labeler.name, initial=initial)
        self.labeler = labeler
        self.schema = schema
        self.hints = typing.get_type_hints(labeler.config_type)
        self.defaults = {each.name: _default(each) for each in _shown(labeler)}
        for name, default in self.defaults.items():
            words = SWITCHES.get(labeler.name, {}).get(name, Words(name, f"Expected is {expected(self.hints[name])}."))
            self.fields[name] = _field(name, self.hints[name], default, words=words, schema=schema)

    def clean(self) -> dict[str, Any]:
        """Let the labeler look at each switch by itself, then at all of them together."""
        sent = super().clean() or {}
        for name in self.defaults:
            if name not in self.errors and (option := self._option(name, sent[name])):
                self._try([option], field=name)
        if not self.errors:
            self._try(self.options(), field=None)
        return sent

    def options(self) -> tuple[str, ...]:
        """The switches that do not stand as published, as `key=value`."""
        options = (self._option(name, self.cleaned_data[name]) for name in self.defaults)
        return tuple(option for option in options if option)

    def _option(self, name: str, value: Any) -> str:
        """Empty when the value is the published one."""
        text = _text(value, self.hints[name])
        try:
            is_published = read_value(text, self.hints[name]) == self.defaults[name]
        except ValueError:
            is_published = False
        return "" if is_published else f"{name}={text}"

    def _try(self, options: typing.Sequence[str], *, field: str | None) -> None:
        try:
            self.labeler.configure(options, self.schema)
        except OptionError as error:
            said = str(error).removeprefix(f"{self.labeler.name}: ")
            self.add_error(field, f"{said[:1].upper()}{said[1:]}.")

    @property
    def shown_errors(self) -> list[tuple[str, str, ErrorList]]:
        """What is wrong: id, title and errors of each field, for the head of the page."""
        return [(bound.id_for_label, str(bound.label), bound.errors) for bound in self if bound.errors]


def _shown(labeler: Labeler) -> list["Field[Any]"]:
    hidden = _NOT_SHOWN.get(labeler.name, frozenset())
    return [each for each in fields(labeler.config_type) if each.init and each.name not in hidden]


def _default(each: "Field[Any]") -> Any:
    return each.default_factory() if each.default_factory is not MISSING else each.default


def _field(name: str, hint: Any, default: Any, *, words: Words, schema: Schema) -> forms.Field:
    common: dict[str, Any] = {"label": words.title, "help_text": words.help, "required": False}
    if hint is bool:
        return forms.BooleanField(initial=default, **common)
    common["required"] = hint in (int, float)
    if hint is int:
        return forms.IntegerField(initial=default, **common)
    if hint is float:
        return forms.FloatField(initial=default, **common)
    if typing.get_origin(hint) is Literal:
        choices = [(each, words.positions.get(each, each)) for each in typing.get_args(hint)]
        return forms.ChoiceField(choices=choices, initial=default, **(common | {"required": True}))
    if name == "targets":
        return _several([(each.name, each.title) for each in schema.targets], default, common)
    inner = typing.get_args(hint)
    if inner and isinstance(inner[0], type) and issubclass(inner[0], Enum):
        return _several([(member.value, str(member.value)) for member in inner[0]], default, common)
    widget = forms.TextInput(attrs={"spellcheck": "false", "autocomplete": "off"})
    return forms.CharField(initial=_as_typed(default), strip=hint is not str, max_length=2000, widget=widget, **common)


def _several(choices: list[tuple[str, str]], default: Any, common: dict[str, Any]) -> forms.Field:
    initial = [str(each) for each in default or ()]
    return forms.MultipleChoiceField(choices=choices, initial=initial, widget=forms.CheckboxSelectMultiple, **common)


def _as_typed(default: Any) -> str:
    """A default as somebody would type it."""
    if isinstance(default, Mapping):
        return ", ".join(f"{name}:{value}" for name, value in default.items())
    return default if isinstance(default, str) else ", ".join(map(str, default or ()))


def _text(value: Any, hint: Any) -> str:
    """A cleaned value as the text of an option. Blanks around the entries of a list are not part of them."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ",".join(value)
    if isinstance(value, str) and hint is not str:
        return ",".join(part.strip() for part in value.split(",") if part.strip())
    return str(value)
