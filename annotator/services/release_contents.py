"""Gather what a release is made of: gold as it stands, and what its data card says of readers and rules."""

import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from annotator.core.agreement_tables import NAMES, PERCENT
from annotator.core.disputes import lettered
from annotator.core.figure_requests import FigureRequest, Kind, Origin
from annotator.core.releases.formats import GOLD_FILE
from annotator.core.releases.json_lines import read_gold
from annotator.core.releases.records import About, CardTable, Contents, ReleasedCase, only_origins
from annotator.core.releases.requests import KEPT, ORIGIN_NAMES, ReleaseRequest
from annotator.core.releases.splits import split_patients
from annotator.core.resolution import Origin as GoldOrigin
from annotator.exceptions import UserError
from annotator.models import Evaluation, Gold, NeedsPerson, Project, Release, StudyRules
from annotator.selectors.matrices import inputs_of
from annotator.selectors.moments import at_one_moment
from annotator.selectors.releases import (
    SpeakingReading,
    cases_by_state,
    drawn_cases,
    frozen_releases,
    gold_rows,
    readings_by_arm,
    releasable,
    released_case,
    speaking_readings,
    standing_guidelines,
)
from annotator.selectors.rules import rules_of
from annotator.selectors.schemas import parsed_schema
from annotator.services.figure_kinds import reader_figures
from annotator.services.figure_sources import open_source
from labeling.core.evaluation.ratings import RatingsError

_SHOWN: Final = (PERCENT, "krippendorff_alpha", "gwet_ac1")


def folder_of(release: Release) -> Path:
    """Where the files of a release lie."""
    return Path(settings.RELEASE_DIR) / release.folder


def gather(release: Release, *, now: datetime) -> Contents:
    """The contents of a release, read at one moment. Raises `UserError` and `ReleaseError` when there can be none."""
    with at_one_moment():
        return _gathered(release, now=now)


def _gathered(release: Release, *, now: datetime) -> Contents:
    project, request = release.project, ReleaseRequest.of_json(release.request)
    if project.schema_id != release.schema_id:
        raise UserError("the project has another schema by now; ask for the release anew")
    cases, rules_seen = _cases(project, request)
    spoken = speaking_readings(project)
    about = _about(release, request, rules_seen=rules_seen, spoken=spoken)
    if not cases:
        raise UserError("no case can be released yet: none is final. Gold is made when cases are read and settled")
    cases = _split(project, request, cases)
    tables = _agreement(project, spoken)
    return Contents(
        name=release.name,
        frozen_at=now.isoformat(timespec="seconds"),
        schema=parsed_schema(release.schema),
        schema_source=release.schema.source,
        cases=cases,
        origin_names=dict(ORIGIN_NAMES),
        about=replace(about, agreement=tables),
    )


def _cases(project: Project, request: ReleaseRequest) -> tuple[tuple[ReleasedCase, ...], Counter[int]]:
    """Cases with the cells whose origin is not asked for undecided, and how many were settled by which rules."""
    kept, undecided = KEPT[request.origins], GoldOrigin.UNDECIDED
    cells = [str(cell) for cell in parsed_schema(project.schema).cells]
    rules_seen: Counter[int] = Counter()
    drawn, cases = drawn_cases(project), []
    for row in gold_rows(releasable(project, only_final=request.only_final), with_texts=request.with_texts):
        rules_seen[row["rules_version"]] += 1
        cases.append(only_origins(released_case(row, drawn=drawn), cells=cells, kept=kept, undecided=undecided))
    return tuple(cases), rules_seen


def _split(project: Project, request: ReleaseRequest, cases: tuple[ReleasedCase, ...]) -> tuple[ReleasedCase, ...]:
    if not request.fractions:
        return cases
    fixed: Mapping[str, str] = {}
    if request.splits_of:
        earlier = frozen_releases(project).filter(name=request.splits_of).first()
        if earlier is None:
            raise UserError(f"there is no frozen release {request.splits_of!r} to keep the splits of")
        fixed = {case.patient_key: case.split for case in read_gold(folder_of(earlier) / GOLD_FILE)}
    split_of = split_patients(cases, fractions=request.fractions, seed=request.seed, fixed=fixed)
    return tuple(replace(case, split=split_of[case.patient_key]) for case in cases)


