"""Gold as arrays, made of what was stored when figures were asked for.

Gold rows change whenever a case is settled; what they are made of is kept, so that the gold of then can be made again:
readings and decisions up to a key, exclusions at a time, and the rules, which are kept with the inputs. How many
readings a case takes is kept as a hash: figures that are computed after it has changed are refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
from django.db.models import Count, Max, Q

from annotator.core.figure_requests import GOLD, fingerprint
from annotator.core.gold_truths import GoldTruth, gold_truth
from annotator.core.reading_origins import Revisions
from annotator.core.resolution import BLIND_ORIGINS, Decisions, Resolved, resolve
from annotator.core.settled import Decided, Evidence, blind_decisions, machine_codes, settle, settle_blind
from annotator.core.voices import Bools, Codes, Rows, Rules, Voices, Way
from annotator.models import Decision, Exclusion, Gold, Project, Reads
from annotator.selectors.case_axes import CaseAxis, extent, found_places
from annotator.selectors.rules import resolution_rules, rules_of
from annotator.selectors.stretches import Stretch
from annotator.selectors.vector_rows import VectorRows, vector_rows
from annotator.selectors.voices import decided_in, excluded_at, wanted_of, wanted_seats
from labeling.core.schema import Schema
from labeling.exceptions import UserError
from labeling.models import MachineLabel
from labeling.selectors import prefill_run


def has_gold(project: Project) -> bool:
    """Whether a case of the project is final under its schema."""
    return Gold.objects.filter(project=project, schema=project.schema_id, state=Gold.State.FINAL).exists()


def has_blind_gold(project: Project) -> bool:
    """Whether any cell has gold of blind origin."""
    blind = f"[{''.join(BLIND_ORIGINS)}]"
    return Gold.objects.filter(project=project, schema=project.schema_id, origins__regex=blind).exists()


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
        "wanted": _wanted(project),
        "machine": None if run is None else {"run": run.pk, **extent(MachineLabel.objects.filter(run=run))},
    }


def _wanted(project: Project) -> dict[str, Any]:
    """Tells how many readings each case takes, as it is now."""
    rules = rules_of(project)
    if rules.reads == Reads.OPEN:
        return {"readers_per_case": rules.readers_per_case}
    seats = wanted_seats(project).order_by().values_list("case").annotate(n=Count("pk"))
    return {"readers_per_case": rules.readers_per_case, "seats": fingerprint({str(case): n for case, n in seats})}


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
    blind = settle_blind(evidence, settled, rules)
    made = _Made(evidence.voices, settled.decisions, settled.resolved, settled.counts)
    if truth == GOLD:
        alone = evidence.voices.only(evidence.voices.is_blind)
        made = _Made(alone, blind_decisions(settled), blind, settled.counts)
    without = {names[reader]: made.without(reader, rules) for reader in np.unique(spoken.reader).tolist()}
    return gold_truth(settled.resolved, blind, without, truth=truth, axis=(source.axis.keys, cells))


def _evidence(source: GoldSource, voices: Voices) -> Evidence:
    project, pks = source.project, source.axis.pks.tolist()
    if _wanted(project) != source.inputs["wanted"]:
        raise UserError("seats or rules have changed since these figures were asked for; ask for them again")
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
    labels = rows.values[known], rows.urgencies[known]
    return machine_codes(place[known], *labels, n_cases=len(source.axis.pks))


@dataclass(frozen=True, slots=True)
class _Made:
    """Gold, and the voices and decisions that it is made of, in cases that count."""

    voices: Voices
    decisions: Decisions
    gold: Resolved
    counts: Bools

    def without(self, reader: int, rules: Rules) -> Resolved:
        """The same as others and adjudicators make it, where the reader is a voice of it."""
        theirs = np.flatnonzero((self.voices.readers == reader).any(axis=0) & self.counts)
        others = self.voices.of_cases(theirs)
        others = others.only((others.readers != reader) & others.is_there)
        rules = replace(rules, at_least=max(1, rules.at_least - 1))  # one voice less is there
        return self.gold.but(theirs, resolve(others, rules, self.decisions.of_cases(theirs)))
