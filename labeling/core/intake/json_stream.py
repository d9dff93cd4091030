"""Read a large JSON file value by value, without holding all of it."""

import io
import json
from collections.abc import Iterator
from typing import Any, Final

from labeling.core.intake.records import IntakeError

_CHUNK_CHARS: Final = 1 << 16
_BLANKS: Final = " \t\n\r"

# Numbers keep their digits as written, so that an id such as 007.10 or one of 30 digits is not changed.
DECODER: Final = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=lambda _: None)


class JsonReader:
    """A position in JSON text. Objects and arrays are entered step by step, inner values decoded whole."""

    def __init__(self, text: io.TextIOWrapper, *, max_value_chars: int) -> None:
        self._text = text
        self._max_value_chars = max_value_chars
        self._buffer = ""
        self._position = 0
        self._consumed = 0
        self._ended = False

    def peek(self) -> str:
        """The next character that is not blank; empty at the end."""
        while True:
            while self._position < len(self._buffer) and self._buffer[self._position] in _BLANKS:
                self._position += 1
            if self._position < len(self._buffer):
                return self._buffer[self._position]
            if not self._fill(_CHUNK_CHARS):
                return ""

    def expect(self, character: str) -> None:
        """Step over `character`; raises `IntakeError` when another one is next."""
        if self.peek() != character:
            raise self.error(f"{character!r} is expected")
        self._position += 1

    def value(self) -> Any:
        """Decode the next value and step over it."""
        self.peek()
        size = _CHUNK_CHARS
        while True:
            try:
                value, end = DECODER.raw_decode(self._buffer, self._position)
            except json.JSONDecodeError as error:
                if not self._fill(size):
                    raise self.error(error.msg) from None
            except RecursionError:
                raise self.error("values are nested too deeply") from None
            else:
                # A number at the end of the buffer may go on behind it.
                if end < len(self._buffer) or not self._fill(size):
                    self._position = end
                    return value
            size = min(2 * size, self._max_value_chars)
            if len(self._buffer) - self._position > self._max_value_chars:
                raise self.error(f"not JSON, or a value is longer than {self._max_value_chars:,} characters")

    def array(self) -> Iterator[None]:
        """Enter an array; yields before each element, which the caller reads."""
        self.expect("[")
        if self.peek() == "]":
            self._position += 1
            return
        while True:
            yield
            if self.peek() == "]":
                self._position += 1
                return
            self.expect(",")

    def object(self) -> Iterator[str]:
        """Enter an object; yields each key, the caller reads its value."""
        self.expect("{")
        if self.peek() == "}":
            self._position += 1
            return
        while True:
            if self.peek() != '"':
                raise self.error("a key in double quotes is expected")
            key = self.value()
            self.expect(":")
            yield key
            if self.peek() == "}":
                self._position += 1
                return
            self.expect(",")

    def require_end(self) -> None:
        """Raise `IntakeError` when something follows."""
        if self.peek():
            raise self.error("nothing more is expected")

    def error(self, message: str) -> IntakeError:
        """A fault at the present position; says where, never what stands there."""
        return IntakeError(
            f"this is not JSON that can be read: at character {self._consumed + self._position + 1:,}: {message}",
            code="bad_json",
        )

    def _fill(self, n_chars: int) -> bool:
        """Append at least one more character to what is buffered; False at the end of the text."""
        if self._ended:
            return False
        chunk = self._text.read(n_chars)
        self._consumed += self._position
        self._buffer = self._buffer[self._position :] + chunk
        self._position = 0
        self._ended = not chunk
        return bool(chunk)
