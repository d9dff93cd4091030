"""Readings of both arms as they come from the database: which count, what judges them, what stands beside them."""

import uuid
from collections import Counter
from datetime import timedelta

import numpy as np
import pytest

from annotator.core.figure_requests import FigureRequest, Kind
from annotator.core.settled import basis_of
from annotator.models import Arm, Decision, Exclusion, Reading, Seat, SeatState, StudyRules, User
from annotator.selectors.arm_readings import arm_readings, cell_groups
from annotator.selectors.matrices import inputs_of
from annotator.selectors.schemas import parsed_schema
from annotator.selectors.voices import speaking
from tests.arms_study import make_arms_study
from tests.study import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def made(db):
    return make_arms_study("arms", n_cases=6, n_readers=3)


def loaded(made):
    project, run = made.study.project, str(made.study.runs[0].run_id)
    project.refresh_from_db()
    inputs = inputs_of(project, FigureRequest(Kind.ARMS, run=run))
    return arm_readings(project, schema=parsed_schema(project.schema), run=run, inputs=inputs)


def of(found, made, reading):
    """Where a reading stands among those that were loaded: readers and cases are in the order of their keys."""
    reader = found.readings.readers.index(reading.reader.username)
    mine = np.flatnonzero(found.readings.reader == reader)
    cases = sorted({each.case_id for each in made.readings if each.reader_id == reading.reader_id})
    return mine[cases.index(reading.case_id)]


def again(reading, **changes):
    """A further revision."""
    fields = ("project", "case", "reader", "schema", "arm", "prefill_run", "values", "urgencies", "active_seconds")
    same = {name: getattr(reading, name) for name in fields}
    more = {
        "revision": 2,
        "supersedes": reading,
        "submission_id": uuid.uuid4(),
        "submitted_at": NOW + timedelta(days=1),
    }
    return Reading.objects.create(**(same | more | changes))


def test_every_reading_has_its_arm_plan_labels_and_time(made):
    found = loaded(made)
    assert found.readings.n == 18
    for reading in made.readings:
        place = of(found, made, reading)
        assert found.readings.is_prefilled[place] == (reading.arm == Arm.PREFILLED)
        assert found.readings.seconds[place] == reading.active_seconds
        assert found.readings.key_presses[place] == reading.key_presses
        assert found.readings.positive[place].tolist() == [each in "+?" for each in reading.values]
    assert found.readings.is_planned.all()
    assert found.readings.machine_known.all()
    assert found.seats == {"prefilled": {"n": 9, "n_read": 9}, "blank": {"n": 9, "n_read": 9}}
    assert len(np.unique(found.readings.patient)) == len({case.patient_key for case in made.study.cases})


def test_reading_is_judged_by_blind_readings_of_others_alone(made):
    found = loaded(made)
    for reading in made.readings:
        others = [
            each.values[0] in "+?"
            for each in made.readings
            if each.case_id == reading.case_id and each.reader_id != reading.reader_id and each.arm == Arm.BLANK
        ]
        judged = found.readings.reference[of(found, made, reading), 0]
        assert np.isnan(judged) if not others else judged == pytest.approx(np.mean(others))


def test_blind_reading_that_was_corrected_after_the_machine_was_seen_stays_as_it_was(made):
    blank = next(each for each in made.readings if each.arm == Arm.BLANK)
    width = len(blank.values)
    again(blank, arm=Arm.PREFILLED, prefill_run=made.study.runs[0].run_id, values="+" * width)
    found = loaded(made)
    place = of(found, made, blank)
    assert not found.readings.is_prefilled[place]
    assert found.readings.positive[place].tolist() == [each in "+?" for each in blank.values]


def test_correction_counts_with_the_time_of_the_first_submission(made):
    reading = made.readings[0]
    again(reading, values="+" * len(reading.values), active_seconds=9999)
    found = loaded(made)
    place = of(found, made, reading)
    assert found.readings.positive[place].all()
    assert found.readings.seconds[place] == reading.active_seconds


def test_repeats_planted_errors_excluded_cases_and_other_runs_count_nowhere(made):
    reading = next(each for each in made.readings if each.arm == Arm.PREFILLED)
    case = next(each for each in made.study.cases if each.pk != reading.case_id)
    again(reading, round=2, revision=1, supersedes=None)
    Exclusion.objects.create(
        project=case.project, case=case, reason="twice", excluded_by=made.study.manager, excluded_at=NOW
    )
    StudyRules.objects.update_or_create(project=case.project, defaults={"is_training": True})
    for name, arm, run in (("first", Arm.SEEDED, reading.prefill_run), ("second", Arm.PREFILLED, uuid.uuid4())):
        reader = User.objects.create_user(name)
        again(reading, reader=reader, revision=1, supersedes=None, arm=arm, prefill_run=run)
    found = loaded(made)
    assert found.readings.n == 15
    assert found.n_other_run == 1
    assert set(found.readings.readers) == {reader.username for reader in made.study.readers}


def test_time_that_nobody_measured_is_unknown(made):
    reader = User.objects.create_user("imported")
    again(made.readings[0], reader=reader, revision=1, supersedes=None, active_seconds=0)
    found = loaded(made)
    place = np.flatnonzero(found.readings.reader == found.readings.readers.index("imported"))[0]
    assert np.isnan([found.readings.seconds[place], found.readings.key_presses[place]]).all()
    assert not found.readings.is_planned[place]


