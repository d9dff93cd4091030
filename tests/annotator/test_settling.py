"""Gold and disputes follow from readings, decisions, rules and exclusions. Cells of the schema: eight, in its order."""

import uuid
from datetime import timedelta

import pytest

from annotator import tasks
from annotator.models import Arm, Decision, Dispute, Event, Exclusion, Gold, Reading, Seat, StudyRules
from annotator.services.rules import set_rules
from annotator.services.settling import settle_case, settle_project, unsettled
from labeling.core.schema_yaml import load_preset
from labeling.services import choose_prefill
from tests.annotator.worlds import NOW, PRESET, add_run, make_world

pytestmark = pytest.mark.django_db
CELLS = [str(cell) for cell in load_preset(PRESET).cells]
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def study():
    world = make_world("study")
    StudyRules.objects.create(project=world.project, readers_per_case=2)
    return world


def read(world, values, *, reader=None, case=None, **more):
    """A reading of the case, blank unless said otherwise; a further revision of what the reader said of it before."""
    case, reader = case or world.cases[0], reader or world.reader
    arm = more.get("arm", Arm.BLANK)
    of_reader = Reading.objects.filter(case=case, reader=reader, round=more.get("round", 1))
    before = of_reader.order_by("-revision").first()
    fields = {
        "project": world.project,
        "case": case,
        "reader": reader,
        "schema": world.project.schema,
        "revision": before.revision + 1 if before else 1,
        "supersedes": before,
        "submission_id": uuid.uuid4(),
        "prefill_run": None if arm == Arm.BLANK else world.run.run_id,
        "values": values,
        "urgencies": "_" * len(values),
        "active_seconds": 9,
        "submitted_at": NOW,
        "arm": arm,
    }
    return Reading.objects.create(**fields | more)


def decide(world, cell, value, *, case=None, **more):
    case = case or world.cases[0]
    dispute = Dispute.objects.get(case=case, cell=CELLS[cell])
    n = Decision.objects.filter(case=case, cell=CELLS[cell]).count()
    fields = {"value": value, "urgency": "_", "reason": "reader_slip"} if value else {"is_undo": True}
    return Decision.objects.create(
        project=world.project,
        case=case,
        schema=world.project.schema,
        cell=CELLS[cell],
        revision=n + 1,
        basis=dispute.basis,
        decided_by=world.manager,
        decided_at=NOW,
        **fields | more,
    )


def settled(world, case=None):
    return settle_case((case or world.cases[0]).pk, now=NOW)


def disputes(world):
    rows = Dispute.objects.filter(case=world.cases[0]).order_by("pk")
    return {CELLS.index(row.cell): (row.state, row.kind) for row in rows}


def test_a_case_waits_until_it_is_read_then_its_disputes_open(study):
    assert settled(study) is None
    read(study, "+.0.+.+.")
    gold = settled(study)
    assert (gold.state, gold.values, gold.origins, gold.n_readings) == (Gold.State.WAITING, "_" * 8, "u" * 8, 1)
    read(study, "0.0.+~+.", reader=study.other_reader)
    gold = settled(study)
    assert (gold.state, gold.values, gold.origins) == (Gold.State.IN_ADJUDICATION, "_.0.+_+.", "uddddudd")
    assert (gold.n_voices, gold.n_agreeing, gold.n_open) == ("2" * 8, "02222022", 2)
    assert disputes(study) == {0: ("open", "presence"), 5: ("open", "presence")}
    assert Dispute.objects.get(cell=CELLS[0]).pattern == "+_,0_"


def test_decisions_make_a_case_final_and_taking_one_back_opens_it_again(study):
    read(study, "+.0.+.+.")
    read(study, "0.0.+~+.", reader=study.other_reader)
    settled(study)
    decide(study, 0, "?")
    decide(study, 5, ".")
    gold = settled(study)
    assert (gold.state, gold.values, gold.origins) == (Gold.State.FINAL, "?.0.+.+.", "jddddjdd")
    assert disputes(study) == {0: ("decided", "presence"), 5: ("decided", "presence")}
    decide(study, 5, "")
    gold = settled(study)
    assert (gold.state, gold.values) == (Gold.State.IN_ADJUDICATION, "?.0.+_+.")
    assert disputes(study)[5] == ("open", "presence")


