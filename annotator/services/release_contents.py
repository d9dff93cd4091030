"""Gather what a release is made of: gold as it stands, and what its data card says of readers and rules."""

import hmac
import platform
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from annotator.core.agreement_tables import NAMES, PERCENT
from annotator.core.figure_requests import FigureRequest, Kind, Origin
from annotator.core.releases.formats import GOLD_FILE
from annotator.core.releases.json_lines import read_gold
from annotator.core.releases.records import About, CardTable, Contents, ReleasedCase, only_origins
from annotator.core.releases.requests import KEPT, ORIGIN_NAMES, ReleaseRequest
from annotator.core.releases.splits import split_patients
from annotator.core.resolution import Origin as GoldOrigin
from annotator.exceptions import UserError
from annotator.models import Evaluation, Gold, Project, Release
from annotator.selectors.matrices import inputs_of
from annotator.selectors.releases import (
    cases_by_state,
    frozen_releases,
    gold_rows,
    readings_by_arm,
    readings_by_reader,
    releasable,
    released_case,
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
    project, request = release.project, ReleaseRequest.of_json(release.request)
    if project.schema_id != release.schema_id:
        raise UserError("the project has another schema by now; ask for the release anew")
    cases, rules_seen = _cases(project, request)
    about = _about(release, request, rules_seen=rules_seen)
    if not cases:
        raise UserError("no case can be released yet: none is final. Gold is made when cases are read and settled")
    cases = _split(project, request, cases)
    tables = _agreement(project)
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
    cases = []
    for row in gold_rows(releasable(project, only_final=request.only_final), with_texts=request.with_texts):
        rules_seen[row["rules_version"]] += 1
        cases.append(only_origins(released_case(row), cells=cells, kept=kept, undecided=undecided))
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


def _about(release: Release, request: ReleaseRequest, *, rules_seen: Counter[int]) -> About:
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
        resolution={
            "cells that an adjudicator decides": rules.get_needs_person_display(),
            "version of the rules": rules.version,
            "differences in certainty are disputed": rules.disputes_certainty,
            "differences in urgency are disputed": rules.disputes_urgency,
            "origins released": request.origins,
        },
        splits={"shares": dict(request.fractions), "seed": request.seed, "kept from": request.splits_of or None}
        if request.fractions
        else {},
        software=_software(),
        arms=_arms(project),
        limits=tuple(limits),
    )


def _software() -> dict[str, str]:
    names = {"NumPy": "numpy", "pyarrow": "pyarrow", "Django": "django"}
    return {"Python": platform.python_version()} | {name: version(package) for name, package in names.items()}


def _arms(project: Project) -> tuple[CardTable, ...]:
    rows = tuple(readings_by_arm(project))
    if not rows:
        return ()
    columns = ("arm", "readings", "cases", "median seconds a reading")
    note = "What pre-filling did to the answers is estimated on the page Arms of the dashboard, with intervals."
    return (CardTable(caption="Readings by arm", columns=columns, rows=rows, note=note),)


def _agreement(project: Project) -> tuple[CardTable, ...]:
    """Agreement of readers by finding, as the dashboard computes it, with letters in place of names."""
    counts = readings_by_reader(project)
    # By a keyed hash: in the order of names, letters would tell who is who.
    shuffled = sorted(counts, key=lambda name: _order(project, name))
    letters = {name: _letter(place) for place, name in enumerate(shuffled)}
    read = CardTable(
        caption="Readings by reader",
        columns=("reader", "readings"),
        rows=tuple((letters[name], counts[name]) for name in shuffled),
    )
    request = FigureRequest(Kind.READERS, origin=Origin.BLIND_FIRST)
    evaluation = Evaluation(project=project, schema=project.schema, kind=request.kind, request=request.as_json())
    evaluation.inputs = inputs_of(project, request)
    try:
        result = reader_figures(open_source(evaluation))
    except (UserError, RatingsError):
        return (read,) if counts else ()
    return (read, *_agreement_tables(result, letters))


def _order(project: Project, name: str) -> bytes:
    said = f"readers of project {project.pk}\0{name}"
    return hmac.digest(settings.PATIENT_KEY_SECRET.encode(), said.encode(), "sha256")


def _letter(place: int) -> str:
    """A, B, ..., Z, A2, B2, ..."""
    turn, position = divmod(place, 26)
    return chr(ord("A") + position) + (str(turn + 1) if turn else "")


def _agreement_tables(result: Mapping[str, Any], letters: Mapping[str, str]) -> tuple[CardTable, ...]:
    agreed = tuple(
        (record["name"], NAMES[record["coefficient"]], *_rounded(record, ""), record["n_units"])
        for record in result["agreed"]
        if record["stage"] == "presence" and record["scope"] == "finding" and record["coefficient"] in _SHOWN
    )
    pairs = tuple(
        (
            f"{letters[record['first']]}, {letters[record['second']]}",
            *_rounded(record, "cohen_kappa"),
            record["n_units"],
        )
        for record in result["pairs"]
        if record["stage"] == "presence" and record["scope"] not in ("finding", "target", "cell")
    )
    ends = ("value", "low", "high", "case-cells")
    among = "Among readers who say whether it is there; blind readings where a case has any. 95 % intervals by patient."
    return (
        CardTable(caption="Agreement by finding", columns=("finding", "coefficient", *ends), rows=agreed, note=among),
        CardTable(caption="Cohen κ of two readers", columns=("readers", *ends), rows=pairs),
    )


def _rounded(record: Mapping[str, Any], name: str) -> tuple[float | None, ...]:
    keys = (name, f"{name}_low", f"{name}_high") if name else ("value", "low", "high")
    return tuple(None if record[key] is None else round(record[key], 3) for key in keys)
