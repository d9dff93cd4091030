"""What every plan keeps, whatever is asked for, and the plans of a study whose numbers are known by hand."""

from collections import Counter, defaultdict
from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from annotator.core.assignment import (
    HeldSeat,
    Order,
    Overlap,
    PlanCase,
    PlanError,
    PlanReader,
    PlanRequest,
    Repeats,
    make_plan,
    summarize,
)

BOTH_ARMS = {"blank": 0.5, "prefilled": 0.5}


def cases(n, *, per_patient=1, strata=("",)):
    return tuple(
        PlanCase(key=f"c{i:04}", patient=f"p{i // per_patient}", stratum=strata[i % len(strata)]) for i in range(n)
    )


def readers(n, **rest):
    return tuple(PlanReader(key=f"r{i:02}", **rest) for i in range(n))


def held(plan, **changes):
    return tuple(
        HeldSeat(case=s.case, reader=s.reader, arm=s.arm, round=s.round, place=s.place, stratum=s.stratum, **changes)
        for s in plan.seats
    )


def loads(seats):
    return Counter(seat.reader for seat in seats if seat.round == 1)


def shared(seats):
    by_case = defaultdict(set)
    for seat in seats:
        if seat.round == 1:
            by_case[seat.case].add(seat.reader)
    pairs = Counter(pair for together in by_case.values() for pair in combinations(sorted(together), 2))
    everyone = sorted({seat.reader for seat in seats})
    return [pairs[pair] for pair in combinations(everyone, 2)]


@st.composite
def requests(draw):
    n_readers = draw(st.integers(1, 8))
    most = draw(st.integers(1, n_readers))
    overlap = (Overlap(most),)
    if most > 1 and draw(st.booleans()):
        overlap = (Overlap(most, 0.25), Overlap(1, 0.75))
    strata = draw(st.sampled_from([("",), ("CT", "MR"), ("CT", "CT", "MR")]))
    return PlanRequest(
        cases=cases(draw(st.integers(1, 60)), per_patient=draw(st.integers(1, 3)), strata=strata),
        readers=readers(n_readers),
        overlap=overlap,
        arms=draw(st.sampled_from([{"prefilled": 1.0}, BOTH_ARMS, {"blank": 0.3, "prefilled": 0.7}])),
        keeps_patients_together=draw(st.booleans()),
        order=draw(st.sampled_from(list(Order))),
        seed=draw(st.integers(0, 5)),
    )


@given(requests())
@settings(deadline=None, max_examples=60)
def test_each_case_has_its_readers_none_twice_and_loads_are_within_1(request):
    plan = make_plan(request)
    seats = [(seat.case, seat.reader) for seat in plan.seats]
    assert len(set(seats)) == len(seats)
    assert Counter(case for case, _ in seats) == plan.n_readers
    n_many = sum(n == request.overlap[0].n_readers for n in plan.n_readers.values())
    assert abs(n_many - request.overlap[0].share * len(request.cases)) < 1 or request.overlap[0].n_readers == 1
    per_reader = [loads(plan.seats)[reader.key] for reader in request.readers]
    assert max(per_reader) - min(per_reader) <= 1
    for reader in request.readers:
        mine = [seat.place for seat in plan.seats if seat.reader == reader.key]
        assert sorted(mine) == list(range(1, len(mine) + 1))


@given(requests())
@settings(deadline=None, max_examples=60)
def test_arms_of_a_reader_are_within_1_of_their_shares_in_every_stratum(request):
    groups = defaultdict(Counter)
    for seat in make_plan(request).seats:
        groups[seat.reader, seat.stratum][seat.arm] += 1
    for arms in groups.values():
        for arm, share in request.arms.items():
            assert abs(arms[arm] - share * arms.total()) <= 1


@given(requests())
@settings(deadline=None, max_examples=40)
def test_two_readers_share_about_the_same_number_of_cases(request):
    """Within 1 is shown below where it can be had (5 triples of 6 readers, say, cannot have it).

    For 5 cases, 7 readers and 5 for a case the search ends at 3.
    """
    request = replace(request, overlap=request.overlap[:1], keeps_patients_together=False)
    request = replace(request, overlap=(Overlap(request.overlap[0].n_readers),))
    counts = shared(make_plan(request).seats)
    assert max(counts, default=0) - min(counts, default=0) <= 3


def leaves_something_to_chance(request):
    everybody_reads_all = all(part.n_readers == len(request.readers) for part in request.overlap)
    return not everybody_reads_all or request.order is Order.SHUFFLED or len(request.arms) > 1


