"""What must be known before a release is used, as headings, paragraphs and tables; `card_pages` writes them down."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from annotator.core.releases.formats import FORMATS, NOT_WRITTEN
from annotator.core.releases.records import SPLITS, UNDECIDED_CODE, CardTable, Contents
from labeling.core.values import CODE_OF_STATE, URGENCY_LEVELS, Value

_STATES: Final = (
    *((str(value).replace("_", " "), CODE_OF_STATE[value]) for value in Value),
    ("undecided", UNDECIDED_CODE),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading with paragraphs, points and tables under it."""

    title: str
    paragraphs: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    tables: tuple[CardTable, ...] = ()


def card_sections(contents: Contents, *, formats: tuple[str, ...]) -> list[Section]:
    """The card of a release, in the order in which it is read."""
    about = contents.about
    nothing = "Nothing is known of it: it was not computed for this release."
    return [
        _what(contents),
        _drawn(contents),
        _origins(contents),
        _splits(contents),
        Section(title="Cells by value", tables=tuple(_cell_tables(contents))),
        _urgencies(contents),
        Section(
            title="Agreement of readers",
            paragraphs=("Readers stand by letters, which mean nothing outside of this card.",)
            if about.agreement
            else (nothing,),
            tables=about.agreement,
        ),
        Section(title="Pre-filled and blank", paragraphs=() if about.arms else (nothing,), tables=about.arms),
        Section(
            title="Guideline",
            paragraphs=tuple(f"{name}: {text}" for name, text in about.guidelines)
            or ("The project has no guideline.",),
        ),
        _limits(contents),
        _files(formats),
        Section(
            title="Errata",
            paragraphs=(
                "What was found wrong later is kept apart, since the files of a release never change: it stands on the "
                "page of the release, and in errata.json of every download.",
            ),
        ),
    ]


def _what(contents: Contents) -> Section:
    schema, about = contents.schema, contents.about
    n_patients = len({case.patient_key for case in contents.cases})
    rows = [
        ("project", about.project),
        ("frozen at", contents.frozen_at),
        ("schema", f"{schema.name} version {schema.version}, {len(schema.cells)} cells a case"),
        ("hash of the schema", schema.hash),
        ("modality", schema.modality),
        ("cases", f"{len(contents.cases):,}"),
        ("patients", f"{n_patients:,}"),
        ("report texts", "included" if contents.has_texts else "left out"),
    ]
    rows += [(f"selection: {name}", _shown(value)) for name, value in about.selection.items()]
    rows += [(f"software: {name}", version) for name, version in about.software.items()]
    table = CardTable(caption="At a glance", columns=("what", "value"), rows=tuple(rows))
    words = (
        "Each cell says what a radiology report says of one finding in one target, as people read it. It does not say "
        "what the images show."
    )
    return Section(
        title="What this is", paragraphs=(about.description, words) if about.description else (words,), tables=(table,)
    )


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_shown(each)}" for name, each in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_shown, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)


def _drawn(contents: Contents) -> Section:
    strata: dict[str, list[float]] = {}
    for case in contents.cases:
        if case.probability is not None:
            strata.setdefault(case.stratum, []).append(case.probability)
    title = "How the cases were drawn"
    if not strata:
        return Section(title=title, paragraphs=("No plan drew them: they are those that were read.",))
    found = [probability for each in strata.values() for probability in each]
    low, high = min(found), max(found)
    words = (
        "Every case that could be drawn was to be read."
        if low == 1
        else f"Cases were drawn with probabilities from {low:g} to {high:g}, so that figures of this release are not "
        "those of all cases; weight each case by 1 / probability, which stands in gold.jsonl."
    )
    columns = ("stratum", "cases", "least probability", "greatest probability")
    rows = tuple((name or "all", len(each), min(each), max(each)) for name, each in sorted(strata.items()))
    n_without = len(contents.cases) - len(found)
    note = f"Of {n_without:,} cases it is not known." if n_without else ""
    table = CardTable(caption="Cases by stratum", columns=columns, rows=rows, note=note)
    return Section(title=title, paragraphs=(words,), tables=(table,))


