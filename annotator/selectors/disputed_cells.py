"""What an adjudicator is shown of a case: its disputed cells, and what voices without names say of them."""

import hashlib
import hmac
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings

from annotator.core.disputes import lettered
from annotator.core.voices import AMBIGUOUS, POSITIVE, PRESENCE_OF_CODE
from annotator.models import Case, Decision, Dispute, DisputeKind, Project, Reading, Reason
from annotator.selectors.cases import report_payload
from annotator.selectors.rules import rules_of
from annotator.selectors.schemas import parsed_schema
from annotator.selectors.voices import held_bodies, machine_labels, speaking
from labeling.core.schema import Schema
from labeling.core.values import POSITIVE_VALUES, STATE_OF_CODE, VALUE_CODES
from labeling.models import MachineLabel
from vision.selectors import n_series


@dataclass(frozen=True, slots=True)
class Voice:
    """What one voice says of one cell. `key` tells whose it is, and is no part of what a page gets."""

    key: str
    value: str
    urgency: str
    evidence: list[list[int]]
    comment: str
    image_value: str


@dataclass(frozen=True, slots=True)
class CaseVoices:
    """All voices of a case: readings that count, and the machine's labels where the rules make them a voice.

    `held` are bodies of the machine labels that readings started from, by the key of the reading.
    """

    case: Case
    schema: Schema
    readings: tuple[Reading, ...]
    held: Mapping[int, Mapping[str, Any]]
    machine: MachineLabel | None

    def of(self, cell: str) -> dict[str, Voice]:
        """The voices of a cell by letter. A letter says nothing of who it is, nor of the letters of other cells."""
        place = self.schema.index_of_cell[self.schema.cell_of(cell)]
        spoken = [self._reader(reading, cell, place) for reading in self.readings]
        if self.machine is not None:
            spoken.append(_machine(self.machine, cell, place))
        by_key = {voice.key: voice for voice in spoken if voice.value in VALUE_CODES}
        letters = lettered(by_key, secret=settings.PATIENT_KEY_SECRET, place=f"{self.case.pk}|{cell}")
        return {letter: by_key[key] for letter, key in letters.items()}

    def _reader(self, reading: Reading, cell: str, place: int) -> Voice:
        """A reader who started from machine labels holds their evidence, unless they gave their own."""
        said = reading.body.get("cells", {}).get(cell, {})
        held = self.held.get(reading.pk, {}).get("cells", {}).get(cell, {})
        return Voice(
            key=f"reading {reading.pk}",
            value=reading.values[place],
            urgency=reading.urgencies[place],
            evidence=said.get("evidence", held.get("evidence", [])),
            comment=said.get("comment", ""),
            image_value=said.get("image_value", ""),
        )


def _machine(label: MachineLabel, cell: str, place: int) -> Voice:
    """Without its reason and scores, which would tell that it is the machine."""
    evidence = label.body.get("cells", {}).get(cell, {}).get("evidence", [])
    return Voice(f"label {label.pk}", label.values[place], label.urgencies[place], evidence, "", "")


def voices_of(case: Case) -> CaseVoices:
    """The voices of a case as they are now."""
    return voices_in(case.project, [case])[case.pk]


def voices_in(project: Project, cases: Sequence[Case]) -> dict[int, CaseVoices]:
    """The voices of cases as they are now, by the key of the case."""
    schema, own = parsed_schema(project.schema), defaultdict[int, list[Reading]](list)
    readings = speaking(project, [case.pk for case in cases])
    bodies = held_bodies(readings, cases)
    held = {each.pk: body for each in readings if (body := bodies.get((each.case_id, each.prefill_run))) is not None}
    for reading in readings:
        own[reading.case_id].append(reading)
    machine: dict[int, MachineLabel] = {}
    if rules_of(project).machine_is_voice:
        labels = machine_labels(project, [case.report_id for case in cases if case.report_id is not None])
        machine = {label.report_id: label for label in labels}
    return {
        case.pk: CaseVoices(case, schema, tuple(own[case.pk]), held, machine.get(case.report_id or 0)) for case in cases
    }


