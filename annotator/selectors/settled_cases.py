"""What gold of cases is now, with all that its rows hold."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db.models import Q
from numpy.typing import NDArray

from annotator.core.disputes import kind_of, pattern_of
from annotator.core.resolution import evidence_of
from annotator.core.settled import (
    Decided,
    Evidence,
    Settled,
    answers_at,
    basis_of,
    machine_codes,
    settle,
    spoken,
)
from annotator.core.voices import NO_CODE, NO_URGENCY, Codes, Voices
from annotator.models import Case, Decision, Gold, Project, Reading, StudyRules
from annotator.selectors.rules import resolution_rules, rules_of
from annotator.selectors.schemas import parsed_schema
from annotator.selectors.voices import (
    Spoken,
    codes_of,
    decided_in,
    excluded_at,
    held_bodies,
    machine_labels,
    spoken_in,
    wanted_of,
)
from labeling.core.schema import Schema
from labeling.core.values import CODE_OF_STATE, NO_URGENCY_CODE, Missing

UNDECIDED: str = CODE_OF_STATE[Missing.NOT_ASKED]
_MOST_SHOWN = 9
# What the column holds; more voices than fit do not tell patterns apart any more.
_PATTERN_LENGTH = 100


@dataclass(frozen=True, slots=True)
class Disputed:
    """A cell that needs a person."""

    cell: str
    kind: str
    pattern: str
    basis: str


@dataclass(frozen=True, slots=True)
class SettledCase:
    """Gold of a case as its row holds it. `is_gold`: somebody has read it, or it is excluded."""

    case: Case
    is_gold: bool
    state: Gold.State
    cells: tuple[str, ...]
    values: str
    urgencies: str
    origins: str
    n_voices: str
    n_agreeing: str
    evidence: dict[str, list[list[int]]]
    reading_pks: list[int]
    decided: tuple[Decided, ...]
    disputes: tuple[Disputed, ...]
    rules_version: int


def settled_cases(project: Project, cases: Sequence[Case]) -> Iterator[SettledCase]:
    """Gold of `cases`, which are of the project."""
    schema, stored_rules = parsed_schema(project.schema), rules_of(project)
    rules = resolution_rules(stored_rules)
    pks = [case.pk for case in cases]
    said = spoken_in(project, pks, n_cells=len(schema.cells))
    evidence = _evidence(project, cases, said, schema=schema, rules=stored_rules)
    settled = settle(evidence, rules)
    together = spoken(evidence)
    held = held_bodies(said.readings, cases)
    maker = _Maker(schema, evidence, settled, together, stored_rules.version)
    # Each in the order of their keys, in which the voices of a case stand too: bodies fit to `Resolved.agrees`.
    own_of: dict[int, list[Reading]] = {pk: [] for pk in pks}
    for reading in said.readings:
        own_of[reading.case_id].append(reading)
    for place, case in enumerate(cases):
        own = own_of[case.pk]
        bodies = [_with_held(reading.body, held.get((case.pk, reading.prefill_run))) for reading in own]
        yield maker.of_case(case, place, reading_pks=[reading.pk for reading in own], bodies=bodies)


def _evidence(project: Project, cases: Sequence[Case], said: Spoken, *, schema: Schema, rules: StudyRules) -> Evidence:
    pks = [case.pk for case in cases]
    of_cases = Q(case__in=pks)
    decisions = Decision.objects.filter(of_cases, schema=project.schema_id)
    excluded = excluded_at(project, None, within=of_cases)
    n_voices = np.bincount(said.rows.case, minlength=len(pks))
    return Evidence(
        voices=Voices.of_rows(said.rows, n_cases=len(pks)),
        decided=decided_in(decisions, {pk: place for place, pk in enumerate(pks)}, schema),
        is_read=n_voices >= np.maximum(wanted_of(project, rules, pks, within=of_cases), 1),
        is_excluded=np.array([pk in excluded for pk in pks], bool),
        machine=_machine(project, cases, n_cells=len(schema.cells)) if rules.machine_is_voice else None,
    )


def _machine(project: Project, cases: Sequence[Case], *, n_cells: int) -> tuple[Codes, Codes]:
    """What the pre-filling run says of the cases."""
    place = {case.report_id: index for index, case in enumerate(cases) if case.report_id is not None}
    found = list(machine_labels(project, place).values_list("report_id", "values", "urgencies"))
    places = np.array([place[report] for report, _, _ in found], np.int64)
    values = codes_of((said for _, said, _ in found), n_cells)
    urgencies = codes_of((levels for _, _, levels in found), n_cells)
    return machine_codes(places, values, urgencies, n_cases=len(cases))


def _with_held(body: Mapping[str, Any], held: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Whoever started from machine labels holds their evidence, unless they gave their own."""
    if held is None:
        return body
    kept = {cell: entry for cell, entry in held.get("cells", {}).items() if "evidence" in entry}
    own = {cell: entry for cell, entry in body.get("cells", {}).items() if "evidence" in entry}
    return {"cells": kept | own}


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes what rows hold of arrays."""

    schema: Schema
    evidence: Evidence
    settled: Settled
    together: Voices
    rules_version: int

    def of_case(
        self, case: Case, place: int, *, reading_pks: list[int], bodies: Sequence[Mapping[str, Any]]
    ) -> SettledCase:
        """The case at this place; `bodies` are those of its voices."""
        found, cells = self.settled.resolved, tuple(str(cell) for cell in self.schema.cells)
        decided = tuple(each for each in self.settled.decided if each.case == place)
        given = {cells[each.cell]: each.evidence for each in decided if each.evidence}
        disputes = tuple(self._disputed(place, cell) for cell in np.flatnonzero(self.settled.disputes[place]).tolist())
        return SettledCase(
            case=case,
            is_gold=bool(reading_pks) or bool(self.evidence.is_excluded[place]),
            state=self._state(place, n_open=len(disputes)),
            cells=cells,
            values=_text(found.values[place], none=UNDECIDED),
            urgencies="".join(NO_URGENCY_CODE if level == NO_URGENCY else str(level) for level in found.levels[place]),
            origins=_text(found.origins[place], none=UNDECIDED),
            n_voices=_digits(found.n_voices[place]),
            n_agreeing=_digits(found.n_agree[place]),
            evidence=evidence_of(found, bodies, case=place, cells=cells, decided=given),
            reading_pks=sorted(reading_pks),
            decided=decided,
            disputes=disputes,
            rules_version=self.rules_version,
        )

    def _disputed(self, place: int, cell: int) -> Disputed:
        kind = kind_of(int(self.settled.disputes[place, cell]))
        if kind is None:
            raise ValueError("the cell is not disputed")
        return Disputed(
            cell=str(self.schema.cells[cell]),
            kind=kind,
            pattern=pattern_of(answers_at(self.together, case=place, cell=cell))[:_PATTERN_LENGTH],
            basis=basis_of(answers_at(self.evidence.voices, case=place, cell=cell)),
        )

    def _state(self, place: int, *, n_open: int) -> Gold.State:
        if self.evidence.is_excluded[place]:
            return Gold.State.EXCLUDED
        if not self.evidence.is_read[place]:
            return Gold.State.WAITING
        if n_open:
            return Gold.State.IN_ADJUDICATION
        is_whole = bool((self.settled.resolved.values[place] != NO_CODE).all())
        return Gold.State.FINAL if is_whole else Gold.State.WAITING


def _text(codes: NDArray[np.uint8], *, none: str) -> str:
    return bytes(codes).decode("ascii").replace(chr(NO_CODE), none)


def _digits(numbers: NDArray[np.int64]) -> str:
    return "".join(str(min(number, _MOST_SHOWN)) for number in numbers.tolist())
