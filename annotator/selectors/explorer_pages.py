"""The page with the cases behind a figure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from annotator.core.explored_kinds import JUDGED_WORDS, KIND_MEANINGS, KIND_WORDS, PAIR_KINDS
from annotator.core.explored_places import Place
from annotator.core.figure_requests import Level
from annotator.core.figure_results import cells_at
from annotator.models import Project
from annotator.selectors.explored_cases import ExploredCase, explored_cases
from annotator.selectors.explorer import Asked, AsOf, Loaded, as_of, asked_of, found_in, load, mask_of
from annotator.selectors.figure_pages import Choice, Choices, choices_of
from annotator.selectors.schemas import parsed_schema
from labeling.core.schema import Schema
from labeling.exceptions import UserError

PAGE_SIZE: Final = 20


@dataclass(frozen=True, slots=True)
class KindTab:
    """A kind to look at, and how many cells of cases are of it."""

    name: str
    words: str
    meaning: str
    judged: str
    n: int
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class PlaceChoices:
    """Targets and findings to choose from, each with "all" first."""

    targets: list[Choice]
    findings: list[Choice]


@dataclass(frozen=True, slots=True)
class ExploredList:
    """What was found: the tabs, numbers of the chosen kind, and one page of its cases, counted from 1."""

    tabs: list[KindTab]
    n_cells: int
    n_judged: int
    n_cases: int
    n_read: int
    is_blind: bool
    n_left_out: int
    rows: list[ExploredCase]
    number: int
    n_pages: int

    @property
    def chosen(self) -> KindTab:
        """The tab whose cases are listed."""
        return next(tab for tab in self.tabs if tab.is_chosen)

    @property
    def before(self) -> int | None:
        """Number of the page before."""
        return self.number - 1 if self.number > 1 else None

    @property
    def after(self) -> int | None:
        """Number of the page behind."""
        return self.number + 1 if self.number < self.n_pages else None


@dataclass(frozen=True, slots=True)
class ExplorerPage:
    """The page. `found` is None when nothing can be listed: `problem` says why, and is empty otherwise."""

    asked: Asked
    title: str
    choices: Choices
    places: PlaceChoices
    basis: AsOf
    found: ExploredList | None
    problem: str

    @property
    def has_run(self) -> bool:
        """Whether a labeler is judged."""
        return bool(self.asked.request.run)

    @property
    def has_other(self) -> bool:
        """Whether the labeler is A of two that are compared."""
        return bool(self.asked.request.other)

    @property
    def shows_cells(self) -> bool:
        """Whether the list says which cell a line is about."""
        return self.has_level or not self.asked.place.is_one

    @property
    def figures_query(self) -> str:
        """What the page of the figures is asked for."""
        request = self.asked.request
        parts = {
            "run": request.run,
            "other": request.other,
            "truth": request.truth,
            "origin": request.origin,
            "level": request.level,
        }
        return urlencode({name: str(value) for name, value in parts.items() if value})

    @property
    def has_level(self) -> bool:
        """Whether groups are what is listed."""
        return self.asked.request.level != Level.CELLS


def explorer_page(project: Project, query: Mapping[str, str]) -> ExplorerPage:
    """What the address asks for; 404 for what the project or its schema does not have."""
    schema = parsed_schema(project.schema)
    asked = asked_of(project, query, schema=schema)
    basis = as_of(project, asked)
    found, problem = None, ""
    try:
        loaded = load(project, asked, schema=schema, inputs=basis.inputs)
        require_kind(asked, loaded)
        found = _found(asked, loaded, schema=schema, basis=basis)
    except UserError as error:
        problem = str(error)
    return ExplorerPage(
        asked=asked,
        title=place_words(asked.place, schema),
        choices=choices_of(project, asked.request),
        places=_place_choices(asked, schema),
        basis=basis,
        found=found,
        problem=problem,
    )


def require_kind(asked: Asked, loaded: Loaded) -> None:
    """Raises `UserError` for a kind of a labeler where none is judged, and of two where one is."""
    if asked.kind in PAIR_KINDS and asked.kind not in loaded.explored.kinds:
        raise UserError("which of two runs is right alone takes two runs; choose them where labelers are compared")
    if asked.kind not in loaded.explored.kinds:
        raise UserError("readers are not judged against a truth here; choose a run to see what it missed or invented")


def place_words(place: Place, schema: Schema) -> str:
    """The cells in words."""
    known = schema.target_by_name.get(place.target)
    target = known.title if known else place.target
    if place.is_one:
        return f"{target}, {place.finding}"
    return target or place.finding or "All cells"


def _found(asked: Asked, loaded: Loaded, *, schema: Schema, basis: AsOf) -> ExploredList:
    cases = found_in(mask_of(asked, loaded, asked.kind), by_count=not asked.place.is_one)
    n_pages = max(1, -(-len(cases) // PAGE_SIZE))
    number = min(max(1, asked.page), n_pages)
    shown = cases[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
    return ExploredList(
        tabs=_tabs(asked, loaded),
        n_cells=sum(n for _, n in cases),
        n_judged=loaded.explored.n_judged(asked.kind),
        n_cases=len(cases),
        n_read=len(loaded.matrix.axis.pks),
        is_blind=loaded.matrix.is_blind,
        n_left_out=loaded.matrix.n_left_out,
        rows=explored_cases(shown, asked=asked, loaded=loaded, schema=schema, inputs=basis.inputs),
        number=number,
        n_pages=n_pages,
    )


def _tabs(asked: Asked, loaded: Loaded) -> list[KindTab]:
    return [
        KindTab(
            name=str(kind),
            words=KIND_WORDS[kind],
            meaning=KIND_MEANINGS[kind],
            judged=JUDGED_WORDS[kind],
            n=int(mask_of(asked, loaded, kind).sum()),
            is_chosen=kind == asked.kind,
        )
        for kind in loaded.explored.kinds
    ]


def _place_choices(asked: Asked, schema: Schema) -> PlaceChoices:
    cells = cells_at(schema, asked.request.level)
    title_of = {target.name: target.title for target in schema.targets}
    targets = {cell.target: title_of.get(cell.target, cell.target) for cell in cells}
    findings = {cell.finding: cell.finding for cell in cells}
    return PlaceChoices(_choices(targets, asked.place.target), _choices(findings, asked.place.finding))


def _choices(words: Mapping[str, str], chosen: str) -> list[Choice]:
    return [Choice("", "all", not chosen), *(Choice(name, word, name == chosen) for name, word in words.items())]
