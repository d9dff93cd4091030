"""The whole evaluation on one page: its tables, and where they come from."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.timezone import localtime

from annotator.core.figure_requests import FigureRequest, Kind, Level, Origin
from annotator.core.gold_truths import ORIGIN_WORDS as ORIGIN_TITLES
from annotator.core.voices import Way
from annotator.models import Arm, Evaluation, Project
from annotator.selectors.agreement_pages import agreement_page
from annotator.selectors.arm_pages import arms_page
from annotator.selectors.figure_pages import LEVEL_WORDS, ORIGIN_WORDS, request_of, truth_words
from annotator.selectors.labeler_pages import labeler_page
from annotator.selectors.score_pages import score_page
from annotator.selectors.urgency_pages import urgency_page
from annotator.selectors.voices import counting
from annotator.services.figures import Figures
from labeling.models import Run
from labeling.selectors import run_name
from labeling.selectors.run_facts import run_facts

AMONG, SCORED, BY_ARM = "among", "scored", "by_arm"


def parts_of_report(project: Project, query: Mapping[str, str]) -> dict[str, FigureRequest]:
    """What else the report asks for: readers among each other, scores of the run, and both arms where there are both.

    Arms are those of the run that readers start from, whichever run the report is about.
    """
    parts = {
        AMONG: request_of(project, Kind.READERS, query),
        SCORED: request_of(project, Kind.SCORES, query),
    }
    arms = set(counting(project).order_by().values_list("arm", flat=True).distinct())
    if {Arm.BLANK, Arm.PREFILLED} <= arms:
        query = {name: value for name, value in query.items() if name != "run"}
        parts[BY_ARM] = request_of(project, Kind.ARMS, query)
    return parts


def report_page(project: Project, figures: Figures, parts: Mapping[str, Figures]) -> dict[str, Any]:
    """The tables of a labeler with urgencies, those of `parts` that are there, and where the figures come from."""
    done = figures.done
    if done is None:
        raise ValueError("there are no figures to show")
    run = Run.objects.select_related("project", "schema").get(project=project, run_id=done.request["run"])
    shown = labeler_page(done) | {
        "labeler": run_name(run),
        "provenance": list(provenance(done)),
        "run_facts": run_facts(run).facts,
        "run": run,
        "urgency": urgency_page(project, figures, {}),
    }
    pages = {AMONG: agreement_page, SCORED: score_page, BY_ARM: arms_page}
    keys = {AMONG: "agreement", SCORED: "score_tables", BY_ARM: "arms"}
    for name, part in parts.items():
        if part.done is not None and part.done.result is not None:
            shown[keys[name]] = pages[name](project, part, {})
    if "arms" in shown:
        shown["arms_run"] = run_name(Run.objects.get(project=project, run_id=parts[BY_ARM].request.run))
    return shown


def provenance(done: Evaluation) -> Iterator[tuple[str, str]]:
    """What the figures were computed from and how: titles and values."""
    about, asked, inputs = (done.result or {})["about"], done.request, done.inputs
    yield "Project", f"{done.project.name} ({done.project.slug})"
    yield "Schema", f"{done.schema.name} version {done.schema.version}, SHA-256 {done.schema.hash}"
    yield "Truth", truth_words(asked["truth"]) + ("" if asked["truth"] else "; a tie is no truth")
    if "gold" in about:
        yield "Gold", _made_of(about["gold"])
        yield "Gold rules", _rules_words(inputs["gold"]["rules"])
    yield "Readings", f"{ORIGIN_WORDS[Origin(asked['origin'])]}: {_kind_of(about)}"
    yield "Cells", LEVEL_WORDS[Level(asked["level"])]
    yield "Cases", f"{about['n_cases']:,} of {about['n_patients']:,} patients, {about['n_readings']:,} readings"
    yield "Readings by reader", ", ".join(f"{name} {n:,}" for name, n in sorted(about["n_by_reader"].items()))
    yield "Intervals", f"95 %, {asked['n_resamples']:,} resamples of whole patients, seed {asked['seed']}"
    yield "Method", f"version {inputs['method']}, {_software(about)}"
    yield "Labels", f"SHA-256 {(done.result or {}).get('content', '')}"
    yield "Inputs", f"SHA-256 {done.inputs_hash}"
    if done.finished_at:
        yield "Computed", f"{localtime(done.finished_at):%Y-%m-%d %H:%M %Z} in {done.seconds or 0:.1f} s"


def _kind_of(about: dict[str, Any]) -> str:
    words = "made without machine labels"
    if not about["is_blind"]:
        words = f"in {about['n_assisted']:,} cases readers started from machine labels"
    return words + (f"; {about['n_left_out']:,} readings with machine labels left out" if about["n_left_out"] else "")


def _made_of(gold: dict[str, Any]) -> str:
    """Cells of cases by how their gold came about."""
    return ", ".join(
        f"{words} {gold['by_origin'][origin.name.lower()]:,}"
        for origin, words in ORIGIN_TITLES.items()
        if gold["by_origin"][origin.name.lower()]
    )


def _rules_words(rules: dict[str, Any]) -> str:
    shown = dict(rules) if rules["way"] == Way.WEIGHTED else {k: v for k, v in rules.items() if k not in _WEIGHING}
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in sorted(shown.items()))


_WEIGHING = ("share", "weights")


def _software(about: dict[str, Any]) -> str:
    named = sorted(about["software"].items(), reverse=True)  # PostgreSQL keeps no order of keys
    return ", ".join(f"{name} {version}" for name, version in named)
