"""The data card as one HTML file without scripts, and as Markdown. Whatever comes from people is escaped."""

import re
from collections.abc import Iterator
from html import escape
from typing import Any, Final

from annotator.core.releases.data_card import Section
from annotator.core.releases.records import CardTable

_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;"
    "background:#fff}table{border-collapse:collapse;margin:1rem 0}caption{text-align:left;font-weight:600}"
    "th,td{border-bottom:1px solid #c9d1d9;padding:.25rem .75rem;text-align:left;vertical-align:top}"
    "td.n{text-align:right;font-variant-numeric:tabular-nums}h2{margin-top:2.5rem}p{max-width:45rem;white-space:pre-line}"
    "@media(prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}th,td{border-color:#30363d}}"
)
# What Markdown would take for more than text.
_MARKED: Final = re.compile(r"([\\`*_{}\[\]<>#|~])")


def html_page(title: str, sections: list[Section]) -> Iterator[str]:
    """The card as HTML; it needs nothing but itself."""
    name = escape(title)
    yield f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{name}</title>\n'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    yield f"<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{name}</h1>\n"
    for section in sections:
        yield f"<h2>{escape(section.title)}</h2>\n"
        for words in section.paragraphs:
            yield f"<p>{escape(words)}</p>\n"
        if section.points:
            yield "<ul>\n" + "".join(f"<li>{escape(point)}</li>\n" for point in section.points) + "</ul>\n"
        for table in section.tables:
            yield from _html_table(table)
    yield "</body>\n</html>\n"


def _html_table(table: CardTable) -> Iterator[str]:
    heads = "".join(f'<th scope="col">{escape(column)}</th>' for column in table.columns)
    yield f"<table>\n<caption>{escape(table.caption)}</caption>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n"
    for row in table.rows:
        yield "<tr>" + "".join(_html_cell(value) for value in row) + "</tr>\n"
    yield "</tbody>\n</table>\n"
    if table.note:
        yield f"<p>{escape(table.note)}</p>\n"


def _html_cell(value: Any) -> str:
    is_number = isinstance(value, (int, float))
    return f'<td class="n">{shown(value)}</td>' if is_number else f"<td>{escape(shown(value))}</td>"


def markdown_page(title: str, sections: list[Section]) -> Iterator[str]:
    """The card as Markdown (GitHub's tables)."""
    yield f"# {_plain(title)}\n"
    for section in sections:
        yield f"\n## {_plain(section.title)}\n"
        for words in section.paragraphs:
            yield f"\n{_plain(words)}\n"
        if section.points:
            yield "\n" + "".join(f"- {_plain(point)}\n" for point in section.points)
        for table in section.tables:
            yield f"\n**{_plain(table.caption)}**\n\n"
            yield _markdown_row(table.columns)
            yield "|" + "---|" * len(table.columns) + "\n"
            yield from (_markdown_row(row) for row in table.rows)
            if table.note:
                yield f"\n{_plain(table.note)}\n"


def _markdown_row(row: tuple[Any, ...]) -> str:
    return "| " + " | ".join(_plain(shown(value)) for value in row) + " |\n"


def _plain(text: str) -> str:
    """`text` on one line, with nothing in it that Markdown acts on."""
    return _MARKED.sub(r"\\\1", " ".join(text.split()))


def shown(value: Any) -> str:
    """A number with separators, a text as it is, a dash for what is unknown."""
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, (int, float)) else str(value)
