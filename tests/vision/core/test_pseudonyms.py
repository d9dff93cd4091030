"""Stand-ins are keyed, repeatable and recognised."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import UID

from vision.core.pseudonyms import Pseudonyms, shifted_date, shifted_datetime

OURS = Pseudonyms(secret="a secret of this installation", scope="liver")
UIDS = st.from_regex(r"[0-2](\.(0|[1-9][0-9]{0,9})){2,5}", fullmatch=True)


@given(UIDS)
def test_a_uid_is_replaced_by_a_valid_one_and_then_left_alone(uid: str) -> None:
    replaced = OURS.uid(uid)
    assert replaced != uid
    assert UID(replaced).is_valid
    assert replaced.startswith("2.25.")
    assert OURS.uid(uid) == replaced
    assert OURS.uid(replaced) == replaced


def test_other_scopes_and_secrets_replace_differently() -> None:
    uid = "1.2.826.0.1.3680043.8.498.1"
    others = [Pseudonyms(secret="a secret of this installation", scope="spine"), Pseudonyms(secret="b", scope="liver")]
    assert len({OURS.uid(uid), *(other.uid(uid) for other in others)}) == 3
    assert others[0].uid(OURS.uid(uid)) != OURS.uid(uid)


def test_a_uid_under_2_25_from_elsewhere_is_replaced() -> None:
    assert OURS.uid("2.25.337799330011223344556677889900112233") != "2.25.337799330011223344556677889900112233"


@given(st.text(min_size=1).filter(lambda text: bool(text.strip(" \0"))))
def test_a_patient_id_is_replaced_once(patient_id: str) -> None:
    replaced = OURS.patient_id(patient_id)
    assert replaced.startswith("P-")
    assert len(replaced) == 22
    assert OURS.patient_id(replaced) == replaced
    assert OURS.patient_id(f" {patient_id} ") == replaced


def test_no_patient_id_stays_none() -> None:
    assert OURS.patient_id("  ") == ""


@given(st.text())
def test_dates_of_a_patient_move_back_by_days_that_stay_the_same(patient: str) -> None:
    assert -1825 <= OURS.shift_days(patient) <= -1
    assert OURS.shift_days(patient) == OURS.shift_days(patient)


@pytest.mark.parametrize(
    ("text", "days", "expected"),
    [
        ("20240301", -1, "20240229"),
        ("20230301", -1, "20230228"),
        ("2024.01.01", -365, "20230101"),
        ("20240131 ", -31, "20231231"),
        ("00010101", -1, None),
        ("20240230", -1, None),
        ("2024", -1, None),
        ("Jones 24", -1, None),
        ("", -1, None),
    ],
)
def test_dates_move_by_the_calendar(text: str, days: int, expected: str | None) -> None:
    assert shifted_date(text, days) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20240301235959.123456+0100", "20240229235959.123456+0100"),
        ("20240301", "20240229"),
        ("202403", None),
        ("20240301Jones", None),
    ],
)
def test_the_time_of_a_moved_date_stays(text: str, expected: str | None) -> None:
    assert shifted_datetime(text, -1) == expected
