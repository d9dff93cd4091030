"""Nobody who has still to read a case blank gets at machine labels of it, or at what others say: a walk of all routes.

What must not be seen is planted in the database and looked for in every answer, whatever its status. A manager who does
not read takes the same walk, so that it is known to find what there is.
"""

import json
import uuid
from datetime import timedelta
from itertools import product

import pytest
from django.db import transaction

from annotator.models import (
    Arm,
    Decision,
    Gold,
    LabelSchema,
    Membership,
    Note,
    Reading,
    Reads,
    Role,
    Seat,
    SeatState,
)
from labeling.models import MachineLabel, Run, StoredCall
from tests.annotator.seat_worlds import add_seat, set_reads
from tests.annotator.test_routes import address, call, named_routes
from tests.annotator.worlds import NOW, draft_body, submission_body
from tests.vision.stored import stored_mask, stored_series
from vision.models import Mask, Series

pytestmark = pytest.mark.django_db

CELL = "spine|stenosis"
JSON = "application/json"
MACHINE = {
    "reason": "zebra-reason",
    "model": "zebra-model",
    "answer": "zebra-answer",
    "score": "7.654321",
    "vector": "?+0~.0~?",
    "evidence": "31, 77",
}
OTHERS = {
    "comment": "okapi-comment",
    "case comment": "okapi-case",
    "vector of a reading": "~~?0+~?.",
    "note": "okapi-note",
    "decision": "okapi-decision",
    "gold": "6 of 7",
}
# What pages of managers are known to show; the rest is looked for in case one comes to.
FOUND_BY_A_MANAGER = {"reason", "model", "score", "vector", "comment", "case comment", "note", "decision", "gold"}
QUERIES = {
    "export_download": [
        {"what": what, "format": form, **more}
        for what, form in product(["readings", "machine"], ["jsonl", "long", "leavs-wide"])
        for more in ({}, {"all_revisions": "on"})
        if not (more and form == "leavs-wide")
    ]
    + [{"what": "measurements", "format": "csv"}, {"what": "reports", "format": "jsonl"}],
    "worklist": [{"state": "new"}, {"q": "lumbar"}, {"flagged": "on"}],
    "api_jump": [{"q": "lumbar"}],
    "api_next": [{"after": "0"}, {"after": "3"}],
    "api_summary": [{"since": "2020-01-01T00:00:00Z"}],
    "notes": [{"kind": "all"}],
    "dashboard_cases": [{"finding": "stenosis", "target": "spine"}],
}


@pytest.fixture
def reads():
    """How the project is read."""
    return Reads.ASSIGNED


@pytest.fixture
def planted(world, reads):
    """The reader has still to read the first case blank; machine and another reader have said what nobody else says."""
    set_reads(world.project, reads)
    case = world.cases[0]
    held = {"state": SeatState.HELD, "is_pulled": True, "reserved_until": NOW + timedelta(days=36500)}
    add_seat(case, world.reader, arm=Arm.BLANK, **(held if reads == Reads.QUEUE else {}))
    stored_mask(stored_series(case))
    return plant(world, case)


def plant(world, case):
    run = Run.objects.create(
        run_id=uuid.uuid4(),
        project=world.project,
        schema=world.project.schema,
        labeler="imported",
        manifest={"model": MACHINE["model"], "rater": MACHINE["model"]},
        state=Run.State.COMPLETE,
        is_prefill=False,
        started_at=NOW,
        finished_at=NOW,
    )
    said = {"reason": MACHINE["reason"], "logit_difference": float(MACHINE["score"]), "evidence": [[31, 77]]}
    MachineLabel.objects.create(
        run=run, report=case.report, values=MACHINE["vector"], urgencies="_" * 8, body={"cells": {CELL: said}}
    )
    StoredCall.objects.create(
        run=run, report=case.report, key="0" * 64, stage="presence", answer=MACHINE["answer"], answered_at=NOW
    )
    Run.objects.filter(pk=world.run.pk).update(is_prefill=False)
    Run.objects.filter(pk=run.pk).update(is_prefill=True)
    world.run = run
    plant_readings(world, case)
    return world