def disputed_payload(case: Case) -> dict[str, Any]:
    """The case as docs/adjudication.md describes it, without the addresses. Nothing in it tells who said what."""
    # The disputes first: voices that change in between then have another basis, and a decision on them is refused.
    disputes = _disputes(case)
    revisions = latest_decisions(case)
    voices = voices_of(case)
    found = n_series(case)
    return {
        "case": {"id": case.pk, "key": case.key, "position": case.position},
        "report": report_payload(case),
        "images": {"n_series": found} if found else None,
        "cells": [_cell(dispute, voices, latest=revisions.get(dispute.cell)) for dispute in disputes],
    }


def sealed(about: Dispute | Decision) -> str:
    """What it is based on, for a page to send back.

    Not the hash itself: that is of what readers say, and would tell by trial which voice is the machine's.
    """
    said = f"basis|{about.case_id}|{about.cell}|{about.basis}"
    return hmac.new(settings.PATIENT_KEY_SECRET.encode(), said.encode(), hashlib.sha256).hexdigest()


def mark_of(dispute: Dispute, *, revision: int) -> str:
    """A dispute as it stands, for the box beside it: its key, the number of its last decision, its seal."""
    return f"{dispute.pk} {revision} {sealed(dispute)}"


def _disputes(case: Case) -> list[Dispute]:
    """Disputes of the case in the order of its schema."""
    schema = parsed_schema(case.project.schema)
    order = {str(cell): place for cell, place in schema.index_of_cell.items()}
    rows = Dispute.objects.filter(case=case).exclude(state=Dispute.State.WITHDRAWN).select_related("decision")
    return sorted((row for row in rows if row.cell in order), key=lambda row: order[row.cell])


def latest_decisions(case: Case) -> dict[str, Decision]:
    """The last decision of each cell of the case, taken back or not."""
    rows = Decision.objects.filter(case=case).order_by("cell", "revision")
    return {decision.cell: decision for decision in rows}


def _cell(dispute: Dispute, voices: CaseVoices, *, latest: Decision | None) -> dict[str, Any]:
    spoken = voices.of(dispute.cell)
    answers = [(voice.value, voice.urgency) for voice in spoken.values()]
    return {
        "cell": dispute.cell,
        "kind": dispute.kind,
        "basis": sealed(dispute),
        "revision": latest.revision if latest else 0,
        "voices": [
            {
                "letter": letter,
                "value": voice.value,
                "urgency": voice.urgency,
                "evidence": voice.evidence,
                "comment": voice.comment,
                "image_value": voice.image_value,
            }
            for letter, voice in spoken.items()
        ],
        "decision": decision_payload(dispute.decision) if dispute.decision else None,
        "reasons": {code: guessed_reason(code, kind=dispute.kind, answers=answers) for code in VALUE_CODES},
        "urgency": common_urgency(answers),
    }


def decision_payload(decision: Decision) -> dict[str, Any]:
    """A decision as the page shows it; one that was taken back has no value."""
    return {
        "revision": decision.revision,
        "is_undo": decision.is_undo,
        "value": decision.value,
        "urgency": decision.urgency,
        "reason": decision.reason,
        "note": decision.note,
        "evidence": decision.evidence,
    }


def common_urgency(answers: Iterable[tuple[str, str]]) -> str:
    """The one urgency that positive answers give; empty where they give none, or several."""
    given = {level for value, level in answers if STATE_OF_CODE[value] in POSITIVE_VALUES and level.isdigit()}
    return given.pop() if len(given) == 1 else ""


def guessed_reason(value: str, *, kind: str, answers: Sequence[tuple[str, str]]) -> str:
    """The likeliest reason when a cell whose voices say `answers` is decided to be `value`.

    It goes by what was said, never by who said it, so that it cannot tell which voice is the machine's.
    """
    presence = _presence(value)
    agree = {_presence(said) for said, _ in answers} == {presence}
    if kind == DisputeKind.RULE and agree:
        return Reason.AGREED
    if presence == AMBIGUOUS:
        return Reason.AMBIGUOUS_REPORT
    if kind == DisputeKind.CERTAINTY and agree:
        return Reason.CERTAINTY_ONLY
    if kind == DisputeKind.URGENCY and presence == POSITIVE:
        return Reason.URGENCY_ONLY
    return Reason.READER_SLIP


def _presence(value: str) -> int:
    return int(PRESENCE_OF_CODE[ord(value)])


REASONS: Final = tuple({"reason": reason.value, "says": reason.label} for reason in Reason)
