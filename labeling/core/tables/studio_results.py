"""What the results of one Label Studio annotation or prediction say of the cells of a schema."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from labeling.core.intake.columns import normalise, show_name
from labeling.core.intake.records import ProblemCode
from labeling.core.records import CellLabel, LabelSet
from labeling.core.schema import Cell
from labeling.core.spans import Span
from labeling.core.tables.studio_names import (
    PARTS,
    PROBABILITY,
    REASON,
    URGENCY,
    VALUE,
    Place,
    StudioMapping,
    StudioNames,
)
from labeling.core.tables.studio_spans import Offsets
from labeling.core.values import Missing, Value

_NUMBER: Final = re.compile(r"-?\d{1,9}(\.\d{1,30})?([eE][+-]?\d{1,3})?", re.ASCII)
_OFFSET: Final = re.compile(r"\d{1,9}", re.ASCII)
_MAX_RESULTS: Final = 20_000
_CHOICES, _LABELS, _TAXONOMY, _RATING, _NUMBER_TYPE = "choices", "labels", "taxonomy", "rating", "number"
_TEXT: Final = "textarea"
# Labels of a whole text, which Label Studio has no type for.
MARK: Final = "mark"
# What links regions, and says nothing of cells.
_PASSED_OVER: Final = frozenset({"relation"})


class StudioError(ValueError):
    """An annotation or a prediction cannot be read. The message holds no text of a report."""

    def __init__(self, message: str, *, code: ProblemCode = ProblemCode.BAD_VALUE) -> None:
        super().__init__(message)
        self.code = code


@dataclass(slots=True)
class _Said:
    """What is said of cells, part by part; the same thing may be said twice, nothing else."""

    parts: dict[tuple[Cell, str], Any] = field(default_factory=dict)
    spans: dict[Cell, list[Span]] = field(default_factory=dict)
    scores: dict[Cell, float] = field(default_factory=dict)
    marked: dict[Cell, None] = field(default_factory=dict)

    def say(self, cell: Cell, part: str, value: Any) -> None:
        """Add one part of a label; raises `StudioError` when another was said."""
        if self.parts.setdefault((cell, part), value) != value:
            raise StudioError(f"{cell}: two different things are said of its {part}")


def labels_of_results(
    results: Any,
    *,
    names: StudioNames,
    mapping: StudioMapping,
    offsets: Callable[[], Offsets | None],
    score: Any,
) -> LabelSet:
    """The label set that a list of results says; raises `StudioError` when that cannot be told for certain."""
    if not isinstance(results, list) or not all(isinstance(result, dict) for result in results):
        raise StudioError("its result is no list of objects")
    if len(results) > _MAX_RESULTS:
        raise StudioError(f"it has more than {_MAX_RESULTS:,} results")
    reader = _ResultReader(names, mapping, offsets)
    # Choices that belong to a marked range name it by its id, and may stand before it.
    wanted = [result for result in results if _type_of(result) not in _PASSED_OVER and not reader.is_ignored(result)]
    for result in wanted:
        if _type_of(result) == _LABELS:
            reader.read_range(result)
    for result in wanted:
        if _type_of(result) == MARK:
            reader.read_mark(result)
        elif _type_of(result) != _LABELS:
            reader.read_other(result)
    return reader.labels(score)


def _type_of(result: Mapping[str, Any]) -> str:
    kind = result.get("type")
    return kind.casefold() if isinstance(kind, str) else ""


class _ResultReader:
    def __init__(self, names: StudioNames, mapping: StudioMapping, offsets: Callable[[], Offsets | None]) -> None:
        self._names = names
        self._mapping = mapping
        self._offsets = offsets
        self._said = _Said()
        self._cells_of_range: dict[str, list[Cell]] = {}

    def is_ignored(self, result: Mapping[str, Any]) -> bool:
        name = result.get("from_name")
        return isinstance(name, str) and self._names.is_ignored(name)

    def read_range(self, result: Mapping[str, Any]) -> None:
        """A range of the text that is marked with cells: evidence for them."""
        value = _object(result.get("value"), "value")
        span = self._span(value)
        for place in self._labeled(value):
            spans = self._said.spans.setdefault(place.cell, [])
            if span not in spans:
                spans.append(span)
            self._mark(place, result)
            region = result.get("id")
            if isinstance(region, str):
                self._cells_of_range.setdefault(region, []).append(place.cell)

    def read_mark(self, result: Mapping[str, Any]) -> None:
        """Cells that the whole text is marked with."""
        for place in self._labeled(_object(result.get("value"), "value")):
            self._mark(place, result)

    def _labeled(self, value: Mapping[str, Any]) -> Iterator[Place]:
        for label in _texts(value.get(_LABELS), "labels"):
            place = self._names.place_of(label)
            if place is None or place.part != VALUE:
                raise StudioError(f"the label {show_name(label)} is no cell of the schema")
            yield place

    def _span(self, value: Mapping[str, Any]) -> Span:
        start, end = value.get("start"), value.get("end")
        is_range = all(isinstance(each, str) and _OFFSET.fullmatch(each) for each in (start, end))
        if not is_range or not isinstance(start, str) or not isinstance(end, str):
            raise StudioError("a marked range has no start and end in a plain text")
        quote = value.get("text")
        if quote is not None and not isinstance(quote, str):
            raise StudioError(f"the text of the range {start} to {end} is no text")
        offsets = self._offsets()
        if offsets is None:
            raise StudioError("it marks ranges of a text that the file does not hold")
        span = offsets.span_of(int(start), int(end), quote=quote)
        if span is None:
            why = "is not where its own text stands" if quote is not None else "may lie in two places, or outside"
            raise StudioError(f"the range {start} to {end} {why}")
        return span

    def _mark(self, place: Place, result: Mapping[str, Any]) -> None:
        """A cell that is marked or chosen; what that says of it is in its name, in the mapping, or said elsewhere."""
        self._said.marked[place.cell] = None
        if place.state is not None:
            self._said.say(place.cell, VALUE, place.state)
            self._score(place.cell, result)

    def read_other(self, result: Mapping[str, Any]) -> None:
        """What a control says of a cell, or of the cells of a marked range."""
        kind, name = _type_of(result), result.get("from_name")
        if not isinstance(name, str):
            raise StudioError("a result names no control")
        value = _object(result.get("value"), "value")
        if kind == _TAXONOMY:
            self._read_taxonomy(value, result)
            return
        cells, part, state = self._meant(name, result)
        if state is not None:
            raise StudioError(f"the control {show_name(name)} has a value in its name")
        for said in self._parts(kind, name, value, part):
            for cell in cells:
                self._said.say(cell, part, said)
                if part == VALUE:
                    self._score(cell, result)

    def _meant(self, name: str, result: Mapping[str, Any]) -> tuple[list[Cell], str, Any]:
        place = self._names.place_of(name)
        if place is not None:
            return [place.cell], place.part, place.state
        region, part = result.get("id"), normalise(self._mapping.names.get(name, name))
        if part in PARTS and isinstance(region, str) and region in self._cells_of_range:
            return self._cells_of_range[region], part, None
        raise StudioError(f"the control {show_name(name)} is no cell of the schema; say in the mapping what it is")

    def _parts(self, kind: str, name: str, value: Mapping[str, Any], part: str) -> Iterator[Any]:
        """What stands in a control's value for this part; nothing when nothing was chosen."""
        if part == REASON:
            if kind != _TEXT:
                raise StudioError(f"the control {show_name(name)} is {kind[:40]!r}, expected is a text area")
            yield "\n".join(_texts(value.get("text"), "text", one=True))
            return
        for text in _choice(kind, name, value):
            if part == PROBABILITY:
                yield _number(text, what=f"{name[:80]}: probability", most=1.0)
                continue
            said = self._names.urgency_of(text) if part == URGENCY else self._names.state_of(text)
            if part == VALUE and kind != _CHOICES:
                said = None
            if said is None:
                raise StudioError(f"the control {show_name(name)} says {show_name(text)}, which is no {part}")
            yield said

    def _read_taxonomy(self, value: Mapping[str, Any], result: Mapping[str, Any]) -> None:
        paths = value.get(_TAXONOMY)
        if not isinstance(paths, list):
            raise StudioError("a taxonomy is no list of paths")
        for path in paths:
            names = _texts(path, "a path of a taxonomy")
            place = self._names.place_of_path(names)
            if place is None and len(names) == 1:
                place = self._names.place_of(names[0])
            if place is None or place.part != VALUE:
                shown = show_name(" > ".join(names))
                raise StudioError(f"the path {shown} of a taxonomy is no cell of the schema, with or without a value")
            self._mark(place, result)

    def _score(self, cell: Cell, result: Mapping[str, Any]) -> None:
        score = result.get("score")
        if score is not None and self._mapping.score != "none":
            self._said.scores[cell] = _number(score, what="a score", most=1.0)

    def labels(self, score: Any) -> LabelSet:
        """What was said, cell by cell; `score` is that of the whole, which counts when it is about a single cell."""
        said = self._said
        for cell in said.marked:
            if (cell, VALUE) not in said.parts:
                if self._mapping.selected is None:
                    raise StudioError(f"{cell} is marked, but nothing says which value it has")
                said.say(cell, VALUE, self._mapping.selected)
        cells = list(dict.fromkeys(cell for cell, _ in said.parts))
        without = next((cell for cell in cells if (cell, VALUE) not in said.parts), None)
        if without is not None:
            raise StudioError(f"{without} has no value, but more is said of it")
        if score is not None and self._mapping.score != "none" and len(cells) == 1 and not said.scores:
            said.scores[cells[0]] = _number(score, what="its score", most=1.0)
        return LabelSet({cell: self._label(cell) for cell in cells})

    def _label(self, cell: Cell) -> CellLabel:
        parts = self._said.parts
        state = parts[cell, VALUE]
        probability = parts.get((cell, PROBABILITY))
        if probability is None:
            probability = self._probability(state, self._said.scores.get(cell))
        return CellLabel(
            state=state,
            urgency=parts.get((cell, URGENCY)),
            probability=probability,
            evidence=tuple(sorted(self._said.spans.get(cell, ()))),
            reason=parts.get((cell, REASON), ""),
        )

    def _probability(self, state: Value | Missing, score: float | None) -> float | None:
        """That the finding is there. Confidence in "possible" or "not mentioned" says nothing of that."""
        if score is None or self._mapping.score == "presence":
            return score
        if state is Value.PRESENT:
            return score
        return 1.0 - score if state is Value.ABSENT else None


