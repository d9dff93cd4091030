"""The page and the command with which managers plan who reads what."""

import csv
import io
import json
import re

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from annotator.models import Arm, AssignmentPlan, Membership, Role, Seat, SeatState
from annotator.services.seat_changes import withdraw_seats
from tests.annotator.worlds import NOW, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def study(db):
    """Twelve cases and two readers."""
    return make_world("lumbar", n_cases=12)


@pytest.fixture
def manager(client, study):
    client.force_login(study.manager)
    return client


def sent(study, **changes):
    plain = {
        "reads": "assigned",
        "n_readers": 2,
        "percent_many": 50,
        "n_rest": 1,
        "percent_blank": 50,
        "percent_seeded": 0,
        "percent_repeats": 0,
        "after_days": 28,
        "after_cases": 30,
        "percent_rare": "",
        "order": "given",
        "keys": "",
        "seed": 4,
    }
    for reader in (study.reader, study.other_reader):
        plain |= {f"in_{reader.pk}": "on", f"quota_{reader.pk}": "", f"share_{reader.pk}": 100}
    return plain | changes


def post(client, study, **changes):
    return client.post(reverse("assignment", args=[study.project.slug]), sent(study, **changes))


def hidden(response):
    fields = re.findall(r'name="(token|previewed)"\s+value="([^"]*)"', response.content.decode())
    return dict(fields)


def test_a_preview_stores_nothing_and_applying_it_makes_its_seats(manager, study):
    shown = post(manager, study, action="preview")
    assert shown.status_code == 200
    assert not Seat.objects.exists()
    picture = json.loads(re.search(r'id="plots-data"[^>]*>(.*?)</script>', shown.content.decode(), re.S)[1])
    # 6 cases by both, 6 by one of them: 18 readings.
    assert sum(load["count"] for load in picture["loads"]) == 18
    assert {pair["n"] for pair in picture["pairs"]} == {6, None}
    applied = post(manager, study, action="apply", **hidden(shown))
    assert applied.status_code == 302
    assert Seat.objects.count() == 18


def test_a_form_that_changed_since_the_preview_is_shown_again_and_not_applied(manager, study):
    shown = post(manager, study, action="preview")
    again = post(manager, study, action="apply", **hidden(shown), seed=5)
    assert again.status_code == 400
    assert b"changed after the preview" in again.content
    assert not Seat.objects.exists()


def test_the_manager_who_comes_second_is_told_and_sees_what_is_left_to_do(manager, study):
    shown = hidden(post(manager, study, action="preview", n_readers=1))
    post(manager, study, action="apply", n_readers=1, **shown)
    second = post(manager, study, action="apply", n_readers=1, **shown)
    assert second.status_code == 400
    assert b"omebody else changed the seats" in second.content
    assert AssignmentPlan.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"percent_blank": 120}, b"less than or equal to 100"),
        ({"n_readers": 3, "percent_many": 100}, b"3 readers for one case are asked for, and there are 2"),
        ({"rate:": "half"}, b"is no percentage"),
        ({"keys": "lumbar-99"}, b"No case lumbar-99 can be read here"),
    ],
)
def test_what_cannot_be_planned_is_said_above_the_form(manager, study, changes, words):
    response = post(manager, study, action="preview", **changes)
    assert response.status_code == 400
    assert words in response.content


def test_a_plan_for_nobody_is_refused(manager, study):
    fields = sent(study, action="preview")
    for reader in (study.reader, study.other_reader):
        del fields[f"in_{reader.pk}"]
    response = manager.post(reverse("assignment", args=["lumbar"]), fields)
    assert b"Nobody is chosen to read" in response.content


def test_a_rate_of_a_stratum_draws_that_share_of_its_cases(manager, study):
    response = post(manager, study, action="preview", **{"rate:": 25})
    assert response.context["preview"].summary.n_cases == 3


def test_the_next_plan_starts_from_what_the_last_one_asked_for(manager, study):
    post(manager, study, action="apply", **hidden(post(manager, study, action="preview")))
    form = manager.get(reverse("assignment", args=["lumbar"])).context["form"]
    assert (form["percent_blank"].value(), form["percent_many"].value(), form["seed"].value()) == ("50", "50", 4)


def test_sampling_rates_of_the_last_plan_hold_until_others_are_given(manager, study):
    rate = {"rate:": 25}
    post(manager, study, action="apply", **rate, **hidden(post(manager, study, action="preview", **rate)))
    assert post(manager, study, action="preview").context["preview"].summary.n_cases == 3


def test_seats_are_withdrawn_and_given_from_the_page(manager, study):
    post(manager, study, action="apply", n_readers=1, **hidden(post(manager, study, action="preview", n_readers=1)))
    address = reverse("assignment_seats", args=["lumbar"])
    manager.post(address, {"source": study.reader.pk, "to": study.other_reader.pk, "reason": "ill"})
    live = Seat.objects.exclude(state=SeatState.WITHDRAWN)
    assert set(live.values_list("reader", flat=True)) == {study.other_reader.pk}
    manager.post(address, {"source": study.other_reader.pk, "to": "", "reason": ""})
    assert live.count() == 12
    manager.post(address, {"source": study.other_reader.pk, "to": "", "reason": "left"})
    assert live.count() == 0


def test_seats_as_a_table_are_safe_in_a_spreadsheet(manager, study):
    post(manager, study, action="apply", **hidden(post(manager, study, action="preview")))
    withdraw_seats(project=study.project, reader=study.reader, actor=study.manager, reason="=1+1", now=NOW)
    # The manager reads nothing here, and may see strata.
    body = b"".join(manager.get(reverse("assignment_csv", args=["lumbar"])).streaming_content).decode()
    rows = list(csv.DictReader(io.StringIO(body)))
    assert len(rows) == 18
    assert {row["withdrawn_because"] for row in rows} == {"", "'=1+1"}


def test_a_manager_with_blank_cases_left_to_read_may_plan_but_not_see_strata_of_cases(manager, study):
    Membership.objects.create(project=study.project, user=study.manager, role=Role.READER)
    Seat.objects.create(
        project=study.project, case=study.cases[0], slot=1, reader=study.manager, arm=Arm.BLANK, place=1
    )
    assert manager.get(reverse("assignment", args=["lumbar"])).status_code == 200
    assert manager.get(reverse("assignment_csv", args=["lumbar"])).status_code == 403


def test_the_command_shows_a_plan_and_applies_it_if_asked(study, capsys):
    plan = [
        "assign",
        "lumbar",
        "--readers",
        "all",
        "--overlap",
        "2:0.5",
        "1:0.5",
        "--arms",
        "blank:0.5",
        "prefilled:0.5",
    ]
    call_command(*plan)
    assert "12 cases, 18 new seats" in capsys.readouterr().out
    assert not Seat.objects.exists()
    call_command(*plan, "--apply")
    assert Seat.objects.count() == 18


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--readers", "nobody"], "nobody is no reader of this project"),
        (["--readers", "lumbar-reader:5"], "12 readings are needed, and the readers can take 5"),
        (["--readers", "lumbar-reader:many"], "expected a name, a colon|expected a name, or a name"),
        (["--queue", "--overlap", "two"], "expected a number of readers"),
    ],
)
def test_the_command_says_what_is_wrong(study, words, said):
    with pytest.raises(CommandError, match=said):
        call_command("assign", "lumbar", *words)