@given(requests())
@example(PlanRequest(cases=cases(21), readers=readers(4), overlap=(Overlap(4),), order=Order.GIVEN))
@settings(deadline=None, max_examples=30)
def test_the_same_request_makes_the_same_plan_and_other_seeds_others_where_chance_has_a_say(request):
    plan = make_plan(request)
    assert plan == make_plan(replace(request, readers=request.readers[::-1]))
    others = [make_plan(replace(request, seed=request.seed + more)) for more in range(1, 6)]
    if not leaves_something_to_chance(request):
        assert all(other == plan for other in others)
    elif len(request.cases) > 20:
        assert any(other != plan for other in others)


@pytest.mark.parametrize(
    ("n_cases", "n_readers", "n_each", "load", "pair"),
    [
        # 200 * 3 / 5 = 120 cases a reader; 200 * 3 / 10 pairs = 60 shared cases.
        (200, 5, 3, 120, 60),
        # Fano plane, affine and projective planes: block designs in which two readers share exactly one case.
        (7, 7, 3, 3, 1),
        (12, 9, 3, 4, 1),
        (13, 13, 4, 4, 1),
        # 2-(6, 3, 2) and 2-(16, 3, 2): two shared cases.
        (10, 6, 3, 5, 2),
        (80, 16, 3, 15, 2),
    ],
)
def test_balanced_block_designs_are_found(n_cases, n_readers, n_each, load, pair):
    request = PlanRequest(cases=cases(n_cases), readers=readers(n_readers), overlap=(Overlap(n_each),), seed=3)
    plan = make_plan(request)
    assert set(loads(plan.seats).values()) == {load}
    assert set(shared(plan.seats)) == {pair}
    assert summarize(request, plan).notes == []


def test_strata_of_odd_sizes_leave_pairs_even():
    request = PlanRequest(cases=cases(203, strata=("A", "B", "B")), readers=readers(6), overlap=(Overlap(3),))
    counts = shared(make_plan(request).seats)
    assert max(counts) - min(counts) <= 1


def test_loads_follow_quotas_and_shares_of_time():
    staff = (
        PlanReader(key="full"),
        PlanReader(key="also full"),
        PlanReader(key="half", share=0.5),
        PlanReader(key="few", quota=10),
    )
    plan = make_plan(PlanRequest(cases=cases(100), readers=staff, overlap=(Overlap(2),)))
    # 200 - 10 = 190 readings at 2 : 2 : 1.
    assert loads(plan.seats) == {"full": 76, "also full": 76, "half": 38, "few": 10}


def test_quotas_that_can_only_be_met_by_moving_cases_are_met():
    staff = (PlanReader(key="a", quota=6), PlanReader(key="b", quota=3), PlanReader(key="c", quota=3))
    plan = make_plan(PlanRequest(cases=cases(6), readers=staff, overlap=(Overlap(2),)))
    assert loads(plan.seats) == {"a": 6, "b": 3, "c": 3}


def test_cases_of_a_patient_go_to_the_same_readers_if_asked():
    request = PlanRequest(
        cases=cases(60, per_patient=3), readers=readers(5), overlap=(Overlap(2),), keeps_patients_together=True
    )
    plan = make_plan(request)
    assert summarize(request, plan).n_patients_split == 0
    assert set(loads(plan.seats).values()) == {24}


@given(st.integers(2, 40), st.integers(2, 6), st.integers(2, 5), st.integers(0, 5))
@settings(deadline=None, max_examples=60)
def test_each_case_has_a_blank_and_a_prefilled_reader_if_asked(n_cases, n_readers, n_each, seed):
    request = PlanRequest(
        cases=cases(n_cases, strata=("A", "A", "B")),
        readers=readers(n_readers),
        overlap=(Overlap(min(n_each, n_readers)),),
        arms=BOTH_ARMS,
        mixes_arms=True,
        seed=seed,
    )
    plan = make_plan(request)
    of_case = defaultdict(set)
    of_reader = defaultdict(Counter)
    for seat in plan.seats:
        of_case[seat.case].add(seat.arm)
        for group in ((seat.reader, seat.stratum), (seat.reader, None)):
            of_reader[group][seat.arm] += 1
    assert all(arms == {"blank", "prefilled"} for arms in of_case.values())
    assert all(abs(arms["blank"] - arms["prefilled"]) <= 1 for arms in of_reader.values())


def test_repeats_come_after_enough_other_cases_in_the_same_arm_and_within_the_quota():
    request = PlanRequest(
        cases=cases(100, strata=("A", "B")),
        readers=readers(4, quota=55),
        overlap=(Overlap(2),),
        arms=BOTH_ARMS,
        repeats=Repeats(share=0.1, after_days=14, after_cases=20),
    )
    plan = make_plan(request)
    for reader in request.readers:
        mine = sorted((s for s in plan.seats if s.reader == reader.key), key=lambda s: s.place)
        first = {seat.case: seat for seat in mine if seat.round == 1}
        again = [seat for seat in mine if seat.round == 2]
        assert (len(first), len(again)) == (50, 5)
        for seat in again:
            before = first[seat.case]
            assert seat.arm == before.arm
            between = {s.case for s in mine if before.place < s.place < seat.place and s.round == 1}
            assert len(between) >= 20


