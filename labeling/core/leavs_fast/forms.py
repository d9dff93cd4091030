"""JSON forms for answers: a small part of JSON Schema that every engine's grammar knows, and a strict reader of it.

The reader does not rely on the engine having kept to the form: what does not fit it to the letter is unreadable.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from labeling.core.asking import UnreadableAnswer
from labeling.core.backends import Answer

Form = Mapping[str, Any]

_FENCED: Final = re.compile(r"```(?:json)?\s*\n(.*)\n\s*```", re.DOTALL)
_SPARE_TOKENS: Final = 64


def one_of(options: Sequence[str]) -> Form:
    """One of these texts."""
    return {"type": "string", "enum": list(options)}


def text_of(at_most: int) -> Form:
    """A text of bounded length."""
    return {"type": "string", "maxLength": at_most}


def numbers_of(allowed: Sequence[int], *, at_least: int = 0, at_most: int) -> Form:
    """A list of sentence numbers; `allowed` are in order and not empty."""
    first, last = allowed[0], allowed[-1]
    has_gaps = last - first + 1 != len(allowed)
    number = {"enum": list(allowed)} if has_gaps else {"minimum": first, "maximum": last}
    return list_of({"type": "integer", **number}, at_least=at_least, at_most=at_most)


def list_of(entries: Form, *, at_least: int = 0, at_most: int) -> Form:
    """A list of bounded length."""
    least = {"minItems": at_least} if at_least else {}
    return {"type": "array", "items": entries, **least, "maxItems": at_most}


def object_of(properties: Mapping[str, Form]) -> Form:
    """An object with exactly these keys."""
    keys = list(properties)
    return {"type": "object", "properties": dict(properties), "required": keys, "additionalProperties": False}


def sketch(form: Form) -> str:
    """The form as a question shows it, on one line."""
    if form["type"] == "object":
        return "{" + ", ".join(f"{_json(key)}: {sketch(value)}" for key, value in form["properties"].items()) + "}"
    if form["type"] == "array":
        return f"[{sketch(form['items'])}, ...]"
    return "number" if form["type"] == "integer" else '"..."'


def room_for(form: Form, *, entries: int = 0) -> int:
    """Tokens that an answer in this form may take, with `entries` list entries in it: two characters to a token."""
    return _longest(form) // 2 + 4 * entries + _SPARE_TOKENS


def read_form(answer: Answer, form: Form) -> Any:
    """What the answer holds, when it is JSON of this form and nothing else, in the order of the form.

    A rationale decides nothing, so one that is too long or holds odd characters is tidied. Raises `UnreadableAnswer`.
    """
    fenced = _FENCED.fullmatch(answer.text.strip())
    try:
        found = json.loads(fenced[1] if fenced else answer.text, object_pairs_hook=_object)
    except (ValueError, RecursionError):
        fault = "The answer ended before it was complete" if answer.is_cut else "The answer is not one JSON object"
        raise _unreadable(fault) from None
    return _fitted(found, form)


def trimmed(text: str, most: int) -> str:
    """The text on one line without characters that cannot be stored, cut to `most` characters."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _longest(form: Form) -> int:
    """Characters of the longest answer, list entries left out."""
    if form["type"] == "object":
        return sum(len(_json(key)) + 2 + _longest(value) for key, value in form["properties"].items()) + 2
    if form["type"] == "array":
        return 2
    return max(len(option) for option in form["enum"]) + 2 if "enum" in form else int(form["maxLength"]) + 2


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _fitted(found: Any, form: Form, *, place: str = "") -> Any:
    """What was found, when it fits the form; free texts on one line and cut to their length."""
    if form["type"] == "object":
        keys = form["properties"]
        if not isinstance(found, dict) or set(found) != set(keys):
            raise _unreadable(f"Expected{place} an object with exactly these keys: {', '.join(map(_json, keys))}")
        return {key: _fitted(found[key], value, place=f"{place} under {_json(key)}") for key, value in keys.items()}
    if form["type"] == "array":
        least, most = form.get("minItems", 0), form["maxItems"]
        if not isinstance(found, list) or not least <= len(found) <= most:
            raise _unreadable(f"Expected{place} a list of {least} to {most} entries")
        return [_fitted(entry, form["items"], place=f"{place} in the list") for entry in found]
    if not _is_entry(found, form):
        raise _unreadable(f"Expected{place} {_entry_words(form)}")
    return trimmed(found, form["maxLength"]) if "maxLength" in form else found


def _is_entry(found: Any, form: Form) -> bool:
    if form["type"] == "integer":
        inside = type(found) is int and form.get("minimum", found) <= found <= form.get("maximum", found)
        return inside and found in form.get("enum", (found,))
    return isinstance(found, str) and found in form.get("enum", (found,))


def _entry_words(form: Form) -> str:
    if "enum" in form:
        return f"one of {', '.join(map(_json, form['enum']))}"
    if form["type"] == "integer":
        return f"a sentence number from {form['minimum']} to {form['maximum']}"
    return "a text"


def _unreadable(fault: str) -> UnreadableAnswer:
    return UnreadableAnswer(f"{fault}. Give the whole JSON object again in the form that was asked for, nothing else.")
