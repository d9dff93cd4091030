"""A reader study in the demo: seats in two arms, disputes, decisions, gold and a release, through the usual services.

The readers are drawn as in `demo_readers`. Who starts from the machine's labels keeps some that they would not have
given themselves, so that the page of the arms has something to show.
"""

import uuid
from collections.abc import Mapping
from typing import Final

from django.db import transaction
from django.utils import timezone

from annotator.core.assignment import AskedPlan, AskedReader
from annotator.core.contradictions import find_contradictions
from annotator.core.guidelines import WHOLE_PROJECT
from annotator.core.releases.requests import DEFAULT_FRACTIONS, ReleaseRequest
from annotator.models import Arm, AssignmentPlan, Dispute, Project, Reason, Release, Role, Seat, User
from annotator.selectors.cases import prefill_of
from annotator.selectors.disputed_cells import sealed
from annotator.selectors.schemas import parsed_schema
from annotator.services.adjudication import Seen, Verdict, decide
from annotator.services.assignments import apply_plan
from annotator.services.demo_readers import drawn_from, said_by, truth_of
from annotator.services.drafts import DraftContent
from annotator.services.guidelines import Wording, write_guideline
from annotator.services.notes import SentNote, write_note
from annotator.services.projects import set_member
from annotator.services.readings import Submission, submit_reading
from annotator.services.releases import ask_for_release, freeze
from annotator.services.rules import set_rules
from labeling.core.schema import Schema
from labeling.core.values import CODE_OF_STATE, NO_URGENCY_CODE, Value

SLUG: Final = "reader-study-demo"
# They read everything they have; nobody can sign in as one.
DRAWN: Final = ("study-a", "study-b", "study-c")
RELEASE: Final = "v1"
_PLAN_SEED: Final = 11
# Cases of the reader who has not begun.
_WAITING: Final = 6
_SUBMISSIONS: Final = uuid.UUID("5c1f0c0a-19a4-4d52-8a4e-6b5a1f7d2c90")
# How often a label of the machine is kept by who would not have given it.
_KEPT: Final = 0.45
_SECONDS: Final = {Arm.BLANK: 95, Arm.PREFILLED: 60}
_KEY_PRESSES: Final = {Arm.BLANK: 46, Arm.PREFILLED: 18}
# Of three cases with disputes, the disputes of two are decided.
_DECIDED, _OF = 2, 3
_GUIDELINE: Final = (
    "Call a finding present when the report states it of this organ, possible when the report hedges, absent when the "
    "report denies it. What is not named is not mentioned, even where it is usual."
)
_CLEARER: Final = "A finding that is called unchanged is present. " + _GUIDELINE


def make_study(project: Project, *, people: Mapping[str, User], reading: str, waiting: str) -> None:
    """Make the study in a project whose cases are pre-filled; nothing where it was made before.

    The reader `reading` has two cases left, and `waiting` has all of theirs to read. Everything or nothing is made,
    but for the release, whose files are written afterwards.
    """
    manager = people["manager"]
    if not AssignmentPlan.objects.filter(project=project).exists():
        _set_up(project, people=people, readers=(reading, waiting))
    if not Release.objects.filter(project=project).exists():
        asked = ReleaseRequest(fractions=DEFAULT_FRACTIONS, with_texts=True)
        release = ask_for_release(
            project=project,
            actor=manager,
            name=RELEASE,
            description="Cases that were final when the demo was made.",
            request=asked,
            send=lambda _: None,
        )
        freeze(release.pk)


@transaction.atomic
def _set_up(project: Project, *, people: Mapping[str, User], readers: tuple[str, str]) -> None:
    manager, now = people["manager"], timezone.now()
    drawn = [_drawn_reader(name, project=project, actor=manager) for name in DRAWN]
    wanted = Wording(WHOLE_PROJECT, _GUIDELINE, "", 0)
    first = write_guideline(project=project, wording=wanted, actor=manager, now=now)
    set_rules(project=project, actor=manager, changes={"readers_per_case": 3}, now=now)
    asked = AskedPlan(
        readers=(
            *(AskedReader(name=name) for name in (readers[0], *DRAWN)),
            AskedReader(name=readers[1], quota=_WAITING),
        ),
        overlap=((3, 1.0),),
        arms={Arm.BLANK: 0.5, Arm.PREFILLED: 0.5},
        mixes_arms=True,
        seed=_PLAN_SEED,
    )
    apply_plan(project=project, asked=asked, actor=manager, now=now)
    for user in drawn:
        _read(project, user, n_left=0)
    _read(project, people[readers[0]], n_left=2)
    User.objects.filter(username__in=DRAWN).update(is_active=False)
    _flag(project, people[readers[0]])
    _decide(project, people["adjudicator"])
    clearer = Wording(WHOLE_PROJECT, _CLEARER, "What is unchanged is present.", first.version)
    write_guideline(project=project, wording=clearer, actor=manager, now=timezone.now())