@given(requests(), st.integers(0, 3), st.integers(0, 20), st.data())
@settings(deadline=None, max_examples=60)
def test_extending_keeps_every_seat_and_adds_what_is_missing(request, n_new_readers, n_new_cases, data):
    before = make_plan(request)
    kept = tuple(seat for seat in held(before) if data.draw(st.integers(0, 9)) > 0)
    n_readers = {case: n for case, n in before.n_readers.items() if case in {seat.case for seat in kept}}
    more = replace(
        request,
        cases=tuple(
            replace(case, n_readers=n_readers.get(case.key))
            for case in cases(len(request.cases) + n_new_cases, per_patient=2)
        ),
        readers=readers(len(request.readers) + n_new_readers),
        held=kept,
    )
    plan = make_plan(more)
    assert plan.moved == ()
    everything = [(seat.case, seat.reader) for seat in (*kept, *plan.seats)]
    assert len(set(everything)) == len(everything)
    assert Counter(case for case, _ in everything) == plan.n_readers
    for reader in more.readers:
        last = max((seat.place for seat in kept if seat.reader == reader.key), default=0)
        assert all(seat.place > last for seat in plan.seats if seat.reader == reader.key)


def test_a_new_reader_gets_unread_cases_of_others_only_if_asked_and_never_read_ones():
    request = PlanRequest(cases=cases(60), readers=readers(3), overlap=(Overlap(2),))
    seats = held(make_plan(request), can_move=True)
    read = tuple(replace(seat, can_move=False) for seat in seats[::3])
    unread = tuple(seat for i, seat in enumerate(seats) if i % 3)
    more = replace(request, readers=readers(4), held=(*read, *unread))
    assert make_plan(more).seats == ()
    plan = make_plan(replace(more, moves_unread=True))
    # 120 readings, 4 readers: 30 each, all of the new one taken over.
    assert loads(plan.seats) == {"r03": 30}
    assert len(plan.moved) == 30
    assert set(plan.moved) <= set(unread)


def test_a_queue_has_the_seats_of_each_case_without_readers():
    plan = make_plan(PlanRequest(cases=cases(10), overlap=(Overlap(3),), arms=BOTH_ARMS, mixes_arms=True))
    assert {seat.reader for seat in plan.seats} == {None}
    assert set(Counter(seat.case for seat in plan.seats).values()) == {3}
    assert sorted(seat.place for seat in plan.seats) == list(range(1, 31))
    assert all(
        {seat.arm for seat in plan.seats if seat.case == case.key} == {"blank", "prefilled"} for case in cases(10)
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"readers": readers(5, quota=100)}, r"600 readings are needed, and the readers can take 500"),
        ({"readers": readers(2)}, r"3 readers for one case are asked for, and there are 2"),
        ({"readers": ()} | {"repeats": Repeats(share=0.1, after_days=1, after_cases=1)}, r"Repeats need named readers"),
        ({"repeats": Repeats(share=0.1, after_days=1, after_cases=115)}, r"12 of 120 cases .* and 5 have that many"),
        ({"arms": {"blank": 0.5}}, r"shares of arms are 50 %"),
        ({"mixes_arms": True}, r"needs both arms at 50 %: prefilled is at 100 %"),
        ({"cases": ()}, r"no cases"),
        ({"wanted": {"PET": 3}}, r"No case is in the stratum 'PET'"),
        ({"wanted": {"": 201}}, r"201 cases .* are wanted, and it has 200"),
    ],
)
def test_what_cannot_be_met_says_what_is_short(change, words):
    request = PlanRequest(cases=cases(200), readers=readers(5), overlap=(Overlap(3),))
    with pytest.raises(PlanError, match=words):
        make_plan(replace(request, **change))


@pytest.mark.parametrize("n_readers", [1, 2, 3])
def test_nobody_gets_a_case_that_they_are_barred_from(n_readers):
    """Of 5 readers, one is barred from each of 40 cases: 8 cases a reader, so that 4 are left for each case."""
    asked = PlanRequest(cases=cases(40), readers=readers(5), overlap=(Overlap(n_readers),))
    barred = frozenset((case.key, f"r{i % 5:02}") for i, case in enumerate(asked.cases))
    plan = make_plan(replace(asked, barred=barred))
    assert not barred & {(seat.case, seat.reader) for seat in plan.seats}
    assert set(loads(plan.seats).values()) == {40 * n_readers // 5}


def test_a_case_that_everybody_is_barred_from_is_named():
    barred = frozenset({("c0001", "r00"), ("c0001", "r01")})
    asked = PlanRequest(cases=cases(2), readers=readers(2), barred=barred)
    with pytest.raises(PlanError, match="c0001"):
        make_plan(asked)
