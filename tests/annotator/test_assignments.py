"""Plans become seats, and seats change hands, without losing what was read."""

import threading
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from annotator.core.assignment import AskedPlan, AskedReader
from annotator.exceptions import UserError
from annotator.models import AssignmentPlan, Case, Draft, Event, Exclusion, Membership, Role, Seat, SeatState
from annotator.selectors.assignments import plan_basis
from annotator.selectors.rules import rules_of
from annotator.services import assignments
from annotator.services.assignments import apply_plan, preview_plan
from annotator.services.rules import set_rules
from annotator.services.seat_changes import give_seats, withdraw_seats
from labeling.models import MachineLabel, Run
from tests.annotator.worlds import NOW, add_case, add_run, make_world, user

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(days=1)


@pytest.fixture
def study(db):
    """Twelve cases and three readers."""
    made = make_world("lumbar", n_cases=12)
    third = user("lumbar-reader3")
    Membership.objects.create(project=made.project, user=third, role=Role.READER)
    Case.objects.update(created_at=NOW)
    return made


def asked(**changes):
    names = ("lumbar-reader", "lumbar-reader2", "lumbar-reader3")
    plan = AskedPlan(readers=tuple(AskedReader(name=name) for name in names), overlap=((2, 1.0),))
    return replace(plan, **changes)


def apply(study, plan=None, **changes):
    return apply_plan(project=study.project, asked=plan or asked(), actor=study.manager, **{"now": NOW} | changes)


def live(study, **only):
    return Seat.objects.filter(project=study.project, **only).exclude(state=SeatState.WITHDRAWN)


def submit(seat):
    Seat.objects.filter(pk=seat.pk).update(state=SeatState.SUBMITTED, submitted_at=NOW, reserved_until=None)


def test_applying_makes_the_seats_that_the_preview_showed(study):
    preview = preview_plan(project=study.project, asked=asked())
    assert Seat.objects.count() == 0
    plan = apply(study, token=preview.token)
    rows = live(study).values_list("case__key", "reader__username", "arm", "round", "place")
    assert sorted(rows) == sorted((s.case, s.reader, s.arm, s.round, s.place) for s in preview.plan.seats)
    assert plan.summary["n_new"] == 24
    assert rules_of(study.project).reads == "assigned"
    assert Event.objects.get(verb="seats_planned").payload["seats"] == 24


def test_a_stored_plan_says_how_to_make_it_again(study):
    preview = preview_plan(project=study.project, asked=asked(arms={"blank": 0.5, "prefilled": 0.5}, seed=7))
    stored = apply(study, preview.asked)
    assert AskedPlan.of_json(stored.request) == preview.asked


def test_of_two_plans_made_from_the_same_preview_one_is_told(study):
    preview = preview_plan(project=study.project, asked=asked())
    apply(study, token=preview.token)
    with pytest.raises(UserError, match="somebody else changed the seats"):
        apply(study, asked(overlap=((3, 1.0),)), token=preview.token)
    assert live(study).count() == 24


@pytest.mark.parametrize(
    ("changes", "told"), [({}, UserError), ({"slot": 99, "reader": None, "is_pulled": False}, IntegrityError)]
)
def test_row_that_cannot_be_is_not_told_as_a_race(study, monkeypatch, changes, told):
    write = assignments.store_seats

    def write_one_more(stored, *rest):
        write(stored, *rest)
        seat = stored.seats.first()
        for name, value in ({"pk": None} | changes).items():
            setattr(seat, name, value)
        seat.save(force_insert=True)

    monkeypatch.setattr(assignments, "store_seats", write_one_more)
    with pytest.raises(told):
        apply(study)
    assert live(study).count() == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="two transactions at once need PostgreSQL")
def test_of_two_managers_who_apply_at_once_one_wins(study):
    token = preview_plan(project=study.project, asked=asked()).token
    barrier, outcomes = threading.Barrier(2), []

    def work():
        barrier.wait()
        try:
            apply(study, token=token)
            outcomes.append("applied")
        except UserError as error:
            outcomes.append(str(error)[:13])
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["applied", "somebody else"]
    assert (AssignmentPlan.objects.count(), live(study).count()) == (1, 24)


def test_a_plan_that_adds_nothing_is_refused(study):
    apply(study)
    with pytest.raises(UserError, match="adds nothing"):
        apply(study)


