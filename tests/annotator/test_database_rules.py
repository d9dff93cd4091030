"""Invariants that the database itself holds, on SQLite and on PostgreSQL."""

import uuid

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from annotator.models import Case, Draft, Event, LabelSchema, Membership, Reading, Report
from labeling.models import MachineLabel, Run
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
    training = ("annotator_seat_seeded_in_training", "annotator_studyrules_keep_training")
    expected |= {name + event for name in training for event in events}
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