def test_reading_in_another_arm_than_its_seat_was_drawn_by_no_plan(made):
    blank = next(each for each in made.readings if each.arm == Arm.BLANK)
    late = User.objects.create_user("late")
    again(blank, reader=late, revision=1, supersedes=None)
    seat = Seat.objects.filter(case=blank.case, arm=Arm.BLANK).first()
    same = {name: getattr(seat, name) for name in ("project", "plan", "case", "stratum")} | {"reader": late}
    Seat.objects.create(**same, slot=8, arm=Arm.BLANK, state=SeatState.WITHDRAWN)
    Seat.objects.create(**same, slot=9, arm=Arm.PREFILLED, state=SeatState.SUBMITTED, submitted_at=NOW)
    found = loaded(made).readings
    assert (found.n, found.is_planned.sum()) == (19, 18)


CELL = 0


def basis_now(case):
    """Of what the readings that count say of the first cell."""
    said = [(each.values[CELL], each.urgencies[CELL]) for each in speaking(case.project, [case.pk])]
    return basis_of(said)


def decide(made, reading, *, by, value="+", revision=1, **more):
    cell = str(parsed_schema(reading.schema).cells[CELL])
    basis = basis_now(reading.case)
    shown = {"value": value, "urgency": "_", "reason": "reader_slip", "evidence": [], "basis": basis} | more
    return Decision.objects.create(
        project=reading.project,
        case=reading.case,
        schema=reading.schema,
        cell=cell,
        revision=revision,
        decided_by=by,
        decided_at=NOW,
        **shown,
    )


def first_cell(made, reading):
    """What judges the first cell of a reading."""
    found = loaded(made)
    return found.readings.reference[of(found, made, reading), CELL]


@pytest.fixture
def blank_study(db):
    """A study in which nobody was shown machine labels."""
    return make_arms_study("blank", n_cases=4, n_readers=3, prefilled_share=0)


@pytest.fixture
def blank(blank_study):
    """A reading, and what its colleagues do not say of the first cell."""
    reading = blank_study.readings[0]
    opposite = "+" if first_cell(blank_study, reading) < 0.5 else "."
    return reading, opposite


def test_decision_judges_unless_it_is_taken_back_or_of_somebody_who_read_the_case(blank_study, blank):
    reading, opposite = blank
    before = first_cell(blank_study, reading)
    decide(blank_study, reading, by=blank_study.study.readers[0], value=opposite)
    assert first_cell(blank_study, reading) == before
    decide(blank_study, reading, by=blank_study.study.manager, value=opposite, revision=2)
    assert first_cell(blank_study, reading) == float(opposite == "+")
    undone = {"is_undo": True, "value": "", "urgency": "", "reason": ""}
    decide(blank_study, reading, by=blank_study.study.manager, revision=3, **undone)
    assert first_cell(blank_study, reading) == before


def test_decision_judges_no_more_once_readers_say_something_else(blank_study, blank):
    reading, opposite = blank
    decide(blank_study, reading, by=blank_study.study.manager, value=opposite)
    colleague = next(each for each in blank_study.readings if each.case_id == reading.case_id and each.pk != reading.pk)
    flipped = ("." if colleague.values[CELL] == "+" else "+") + colleague.values[1:]
    again(colleague, values=flipped)
    assert first_cell(blank_study, reading) == 0.5


def test_decision_made_beside_a_machine_label_judges_nobody_whatever_the_rules_say_now(blank_study, blank):
    reading, opposite = blank
    before = first_cell(blank_study, reading)
    decide(blank_study, reading, by=blank_study.study.manager, value=opposite, voices={"A": "label 7"})
    assert first_cell(blank_study, reading) == before


def test_decision_on_what_prefilled_readers_say_judges_nobody(made):
    shown = {each.case_id for each in made.readings if each.arm == Arm.PREFILLED}
    n_blank = Counter(each.case_id for each in made.readings if each.arm == Arm.BLANK)
    reading = next(
        each for each in made.readings if each.arm == Arm.BLANK and each.case_id in shown and n_blank[each.case_id] > 1
    )
    before = first_cell(made, reading)
    decide(made, reading, by=made.study.manager, value="+" if before < 0.5 else ".")
    assert first_cell(made, reading) == before


def test_case_that_is_excluded_after_figures_were_asked_for_counts_in_them(made):
    project, run = made.study.project, str(made.study.runs[0].run_id)
    inputs = inputs_of(project, FigureRequest(Kind.ARMS, run=run))
    by, at = made.study.manager, NOW + timedelta(days=1)
    Exclusion.objects.create(project=project, case=made.study.cases[0], reason="x", excluded_by=by, excluded_at=at)
    found = arm_readings(project, schema=parsed_schema(project.schema), run=run, inputs=inputs)
    assert found.readings.n == 18


def test_inputs_change_with_decisions_and_exclusions(made):
    project, request = made.study.project, FigureRequest(Kind.ARMS, run=str(made.study.runs[0].run_id))
    before = inputs_of(project, request)
    decide(made, made.readings[0], by=made.study.manager)
    between = inputs_of(project, request)
    Exclusion.objects.create(
        project=project, case=made.study.cases[0], reason="x", excluded_by=made.study.manager, excluded_at=NOW
    )
    assert before != between != inputs_of(project, request)


def test_cells_are_grouped_by_finding_or_by_the_targets_of_one_finding(made):
    scope, groups = cell_groups(parsed_schema(made.study.project.schema))
    assert scope == "finding"
    assert sorted(np.concatenate(list(groups.values())).tolist()) == list(range(8))
