"""Readings and machine labels as arrays, beside a plain loop over the rows."""

import uuid
from datetime import timedelta

import numpy as np
import pytest

from annotator.core.figure_requests import FigureRequest, Kind, Origin
from annotator.models import Arm, LabelSchema, Reading
from annotator.selectors.matrices import inputs_of, label_matrix, read_matrix
from annotator.selectors.score_matrices import machine_scores
from labeling.core.evaluation.ratings import RANK_OF_STATE
from labeling.core.schema_yaml import load_preset
from labeling.core.values import STATE_OF_CODE
from labeling.exceptions import UserError
from labeling.models import MachineLabel, Run
from tests.annotator.worlds import add_case
from tests.study import NOW, make_study

pytestmark = pytest.mark.django_db
SCHEMA = load_preset("spine-mri")
ALL = FigureRequest(Kind.READERS, origin=Origin.ALL)


@pytest.fixture
def study():
    return make_study("lumbar", n_cases=8, n_readers=3, n_per_case=2)


def correct(reading, *, values, arm=Arm.BLANK, urgencies=None):
    """A further revision."""
    return Reading.objects.create(
        project=reading.project,
        case=reading.case,
        reader=reading.reader,
        schema=reading.schema,
        revision=reading.revision + 1,
        supersedes=reading,
        submission_id=uuid.uuid4(),
        arm=arm,
        prefill_run=uuid.UUID(int=7) if arm == Arm.PREFILLED else None,
        values=values,
        urgencies=urgencies or reading.urgencies,
        active_seconds=1,
        submitted_at=reading.submitted_at + timedelta(days=1),
    )


def add_reading(study, case, *, reader=None, schema=None, arm=Arm.BLANK):
    """The first of a reader, who calls every cell absent."""
    return Reading.objects.create(
        project=study.project,
        case=case,
        reader=reader or study.readers[0],
        schema=schema or study.project.schema,
        revision=1,
        submission_id=uuid.uuid4(),
        arm=arm,
        prefill_run=uuid.UUID(int=7) if arm == Arm.PREFILLED else None,
        values="0" * 8,
        urgencies="_" * 8,
        active_seconds=1,
        submitted_at=NOW,
    )


def prefill(reading, *, values=None):
    """The next of a reader who started from machine labels."""
    return correct(reading, values=values or reading.values, arm=Arm.PREFILLED)


def load(study, request=ALL, *, inputs=None):
    inputs = inputs or inputs_of(study.project, request)
    return read_matrix(study.project, schema=SCHEMA, request=request, inputs=inputs)


def as_said(matrix):
    """`(case, reader)` to its ranks and urgencies, of the arrays."""
    ratings = matrix.ratings
    return {
        (key, name): (ratings.ranks[rater, case].tolist(), ratings.urgencies[rater, case].tolist())
        for rater, name in enumerate(ratings.raters)
        for case, key in enumerate(matrix.axis.keys)
        if ratings.rated[rater, case]
    }


def looped(project, keep=lambda reading: True):
    """The same by a loop over all readings: the last one of each reader and case stands."""
    found = {}
    for reading in Reading.objects.filter(project=project).order_by("revision").select_related("case", "reader"):
        found[reading.case.key, reading.reader.username] = reading
    return {
        place: (
            [RANK_OF_STATE[STATE_OF_CODE[code]] for code in reading.values],
            [-1 if code == "_" else int(code) for code in reading.urgencies],
        )
        for place, reading in found.items()
        if keep(reading)
    }


def test_the_arrays_say_what_the_latest_readings_say(study):
    first, second = Reading.objects.order_by("pk")[:2]
    correct(correct(first, values="+?.0~+.0"), values="0000++++", urgencies="____0123")
    correct(second, values="........")
    matrix = load(study)
    assert as_said(matrix) == looped(study.project)
    assert len(as_said(matrix)) == 16
    assert matrix.ratings.cells == SCHEMA.cells
    unread = matrix.ratings.ranks[~matrix.ratings.rated]
    assert unread.size
    assert (unread == -1).all()