def _origins(contents: Contents) -> Section:
    counts: Counter[str] = Counter()
    for case in contents.cases:
        counts.update(case.origins)
    total = counts.total()
    rows = tuple(
        (name, counts[code], _percent(counts[code], total))
        for code, name in contents.origin_names.items()
        if counts[code]
    )
    voices: Counter[str] = Counter()
    for case in contents.cases:
        voices.update(case.n_voices)
    return Section(
        title="How the cells came about",
        points=tuple(f"{name}: {_shown(value)}" for name, value in contents.about.resolution.items()),
        tables=(
            CardTable(caption="Cells by origin", columns=("origin", "cells", "%"), rows=rows),
            CardTable(
                caption="Cells by number of voices",
                columns=("voices", "cells", "%"),
                rows=tuple((code, voices[code], _percent(voices[code], total)) for code in sorted(voices)),
                note="9 stands for nine and more.",
            ),
        ),
    )


def _percent(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 1) if whole else None


def _splits(contents: Contents) -> Section:
    rows = []
    for split in contents.splits:
        cases = [case for case in contents.cases if case.split == split]
        rows.append(
            (split, len(cases), len({case.patient_key for case in cases}), _percent(len(cases), len(contents.cases)))
        )
    points = tuple(f"{name}: {_shown(value)}" for name, value in contents.about.splits.items())
    words = (
        "All cases of a patient are in one split; that was checked when the release was frozen."
        if any(split in SPLITS for split in contents.splits)
        else "The cases were not split. Whoever splits them has to keep all cases of a patient together (patient_key)."
    )
    table = CardTable(caption="Cases by split", columns=("split", "cases", "patients", "% of cases"), rows=tuple(rows))
    return Section(title="Splits", paragraphs=(words,), points=points, tables=(table,))


def _cell_tables(contents: Contents) -> Iterator[CardTable]:
    """A table per split: how often each cell has each value."""
    for split in contents.splits:
        joined = "".join(case.values for case in contents.cases if case.split == split).encode("ascii")
        codes = np.frombuffer(joined, np.uint8).reshape(-1, len(contents.schema.cells))
        counts = [(codes == ord(code)).sum(axis=0) for _, code in _STATES]
        rows = tuple(
            (cell.target, cell.finding, *(int(count[index]) for count in counts))
            for index, cell in enumerate(contents.schema.cells)
        )
        columns = ("target", "finding", *(name for name, _ in _STATES))
        yield CardTable(caption=f"Cells by value: {split}, {len(codes):,} cases", columns=columns, rows=rows)


def _urgencies(contents: Contents) -> Section:
    if contents.schema.urgency is None:
        return Section(title="Urgency", paragraphs=("The schema asks for no urgency.",))
    rows = []
    for split in contents.splits:
        counts: Counter[str] = Counter()
        for case in contents.cases:
            if case.split == split:
                counts.update(case.urgencies)
        rows.append((split, *(counts[str(level)] for level in URGENCY_LEVELS)))
    columns = ("split", *(f"urgency {level}" for level in URGENCY_LEVELS))
    return Section(title="Urgency", tables=(CardTable(caption="Cells by urgency", columns=columns, rows=tuple(rows)),))


def _limits(contents: Contents) -> Section:
    n_cells = len(contents.cases) * len(contents.schema.cells)
    n_undecided = sum(case.n_undecided for case in contents.cases)
    n_open = sum(case.n_undecided > 0 for case in contents.cases)
    points = [
        f"{n_undecided:,} of {n_cells:,} cells in {n_open:,} of {len(contents.cases):,} cases are undecided. They have "
        "no value: they are neither absent nor not mentioned, and leaving them out may favour easy cells.",
        "Evidence is given as offsets in code points into the exact text of the report; its SHA-256 says which text.",
        *contents.about.limits,
    ]
    n_without = sum(case.text is None for case in contents.cases)
    if contents.has_texts and n_without:
        points.append(f"The project has no report text of {n_without:,} cases.")
    if not contents.has_texts:
        points.append("Report texts are left out: match them by report id and check them by their SHA-256.")
    return Section(title="Known limits", points=tuple(points))


def _files(formats: tuple[str, ...]) -> Section:
    rows = tuple((", ".join(FORMATS[name].files), FORMATS[name].title, FORMATS[name].leaves_out) for name in formats)
    table = CardTable(caption="Files", columns=("file", "what it is", "what it leaves out"), rows=rows)
    words = "manifest.json lists every file with its SHA-256; `manage.py release verify` checks them all."
    return Section(title="Files", paragraphs=(words, *NOT_WRITTEN), tables=(table,))