def test_new_cases_and_readers_get_seats_and_everybody_keeps_theirs(study):
    apply(study)
    before = set(live(study).values_list("pk", flat=True))
    for position in range(13, 19):
        add_case(study.project, position)
    Membership.objects.create(project=study.project, user=user("lumbar-reader4"), role=Role.READER)
    more = asked(readers=(*asked().readers, AskedReader(name="lumbar-reader4")))
    apply(study, more, now=LATER)
    assert before <= set(live(study).values_list("pk", flat=True))
    per_case = Counter(live(study).values_list("case", flat=True))
    assert set(per_case.values()) == {2}
    assert len(per_case) == 18
    # Of the 12 new readings the new one can take 6, one of each new case; the three others had 8 each, and get 2.
    assert sorted(Counter(live(study).values_list("reader__username", flat=True)).values()) == [6, 10, 10, 10]


def test_unread_cases_move_to_a_new_reader_only_if_asked_and_what_was_begun_stays(study):
    apply(study)
    begun = live(study, reader=study.reader).first()
    Draft.objects.create(
        project=study.project,
        case=begun.case,
        reader=study.reader,
        version=1,
        values="_" * 8,
        urgencies="_" * 8,
        saved_at=NOW,
    )
    done = live(study, reader=study.other_reader).first()
    submit(done)
    Membership.objects.create(project=study.project, user=user("lumbar-reader4"), role=Role.READER)
    more = asked(readers=(*asked().readers, AskedReader(name="lumbar-reader4")), moves_unread=True)
    apply(study, more, now=LATER)
    assert sorted(Counter(live(study).values_list("reader__username", flat=True)).values()) == [6, 6, 6, 6]
    states = dict(Seat.objects.values_list("pk", "state"))
    assert (states[begun.pk], states[done.pk]) == ("open", "submitted")
    assert Seat.objects.filter(withdrawn_because="moved to another reader by plan 2").count() == 6


def test_a_later_plan_gives_the_seats_of_a_reader_who_left_to_the_others(study):
    apply(study)
    submit(live(study, reader=study.reader).first())
    n = withdraw_seats(project=study.project, reader=study.reader, actor=study.manager, reason="left", now=NOW)
    assert n == 7
    rest = asked(readers=asked().readers[1:])
    apply(study, rest, now=LATER)
    assert set(Counter(live(study).values_list("case", flat=True)).values()) == {2}
    assert live(study, reader=study.reader).count() == 1
    assert Event.objects.get(verb="seats_withdrawn").payload == {
        "seats": 7,
        "reader": study.reader.pk,
        "reason": "left",
    }


def test_seats_are_given_in_the_same_arm_but_not_for_cases_that_the_other_has(study):
    apply(study, asked(arms={"blank": 0.5, "prefilled": 0.5}))
    mine = dict(live(study, reader=study.reader).values_list("case", "arm"))
    theirs = dict(live(study, reader=study.other_reader).values_list("case", "arm"))
    n_given, n_left = give_seats(
        project=study.project, source=study.reader, to=study.other_reader, actor=study.manager, reason="ill", now=NOW
    )
    assert (n_given, n_left) == (len(set(mine) - set(theirs)), len(set(mine) & set(theirs)))
    after = dict(live(study, reader=study.other_reader).values_list("case", "arm"))
    assert after == {case: arm for case, arm in mine.items() if case not in theirs} | theirs
    assert not live(study, reader=study.reader).exists()


def test_repeats_point_to_the_first_reading_and_carry_their_wash_out(study):
    apply(study, asked(repeats_share=0.25, repeats_after_days=14, repeats_after_cases=3))
    again = live(study, round=2).select_related("repeats")
    # A quarter of 8 cases for each of 3 readers.
    assert again.count() == 6
    for seat in again:
        assert (seat.repeats.case_id, seat.repeats.reader_id) == (seat.case_id, seat.reader_id)
        assert (seat.repeats.arm, seat.washout_days, seat.after_others) == (seat.arm, 14, 3)


def test_a_queue_has_seats_without_readers_and_is_withdrawn_before_readers_are_named(study):
    apply(study, asked(readers=()))
    assert set(live(study).values_list("reader", "is_pulled")) == {(None, True)}
    assert rules_of(study.project).reads == "queue"
    with pytest.raises(UserError, match="24 seats wait in the queue"):
        preview_plan(project=study.project, asked=asked())
    withdraw_seats(project=study.project, reader=None, actor=study.manager, reason="named readers", now=NOW)
    apply(study, now=LATER)
    assert live(study).count() == 24


