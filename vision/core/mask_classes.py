"""Which number of a label map is which class: built-in tables, tables of users, and a colour for each."""

import colorsys
import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring
from numpy.typing import NDArray

from vision.core.geometry import Grid
from vision.core.refusals import ImageRefused

MAX_VALUE: Final = 65_535
_MAX_CLASSES: Final = 2_000
_MAX_TABLE_BYTES: Final = 1 << 20
_MAX_NAME_CHARS: Final = 64
_BUILT_IN: Final = Path(__file__).with_name("data") / "totalsegmentator.csv"
_BACKGROUND: Final = frozenset({"background", "bg", "unlabeled", "unlabelled", "clear label", "none"})
_NOT_IN_NAMES: Final = re.compile(r"[^\w .,()+/'-]+")
_SPACES: Final = re.compile(r"\s+")
# Long runs of digits are dates, record numbers or UIDs, never part of the name of an organ.
# However they are grouped.
_LONG_NUMBER: Final = re.compile(r"\d[\d.]{4,}|\d+(?:[ ./-]\d+){2,}")
_COLOR: Final = re.compile(r"#[0-9a-fA-F]{6}")
_VALUE_COLUMNS: Final = ("value", "label", "index", "id", "key")
_NAME_COLUMNS: Final = ("name", "class", "structure", "organ")
_COLOR_COLUMNS: Final = ("color", "colour")
# Okabe and Ito 2008, without black: told apart with every common kind of colour blindness.
_OKABE_ITO: Final = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7")
# Lightness and saturation of further rounds: neighbours differ in lightness, which everyone sees.
_ROUNDS: Final = ((0.0, 1.0), (0.22, 0.75), (-0.16, 1.0), (0.34, 0.5), (-0.26, 0.85), (0.12, 0.45))
_HUE_STEP: Final = 0.061


@dataclass(frozen=True, slots=True)
class MaskClass:
    """One class of a label map. `color` is `#rrggbb`."""

    value: int
    name: str
    color: str


@dataclass(frozen=True, slots=True, eq=False)
class LabelMap:
    """`labels[k, j, i]` (uint8 or uint16, 0 is background) on a grid, and the classes that occur."""

    labels: NDArray[Any]
    grid: Grid
    classes: tuple[MaskClass, ...]


def built_in_classes(table: str = "total") -> tuple[MaskClass, ...]:
    """The classes of a task of TotalSegmentator 2: `total` (CT), `total_mr` or `vertebrae_mr`."""
    return _built_in()[table]


