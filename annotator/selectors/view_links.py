"""What can be chosen on a page by links that keep the rest of its address."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode


@dataclass(frozen=True, slots=True)
class Link:
    """One thing to choose."""

    words: str
    href: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Address:
    """What an address asks for, and the part of the page that shows it."""

    query: Mapping[str, str]
    part: str

    def links(self, name: str, words: Mapping[str, str], *, chosen: str, without: tuple[str, ...] = ()) -> list[Link]:
        """A link for each value of `name`; `without` are names that lose their sense with another value."""
        kept = {key: value for key, value in self.query.items() if key not in without}
        return [
            Link(each, f"?{urlencode(kept | {name: value})}#{self.part}", value == chosen)
            for value, each in words.items()
        ]