def test_cases_of_which_the_prefill_predicts_a_rare_finding_are_a_stratum(study):
    rare = study.cases[4]
    Run.objects.update(is_prefill=False)
    run = add_run(study.project, [case for case in study.cases if case != rare], values="0.0.+.+.")
    # The first cell is positive in one case of twelve, the others that are positive at all in every case.
    MachineLabel.objects.create(run=run, report=rare.report, values="+.0.+.+.", urgencies="_" * 8)
    basis = plan_basis(study.project, asked(rare_below=0.1))
    strata = {case.key: case.stratum for case in basis.request.cases}
    assert strata.pop(rare.key) == "rare finding predicted"
    assert set(strata.values()) == {"no rare finding predicted"}
    assert basis.run == str(run.run_id)


def test_a_case_that_the_prefill_could_not_label_is_a_stratum_of_its_own(study):
    unlabeled = add_case(study.project, 13)
    basis = plan_basis(study.project, asked(rare_below=0.1))
    assert {case.key: case.stratum for case in basis.request.cases}[unlabeled.key] == "no machine labels"


def test_seats_keep_the_probability_with_which_their_case_was_drawn(study):
    apply(study, asked(rates={"": 0.5}))
    assert set(live(study).values_list("inclusion_probability", flat=True)) == {0.5}
    drawn = set(live(study).values_list("case", flat=True))
    apply(study, asked(rates={"": 0.75}), now=LATER)
    # Drawing more of the same cases raises the probability of those that were in.
    assert set(live(study).values_list("inclusion_probability", flat=True)) == {0.75}
    assert drawn < set(live(study).values_list("case", flat=True))


def test_cases_that_came_after_a_plan_are_drawn_apart(study):
    apply(study, asked(rates={"": 0.5}))
    for position in range(13, 17):
        add_case(study.project, position)
    apply(study, asked(rates={"": 10 / 16}), now=LATER)
    weights = {case: 1 / p for case, p in live(study).values_list("case", "inclusion_probability")}
    assert sum(weights.values()) == pytest.approx(16)


def test_excluded_cases_get_no_seats(study):
    gone = study.cases[0]
    Exclusion.objects.create(
        project=study.project, case=gone, reason="no report", excluded_by=study.manager, excluded_at=NOW
    )
    apply(study)
    assert not live(study, case=gone).exists()


def test_listed_cases_alone_get_seats(study):
    keys = tuple(case.key for case in study.cases[:3])
    apply(study, asked(keys=keys))
    assert set(live(study).values_list("case__key", flat=True)) == set(keys)
    with pytest.raises(UserError, match="No case lumbar-99 can be read here"):
        preview_plan(project=study.project, asked=asked(keys=("lumbar-99",)))


def test_cases_with_more_readers_than_others_keep_their_number(study):
    mixed = asked(overlap=((3, 0.25), (1, 0.75)))
    apply(study, mixed)
    before = Counter(live(study).values_list("case", flat=True))
    assert Counter(before.values()) == {3: 3, 1: 9}
    withdraw_seats(project=study.project, reader=study.reader, actor=study.manager, reason="ill", now=NOW)
    apply(study, mixed, now=LATER)
    assert Counter(live(study).values_list("case", flat=True)) == before


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"readers": (AskedReader(name="lumbar-manager"),)}, "lumbar-manager is no reader"),
        ({"arms": {"seeded": 1.0}}, "planted errors are for training projects"),
        ({"arms": {"drunk": 1.0}}, "'drunk' is no arm"),
        ({"overlap": ((4, 1.0),)}, "4 readers for one case are asked for, and there are 3"),
    ],
)
def test_what_cannot_be_is_refused_in_words(study, changes, words):
    with pytest.raises(UserError, match=words):
        preview_plan(project=study.project, asked=asked(**changes))


def test_a_training_project_may_have_seats_with_planted_errors(study):
    set_rules(project=study.project, actor=study.manager, changes={"is_training": True}, now=NOW)
    apply(study, asked(arms={"seeded": 1.0}))
    assert set(live(study).values_list("arm", flat=True)) == {"seeded"}


@pytest.mark.parametrize("reason", ["", " ", "x" * 301])
def test_withdrawing_needs_a_reason(study, reason):
    apply(study)
    with pytest.raises(UserError, match="give a reason"), transaction.atomic():
        withdraw_seats(project=study.project, reader=study.reader, actor=study.manager, reason=reason, now=NOW)
    assert live(study).count() == 24
