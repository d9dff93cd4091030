"""Change the rules of a study."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import transaction

from annotator.exceptions import UserError
from annotator.models import Arm, Event, Project, Role, Seat, StudyRules, User

# What decides which cells need a person, and what the others come out as.
RESOLVING: Final = frozenset(
    {
        *("readers_per_case", "needs_person", "majority_of", "weights", "weighted_share"),
        *("disputes_certainty", "disputes_urgency", "machine_is_voice", "reads"),
    }
)
CHANGEABLE: Final = RESOLVING | {"is_training", "reservation_s", "readers_may_adjudicate"}


@transaction.atomic
def set_rules(*, project: Project, actor: User | None, changes: Mapping[str, Any], now: datetime) -> frozenset[str]:
    """Store `changes`, by the names of columns of `StudyRules`, as the next version; the names of what changed.

    Raises `UserError` for what cannot be: a name or value that no rule has, weights of people who do not read here, a
    project that stops being for training while it has seats with planted errors.
    """
    if unknown := set(changes) - CHANGEABLE:
        raise UserError(f"{min(unknown)!r} is no rule; there are {', '.join(sorted(CHANGEABLE))}")
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    stored = StudyRules.objects.filter(project=project).first()
    rules = stored or StudyRules(project=project, version=0)
    before = {name: getattr(rules, name) for name in changes if getattr(rules, name) != changes[name]}
    if not before:
        return frozenset()
    for name in before:
        setattr(rules, name, changes[name])
    _check(rules)
    if rules.settled_version == rules.version and not RESOLVING.intersection(before):
        rules.settled_version += 1
    rules.version += 1
    rules.changed_at = now
    rules.save(force_insert=stored is None)
    after = {name: changes[name] for name in before}
    payload = {"version": rules.version, "before": before, "after": after}
    Event.objects.create(project=project, actor=actor, verb=Event.Verb.RULES_SET, payload=payload, at=now)
    return frozenset(before)


def _check(rules: StudyRules) -> None:
    if not 0.5 <= rules.weighted_share < 1:
        raise UserError(f"weighted_share is {rules.weighted_share}, expected at least 0.5 and less than 1")
    try:
        rules.clean_fields(exclude=["project", "version", "changed_at"])
        rules.validate_constraints()
    except ValidationError as error:
        raise UserError(" ".join(error.messages)) from error
    _check_weights(rules)
    if not rules.is_training and Seat.objects.filter(project=rules.project, arm=Arm.SEEDED).exists():
        raise UserError("this project has seats with planted errors; it stays a training project")


def _check_weights(rules: StudyRules) -> None:
    if not isinstance(rules.weights, dict):
        raise UserError("weights: expected a number by the key of each reader")
    readers = rules.project.memberships.filter(role=Role.READER).values_list("user_id", flat=True)
    known = {str(key) for key in readers} | {str(key) for key in _who_read(rules.project)}
    for key, weight in rules.weights.items():
        if key not in known:
            raise UserError(f"weights: nobody with the key {key} reads in this project")
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < weight <= 100:
            raise UserError(f"weights: {key} has {weight!r}, expected a number above 0 and at most 100")


def _who_read(project: Project) -> set[int]:
    return set(project.readings.order_by().values_list("reader_id", flat=True).distinct())
