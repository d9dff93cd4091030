"""What a release is made of: gold of cases as it stood at one moment, and what has to be known to read it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from labeling.core.schema import Schema
from labeling.core.values import CODE_OF_STATE, NO_URGENCY_CODE, VALUE_CODES, Missing

UNDECIDED_CODE: Final = CODE_OF_STATE[Missing.NOT_ASKED]
SPLITS: Final = ("train", "validation", "test")
# What the only split is called where nothing was split.
UNSPLIT: Final = "all"
# Gold counts voices in one character: nine and more are 9.
MOST_VOICES: Final = 9
Spans = Sequence[Sequence[int]]


class ReleaseError(ValueError):
    """A release cannot be made or read as asked. The message is meant for users and holds no patient text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasedCase:
    """Gold of one case. The five vectors have one character per cell in schema order; `_` in `values` is undecided.

    `evidence` maps `target|finding` to `[start, end]` spans; `text` is None where report texts are left out.
    `probability` is that with which a plan drew the case from its `stratum`, None where no plan did.
    """

    key: str
    patient_key: str
    values: str
    urgencies: str
    origins: str
    n_voices: str
    n_agreeing: str
    split: str = UNSPLIT
    evidence: Mapping[str, Spans] = field(default_factory=dict)
    text_sha256: str | None = None
    text: str | None = field(default=None, repr=False)
    modality: str = ""
    stratum: str = ""
    probability: float | None = None

    @property
    def n_undecided(self) -> int:
        """Cells without a value."""
        return self.values.count(UNDECIDED_CODE)


@dataclass(frozen=True, slots=True, kw_only=True)
class CardTable:
    """A table of the data card: a caption, names of columns, and rows of texts and numbers (None: unknown)."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What the data card and the manifest say beside the cases. Readers stand in the tables by letters.

    `guidelines` are the texts that stood, each after what it is for and its version. `selection`, `resolution` and
    `splits` are plain JSON, copied into the manifest as they are.
    """

    project: str
    description: str = ""
    guidelines: tuple[tuple[str, str], ...] = ()
    selection: Mapping[str, Any] = field(default_factory=dict)
    resolution: Mapping[str, Any] = field(default_factory=dict)
    splits: Mapping[str, Any] = field(default_factory=dict)
    software: Mapping[str, str] = field(default_factory=dict)
    agreement: tuple[CardTable, ...] = ()
    arms: tuple[CardTable, ...] = ()
    limits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """A whole release: its name, when it was frozen (ISO 8601), schema, cases in order, and what is said of them.

    `origin_names` gives the words for the characters of `ReleasedCase.origins`.
    """

    name: str
    frozen_at: str
    schema: Schema
    schema_source: str
    cases: tuple[ReleasedCase, ...]
    origin_names: Mapping[str, str]
    about: About

    @property
    def has_texts(self) -> bool:
        """Whether report texts are part of it."""
        return any(case.text is not None for case in self.cases)

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that hold cases, in their usual order."""
        seen = {case.split for case in self.cases}
        return tuple(split for split in (*SPLITS, UNSPLIT) if split in seen)


def check_contents(contents: Contents) -> None:
    """Raise `ReleaseError` unless vectors fit the schema, keys are unique and no patient is in two splits."""
    n_cells = len(contents.schema.cells)
    if not contents.cases:
        raise ReleaseError("no case was selected; a release needs at least one")
    keys: set[str] = set()
    split_of: dict[str, str] = {}
    for case in contents.cases:
        vectors = (case.values, case.urgencies, case.origins, case.n_voices, case.n_agreeing)
        if any(len(vector) != n_cells for vector in vectors):
            raise ReleaseError(f"case {case.key!r}: its gold does not have the {n_cells} cells of the schema")
        unknown = set(case.values) - set(VALUE_CODES + UNDECIDED_CODE)
        if unknown or set(case.origins) - set(contents.origin_names):
            raise ReleaseError(f"case {case.key!r}: its gold has a code that is not known")
        if case.key in keys:
            raise ReleaseError(f"case {case.key!r} stands twice")
        keys.add(case.key)
        if split_of.setdefault(case.patient_key, case.split) != case.split:
            raise ReleaseError(f"case {case.key!r}: its patient has cases in two splits")


def only_origins(case: ReleasedCase, *, cells: Sequence[str], kept: frozenset[str], undecided: str) -> ReleasedCase:
    """The case with every cell undecided whose origin is not in `kept`; `undecided` is the origin of such a cell.

    `cells` are the keys in schema order. Nothing of what was said of such a cell stays.
    """
    is_kept = [origin in kept for origin in case.origins]
    if all(is_kept):
        return case

    kept_cells = {cell for cell, keep in zip(cells, is_kept, strict=True) if keep}

    def masked(vector: str, blank: str) -> str:
        return "".join(code if keep else blank for code, keep in zip(vector, is_kept, strict=True))

    return replace(
        case,
        values=masked(case.values, UNDECIDED_CODE),
        urgencies=masked(case.urgencies, NO_URGENCY_CODE),
        origins=masked(case.origins, undecided),
        n_voices=masked(case.n_voices, "0"),
        n_agreeing=masked(case.n_agreeing, "0"),
        evidence={cell: spans for cell, spans in case.evidence.items() if cell in kept_cells},
    )
