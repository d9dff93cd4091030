"""Deciding disputed cells. Three readers; `liver|focal` is disputed where they differ in presence."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction

from annotator.core.vectors import VectorError
from annotator.exceptions import BasisChangedError, DecidedError, UserError
from annotator.models import Decision, Dispute, Draft, Event, Gold, Reason, Seat, StudyRules
from annotator.selectors.dispute_pages import batch_page
from annotator.selectors.disputed_cells import disputed_payload, guessed_reason, sealed
from annotator.selectors.disputes import Wanted, next_disputed, queue_of
from annotator.services.adjudication import Seen, Verdict, decide, decide_alike, undo, undo_batch
from annotator.services.settling import settle_case
from labeling.core.schema_yaml import load_preset
from tests.annotator.disputed import FOCAL, LESION, PRESET, SPLEEN, add_machine, make_disputed, read
from tests.annotator.worlds import NOW

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=1)
DIFFERS = {FOCAL: ["+1", "+1", "0_"]}
PLACE = [str(cell) for cell in load_preset(PRESET).cells].index(FOCAL)
YES = Verdict("+", "1", Reason.READER_SLIP)
NO = Verdict("0", "_", Reason.READER_SLIP)


@pytest.fixture
def disputed():
    return make_disputed("disputed", [DIFFERS, DIFFERS, {FOCAL: ["0_", "0_", "?_"]}])


def seen(world, case=0, cell=FOCAL, revision=0):
    return Seen(cell, sealed(world.dispute(case, cell)), revision)


def decide_in(world, verdict=YES, *, by=None, case=0, revision=0):
    return decide(
        case=world.cases[case],
        seen=seen(world, case, revision=revision),
        adjudicator=by or world.adjudicator,
        verdict=verdict,
        now=LATER,
    )


def is_to_read(world, case, user):
    Seat.objects.create(project=world.project, case=world.cases[case], slot=9, reader=user, arm="prefilled")


def gold_of(world, case=0):
    gold = Gold.objects.get(case=world.cases[case])
    return gold.values[PLACE] + gold.urgencies[PLACE]


def test_a_decision_is_kept_with_what_was_shown_and_becomes_gold(disputed):
    assert gold_of(disputed) == "__"
    decision = decide_in(disputed)
    assert (decision.revision, decision.value, decision.urgency, decision.reason) == (1, "+", "1", "reader_slip")
    assert sorted(value + urgency for _, value, urgency in decision.voices.values()) == ["+1", "+1", "0_"]
    assert sorted(decision.voices) == ["A", "B", "C"]
    dispute = disputed.dispute()
    assert (dispute.state, dispute.decision) == ("decided", decision)
    assert gold_of(disputed) == "+1"
    event = Event.objects.get(verb=Event.Verb.CELL_DECIDED)
    assert event.payload == {"cell": FOCAL, "revision": 1, "value": "+", "urgency": "1", "reason": "reader_slip"}


def test_undo_adds_a_revision_and_opens_the_cell_again(disputed):
    decide_in(disputed)
    undone = undo(case=disputed.cases[0], seen=seen(disputed, revision=1), adjudicator=disputed.adjudicator, now=LATER)
    assert (undone.revision, undone.is_undo) == (2, True)
    assert Decision.objects.count() == 2
    assert disputed.dispute().state == "open"
    assert gold_of(disputed) == "__"
    assert decide_in(disputed, NO, revision=2).revision == 3
    assert gold_of(disputed) == "0_"


def test_whoever_comes_second_is_told_what_was_decided(disputed):
    first = decide_in(disputed)
    with pytest.raises(DecidedError) as refused:
        decide_in(disputed, NO, by=disputed.other_adjudicator)
    assert refused.value.latest == first
    assert Decision.objects.count() == 1


def test_a_decision_sent_twice_is_stored_once(disputed):
    assert decide_in(disputed) == decide_in(disputed)


def test_only_what_was_seen_is_taken_back(disputed):
    decide_in(disputed)
    with pytest.raises(DecidedError):
        undo(case=disputed.cases[0], seen=seen(disputed, revision=0), adjudicator=disputed.adjudicator, now=LATER)


def test_a_decision_on_what_readers_no_longer_say_is_refused(disputed):
    before = seen(disputed)
    read(disputed.cases[0], disputed.readers[1], {FOCAL: "0_"})
    settle_case(disputed.cases[0].pk, now=LATER)
    with pytest.raises(BasisChangedError):
        decide(case=disputed.cases[0], seen=before, adjudicator=disputed.adjudicator, verdict=YES, now=LATER)
    assert decide_in(disputed, NO).revision == 1


def test_a_cell_on_which_readers_agree_by_now_is_withdrawn_and_not_decided(disputed):
    before = seen(disputed)
    read(disputed.cases[0], disputed.readers[2], {FOCAL: "+1"})
    settle_case(disputed.cases[0].pk, now=LATER)
    assert disputed.dispute().state == "withdrawn"
    with pytest.raises(BasisChangedError):
        decide(case=disputed.cases[0], seen=before, adjudicator=disputed.adjudicator, verdict=YES, now=LATER)


@pytest.mark.parametrize(
    ("verdict", "about"),
    [
        (Verdict("!", "_", Reason.READER_SLIP), "value"),
        (Verdict("+", "9", Reason.READER_SLIP), "urgency"),
        (Verdict("0", "1", Reason.READER_SLIP), "urgency"),
        (Verdict("+", "1", "whatever"), "reason"),
        (Verdict("+", "1", Reason.AGREED), "reason"),
        (Verdict("+", "1", Reason.READER_SLIP, note="x" * 4001), "note"),
        (Verdict("+", "1", Reason.READER_SLIP, evidence=[[0, 10_000]]), "span"),
    ],
)
def test_a_verdict_that_does_not_fit_is_refused(disputed, verdict, about):
    with pytest.raises(VectorError, match=about):
        decide_in(disputed, verdict)
    assert not Decision.objects.exists()


def test_the_database_keeps_one_decision_for_each_revision_of_a_cell(disputed):
    first = decide_in(disputed)
    first.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        first.save(force_insert=True)


def test_a_case_that_became_one_to_read_is_not_decided_though_the_page_was_open(disputed):
    first = decide_in(disputed)
    is_to_read(disputed, 0, disputed.adjudicator)
    is_to_read(disputed, 1, disputed.adjudicator)
    with pytest.raises(PermissionDenied):
        decide_in(disputed, case=1)
    with pytest.raises(PermissionDenied):
        undo(case=disputed.cases[0], seen=seen(disputed, revision=1), adjudicator=disputed.adjudicator, now=LATER)
    assert list(Decision.objects.all()) == [first]


# Bulk


def alike(world, verdict=YES, cases=(0, 1)):
    chosen = [(world.dispute(case).pk, seen(world, case)) for case in cases]
    return decide_alike(project=world.project, chosen=chosen, adjudicator=world.adjudicator, verdict=verdict, now=LATER)


def test_cells_that_look_alike_are_decided_and_taken_back_together(disputed):
    done = alike(disputed)
    assert len(done.decided) == 2
    assert {decision.batch for decision in done.decided} == {done.batch}
    assert [gold_of(disputed, case) for case in (0, 1)] == ["+1", "+1"]
    back = undo_batch(project=disputed.project, batch=done.batch, adjudicator=disputed.adjudicator, now=LATER)
    assert len(back.decided) == 2
    assert [gold_of(disputed, case) for case in (0, 1)] == ["__", "__"]
    again = undo_batch(project=disputed.project, batch=done.batch, adjudicator=disputed.adjudicator, now=LATER)
    assert again.decided == []


def test_a_bulk_leaves_out_what_changed_meanwhile(disputed):
    chosen = [(disputed.dispute(case).pk, seen(disputed, case)) for case in (0, 1)]
    mine = decide_in(disputed, NO, by=disputed.other_adjudicator)
    done = decide_alike(
        project=disputed.project, chosen=chosen, adjudicator=disputed.adjudicator, verdict=YES, now=LATER
    )
    assert [decision.case for decision in done.decided] == [disputed.cases[1]]
    assert [dispute.case for dispute in done.left_out] == [disputed.cases[0]]
    assert disputed.dispute(0).decision == mine


def test_taking_a_batch_back_spares_what_was_decided_again(disputed):
    done = alike(disputed)
    later = decide_in(disputed, NO, by=disputed.other_adjudicator, revision=1)
    back = undo_batch(project=disputed.project, batch=done.batch, adjudicator=disputed.adjudicator, now=LATER)
    assert [decision.case for decision in back.decided] == [disputed.cases[1]]
    assert disputed.dispute(0).decision == later


def test_a_bulk_names_what_became_a_case_to_read_among_what_it_left_out(disputed):
    is_to_read(disputed, 0, disputed.adjudicator)
    done = alike(disputed)
    assert [decision.case for decision in done.decided] == [disputed.cases[1]]
    assert [dispute.case for dispute in done.left_out] == [disputed.cases[0]]


def test_nobody_takes_back_through_a_batch_what_they_may_not_decide(disputed):
    done = alike(disputed)
    is_to_read(disputed, 0, disputed.other_adjudicator)
    back = undo_batch(project=disputed.project, batch=done.batch, adjudicator=disputed.other_adjudicator, now=LATER)
    assert [decision.case for decision in back.decided] == [disputed.cases[1]]
    assert [dispute.case for dispute in back.left_out] == [disputed.cases[0]]
    assert gold_of(disputed) == "+1"


def test_a_batch_shows_nobody_the_cases_that_they_are_to_read(disputed):
    done = alike(disputed)
    is_to_read(disputed, 0, disputed.other_adjudicator)
    page = batch_page(disputed.project, disputed.other_adjudicator, done.batch)
    assert ([cell.case_key for cell in page.cells], page.n_standing, page.n_hidden) == (["D-2"], 1, 1)


def test_a_bulk_takes_the_same_few_queries_however_many_cases_it_touches(django_assert_max_num_queries):
    world = make_disputed("many", [DIFFERS] * 12)
    chosen = [(world.dispute(case).pk, seen(world, case)) for case in range(12)]
    of_all = {"project": world.project, "adjudicator": world.adjudicator, "now": LATER}
    with django_assert_max_num_queries(30):
        done = decide_alike(chosen=chosen, verdict=YES, **of_all)
    assert len(done.decided) == 12
    with django_assert_max_num_queries(30):
        undo_batch(batch=done.batch, **of_all)
    assert {world.dispute(case).state for case in range(12)} == {"open"}


def test_a_bulk_of_nothing_is_refused(disputed):
    with pytest.raises(UserError, match="0 cells"):
        alike(disputed, cases=())


# Who decides what


def queue(world, user, wanted=None, *, sees_all=False):
    return queue_of(world.project, user, wanted or Wanted(), sees_all=sees_all)


def test_the_queue_counts_by_finding_kind_and_pattern(disputed):
    shown = queue(disputed, disputed.adjudicator)
    assert (shown.n_open, shown.n_decided, shown.n_own) == (3, 0, 0)
    assert shown.n_by_finding == {"focal": 3}
    assert [(row.pattern, row.kind, row.n) for row in shown.patterns] == [
        ("+1,+1,0_", "presence", 2),
        ("?_,0_,0_", "presence", 1),
    ]
    assert [(row.key, row.n_open) for row in shown.cases] == [("D-1", 1), ("D-2", 1), ("D-3", 1)]
    narrow = queue(disputed, disputed.adjudicator, Wanted(pattern="?_,0_,0_"))
    assert (narrow.n_wanted, [row.key for row in narrow.cases]) == (1, ["D-3"])


@pytest.mark.parametrize("how", ["read", "begun", "seated"])
def test_a_case_that_one_read_or_is_to_read_is_in_nobodys_own_queue(disputed, how):
    user, case = disputed.adjudicator, disputed.cases[0]
    if how == "read":
        read(case, user, {FOCAL: "+1"})
    elif how == "begun":
        Draft.objects.create(
            project=case.project, case=case, reader=user, version=1, values="_" * 99, urgencies="_" * 99, saved_at=NOW
        )
    else:
        Seat.objects.create(project=case.project, case=case, slot=1, reader=user, arm="prefilled")
    shown = queue(disputed, user)
    assert (shown.n_open, shown.n_own) == (2, 1)
    assert [row.key for row in shown.cases] == ["D-2", "D-3"]
    assert next_disputed(disputed.project, user, Wanted()) == disputed.cases[1]
    StudyRules.objects.filter(project=case.project).update(readers_may_adjudicate=True)
    # What they have begun or have a seat for is theirs to submit first.
    assert queue(disputed, user).n_open == (3 if how == "read" else 2)


def test_a_withdrawn_seat_does_not_keep_a_case_from_its_adjudicator(disputed):
    case = disputed.cases[0]
    Seat.objects.create(
        project=case.project, case=case, slot=1, reader=disputed.adjudicator, arm="prefilled", state="withdrawn"
    )
    assert queue(disputed, disputed.adjudicator).n_open == 3


def test_the_next_case_comes_behind_the_last_and_then_from_the_start(disputed):
    def following(after):
        found = next_disputed(disputed.project, disputed.adjudicator, Wanted(), after=after)
        return found and found.key

    assert [following(after) for after in (0, 1, 3)] == ["D-1", "D-2", "D-1"]
    decide_in(disputed)
    assert [following(after) for after in (0, 3)] == ["D-2", "D-2"]


# What is shown


def test_the_payload_tells_nobody_who_said_what():
    world = make_disputed("secret", [DIFFERS], machine_is_voice=True)
    add_machine(world, {FOCAL: "0_"})
    settle_case(world.cases[0].pk, now=NOW)
    decide_in(world)
    payload = disputed_payload(world.cases[0])
    [cell] = payload["cells"]
    assert [voice["letter"] for voice in cell["voices"]] == ["A", "B", "C", "D"]
    assert all(set(voice) == VOICE for voice in cell["voices"])
    written = json.dumps(payload)
    for secret in (
        "reader1",
        "sentinel reason",
        "probability",
        "rules",
        "reading",
        "label ",
        str(world.dispute().basis),
    ):
        assert secret not in written
    assert "label " in json.dumps(Decision.objects.get().voices)


VOICE = {"letter", "value", "urgency", "evidence", "comment", "image_value"}


def test_letters_differ_from_cell_to_cell():
    row = {FOCAL: ["+1", "0_", "?1"], SPLEEN: ["+_", "0_", "?_"]}
    world = make_disputed("letters", [row] * 12)
    orders = set()
    for case in world.cases:
        for cell in disputed_payload(case)["cells"]:
            orders.add("".join(voice["value"] for voice in cell["voices"]))
    # 24 cells in which the same three say the same: all six orders but with a chance of 6 (5/6)^24 = 8 %; four surely.
    assert len(orders) >= 4


def test_the_guess_of_a_reason_goes_by_what_was_said(disputed):
    def guess(value, kind, *said):
        return guessed_reason(value, kind=kind, answers=[(pair[0], pair[1]) for pair in said])

    assert guess("~", "presence", "+_", "0_") == Reason.AMBIGUOUS_REPORT
    assert guess("+", "presence", "+_", "0_") == Reason.READER_SLIP
    assert guess("?", "certainty", "+_", "?_") == Reason.CERTAINTY_ONLY
    assert guess("0", "certainty", "+_", "?_") == Reason.READER_SLIP
    assert guess("+", "urgency", "+1", "+2") == Reason.URGENCY_ONLY
    assert guess("+", "rule", "+1", "+1") == Reason.AGREED
    assert guess("0", "rule", "+1", "+1") == Reason.READER_SLIP


def test_the_one_urgency_that_is_given_is_offered(disputed):
    [cell] = disputed_payload(disputed.cases[0])["cells"]
    assert cell["urgency"] == "1"
    assert {tuple(span) for voice in cell["voices"] for span in voice["evidence"]} == {tuple(LESION)}


# At once

at_once = pytest.mark.skipif(
    "connection.vendor != 'postgresql'",
    reason="two at once need PostgreSQL: scripts/with_postgres.py pytest tests/annotator/test_adjudication.py",
)


@pytest.mark.django_db(transaction=True)
@at_once
def test_of_adjudicators_at_once_one_wins_and_the_others_are_told():
    n_rounds, n_people = 8, 4
    world = make_disputed("race", [DIFFERS] * n_rounds)
    StudyRules.objects.filter(project=world.project).update(readers_may_adjudicate=True)  # one of them is a reader
    people = [world.adjudicator, world.other_adjudicator, world.manager, world.readers[0]]
    verdicts = [YES, NO, Verdict("?", "2", Reason.CERTAINTY_ONLY), Verdict("~", "_", Reason.AMBIGUOUS_REPORT)]
    for case in range(n_rounds):
        barrier, as_seen = Barrier(n_people), seen(world, case)

        def work(place, case=case, barrier=barrier, as_seen=as_seen):
            barrier.wait(timeout=30)
            try:
                return decide(
                    case=world.cases[case],
                    seen=as_seen,
                    adjudicator=people[place],
                    verdict=verdicts[place],
                    now=LATER,
                )
            except DecidedError as refused:
                return refused.latest
            finally:
                connection.close()

        with ThreadPoolExecutor(n_people) as pool:
            told = list(pool.map(work, range(n_people)))
        [stored] = Decision.objects.filter(case=world.cases[case])
        assert told == [stored] * n_people
        assert world.dispute(case).decision == stored


@pytest.mark.django_db(transaction=True)
@at_once
def test_decisions_on_cells_of_one_case_at_once_all_count():
    cells = [str(cell) for cell in load_preset(PRESET).cells if cell.target == "liver"][:6]
    world = make_disputed("beside", [{cell: ["0_", "+_", "0_"] for cell in cells}])
    sights = [seen(world, cell=cell) for cell in cells]
    barrier = Barrier(len(cells))

    def work(sight):
        barrier.wait(timeout=30)
        try:
            decide(case=world.cases[0], seen=sight, adjudicator=world.adjudicator, verdict=NO, now=LATER)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(cells)) as pool:
        list(pool.map(work, sights))
    assert Decision.objects.count() == len(cells)
    gold = Gold.objects.get()
    assert (gold.state, gold.n_open) == ("final", 0)


@pytest.mark.django_db(transaction=True)
@at_once
def test_a_bulk_and_a_single_decision_at_once_leave_one_decision_a_cell():
    world = make_disputed("bulk", [DIFFERS] * 6)
    chosen = [(world.dispute(case).pk, seen(world, case)) for case in range(6)]
    sight, barrier = seen(world, 3), Barrier(2)

    def together():
        barrier.wait(timeout=30)
        try:
            done = decide_alike(
                project=world.project, chosen=chosen, adjudicator=world.adjudicator, verdict=YES, now=LATER
            )
            return len(done.decided)
        finally:
            connection.close()

    def single():
        barrier.wait(timeout=30)
        try:
            decide(case=world.cases[3], seen=sight, adjudicator=world.other_adjudicator, verdict=NO, now=LATER)
        except DecidedError:
            return 0
        else:
            return 1
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        bulk, alone = pool.submit(together), pool.submit(single)
        assert bulk.result() + alone.result() == 6
    assert Decision.objects.count() == 6
    assert Dispute.objects.filter(state="open").count() == 0


def test_a_batch_of_another_project_is_not_touched(disputed):
    other = make_disputed("elsewhere", [DIFFERS])
    done = alike(disputed)
    back = undo_batch(project=other.project, batch=done.batch, adjudicator=other.adjudicator, now=LATER)
    assert back.decided == []
    foreign = [(other.dispute().pk, seen(other))]
    refused = decide_alike(
        project=disputed.project, chosen=foreign, adjudicator=disputed.adjudicator, verdict=YES, now=LATER
    )
    assert (refused.decided, Decision.objects.filter(batch=uuid.UUID(int=0)).count()) == ([], 0)