def test_a_decision_falls_when_readers_say_something_else_of_the_cell_and_only_then(study):
    read(study, "+.0.+.+.")
    read(study, "0.0.+~+.", reader=study.other_reader)
    settled(study)
    decide(study, 0, "?")
    decide(study, 5, ".")
    settled(study)
    read(study, "+.0.+~++")  # cell 5 is agreed now, cell 7 is not; cell 0 is what it was
    gold = settled(study)
    assert (gold.values, gold.origins) == ("?.0.+~+_", "jddddddu")
    assert disputes(study) == {0: ("decided", "presence"), 5: ("withdrawn", "presence"), 7: ("open", "presence")}


def test_an_excluded_case_has_no_gold_until_the_exclusion_ends(study):
    read(study, "+.0.+.+.")
    read(study, "0.0.+.+.", reader=study.other_reader)
    settled(study)
    decide(study, 0, "+")
    exclusion = Exclusion.objects.create(
        project=study.project, case=study.cases[0], reason="wrong body part", excluded_by=study.manager, excluded_at=NOW
    )
    gold = settled(study)
    assert (gold.state, gold.values, gold.origins) == (Gold.State.EXCLUDED, "_" * 8, "x" * 8)
    assert disputes(study) == {0: ("withdrawn", "presence")}
    Exclusion.objects.filter(pk=exclusion.pk).update(ended_by=study.manager, ended_at=LATER)
    assert (settled(study).values, disputes(study)) == ("+.0.+.+.", {0: ("decided", "presence")})


def test_repeats_and_readings_made_to_train_are_no_voices(study):
    read(study, "+.0.+.+.")
    read(study, "0.0.+.+.", round=2)
    StudyRules.objects.update_or_create(project=study.project, defaults={"is_training": True})
    read(study, "0.0.+.+.", reader=study.other_reader, arm=Arm.SEEDED)
    assert settled(study).n_readings == 1


def test_what_was_said_blind_stays_the_voice_of_a_reader(study):
    read(study, "+.0.+.+.")
    read(study, "0.0.+.+.", arm=Arm.PREFILLED)
    read(study, "+.0.+.+.", reader=study.other_reader)
    gold = settled(study)
    assert (gold.values, gold.origins) == ("+.0.+.+.", "d" * 8)


def test_with_seats_a_case_is_read_when_its_seats_are(study):
    StudyRules.objects.filter(project=study.project).update(reads="assigned", readers_per_case=1)
    seat = {"project": study.project, "case": study.cases[0], "arm": Arm.BLANK}
    for slot, reader in enumerate((study.reader, study.other_reader), 1):
        Seat.objects.create(**seat, slot=slot, reader=reader)
    withdrawn = Seat.objects.create(**seat, slot=3, reader=study.manager)
    read(study, "+.0.+.+.")
    read(study, "+.0.+.+.", reader=study.other_reader)
    assert settled(study).state == Gold.State.WAITING
    Seat.objects.filter(pk=withdrawn.pk).update(state="withdrawn")
    assert settled(study).state == Gold.State.FINAL


def test_the_machine_as_a_voice_opens_disputes_and_never_is_one_of_those_who_agree(study):
    StudyRules.objects.filter(project=study.project).update(machine_is_voice=True)
    for reader in (study.reader, study.other_reader):  # the run says +.0.+.+.
        read(study, "..0.+.+.", reader=reader)
    gold = settled(study)
    assert (gold.values, gold.n_voices) == ("_.0.+.+.", "2" * 8)
    assert Dispute.objects.get(cell=CELLS[0]).pattern == "+_,._,._"
    decide(study, 0, ".", voices={"A": "label 7"})
    assert settled(study).origins == "kddddddd"


def test_evidence_is_that_of_voices_that_agree_or_of_the_decision(study):
    said = {"cells": {CELLS[0]: {"evidence": [[29, 40]]}, CELLS[4]: {"evidence": [[0, 8]]}}}
    other = {"cells": {CELLS[0]: {"evidence": [[50, 60]]}, CELLS[4]: {"evidence": [[9, 16], [0, 8]]}}}
    read(study, "+.0.+.+.", body=said)
    read(study, "0.0.+.+.", reader=study.other_reader, body=other)
    settled(study)
    decide(study, 0, "+")
    assert settled(study).body == {"evidence": {CELLS[0]: [[29, 40]], CELLS[4]: [[0, 8], [9, 16]]}}
    decide(study, 0, "+", evidence=[[1, 2]])
    assert settled(study).body["evidence"][CELLS[0]] == [[1, 2]]