def test_cases_have_their_patients_and_reports_in_the_order_of_the_project(study):
    axis = load(study).axis
    assert axis.pks.tolist() == [case.pk for case in study.cases]
    assert axis.report_pks.tolist() == [case.report_id for case in study.cases]
    assert axis.patients == tuple(case.patient_key for case in study.cases)


def test_cases_that_nobody_read_are_left_out(study):
    more = make_study("thoracic", n_cases=3, n_readers=1, n_per_case=0)
    add_reading(more, more.cases[0])
    assert load(more).axis.keys == ("S00001",)


def test_readings_after_the_inputs_were_taken_do_not_count(study):
    inputs, before = inputs_of(study.project, ALL), as_said(load(study))
    correct(Reading.objects.order_by("pk").first(), values="0?0?0?0?")
    assert as_said(load(study, inputs=inputs)) == before
    assert as_said(load(study)) != before


def test_blind_readings_count_first_and_what_is_left_out_is_counted(study):
    """Of the first case two readers are blind, a third had machine labels."""
    third = next(reader for reader in study.readers if not Reading.objects.filter(case=study.cases[0], reader=reader))
    assisted = add_reading(study, study.cases[0], reader=third, arm=Arm.PREFILLED)
    for origin in (Origin.BLIND_FIRST, Origin.BLIND):
        matrix = load(study, FigureRequest(Kind.READERS, origin=origin))
        assert as_said(matrix) == looped(study.project, lambda reading: reading.pk != assisted.pk)
        assert (matrix.n_left_out, matrix.is_blind) == (1, True)
    everything = load(study)
    assert as_said(everything) == looped(study.project)
    assert (everything.n_left_out, everything.n_assisted, everything.is_blind) == (0, 1, False)


def test_a_blind_reading_stays_what_it_was_when_its_reader_sees_machine_labels(study):
    before = as_said(load(study))
    prefill(Reading.objects.order_by("pk").first(), values="0?0?0?0?")
    assert as_said(load(study, FigureRequest(Kind.READERS, origin=Origin.BLIND))) == before
    assert as_said(load(study)) != before


def test_without_blind_readings_all_count_and_are_said_not_to_be_blind():
    study = make_study("lumbar", n_cases=4, arm=Arm.PREFILLED)
    matrix = load(study, FigureRequest(Kind.READERS, origin=Origin.BLIND_FIRST))
    assert (len(as_said(matrix)), matrix.is_blind) == (12, False)
    with pytest.raises(UserError, match="without machine labels"):
        load(study, FigureRequest(Kind.READERS, origin=Origin.BLIND))


def test_a_project_that_nobody_read_has_no_arrays():
    with pytest.raises(UserError, match="nobody has submitted"):
        load(make_study("lumbar", n_cases=2, n_per_case=0))


def test_readings_of_another_project_or_schema_version_never_count(study):
    before = as_said(load(study))
    make_study("thoracic", n_cases=8, seed=1)
    newer = LabelSchema.objects.create(name="spine-mri", version=2, hash="f" * 64, source="x")
    add_reading(study, study.cases[0], reader=study.manager, schema=newer)
    assert as_said(load(study)) == before


def add_run(study, bodies, *, state="complete"):
    """A run that labels the first cases, one for each of `bodies`, as unreadable in the first cell."""
    run = Run.objects.create(
        project=study.project,
        schema=study.project.schema,
        labeler="direct-query",
        state=state,
        started_at=NOW,
        finished_at=NOW if state == "complete" else None,
    )
    for case, body in zip(study.cases, bodies, strict=False):
        add_label(run, case, body)
    return run


def add_label(run, case, body=None):
    MachineLabel.objects.create(
        run=run, report=case.report, values="!_+?0.~.", urgencies="__3210__", body=body or {"cells": {}}
    )


def load_labels(study, run, *, inputs=None):
    request = FigureRequest(Kind.LABELER, run=str(run.run_id))
    inputs = inputs or inputs_of(study.project, request)
    axis = load(study, request, inputs=inputs).axis
    return label_matrix(study.project, schema=SCHEMA, run=request.run, axis=axis, inputs=inputs)