def _about(
    release: Release, request: ReleaseRequest, *, rules_seen: Counter[int], spoken: Sequence[SpeakingReading]
) -> About:
    project = release.project
    states, rules = cases_by_state(project), rules_of(project)
    taken = sum(rules_seen.values())
    stale = taken - rules_seen[rules.version]
    limits = [f"{stale:,} cases were settled by an earlier version of the rules."] if stale else []
    if request.origins == "all":
        limits.append("Assisted cells may lean towards what the machine said; choose by origin where that matters.")
    return About(
        project=project.name,
        description=release.description,
        guidelines=standing_guidelines(project),
        selection={
            "only final cases": request.only_final,
            "cases released": taken,
            "cases of the project by state": {str(Gold.State(name).label): count for name, count in states.items()},
            "report texts": request.with_texts,
        },
        resolution=_rules_in_words(rules) | {"origins released": request.origins},
        splits={"shares": dict(request.fractions), "seed": request.seed, "kept from": request.splits_of or None}
        if request.fractions
        else {},
        software=_software(),
        arms=_arms(spoken),
        limits=tuple(limits),
    )


def _rules_in_words(rules: StudyRules) -> dict[str, Any]:
    said: dict[str, Any] = {"cells that an adjudicator decides": rules.get_needs_person_display()}
    if rules.needs_person == NeedsPerson.MAJORITY:
        said["voices that make a majority"] = rules.majority_of
    if rules.needs_person == NeedsPerson.WEIGHTED:
        said["share of the weights that is enough"] = rules.weighted_share
    return said | {
        "version of the rules": rules.version,
        "differences in certainty are disputed": rules.disputes_certainty,
        "differences in urgency are disputed": rules.disputes_urgency,
        "machine labels are a voice": rules.machine_is_voice,
    }


def _software() -> dict[str, str]:
    names = {"NumPy": "numpy", "pyarrow": "pyarrow", "Django": "django"}
    return {"Python": platform.python_version()} | {name: version(package) for name, package in names.items()}


def _arms(spoken: Sequence[SpeakingReading]) -> tuple[CardTable, ...]:
    rows = tuple(readings_by_arm(spoken))
    if not rows:
        return ()
    columns = ("arm", "readings", "cases", "median seconds a reading")
    note = "What pre-filling did to the answers is estimated on the page Arms of the dashboard, with intervals."
    return (CardTable(caption="Readings by arm", columns=columns, rows=rows, note=note),)


def _agreement(project: Project, spoken: Sequence[SpeakingReading]) -> tuple[CardTable, ...]:
    """Agreement of readers by finding, as the dashboard computes it, with letters in place of names."""
    counts = Counter(reading.reader for reading in spoken)
    # In the order of names, letters would tell who is who.
    by_letter = lettered(counts, secret=settings.PATIENT_KEY_SECRET, place=f"readers of project {project.pk}")
    letters = {name: letter for letter, name in by_letter.items()}
    read = CardTable(
        caption="Readings by reader",
        columns=("reader", "readings"),
        rows=tuple((letter, counts[name]) for letter, name in by_letter.items()),
    )
    request = FigureRequest(Kind.READERS, origin=Origin.BLIND_FIRST)
    evaluation = Evaluation(project=project, schema=project.schema, kind=request.kind, request=request.as_json())
    evaluation.inputs = inputs_of(project, request)
    try:
        result = reader_figures(open_source(evaluation))
    except (UserError, RatingsError):
        return (read,) if counts else ()
    return (read, *_agreement_tables(result, letters))


def _turn(letter: str) -> tuple[int, str]:
    """Letters in the order in which they are given."""
    return len(letter), letter


def _agreement_tables(result: Mapping[str, Any], letters: Mapping[str, str]) -> tuple[CardTable, ...]:
    agreed = tuple(
        (record["name"], NAMES[record["coefficient"]], *_rounded(record, ""), record["n_units"])
        for record in result["agreed"]
        if record["stage"] == "presence" and record["scope"] == "finding" and record["coefficient"] in _SHOWN
    )
    # By letters: in the order of names, pairs would tell who is who.
    pairs = [
        (
            ", ".join(sorted((letters[record["first"]], letters[record["second"]]), key=_turn)),
            *_rounded(record, "cohen_kappa"),
            record["n_units"],
        )
        for record in result["pairs"]
        if record["stage"] == "presence" and record["scope"] not in ("finding", "target", "cell")
    ]
    # By letters: in the order of names, pairs would tell who is who.
    pairs.sort(key=lambda row: row[0])
    ends = ("value", "low", "high", "case-cells")
    among = "Among readers who say whether it is there; blind readings where a case has any. 95 % intervals by patient."
    return (
        CardTable(caption="Agreement by finding", columns=("finding", "coefficient", *ends), rows=agreed, note=among),
        CardTable(caption="Cohen κ of two readers", columns=("readers", *ends), rows=tuple(pairs)),
    )


def _rounded(record: Mapping[str, Any], name: str) -> tuple[float | None, ...]:
    keys = (name, f"{name}_low", f"{name}_high") if name else ("value", "low", "high")
    return tuple(None if record[key] is None else round(record[key], 3) for key in keys)
