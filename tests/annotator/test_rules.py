"""The rules of a study."""

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from annotator.exceptions import UserError
from annotator.models import Arm, Event, Seat, StudyRules
from annotator.selectors.rules import rules_of
from annotator.services.rules import set_rules
from tests.annotator.worlds import NOW

pytestmark = pytest.mark.django_db


def change(world, **changes):
    return set_rules(project=world.project, actor=world.manager, changes=changes, now=NOW)


def sent(world, **changes):
    """What the form sends for the rules as they are, with `changes`."""
    plain = {
        "reads": "open",
        "readers_per_case": 1,
        "reservation": 30,
        "needs_person": "unanimous",
        "majority_of": 2,
        "weighted_share": 0.5,
        f"weight_{world.reader.pk}": 1,
        f"weight_{world.other_reader.pk}": 1,
    }
    return plain | changes


def test_a_project_goes_by_the_defaults_until_somebody_changes_them(world):
    assert rules_of(world.project).needs_person == "unanimous"
    assert not StudyRules.objects.exists()


def test_a_change_is_a_new_version_and_an_event_that_says_what_was(world):
    assert change(world, needs_person="majority", majority_of=3) == {"needs_person", "majority_of"}
    assert change(world, majority_of=2) == {"majority_of"}
    assert rules_of(world.project).version == 2
    payload = Event.objects.filter(verb=Event.Verb.RULES_SET).last().payload
    assert payload == {"version": 2, "before": {"majority_of": 3}, "after": {"majority_of": 2}}


def test_what_changes_nothing_is_no_version(world):
    assert change(world, majority_of=2) == frozenset()
    assert not Event.objects.filter(verb=Event.Verb.RULES_SET).exists()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"needs_person": "nobody"}, "nobody"),
        ({"majority_of": 1}, "2"),
        ({"weighted_share": 0.4}, "weighted_share is 0.4"),
        ({"weights": {"0": 2}}, "nobody with the key 0"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(world, changes, says):
    with pytest.raises(UserError, match=says):
        change(world, **changes)


def test_the_database_refuses_a_share_below_half(world):
    with pytest.raises(IntegrityError), transaction.atomic():
        StudyRules.objects.create(project=world.project, weighted_share=0.3)


def test_a_weight_is_kept_for_a_reader_of_the_project(world):
    change(world, weights={str(world.reader.pk): 2.5})
    assert rules_of(world.project).weights == {str(world.reader.pk): 2.5}


def test_a_project_with_planted_errors_stays_a_training_project(world):
    change(world, is_training=True)
    Seat.objects.create(project=world.project, case=world.cases[0], slot=1, reader=world.reader, arm=Arm.SEEDED)
    with pytest.raises(UserError, match="training"):
        change(world, is_training=False)


def test_the_page_shows_and_changes_the_rules(client, world):
    client.force_login(world.manager)
    url = reverse("rules", args=["lumbar"])
    assert "Nobody has changed these yet" in client.get(url).content.decode()
    answer = client.post(url, sent(world, needs_person="weighted", **{f"weight_{world.reader.pk}": 3}), follow=True)
    assert "The gold of all cases is made again" in answer.content.decode()
    rules = rules_of(world.project)
    assert (rules.needs_person, rules.weights) == ("weighted", {str(world.reader.pk): 3.0})


def test_the_page_says_what_is_wrong(client, world):
    client.force_login(world.manager)
    answer = client.post(reverse("rules", args=["lumbar"]), sent(world, majority_of=1))
    assert answer.status_code == 400
    assert "greater than or equal to 2" in answer.content.decode()