def load_scores(study, run):
    request = FigureRequest(Kind.LABELER, run=str(run.run_id))
    inputs = inputs_of(study.project, request)
    axis = load(study, request, inputs=inputs).axis
    return machine_scores(study.project, schema=SCHEMA, run=request.run, axis=axis, inputs=inputs)


def test_labels_of_a_run_stand_beside_the_cases_that_it_labeled(study):
    run = add_run(study, [{}, {}, {}])
    labels = load_labels(study, run)
    assert labels.raters == (str(run.run_id),)
    assert labels.rated.tolist() == [[True] * 3 + [False] * 5]
    # By hand: unreadable 3, not asked -1, present 5, possible 4, absent 0, not mentioned 1, ambiguous 2.
    assert labels.ranks[0, :3].tolist() == [[3, -1, 5, 4, 0, 1, 2, 1]] * 3
    assert labels.urgencies[0, :3].tolist() == [[-1, -1, 3, 2, 1, 0, -1, -1]] * 3
    assert (labels.ranks[0, 3:] == -1).all()


def test_labels_of_a_loop_are_those_of_the_arrays(study):
    for run in study.runs:
        labels = load_labels(study, run)
        of_report = {label.report_id: label for label in run.labels.all()}
        for case, each in enumerate(study.cases):
            said = [RANK_OF_STATE[STATE_OF_CODE[code]] for code in of_report[each.report_id].values]
            assert labels.ranks[0, case].tolist() == said


def test_labels_of_cases_that_nobody_read_are_left_out():
    study = make_study("lumbar", n_cases=4, n_readers=1, n_per_case=0)
    add_reading(study, study.cases[2])
    labels = load_labels(study, study.runs[0])
    assert (labels.case_ids, labels.rated.tolist()) == (("S00003",), [[True]])


def test_labels_after_the_inputs_were_taken_do_not_count(study):
    run = add_run(study, [{}], state="running")
    inputs = inputs_of(study.project, FigureRequest(Kind.LABELER, run=str(run.run_id)))
    add_label(run, study.cases[4])
    assert load_labels(study, run, inputs=inputs).rated.sum() == 1
    assert load_labels(study, run).rated.sum() == 2


def test_scores_are_not_a_number_where_the_run_gave_none(study):
    cells = {str(SCHEMA.cells[3]): {"logit_difference": -1.5}, str(SCHEMA.cells[4]): {"reason": "said so"}}
    scores = load_scores(study, add_run(study, [{}, {"cells": cells}]))
    assert np.argwhere(~np.isnan(scores.values)).tolist() == [[1, 3]]
    assert scores.values[1, 3] == -1.5


def test_scores_of_a_loop_are_those_of_the_arrays(study):
    scores = load_scores(study, study.runs[0])
    of_report = {label.report_id: label.body["cells"] for label in study.runs[0].labels.all()}
    looped_scores = [
        [of_report[case.report_id][str(cell)]["logit_difference"] for cell in SCHEMA.cells] for case in study.cases
    ]
    np.testing.assert_array_equal(scores.values, looped_scores)


def test_a_run_that_gave_no_score_at_all_has_none(study):
    assert load_scores(study, study.runs[1]) is None


@pytest.mark.parametrize("change", ["reading", "label"])
def test_the_inputs_change_with_every_row_that_counts(study, change):
    run = add_run(study, [{}], state="running")
    request = FigureRequest(Kind.LABELER, run=str(run.run_id))
    before = inputs_of(study.project, request)
    assert before == inputs_of(study.project, request)
    match change:
        case "reading":
            correct(Reading.objects.first(), values="0" * 8)
        case "label":
            add_label(run, study.cases[1])
    assert inputs_of(study.project, request) != before


def test_rows_of_others_leave_the_inputs_as_they_are(study):
    request = FigureRequest(Kind.LABELER, run=str(study.runs[0].run_id))
    before = inputs_of(study.project, request)
    add_run(study, [{}])
    add_case(study.project, 99)  # nobody read it
    make_study("thoracic", n_cases=2, seed=1)
    assert inputs_of(study.project, request) == before