def _object(sent: Any, what: str) -> dict[str, Any]:
    if not isinstance(sent, dict):
        raise StudioError(f"a result has no {what}")
    return sent


def _texts(sent: Any, what: str, *, one: bool = False) -> list[str]:
    listed = [sent] if one and isinstance(sent, str) else sent
    if not isinstance(listed, list) or not listed or not all(isinstance(each, str) for each in listed):
        raise StudioError(f"{what} is no list of texts")
    return listed


def _choice(kind: str, name: str, value: Mapping[str, Any]) -> Iterator[str]:
    """What was chosen in a control for one thing, none or one."""
    if kind == _CHOICES:
        chosen = value.get(_CHOICES)
        if chosen in ([], None):
            return
        chosen = _texts(chosen, "choices", one=True)
        if len(set(chosen)) > 1:
            raise StudioError(f"the control {show_name(name)} has {len(chosen)} choices, expected is one")
        yield chosen[0]
    elif kind in (_RATING, _NUMBER_TYPE):
        number = value.get(kind)
        if not isinstance(number, str) or not _NUMBER.fullmatch(number):
            raise StudioError(f"the control {show_name(name)} holds no number")
        yield number
    else:
        raise StudioError(f"the control {show_name(name)} is of the type {kind[:40]!r}, which is not read")