def read_class_table(source: Path | bytes) -> tuple[MaskClass, ...]:
    """A class table of a user: CSV with columns value, name and perhaps color, or JSON.

    JSON may be `{"1": "liver"}`, `{"liver": 1}`, either of these under `labels` (nnU-Net's dataset.json), or a list of
    objects with value, name and perhaps color. The background (0) is left out. Names are cleaned.
    Raises `ImageRefused` for what cannot be read, for two names of one value, and for values outside 1 to 65,535.
    """
    data = source.read_bytes()[: _MAX_TABLE_BYTES + 1] if isinstance(source, Path) else source
    if len(data) > _MAX_TABLE_BYTES:
        raise _refused(f"the class table is larger than {_MAX_TABLE_BYTES:,} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refused("the class table is not text in UTF-8") from error
    rows = _json_rows(text) if text.lstrip()[:1] in ("{", "[") else _csv_rows(text)
    return make_classes(rows)


def classes_of_extension(content: bytes) -> tuple[MaskClass, ...]:
    """The label table of a NIfTI extension as TotalSegmentator and Connectome Workbench write it; empty if none."""
    if b"LabelTable" not in content or len(content) > _MAX_TABLE_BYTES:
        return ()
    try:
        root = fromstring(content.decode("utf-8", "replace").strip())
    except (ParseError, DefusedXmlException, ValueError):
        return ()
    rows = [(label.get("Key") or "", label.text or "", None) for label in root.iter("Label")]
    try:
        return make_classes(rows)
    except ImageRefused:
        return ()


def make_classes(rows: Iterable[tuple[object, str, str | None]]) -> tuple[MaskClass, ...]:
    """Classes of rows (value, name, colour or None), in order of value; raises as `read_class_table`."""
    classes: dict[int, MaskClass] = {}
    for raw_value, raw_name, color in rows:
        value, name = _value(raw_value), clean_name(raw_name)
        if value == 0 or name.lower() in _BACKGROUND:
            continue
        if not name:
            raise _refused(f"the class table has no name for value {value}")
        if value in classes and classes[value].name != name:
            raise _refused(f"the class table names value {value} twice")
        classes[value] = MaskClass(value, name, color.lower() if color else color_of(value))
        if len(classes) > _MAX_CLASSES:
            raise _refused(f"the class table has more than {_MAX_CLASSES:,} classes")
    if not classes:
        raise _refused("the class table names no class")
    return tuple(classes[value] for value in sorted(classes))


def named_classes(values: Iterable[int], known: Sequence[MaskClass] = ()) -> tuple[MaskClass, ...]:
    """A class for each value above 0; those that `known` does not name are called `class 7`."""
    by_value = {known_class.value: known_class for known_class in known}
    return tuple(
        by_value.get(value) or MaskClass(value, f"class {value}", color_of(value))
        for value in sorted(set(values) - {0})
    )


def clean_name(text: str) -> str:
    """A name for the screen: printable, on one line, at most 64 characters, without long numbers."""
    name = _LONG_NUMBER.sub(" ", _NOT_IN_NAMES.sub(" ", text[: 4 * _MAX_NAME_CHARS]))
    return _SPACES.sub(" ", name).strip(" .,-_")[:_MAX_NAME_CHARS].strip()


def color_of(value: int) -> str:
    """A colour for a value, the same in every mask; the first seven are those of Okabe and Ito."""
    base, turn = _OKABE_ITO[(value - 1) % len(_OKABE_ITO)], (value - 1) // len(_OKABE_ITO)
    lighter, saturation = _ROUNDS[turn % len(_ROUNDS)]
    red, green, blue = (int(base[at : at + 2], 16) / 255 for at in (1, 3, 5))
    hue, lightness, vivid = colorsys.rgb_to_hls(red, green, blue)
    hue = (hue + _HUE_STEP * (turn // len(_ROUNDS)) + 0.013 * turn) % 1.0
    lightness = min(0.88, max(0.2, lightness + lighter))
    parts = colorsys.hls_to_rgb(hue, lightness, vivid * saturation) if turn else (red, green, blue)
    return "#" + "".join(f"{round(part * 255):02x}" for part in parts)


def _value(raw: object) -> int:
    text = str(raw).strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= MAX_VALUE):
        raise _refused("the class table holds a value that is no whole number from 0 to 65,535")
    return int(text)


def _csv_rows(text: str) -> list[tuple[object, str, str | None]]:
    lines = text.splitlines()
    delimiter = max(",;\t", key=(lines[0] if lines else "").count)
    try:
        rows = [
            row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if any(field.strip() for field in row)
        ]
    except csv.Error as error:
        raise _refused("the class table is neither CSV nor JSON") from error
    header = [field.strip().lower() for field in rows[0]] if rows else []
    value_at, name_at = _column(header, _VALUE_COLUMNS), _column(header, _NAME_COLUMNS)
    if value_at is None or name_at is None:
        raise _refused("the class table has no columns value and name")
    color_at = _column(header, _COLOR_COLUMNS)
    found: list[tuple[object, str, str | None]] = []
    for row in rows[1:]:
        if len(row) <= max(value_at, name_at):
            raise _refused("a row of the class table lacks its value or name")
        color = row[color_at].strip() if color_at is not None and len(row) > color_at else ""
        found.append((row[value_at], row[name_at], color if _COLOR.fullmatch(color) else None))
    return found


def _column(header: Sequence[str], names: Sequence[str]) -> int | None:
    return next((header.index(name) for name in names if name in header), None)


def _json_rows(text: str) -> list[tuple[object, str, str | None]]:
    try:
        loaded: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _refused("the class table is not valid JSON") from error
    if isinstance(loaded, dict) and isinstance(loaded.get("labels"), (dict, list)):
        loaded = loaded["labels"]
    if isinstance(loaded, dict):
        return [_json_pair(key, value) for key, value in loaded.items()]
    return [_json_object(entry) for entry in loaded]


def _json_pair(key: str, value: object) -> tuple[object, str, str | None]:
    if isinstance(value, str):
        return (key, value, None) if not value.strip().isdigit() else (value, key, None)
    if isinstance(value, int) and not isinstance(value, bool):
        return (value, key, None)
    raise _refused("the class table's JSON does not give a name or a number for each entry")


def _json_object(entry: object) -> tuple[object, str, str | None]:
    if not isinstance(entry, Mapping):
        raise _refused("the class table's JSON is no list of objects with value and name")
    folded = {str(key).lower(): value for key, value in entry.items()}
    value = next((folded[name] for name in _VALUE_COLUMNS if name in folded), None)
    name = next((folded[name] for name in _NAME_COLUMNS if name in folded), None)
    color = next((folded[name] for name in _COLOR_COLUMNS if name in folded), None)
    if value is None or isinstance(value, bool) or not isinstance(name, str):
        raise _refused("an entry of the class table lacks its value or name")
    return value, name, color if isinstance(color, str) and _COLOR.fullmatch(color) else None


@cache
def _built_in() -> dict[str, tuple[MaskClass, ...]]:
    tables: dict[str, list[tuple[object, str, str | None]]] = {}
    for row in csv.DictReader(io.StringIO(_BUILT_IN.read_text(encoding="utf-8"))):
        tables.setdefault(row["table"], []).append((row["value"], row["name"], None))
    return {table: make_classes(rows) for table, rows in tables.items()}


def _refused(message: str) -> ImageRefused:
    return ImageRefused(message, code="bad_class_table")