def plant_readings(world, case):
    body = {"cells": {CELL: {"comment": OTHERS["comment"]}}, "case": {"comment": OTHERS["case comment"]}}
    common = {"project": world.project, "case": case, "schema": LabelSchema.objects.get(pk=world.project.schema_id)}
    Reading.objects.create(
        reader=world.other_reader,
        revision=1,
        submission_id=uuid.uuid4(),
        arm=Arm.BLANK,
        values=OTHERS["vector of a reading"],
        urgencies="_" * 8,
        body=body,
        active_seconds=9,
        submitted_at=NOW,
        **common,
    )
    add_seat(case, world.other_reader, arm=Arm.BLANK, state=SeatState.SUBMITTED)
    Note.objects.create(
        project=world.project,
        case=case,
        reader=world.other_reader,
        author=world.other_reader,
        kind=Note.Kind.COMMENT,
        text=OTHERS["note"],
        created_at=NOW,
    )
    Decision.objects.create(
        cell=CELL,
        revision=1,
        value="+",
        urgency="_",
        reason="reader_slip",
        note=OTHERS["decision"],
        basis="0" * 64,
        decided_by=world.manager,
        decided_at=NOW,
        **common,
    )
    Gold.objects.create(
        state=Gold.State.FINAL,
        values="~?~00~?+",
        urgencies="_" * 8,
        origins="d" * 8,
        n_voices="7" * 8,
        n_agreeing="6" * 8,
        n_readings=1,
        n_open=0,
        rules_version=1,
        version=1,
        settled_at=NOW,
        **common,
    )


def forms(world):
    """What is posted to a route beside nothing: enough to save, skip and hold, never to submit."""
    return {
        "api_draft": [draft_body(world, prefill_run=None), draft_body(world)],
        "api_skip": [draft_body(world, prefill_run=None, reason="later", note="")],
        "api_submit": [submission_body(world)],
    }


def answers(client, world):
    """Name of the route and text of the answer, for every route, method and query; nothing that a call does stays."""
    bodies = forms(world)
    for name in sorted(named_routes()):
        point = transaction.savepoint()
        if name == "api_series_volume":  # another kind of series under the same UID
            Mask.objects.all().delete()
            Series.objects.all().delete()
        url = address(name, world)
        for method in ("get", "post"):
            yield name, undone(lambda method=method, url=url: call(client, method, url))
        for query in QUERIES.get(name, []):
            yield name, undone(lambda url=url, query=query: client.get(url, query))
        for body, method in product(bodies.get(name, []), ("put", "post")):
            sent = json.dumps(body)
            yield name, undone(lambda m=method, s=sent, u=url: getattr(client, m)(u, s, content_type=JSON))
        transaction.savepoint_rollback(point)


def undone(send):
    """The text of an answer: headers and body."""
    point = transaction.savepoint()
    answer = send()
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    transaction.savepoint_rollback(point)
    return body.decode(errors="replace") + str(dict(answer.headers))


def seen(client, world, person):
    """Which of the planted words an answer to the person holds, with the routes that tell them."""
    found = {}
    client.force_login(person)
    for name, text in answers(client, world):
        if name == "logout":
            client.force_login(person)
        for what, sign in (MACHINE | OTHERS).items():
            if sign in text or sign.replace(", ", ",") in text:
                found.setdefault(what, set()).add(name)
    return found


ROLES = {
    "reader": [],
    "reader and manager": [Role.MANAGER],
    "reader and adjudicator": [Role.ADJUDICATOR],
    "all": [Role.MANAGER, Role.ADJUDICATOR],
}


@pytest.mark.parametrize("reads", [Reads.QUEUE, Reads.OPEN])
def test_a_blank_seat_holds_in_a_queue_and_in_an_open_project(client, planted):
    for role in ROLES["all"]:
        Membership.objects.create(project=planted.project, user=planted.reader, role=role)
    assert seen(client, planted, planted.reader) == {}


def test_no_route_tells_anything_to_a_reader_without_a_seat_or_to_outsiders(client, planted, other_world):
    Seat.objects.filter(reader=planted.reader).update(state=SeatState.WITHDRAWN)
    for person in (planted.reader, other_world.manager):
        assert seen(client, planted, person) == {}


@pytest.mark.parametrize("roles", ROLES.values(), ids=ROLES)
def test_no_route_tells_a_blank_reader_what_machine_or_others_say(client, planted, roles):
    for role in roles:
        Membership.objects.create(project=planted.project, user=planted.reader, role=role)
    assert seen(client, planted, planted.reader) == {}


def test_the_walk_finds_what_there_is_as_a_manager_who_does_not_read(client, planted):
    Membership.objects.create(project=planted.project, user=planted.manager, role=Role.ADJUDICATOR)
    found = seen(client, planted, planted.manager)
    assert set(found) >= FOUND_BY_A_MANAGER, FOUND_BY_A_MANAGER - set(found)


def test_the_walk_finds_machine_labels_as_a_reader_of_the_prefilled_arm(client, planted):
    Seat.objects.filter(reader=planted.reader).update(state=SeatState.WITHDRAWN)
    add_seat(planted.cases[0], planted.reader, arm=Arm.PREFILLED)
    found = seen(client, planted, planted.reader)
    assert {"reason", "model", "score", "vector", "evidence"} <= set(found)
    assert not set(found) & set(OTHERS)
