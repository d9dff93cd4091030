"""Invariants that the database itself holds, on SQLite and on PostgreSQL."""

import uuid

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from annotator.models import (
    Case,
    Decision,
    Dispute,
    Draft,
    Event,
    LabelSchema,
    Membership,
    Note,
    Reading,
    Report,
    Seat,
    SeatState,
)
from labeling.models import MachineLabel, Run
from tests.annotator.seat_worlds import add_seat, set_reads
from tests.annotator.worlds import NOW, add_case

pytestmark = pytest.mark.django_db


def refused(action):
    with pytest.raises(DatabaseError), transaction.atomic():
        action()


def a_draft(world, **changes):
    fields = {"project": world.project, "case": world.cases[0], "reader": world.reader, "version": 1, "saved_at": NOW}
    return Draft(**fields | {"values": "+" * 8, "urgencies": "_" * 8} | changes)


def a_reading(world, **changes):
    fields = {
        "project": world.project,
        "case": world.cases[0],
        "reader": world.reader,
        "schema": world.project.schema,
        "revision": 1,
        "submission_id": uuid.uuid4(),
        "arm": "prefilled",
        "prefill_run": world.run.run_id,
        "values": "+" * 8,
        "urgencies": "_" * 8,
        "active_seconds": 0,
        "submitted_at": NOW,
    }
    return Reading(**fields | changes)


def test_sound_rows_are_stored(world):
    a_draft(world).save()
    a_reading(world).save()


@pytest.mark.parametrize(
    "changes",
    [
        {"values": "+" * 7 + "x"},
        {"values": ""},
        {"values": "+" * 7},
        {"urgencies": "_" * 7 + "4"},
        {"urgencies": "_" * 9},
        {"version": 0},
        {"state": "lost"},
        {"values": "+" * 7 + "\n"},
    ],
)
def test_a_draft_that_makes_no_sense_is_refused(world, changes):
    refused(a_draft(world, **changes).save)


@pytest.mark.parametrize(
    "changes",
    [
        {"values": "+" * 7 + "!"},
        {"values": "+" * 7 + "_"},
        {"urgencies": "_" * 7},
        {"revision": 2},
        {"revision": 0},
        {"arm": "half"},
        {"arm": "blank"},
        {"prefill_run": None},
    ],
)
def test_a_reading_that_makes_no_sense_is_refused(world, changes):
    refused(a_reading(world, **changes).save)


def test_one_reader_has_one_draft_of_a_case(world):
    a_draft(world).save()
    refused(a_draft(world).save)


def test_revisions_do_not_repeat(world):
    a_reading(world).save()
    refused(a_reading(world).save)


def test_work_cannot_belong_to_another_project_than_its_case(world, other_world):
    refused(a_draft(world, project=other_world.project).save)
    refused(a_reading(world, project=other_world.project).save)
    report = Report.objects.create(project=world.project, report_id="R9", text="x", text_sha256="0")
    refused(
        lambda: Case.objects.create(
            project=other_world.project, report=report, key="R9", position=9, patient_key="0" * 64
        )
    )
    refused(
        lambda: MachineLabel.objects.create(
            run=other_world.run, report=world.cases[0].report, values="+" * 8, urgencies="_" * 8
        )
    )


@pytest.mark.parametrize("model", [Reading, Event, LabelSchema, MachineLabel, Report, Case])
def test_evidence_is_never_deleted(world, model):
    a_reading(world).save()
    Event.objects.create(project=world.project, verb=Event.Verb.DRAFT_SAVED, at=NOW)
    with connection.cursor() as cursor:
        refused(lambda: cursor.execute(f"DELETE FROM {model._meta.db_table}"))  # noqa: S608
    assert model.objects.exists()


@pytest.mark.parametrize(
    ("model", "column"),
    [(Reading, "values"), (Event, "verb"), (LabelSchema, "source"), (MachineLabel, "values"), (Report, "text")],
)
def test_evidence_is_never_changed(world, model, column):
    a_reading(world).save()
    Event.objects.create(project=world.project, verb=Event.Verb.DRAFT_SAVED, at=NOW)
    refused(lambda: model.objects.update(**{column: "0" * 8}))


def test_what_is_not_evidence_of_a_report_may_change(world):
    Report.objects.update(extra={"note": "moved"})


def test_a_project_keeps_its_people_and_schema(world):
    for thing in (world.reader, world.project, world.project.schema):
        with pytest.raises(IntegrityError), transaction.atomic():
            thing.delete()


def test_one_run_at_most_fills_in_a_project(world):
    refused(
        lambda: Run.objects.create(
            project=world.project,
            schema=world.project.schema,
            labeler="rules",
            started_at=NOW,
            is_prefill=True,
        )
    )


def test_a_run_ends_exactly_when_it_is_finished(world):
    refused(lambda: Run.objects.update(finished_at=None))
    refused(
        lambda: Run.objects.create(
            project=world.project, schema=world.project.schema, labeler="rules", started_at=NOW, finished_at=NOW
        )
    )


def test_roles_are_the_known_ones(world):
    refused(lambda: Membership.objects.update(role="owner"))


def test_positions_and_keys_do_not_repeat(world):
    refused(lambda: add_case(world.project, 1))


