"""How constraints are written into a request: each engine has its own fields, and some ignore what they do not know.

Newest first. Which of them a server obeys is found out by asking (`openai_look`), not by a table of versions.
"""

import re
from typing import Final

from labeling.core.backends.gbnf import choice_grammar, pattern_grammar
from labeling.core.backends.openai_records import Body, Way
from labeling.core.backends.records import Choice, JsonForm, Pattern

ANY_JSON: Final[Body] = {"response_format": {"type": "json_object"}}


def _alternatives(choice: Choice) -> str:
    return f"({'|'.join(re.escape(option) for option in choice.options)})"


def _strict_schema(form: JsonForm) -> Body:
    schema = {"name": "answer", "strict": True, "schema": dict(form.schema)}
    return {"response_format": {"type": "json_schema", "json_schema": schema}}


def _schema_of_object(form: JsonForm) -> Body:
    return {"response_format": {"type": "json_object", "schema": dict(form.schema)}}


CHOICE_WAYS: Final[tuple[Way[Choice], ...]] = (
    Way("structured_outputs", lambda choice: {"structured_outputs": {"choice": list(choice.options)}}),
    Way("grammar", lambda choice: {"grammar": choice_grammar(choice.options)}),
    Way("regex", lambda choice: {"regex": _alternatives(choice)}),
    Way("guided_choice", lambda choice: {"guided_choice": list(choice.options)}),
)
PATTERN_WAYS: Final[tuple[Way[Pattern], ...]] = (
    Way("structured_outputs", lambda pattern: {"structured_outputs": {"regex": pattern.regex}}),
    Way("grammar", lambda pattern: {"grammar": pattern_grammar(pattern.regex)}),
    Way("regex", lambda pattern: {"regex": pattern.regex}),
    Way("guided_regex", lambda pattern: {"guided_regex": pattern.regex}),
)
JSON_WAYS: Final[tuple[Way[JsonForm], ...]] = (
    Way("structured_outputs", lambda form: {"structured_outputs": {"json": dict(form.schema)}}),
    Way("json_schema", _strict_schema),
    Way("json_object", _schema_of_object),
    Way("guided_json", lambda form: {"guided_json": dict(form.schema)}),
)