def test_a_reader_who_started_from_labels_holds_their_evidence(study):
    StudyRules.objects.filter(project=study.project).update(readers_per_case=1)
    read(study, "+.0.+.+.", arm=Arm.PREFILLED)  # the label gives 29 to 78 for spine|stenosis
    gold = settled(study)
    assert gold.values[CELLS.index("spine|stenosis")] == "+"
    assert (gold.body, set(gold.origins)) == ({"evidence": {"spine|stenosis": [[29, 78]]}}, {"a"})


def test_settling_a_project_does_what_settling_each_case_does_and_nothing_the_second_time(study):
    for case in study.cases[:2]:
        read(study, "+.0.+.+.", case=case)
        read(study, "0.0.+.+.", case=case, reader=study.other_reader)
    progress = []
    assert settle_project(study.project, now=NOW, on_progress=lambda *done: progress.append(done)) == 2
    assert progress == [(2, 2)]
    rows = list(Gold.objects.order_by("pk").values())
    assert settle_project(study.project, now=LATER) == 0
    assert list(Gold.objects.order_by("pk").values()) == rows
    for case in study.cases:
        settle_case(case.pk, now=LATER)
    assert list(Gold.objects.order_by("pk").values()) == rows
    assert Event.objects.filter(verb=Event.Verb.PROJECT_SETTLED).count() == 2


def test_other_rules_settle_otherwise(study):
    read(study, "+.0.+.+.")
    read(study, "?.0.+.+.", reader=study.other_reader)
    assert settled(study).values == "?.0.+.+."
    StudyRules.objects.filter(project=study.project).update(disputes_certainty=True, version=2)
    assert settle_project(study.project, now=NOW) == 1
    gold = Gold.objects.get(case=study.cases[0])
    assert (gold.values, gold.rules_version, gold.version) == ("_.0.+.+.", 2, 2)
    assert disputes(study) == {0: ("open", "certainty")}


def test_a_cell_disputed_in_urgency_alone_keeps_its_value_while_the_case_is_in_adjudication(study):
    StudyRules.objects.filter(project=study.project).update(disputes_urgency=True)
    read(study, "+.0.+.+.", urgencies="1_______")
    read(study, "+.0.+.+.", reader=study.other_reader, urgencies="3_______")
    gold = settled(study)
    assert (gold.state, gold.values, gold.urgencies) == (Gold.State.IN_ADJUDICATION, "+.0.+.+.", "_" * 8)
    assert disputes(study) == {0: ("open", "urgency")}
    decide(study, 0, "+", urgency="3")
    gold = settled(study)
    assert (gold.state, gold.urgencies, gold.origins) == (Gold.State.FINAL, "3_______", "jddddddd")


def test_settling_takes_the_same_few_queries_however_many_cells_were_decided(study, django_assert_max_num_queries):
    read(study, "+++++.+.")
    read(study, "00000.+.", reader=study.other_reader)
    settled(study)
    for cell in range(5):
        decide(study, cell, "+")
    with django_assert_max_num_queries(14):
        assert settled(study).values == "+++++.+."


class TestBehindTheRules:
    """A project whose settling was lost: the message, or the worker that had it."""

    @pytest.fixture
    def behind(self, study):
        settle_project(study.project, now=NOW)
        assert unsettled(now=LATER) == []
        set_rules(project=study.project, actor=None, changes={"readers_per_case": 1}, now=NOW)
        return study

    def test_is_found_until_it_is_settled(self, behind, monkeypatch):
        sent = []
        monkeypatch.setattr(tasks, "send_settling", sent.append)
        tasks.sweep_settling()
        assert sent == [behind.project.pk] == unsettled(now=LATER)
        settle_project(behind.project, now=LATER)
        assert unsettled(now=LATER) == []

    def test_is_left_alone_while_somebody_settles_it_and_not_for_ever(self, behind):
        StudyRules.objects.filter(project=behind.project).update(settling_at=NOW)
        assert unsettled(now=NOW + timedelta(minutes=29)) == []
        assert unsettled(now=NOW + timedelta(minutes=31)) == [behind.project.pk]

    def test_is_not_one_whose_rules_changed_in_what_gold_does_not_follow(self, study):
        settle_project(study.project, now=NOW)
        set_rules(project=study.project, actor=None, changes={"reservation_s": 60}, now=NOW)
        assert unsettled(now=LATER) == []

    def test_is_one_whose_machine_voice_is_another_run_now(self, study):
        set_rules(project=study.project, actor=None, changes={"machine_is_voice": True}, now=NOW)
        settle_project(study.project, now=NOW)
        choose_prefill(run=add_run(study.project, study.cases, is_prefill=False), actor=None)
        assert unsettled(now=LATER) == [study.project.pk]
