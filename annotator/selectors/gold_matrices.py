"""Gold as arrays, made of what was stored when figures were asked for.

Gold rows change whenever a case is settled; what they are made of is kept, so that the gold of then can be made again:
readings and decisions up to a key, exclusions at a time, and the rules, which are kept with the inputs. Only how many
readings a case takes is as it is now.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
from django.db.models import Max, Q

from annotator.core.gold_truths import GoldTruth, chosen_origins, gold_truth
from annotator.core.reading_origins import Revisions
from annotator.core.resolution import BLIND_ORIGINS, Resolved, resolve
from annotator.core.settled import Decided, Evidence, Settled, decisions_of, settle
from annotator.core.voices import NO_CODE, PRESENCE_OF_CODE, UNSAID, Codes, Rows, Rules, Voices, Way
from annotator.models import Decision, Exclusion, Gold, Project, Reads
from annotator.selectors.case_axes import CaseAxis, extent, found_places
from annotator.selectors.rules import resolution_rules, rules_of
from annotator.selectors.stretches import Stretch
from annotator.selectors.vector_rows import VectorRows, vector_rows
from annotator.selectors.voices import decided_in, excluded_at, wanted_of, wanted_seats
from labeling.core.schema import Schema
from labeling.models import MachineLabel
from labeling.selectors import prefill_run


def has_gold(project: Project) -> bool:
    """Whether a case of the project is final under its schema."""
    return Gold.objects.filter(project=project, schema=project.schema_id, state=Gold.State.FINAL).exists()


def last_exclusion(project: Project) -> str:
    """When a case was last excluded or taken in again; empty when none ever was."""
    last = Exclusion.objects.filter(project=project).aggregate(began=Max("excluded_at"), ended=Max("ended_at"))
    return max((at.isoformat() for at in last.values() if at is not None), default="")


def excluded_by(project: Project, inputs: Mapping[str, Any]) -> list[int]:
    """Keys of the cases that were excluded when figures were asked for."""
    if not inputs["excluded"]:
        return []
    return sorted(excluded_at(project, datetime.fromisoformat(inputs["excluded"]), within=Q()))


def gold_inputs(project: Project) -> dict[str, Any]:
    """What gold is made of beside readings and exclusions, as it is now."""
    stored = rules_of(project)
    rules = resolution_rules(stored)
    run = prefill_run(project) if stored.machine_is_voice else None
    return {
        "rules": {
            "way": rules.way,
            "at_least": rules.at_least,
            "share": rules.share,
            "weights": {str(reader): weight for reader, weight in sorted(rules.weights.items())},
            "by_certainty": rules.by_certainty,
            "by_urgency": rules.by_urgency,
        },
        "decisions": extent(Decision.objects.filter(project=project, schema=project.schema_id)),
        "seats": wanted_seats(project).count() if stored.reads != Reads.OPEN else None,
        "readers_per_case": stored.readers_per_case,
        "has_blind": _has_blind(project),
        "machine": None if run is None else {"run": run.pk, **extent(MachineLabel.objects.filter(run=run))},
    }


def _has_blind(project: Project) -> bool:
    """Whether any cell has gold of blind origin."""
    blind = f"[{''.join(BLIND_ORIGINS)}]"
    return Gold.objects.filter(project=project, schema=project.schema_id, origins__regex=blind).exists()


def _rules(stored: Mapping[str, Any]) -> Rules:
    weights = {int(reader): weight for reader, weight in stored["weights"].items()}
    return Rules(**(dict(stored) | {"way": Way(stored["way"]), "weights": weights}))


@dataclass(frozen=True, slots=True)
class GoldSource:
    """Of which cases and cells gold is asked for, and the `inputs` that `gold_inputs` made."""

    project: Project
    schema: Schema
    axis: CaseAxis
    stretch: Stretch
    inputs: Mapping[str, Any]


def gold_of(
    source: GoldSource, rows: VectorRows, revisions: Revisions, *, names: Mapping[int, str], truth: str
) -> GoldTruth:
    """Gold of the cases of the axis as the `truth` that was asked for; `rows` are all readings that can count."""
    place, known = found_places(source.axis.pks, revisions.case)
    speaks = revisions.speaking() & known
    spoken = Rows(
        place[speaks], revisions.reader[speaks], revisions.blind()[speaks], rows.values[speaks], rows.urgencies[speaks]
    )
    rules, cells = _rules(source.inputs["rules"]), source.stretch.cells(source.schema)
    evidence = _evidence(source, Voices.of_rows(spoken, n_cases=len(source.axis.pks)))
    settled = settle(evidence, rules)
    without = {
        names[reader]: _without(reader, evidence, settled, rules) for reader in np.unique(spoken.reader).tolist()
    }
    chosen = chosen_origins(truth, has_blind=source.inputs["has_blind"])
    return gold_truth(settled.resolved, without, name=truth, chosen=chosen, axis=(source.axis.keys, cells))


def _evidence(source: GoldSource, voices: Voices) -> Evidence:
    project, pks = source.project, source.axis.pks.tolist()
    decisions = Decision.objects.filter(
        project=project, schema=project.schema_id, pk__lte=source.inputs["decisions"]["last"]
    )
    place_of = {pk: place for place, pk in enumerate(pks)}
    wanted = wanted_of(project, rules_of(project), pks, within=Q())
    return Evidence(
        voices=voices,
        decided=_in_stretch(decided_in(decisions, place_of, source.schema), source.stretch),
        is_read=voices.is_there.sum(axis=0) >= np.maximum(wanted, 1),
        is_excluded=np.zeros(len(pks), bool),
        machine=_machine(source),
    )


def _in_stretch(decided: list[Decided], stretch: Stretch) -> list[Decided]:
    """Those on cells of the stretch, by their places in it."""
    place_of = {cell: place for place, cell in enumerate(stretch.places)}
    return [each.at(place_of[each.cell]) for each in decided if each.cell in place_of]


def _machine(source: GoldSource) -> tuple[Codes, Codes] | None:
    """What the machine says where it is a voice."""
    machine = source.inputs["machine"]
    if machine is None:
        return None
    found = MachineLabel.objects.filter(run=machine["run"], pk__lte=machine["last"])
    rows = vector_rows(found, ("report_id",), source.stretch)
    place, known = found_places(source.axis.report_pks, rows.numbers[0])
    shape = (len(source.axis.pks), len(source.stretch.places))
    values, urgencies = (np.full(shape, NO_CODE, np.uint8) for _ in range(2))
    is_answer = PRESENCE_OF_CODE[rows.values[known]] != UNSAID
    values[place[known]] = np.where(is_answer, rows.values[known], np.uint8(NO_CODE))
    urgencies[place[known]] = np.where(is_answer, rows.urgencies[known], np.uint8(NO_CODE))
    return values, urgencies


def _without(reader: int, evidence: Evidence, settled: Settled, rules: Rules) -> Resolved:
    """Gold as others and adjudicators make it, of the cases that the reader read and that count."""
    voices = evidence.voices
    theirs = np.flatnonzero((voices.readers == reader).any(axis=0) & evidence.is_read)
    others = voices.of_cases(theirs)
    others = others.only((others.readers != reader) & others.is_there)
    decisions = decisions_of(settled.decided, voices.values.shape[1:]).of_cases(theirs)
    rules = replace(rules, at_least=max(1, rules.at_least - 1))  # one voice less is there
    return resolve(others, rules, decisions).spread(theirs, n_cases=len(evidence.is_read))
