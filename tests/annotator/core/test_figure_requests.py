"""What an address asks for."""

import uuid

import pytest

from annotator.core.figure_requests import FigureRequest, Kind, Level, Origin, RequestError, fingerprint

RUN, OTHER = str(uuid.UUID(int=1)), str(uuid.UUID(int=2))


def test_an_empty_address_asks_for_blind_readings_first_in_every_cell():
    assert FigureRequest.of(Kind.LABELER, {}) == FigureRequest(
        Kind.LABELER, run="", truth="", origin=Origin.BLIND_FIRST, level=Level.CELLS
    )


def test_a_kind_takes_no_more_of_an_address_than_it_needs():
    query = {"run": RUN, "other": OTHER, "truth": "ann", "origin": "all", "level": "groups"}
    readers = FigureRequest.of(Kind.READERS, query)
    assert (readers.runs, readers.truth, readers.origin, readers.level) == ((), "", Origin.ALL, Level.GROUPS)
    assert FigureRequest.of(Kind.LABELER, query).runs == (RUN,)
    assert FigureRequest.of(Kind.COMPARISON, query).runs == (RUN, OTHER)


@pytest.mark.parametrize("query", [{"run": "1; drop"}, {"origin": "some"}, {"level": "organs"}])
def test_words_that_an_address_cannot_hold_are_refused(query):
    with pytest.raises(RequestError):
        FigureRequest.of(Kind.LABELER, query)


@pytest.mark.parametrize("kind", Kind)
def test_a_stored_request_is_read_as_it_was(kind):
    request = FigureRequest(kind, run=RUN, truth="ann", origin=Origin.BLIND, level=Level.GROUPS, n_resamples=7, seed=3)
    assert FigureRequest.of_json(request.as_json()) == request


def test_two_spellings_of_a_run_are_one_request():
    asked = [FigureRequest.of(Kind.LABELER, {"run": run}) for run in (OTHER, OTHER.replace("-", "").upper())]
    assert asked[0] == asked[1]


def test_the_fingerprint_tells_parts_apart_and_ignores_their_order():
    assert fingerprint({"a": 1, "b": {"c": 2, "d": 3}}) == fingerprint({"b": {"d": 3, "c": 2}, "a": 1})
    assert fingerprint({"a": 1}) != fingerprint({"a": 2})
    # sha256sum of {"a":1}
    assert fingerprint({"a": 1}) == "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"