def _drawn_reader(name: str, *, project: Project, actor: User) -> User:
    """Without a password that opens; active only until the plan is made and read, for plans are for active readers."""
    user, _ = User.objects.get_or_create(username=name, defaults={"password": "!"})
    User.objects.filter(pk=user.pk).update(is_active=True)
    set_member(project=project, user=user, role=Role.READER, actor=actor)
    return user


def _read(project: Project, reader: User, *, n_left: int) -> None:
    """Submit the cases of a reader in their order, but for the last `n_left`."""
    schema = parsed_schema(project.schema)
    seats = Seat.objects.select_related("case__report").filter(project=project, reader=reader).order_by("place")
    for seat in list(seats)[: -n_left or None]:
        seat.case.project = project
        _submit(seat, reader=reader, schema=schema)


def _submit(seat: Seat, *, reader: User, schema: Schema) -> None:
    case, arm = seat.case, Arm(seat.arm)
    name = f"{case.project.slug}/{case.key}"
    rng = drawn_from(f"{name}/{reader.username}")
    values, urgencies = said_by(truth_of(case, drawn_from(name)), rng, schema=schema)
    label = prefill_of(case) if arm == Arm.PREFILLED else None
    if label is not None:
        kept = rng.random(len(values)) < _KEPT
        values = "".join(m if k else v for m, v, k in zip(label.values, values, kept, strict=True))
        urgencies = "".join(m if k else u for m, u, k in zip(label.urgencies, urgencies, kept, strict=True))
    content = DraftContent(
        version=0,
        values=values,
        urgencies=urgencies,
        body={"cells": {}},
        active_seconds_delta=round(_SECONDS[arm] * rng.uniform(0.6, 1.5)),
        client_id="demo",
        prefill_run=label.run.run_id if label else None,
        key_presses_delta=round(_KEY_PRESSES[arm] * rng.uniform(0.6, 1.5)),
    )
    contradictions = find_contradictions(values, urgencies, schema=schema)
    submission = Submission(
        content=content,
        submission_id=uuid.uuid5(_SUBMISSIONS, f"{name}/{reader.username}"),
        acknowledged=frozenset(found.key for found in contradictions),
        guidelines={WHOLE_PROJECT: 1},
    )
    submit_reading(case=case, reader=reader, submission=submission, now=timezone.now())


def _flag(project: Project, reader: User) -> None:
    seat = Seat.objects.select_related("case").filter(project=project, reader=reader, submitted_at__isnull=False)[0]
    seat.case.project = project
    text = "Impression and findings disagree here. Which of the two counts?"
    write_note(
        case=seat.case, reader=reader, round=1, sent=SentNote(kind="flag", cell="", text=text), now=timezone.now()
    )


def _decide(project: Project, adjudicator: User) -> None:
    """Decide the disputed cells of most cases as drawn for the case."""
    schema = parsed_schema(project.schema)
    disputes = Dispute.objects.select_related("case__report").filter(project=project, state=Dispute.State.OPEN)
    for dispute in disputes.order_by("case__position", "pk"):
        case = dispute.case
        if case.position % _OF >= _DECIDED:
            continue
        case.project = project
        place = schema.index_of_cell[schema.cell_of(dispute.cell)]
        truth = truth_of(case, drawn_from(f"{project.slug}/{case.key}"))[place]
        is_positive = truth is not None
        has_urgency = is_positive and schema.has_urgency(dispute.finding)
        verdict = Verdict(
            value=CODE_OF_STATE[Value.PRESENT if is_positive else Value.NOT_MENTIONED],
            urgency=str(truth) if has_urgency else NO_URGENCY_CODE,
            reason=_reason(f"{case.key}/{dispute.cell}", is_positive=is_positive),
        )
        seen = Seen(dispute.cell, sealed(dispute), 0)
        decide(case=case, seen=seen, adjudicator=adjudicator, verdict=verdict, now=timezone.now())


def _reason(name: str, *, is_positive: bool) -> str:
    of_machine = Reason.MACHINE_OMISSION if is_positive else Reason.MACHINE_INVENTION
    choices = (Reason.READER_SLIP, Reason.READER_SLIP, of_machine, Reason.AMBIGUOUS_REPORT, Reason.GUIDELINE_GAP)
    return choices[int(drawn_from(name).integers(len(choices)))]