def _number(sent: Any, *, what: str, most: float) -> float:
    if not isinstance(sent, str) or not _NUMBER.fullmatch(sent) or not 0 <= float(sent) <= most:
        raise StudioError(f"{what} is no number from 0 to {most:g}")
    return float(sent)


def results_of_minimal(task: Mapping[str, Any], names: StudioNames) -> list[dict[str, Any]]:
    """The results behind a task of JSON_MIN, whose controls stand among its data under their names.

    A name that means no cell may be data, so it is passed over; at least one must mean one.
    """
    results: list[dict[str, Any]] = []
    for name, sent in task.items():
        if names.is_ignored(name):
            continue
        is_cell = names.place_of(name) is not None
        for entry in sent if isinstance(sent, list) else [sent]:
            if isinstance(entry, dict):
                kind = next((kind for kind in (_LABELS, _TAXONOMY, _RATING, _NUMBER_TYPE) if kind in entry), None)
                kind = kind or (_CHOICES if _CHOICES in entry and is_cell else _TEXT)
                if is_cell or kind in (_LABELS, _TAXONOMY):
                    results.append({"from_name": name, "type": kind, "value": entry})
            elif is_cell and isinstance(entry, str):
                results.append(_simple_result(name, entry, names))
    if not results:
        raise StudioError("no control of it is a cell of the schema; say in the mapping what they are")
    return results


def _simple_result(name: str, entry: str, names: StudioNames) -> dict[str, Any]:
    place = names.place_of(name)
    is_text = place is not None and place.part == REASON
    kind, value = (_TEXT, {"text": [entry]}) if is_text else (_CHOICES, {_CHOICES: [entry]})
    return {"from_name": name, "type": kind, "value": value}
