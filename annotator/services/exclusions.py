"""Take a case out of the study, and back in; both stay on record."""

from datetime import datetime

from django.db import IntegrityError, transaction

from annotator.core.refusals import is_storable_text
from annotator.exceptions import UserError
from annotator.models import Case, Event, Exclusion, User
from annotator.selectors.exclusions import open_exclusion
from annotator.services.settling import settle_case

MAX_REASON_CHARACTERS = 1000


def exclude_case(*, case: Case, actor: User, reason: str, now: datetime) -> Exclusion:
    """Leave the case out of worklists, gold and figures; raises `UserError` without a reason, or when it is out."""
    said = _checked(reason)
    try:
        with transaction.atomic():
            exclusion = Exclusion.objects.create(
                project_id=case.project_id, case=case, reason=said, excluded_by=actor, excluded_at=now
            )
            _record(exclusion, Event.Verb.CASE_EXCLUDED, actor=actor, now=now)
    except IntegrityError as error:
        if open_exclusion(case) is None:
            raise
        raise UserError(f"Case {case.key} is excluded already.") from error
    return exclusion


def include_case(*, case: Case, actor: User, reason: str, now: datetime) -> Exclusion:
    """Take the case back in; raises `UserError` without a reason, or when it is not excluded."""
    said = _checked(reason)
    with transaction.atomic():
        is_open = Exclusion.objects.select_for_update().filter(case=case, ended_at__isnull=True)
        exclusion = is_open.first()
        if exclusion is None:
            raise UserError(f"Case {case.key} is not excluded.")
        exclusion.ended_by, exclusion.ended_at, exclusion.end_reason = actor, now, said
        exclusion.save(update_fields=["ended_by", "ended_at", "end_reason"])
        _record(exclusion, Event.Verb.CASE_INCLUDED, actor=actor, now=now)
    return exclusion


def _checked(reason: str) -> str:
    said = reason.strip()
    if not said or not is_storable_text(said, at_most=MAX_REASON_CHARACTERS):
        raise UserError(f"Give a reason of 1 to {MAX_REASON_CHARACTERS:,} characters.")
    return said


def _record(exclusion: Exclusion, verb: Event.Verb, *, actor: User, now: datetime) -> None:
    Event.objects.create(
        project_id=exclusion.project_id,
        case_id=exclusion.case_id,
        actor=actor,
        verb=verb,
        payload={"exclusion": exclusion.pk},
        at=now,
    )
    settle_case(exclusion.case_id, now=now)
