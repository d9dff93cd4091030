"""Readers of the demo who are no people: what they say is drawn at random, so that the dashboard has something to show.

What is true of a case is drawn around the labels of the rules, and what each of them says around that. Figures of the
demo thus say how the drawing was done, and nothing about labelers or readers.
"""

import hashlib
import uuid
from typing import Final

import numpy as np
from django.utils import timezone

from annotator.core.contradictions import find_contradictions
from annotator.models import Case, Draft, Project, Role, User
from annotator.selectors.cases import prefill_of
from annotator.selectors.schemas import parsed_schema
from annotator.services.drafts import DraftContent
from annotator.services.projects import set_member
from annotator.services.readings import Submission, submit_reading
from labeling.core.schema import Schema
from labeling.core.values import CODE_OF_STATE, NO_URGENCY_CODE, POSITIVE_VALUES, Value, urgency_code

SIMULATED: Final = ("simulated-a", "simulated-b", "simulated-c")
_SUBMISSIONS: Final = uuid.UUID("0c9d8f4e-52a7-4f3c-8a55-2a6f3d1b7e02")
_POSITIVE: Final = frozenset(CODE_OF_STATE[value] for value in POSITIVE_VALUES)
# Chances: that a positive of the rules is not true and that another cell is; and the same of a reader and the truth.
_RULES_WRONG, _RULES_MISSED = 0.12, 0.012
_MISSED, _INVENTED, _POSSIBLE = 0.08, 0.006, 0.15
# Of three cases, two are read.
_EVERY: Final = 3


def simulate_readings(project: Project, *, actor: User) -> None:
    """Blind readings of most cases by each of `SIMULATED`, who can not sign in; those that are there stay."""
    schema = parsed_schema(project.schema)
    for name in SIMULATED:
        reader, is_new = User.objects.get_or_create(username=name, defaults={"is_active": False, "password": "!"})
        if is_new or not project.memberships.filter(user=reader).exists():
            set_member(project=project, user=reader, role=Role.READER, actor=actor)
        touched = Draft.objects.filter(project=project, reader=reader).values("case")
        for case in Case.objects.select_related("report").filter(project=project).exclude(pk__in=touched):
            if case.position % _EVERY:
                case.project = project
                _submit(case, reader=reader, schema=schema)


def _submit(case: Case, *, reader: User, schema: Schema) -> None:
    name = f"{case.project.slug}/{case.key}"
    truth = truth_of(case, drawn_from(name))
    values, urgencies = said_by(truth, drawn_from(f"{name}/{reader.username}"), schema=schema)
    content = DraftContent(
        version=0,
        values=values,
        urgencies=urgencies,
        body={"cells": {}},
        active_seconds_delta=60,
        client_id="demo",
        prefill_run=None,
    )
    contradictions = find_contradictions(values, urgencies, schema=schema)
    submission = Submission(
        content=content,
        submission_id=uuid.uuid5(_SUBMISSIONS, f"{name}/{reader.username}"),
        acknowledged=frozenset(found.key for found in contradictions),
    )
    submit_reading(case=case, reader=reader, submission=submission, now=timezone.now())


def drawn_from(name: str) -> np.random.Generator:
    """The same for a name on every machine."""
    return np.random.default_rng(list(hashlib.sha256(name.encode()).digest()))


def truth_of(case: Case, rng: np.random.Generator) -> list[int | None]:
    """For each cell its urgency where it is positive, else None."""
    label = prefill_of(case)
    said = [code in _POSITIVE for code in label.values] if label else []
    positive = [rng.random() >= _RULES_WRONG if yes else rng.random() < _RULES_MISSED for yes in said]
    return [int(rng.integers(4)) if yes else None for yes in positive]


def said_by(truth: list[int | None], rng: np.random.Generator, *, schema: Schema) -> tuple[str, str]:
    """Values and urgencies of one reader."""
    values, urgencies = [], []
    for level, cell in zip(truth, schema.cells, strict=True):
        sees = rng.random() < _INVENTED if level is None else rng.random() >= _MISSED
        state = Value.POSSIBLE if rng.random() < _POSSIBLE else Value.PRESENT
        values.append(CODE_OF_STATE[state if sees else Value.NOT_MENTIONED])
        shift = int(rng.choice((-1, 0, 0, 0, 1)))
        wanted = sees and schema.has_urgency(cell.finding)
        urgencies.append(urgency_code(min(3, max(0, (level or 0) + shift))) if wanted else NO_URGENCY_CODE)
    return "".join(values), "".join(urgencies)
