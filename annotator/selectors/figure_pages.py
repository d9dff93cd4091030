"""What the pages of the dashboard share: what to choose from, what was chosen, and how old the figures are."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404

from annotator.core.figure_requests import (
    GOLD,
    GOLD_ADJUDICATED,
    GOLD_ANY,
    GOLD_ASSISTED,
    GOLDS,
    MAJORITY,
    METHOD_VERSION,
    FigureRequest,
    Kind,
    Level,
    Origin,
    RequestError,
    fingerprint,
)
from annotator.core.figure_results import levels_of
from annotator.models import Evaluation, Project, Reading, User
from annotator.selectors.gold_matrices import has_blind_gold, has_gold
from annotator.selectors.schemas import parsed_schema
from labeling.models import Run
from labeling.selectors import prefill_run
from labeling.selectors.comparisons import comparable_runs

ORIGIN_WORDS: Final[Mapping[Origin, str]] = {
    Origin.BLIND_FIRST: "blind readings, else all",
    Origin.BLIND: "blind readings only",
    Origin.ALL: "all readings",
}
TRUTH_WORDS: Final[Mapping[str, str]] = {
    GOLD: "gold of blind origin",
    GOLD_ANY: "gold of any origin",
    GOLD_ADJUDICATED: "gold that was adjudicated",
    GOLD_ASSISTED: "gold of assisted origin",
    MAJORITY: "what most readers say",
}
LEVEL_WORDS: Final[Mapping[Level, str]] = {
    Level.CELLS: "every cell of the schema",
    Level.GROUPS: "groups of findings and targets",
    Level.WIDE: "widest groups, such as any abnormality",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing to choose."""

    value: str
    words: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Choices:
    """The form of a page of the dashboard."""

    runs: list[Choice]
    others: list[Choice]
    truths: list[Choice]
    origins: list[Choice]
    levels: list[Choice]

    @property
    def n_readers(self) -> int:
        """Those who submitted a reading: all that can be the truth but the majority and gold."""
        return sum(choice.value not in TRUTH_WORDS for choice in self.truths)


def readers_of(project: Project) -> list[str]:
    """Names of those who submitted a reading under the schema of the project."""
    theirs = Reading.objects.filter(reader=OuterRef("pk"), project=project, schema=project.schema)
    return list(User.objects.filter(Exists(theirs)).order_by("username").values_list("username", flat=True))


def request_of(project: Project, kind: Kind, query: Mapping[str, str]) -> FigureRequest:
    """What the address asks for; a run that it does not name is the one readers start from, else the latest.

    Where it does not name the run to compare with, that is the latest other one. Where it names no truth, that is gold
    if the project has any: of blind origin, or where there is none of that, of assisted origin by its own name. 404 for
    what it cannot ask for, and for runs that the project does not have.
    """
    try:
        request = FigureRequest.of(kind, query)
    except RequestError as error:
        raise Http404("no such figures") from error
    if request.level not in levels_of(parsed_schema(project.schema)):
        raise Http404("the schema of this project has no such groups")
    _require_runs(project, request)
    if request.reader and request.reader not in readers_of(project):
        raise Http404("no such reader in this project")
    if "truth" not in query and kind != Kind.READERS and has_gold(project):
        request = replace(request, truth=GOLD if has_blind_gold(project) else GOLD_ASSISTED)
    if kind == Kind.READERS or (request.run and (request.other or kind != Kind.COMPARISON)):
        return request
    offered = [run for run, _ in _offered(project, request)]
    first = next((run for run in offered if run.is_prefill), None)
    chosen = first or next(iter(offered), None)
    run = request.run or (str(chosen.run_id) if chosen else "")
    if kind != Kind.COMPARISON:
        return replace(request, run=run)
    others = (str(each.run_id) for each in offered if str(each.run_id) != run)
    return replace(request, run=run, other=request.other or next(others, ""))


def _offered(project: Project, request: FigureRequest) -> list[tuple[Run, str]]:
    """The latest runs under the schema of the project, and older ones that are asked for or that readers start from."""
    kept = {UUID(run) for run in request.runs}
    first = prefill_run(project)
    if first is not None and first.schema_id == project.schema_id:
        kept.add(first.run_id)
    return comparable_runs(project, schema_id=project.schema_id, kept=kept)


def _require_runs(project: Project, request: FigureRequest) -> None:
    wanted = {UUID(run) for run in request.runs}
    if Run.objects.filter(project=project, schema=project.schema, run_id__in=wanted).count() != len(wanted):
        raise Http404("no such run under the schema of this project")


def choices_of(project: Project, request: FigureRequest) -> Choices:
    """What the form of the page offers."""
    runs = [
        (str(run.run_id), f"{name} · {run.started_at:%Y-%m-%d %H:%M} UTC{' · pre-fill' if run.is_prefill else ''}")
        for run, name in _offered(project, request)
    ]
    levels = [(each, LEVEL_WORDS[each]) for each in levels_of(parsed_schema(project.schema))]
    of_gold = GOLDS if request.is_of_gold or has_gold(project) else ()
    truths = [(each, TRUTH_WORDS[each]) for each in (*of_gold, MAJORITY)]
    truths += [(name, f"what {name} says") for name in readers_of(project)]
    return Choices(
        runs=_choices(runs, request.run),
        others=_choices(runs, request.other),
        truths=_choices(truths, request.truth),
        origins=_choices(list(ORIGIN_WORDS.items()), request.origin),
        levels=_choices(levels, request.level),
    )


def _choices(pairs: list[Any], chosen: str) -> list[Choice]:
    return [Choice(str(value), words, value == chosen) for value, words in pairs]


def stored_figures(project: Project, request: FigureRequest | None = None) -> QuerySet[Evaluation]:
    """Evaluations of the project by the present method, under its present schema; of `request`, or of any."""
    stored = Evaluation.objects.filter(project=project, schema=project.schema, inputs__method=METHOD_VERSION)
    return stored if request is None else stored.filter(request_hash=fingerprint(request.as_json()))


def evaluation_of(project: Project, evaluation_id: int) -> Evaluation:
    """The evaluation of this project; 404 for another's."""
    found = Evaluation.objects.filter(project=project, pk=evaluation_id).select_related("schema").first()
    if found is None:
        raise Http404("no such figures in this project")
    return found


# What the form of a page sets; the rest of a request is the same for all pages.
_ASKED: Final = ("run", "other", "truth", "origin", "level")


def query_of(evaluation: Evaluation) -> str:
    """The address of a page that asks for the same figures, after its `?`."""
    return _query(evaluation.request)


def carried_query(query: Mapping[str, str]) -> str:
    """What was chosen on one page of the dashboard, for the next."""
    return _query(query)


def _query(asked: Mapping[str, str]) -> str:
    """Without what is empty, but for the truth: no name there asks for what most readers say, not for gold."""
    return urlencode({name: asked[name] for name in _ASKED if name in asked and (asked[name] or name == "truth")})


def truth_words(truth: str) -> str:
    """What is taken to be true."""
    return TRUTH_WORDS.get(truth, f"what {truth} says")