def test_a_submitted_seat_stays_its_readers(world):
    seat = add_seat(world.cases[0], world.reader, state=SeatState.SUBMITTED)
    stored = Seat.objects.filter(pk=seat.pk)
    for change in ({"reader": world.other_reader}, {"submitted_at": NOW}, {"state": SeatState.OPEN, "reader": None}):
        refused(lambda change=change: stored.update(**change))
    stored.update(inclusion_probability=0.5)


def test_a_seat_repeats_one_of_the_same_case_and_reader(world):
    first = add_seat(world.cases[0], world.reader)
    again = {"round": 2, "repeats": first}
    refused(lambda: add_seat(world.cases[1], world.reader, **again))
    refused(lambda: add_seat(world.cases[0], world.other_reader, **again))
    add_seat(world.cases[0], world.reader, **again)


def test_a_draft_keeps_its_seat_which_is_of_its_case(world):
    seat, other = (add_seat(case, world.reader) for case in world.cases[:2])
    refused(a_draft(world, seat=other).save)
    a_draft(world, seat=seat).save()
    refused(lambda: Draft.objects.update(seat=None))


def test_seeded_seats_and_readings_are_of_training_projects(world):
    refused(lambda: add_seat(world.cases[0], arm="seeded"))
    refused(a_reading(world, arm="seeded").save)
    set_reads(world.project, "open", is_training=True)
    a_reading(world, arm="seeded").save()
    add_seat(world.cases[0], arm="seeded")


def test_an_answer_belongs_to_the_thread_that_it_answers(world):
    fields = {"project": world.project, "author": world.reader, "kind": "comment", "text": "why?", "created_at": NOW}
    start = Note.objects.create(case=world.cases[0], reader=world.reader, **fields)
    answer = {"case": world.cases[0], "reader": world.reader, "parent": start} | fields
    for change in ({"case": world.cases[1]}, {"reader": world.other_reader}, {"round": 2}):
        refused(Note(**answer | change).save)
    stored = Note.objects.create(**answer)
    refused(Note(**answer | {"parent": stored}).save)


def test_a_dispute_is_decided_by_a_decision_on_its_own_cell(world):
    project, (case, other, *_) = world.project, world.cases
    made = {"project": project, "schema": project.schema, "revision": 1, "value": "+", "urgency": "_"}
    made |= {"reason": "reader_slip", "basis": "0" * 64, "decided_by": world.manager, "decided_at": NOW}
    wrong = [
        Decision.objects.create(case=case, cell="spine|cancer", **made),
        Decision.objects.create(case=other, cell="spine|stenosis", **made),
    ]
    right = Decision.objects.create(case=case, cell="spine|stenosis", **made)
    dispute = Dispute.objects.create(
        project=project,
        case=case,
        cell="spine|stenosis",
        finding="stenosis",
        kind="presence",
        pattern="+0",
        basis="0" * 64,
        opened_at=NOW,
        changed_at=NOW,
    )
    for decision in wrong:
        refused(lambda decision=decision: Dispute.objects.update(state="decided", decision=decision))
    Dispute.objects.filter(pk=dispute.pk).update(state="decided", decision=right)


def test_every_trigger_is_in_place():
    # A migration that rebuilds a table on SQLite drops its triggers without a word: name them all here.
    frozen = {
        "annotator_reading",
        "annotator_event",
        "annotator_labelschema",
        "annotator_report",
        "annotator_case",
        "annotator_pickedthreshold",
        "annotator_assignmentplan",
        "annotator_decision",
        "annotator_dispute",
        "annotator_erratum",
        "annotator_exclusion",
        "annotator_guideline",
        "annotator_invitation",
        "annotator_note",
        "annotator_release",
        "annotator_seat",
        "labeling_machinelabel",
        "labeling_reportfailure",
        "labeling_run",
        "labeling_runchunk",
        "labeling_storedcall",
        "vision_imageimport",
    }
    expected = {f"{table}_no_{event}" for table in frozen for event in ("update", "delete")}
    expected |= {"vision_series_no_update", "vision_series_no_update_of_words", "vision_mask_no_update"}
    expected |= {"vision_imageimport_no_update_when_finished", "labeling_run_no_update_when_ended"}
    expected |= {"annotator_exclusion_no_update_ended", "annotator_seat_no_update_planted"}
    events = ("",) if connection.vendor == "postgresql" else ("_insert", "_update")
    expected |= {"annotator_seat_no_update_submitted", "annotator_draft_no_update_seat"}
    forbidden = {
        "annotator_seat_seeded_in_training",
        "annotator_studyrules_keep_training",
        "annotator_reading_seeded_in_training",
        "annotator_seat_repeats_own",
        "annotator_draft_seat_of_case",
        "annotator_note_answers_own_thread",
        "annotator_dispute_decided_own_cell",
    }
    expected |= {name + event for name in forbidden for event in events}
    query = (
        "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
        if connection.vendor == "postgresql"
        else "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        names = {row[0] for row in cursor.fetchall()}
    assert expected <= names
    same_project = {name for name in names if "_project" in name}
    assert len(same_project) == (20 if connection.vendor == "postgresql" else 40)
