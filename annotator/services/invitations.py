"""Links that make whoever opens them a member, once."""

import hashlib
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction

from annotator.exceptions import UserError
from annotator.models import Event, Invitation, Membership, Project, Role, User
from annotator.services.projects import set_roles
from annotator.services.users import create_user

DEFAULT_DAYS = 7
MAX_DAYS = 30
# Longer ones are never looked up.
_MAX_TOKEN_CHARACTERS = 100


class InvitationGone(Exception):
    """There is no such invitation that still holds; why is nobody's business who comes with a link."""


@transaction.atomic
def invite(
    *, project: Project, roles: Collection[str], days: int, actor: User, now: datetime, for_whom: str = ""
) -> tuple[Invitation, str]:
    """A new invitation, and its token, which is known only now: the database keeps the hash."""
    wanted = [role for role in Role.values if role in roles]
    if not wanted or set(roles) - set(Role.values):
        raise UserError(f"choose at least one role for the invitation; there are {', '.join(Role.values)}")
    if not 1 <= days <= MAX_DAYS:
        raise UserError(f"an invitation holds for 1 to {MAX_DAYS} days, not {days}")
    token = secrets.token_urlsafe(32)
    made = Invitation.objects.create(
        project=project,
        roles=wanted,
        for_whom=for_whom.strip(),
        token_sha256=_hash_of(token),
        made_by=actor,
        made_at=now,
        expires_at=now + timedelta(days=days),
    )
    payload = {"invitation": made.pk, "roles": wanted, "expires_at": made.expires_at.isoformat()}
    _log(made, actor, Event.Verb.INVITATION_MADE, payload, now=now)
    return made, token


@transaction.atomic
def withdraw(*, project: Project, invitation_id: int, actor: User, now: datetime) -> None:
    """Let a link hold no more. Raises `UserError` when it was used, or withdrawn before."""
    waiting = Invitation.objects.filter(
        project=project, pk=invitation_id, used_at__isnull=True, withdrawn_at__isnull=True
    )
    if not waiting.update(withdrawn_at=now, withdrawn_by=actor):
        raise UserError("this invitation was used or withdrawn already")
    made = Invitation.objects.get(pk=invitation_id)
    _log(made, actor, Event.Verb.INVITATION_WITHDRAWN, {"invitation": made.pk}, now=now)


def find_invitation(token: str, *, now: datetime) -> Invitation:
    """The invitation of this token, as long as it holds; raises `InvitationGone`.

    It holds no longer than whoever made it manages the project.
    """
    found = None
    if len(token) <= _MAX_TOKEN_CHARACTERS:
        known = Invitation.objects.filter(token_sha256=_hash_of(token)).select_related("project", "made_by")
        found = known.filter(used_at__isnull=True, withdrawn_at__isnull=True, expires_at__gt=now).first()
    if found is None or not _manages(found.made_by, found.project):
        raise InvitationGone
    return found


def _manages(user: User, project: Project) -> bool:
    mine = Membership.objects.filter(project=project, user=user, role=Role.MANAGER)
    return user.is_active and mine.exists()


@transaction.atomic
def accept(*, token: str, user: User, now: datetime) -> Project:
    """Make `user` a member, beside the roles that they have. Raises `InvitationGone`, also for the second of two."""
    found = find_invitation(token, now=now)
    waiting = Invitation.objects.filter(pk=found.pk, used_at__isnull=True, withdrawn_at__isnull=True)
    if not waiting.update(used_at=now, used_by=user):
        raise InvitationGone
    held = set(Membership.objects.filter(project=found.project, user=user).values_list("role", flat=True))
    set_roles(project=found.project, user=user, roles=held | set(found.roles), actor=found.made_by)
    payload = {"invitation": found.pk, "user": user.get_username(), "roles": found.roles}
    _log(found, user, Event.Verb.INVITATION_USED, payload, now=now)
    return found.project


@transaction.atomic
def accept_anew(*, token: str, username: str, password: str, now: datetime) -> tuple[Project, User]:
    """Make an account for whoever has the token, and make it a member. Raises `InvitationGone` and `UserError`."""
    find_invitation(token, now=now)
    user = create_user(username=username, password=password)
    return accept(token=token, user=user, now=now), user


def _hash_of(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def _log(made: Invitation, actor: User, verb: str, payload: dict[str, object], *, now: datetime) -> None:
    Event.objects.create(project=made.project, actor=actor, verb=verb, payload=payload, at=now)
