"""Strata, and the probabilities with which their cases are drawn."""

from dataclasses import replace

import numpy as np
import pytest

from annotator.core.assignment import (
    HeldSeat,
    Overlap,
    PlanCase,
    PlanReader,
    PlanRequest,
    is_rare,
    make_plan,
    stratum_name,
    summarize,
    wanted_at,
)


def test_a_case_is_rare_if_positive_in_a_cell_that_few_are():
    positive = np.array([[1, 0], [1, 0], [1, 1], [0, 0]], bool)
    # 3 of 4 and 1 of 4.
    assert is_rare(positive, below=0.3).tolist() == [False, False, True, False]
    assert is_rare(positive, below=0.25).tolist() == [False] * 4


def test_strata_are_named_by_what_is_known():
    assert stratum_name("CT", True) == "CT · rare finding predicted"
    assert stratum_name("", None) == "no machine labels"


def test_rates_become_whole_cases():
    assert wanted_at({"a": 0.5, "b": 0.001, "c": 0.0}, {"a": 25, "b": 100, "c": 7}) == {"a": 13, "b": 1, "c": 0}


def frame(n, *, batch=""):
    return tuple(
        PlanCase(key=f"{batch}{i:03}", patient=f"{batch}{i}", stratum="rare" if i < 20 else "usual", batch=batch)
        for i in range(n)
    )


def request(**changes):
    return PlanRequest(cases=frame(100), readers=(PlanReader(key="r"),), overlap=(Overlap(1),), **changes)


def test_each_seat_has_the_share_of_its_stratum_that_is_read():
    plan = make_plan(request(wanted={"usual": 20}))
    assert {(seat.stratum, seat.probability) for seat in plan.seats} == {("rare", 1.0), ("usual", 0.25)}
    # Horvitz and Thompson: weights 1 / probability count every case of the frame once.
    assert sum(1 / seat.probability for seat in plan.seats) == pytest.approx(100)


def test_drawing_more_keeps_who_is_in_and_counts_batches_apart():
    first = make_plan(request(wanted={"rare": 5, "usual": 8}))
    held = tuple(HeldSeat(case=s.case, reader=s.reader, arm=s.arm, place=s.place) for s in first.seats)
    more = replace(
        request(wanted={"rare": 10, "usual": 8 + 20}), cases=frame(100) + frame(40, batch="later"), held=held
    )
    plan = make_plan(more)
    assert {seat.case for seat in held} <= set(plan.probabilities)
    strata = {row.stratum: (row.n_cases, row.n_read) for row in summarize(more, plan).strata}
    assert strata == {"rare": (40, 10), "usual": (100, 28)}
    total = sum(1 / p for p in plan.probabilities.values())
    assert total == pytest.approx(140)


def test_over_many_seeds_each_case_is_drawn_as_often_as_its_probability_says():
    counts = [
        "050" in make_plan(replace(request(wanted={"usual": 20}), seed=seed)).probabilities for seed in range(400)
    ]
    # 400 draws at 0.25: 100, standard deviation 8.7.
    assert 65 < sum(counts) < 135
