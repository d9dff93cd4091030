"""Create projects, and decide who belongs to them."""

from collections.abc import Collection, Mapping

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.text import slugify

from annotator.exceptions import SchemaRejected, UserError
from annotator.models import Event, LabelSchema, Membership, Project, Role, User
from annotator.services.leaving import release_seats
from labeling.core.intake.records import has_unstorable
from labeling.core.schema_yaml import SchemaError, parse_schema

RESERVED_SLUGS = frozenset({"new"})
# One character per cell in `Reading.values` and its like.
MAX_CELLS = 2000


@transaction.atomic
def create_project(*, name: str, slug: str, schema_source: str, actor: User, description: str = "") -> Project:
    """A project under the schema written in `schema_source`, with `actor` as its manager.

    An empty `slug` is made from the name.
    """
    name = name.strip()
    slug = slugify(slug or name)[:60].strip("-")
    if not name or not slug or slug in RESERVED_SLUGS:
        raise UserError(f"{slug or name!r} is no address for a project; give one of letters, digits and hyphens")
    schema = store_schema(source=schema_source)
    try:
        with transaction.atomic():
            project = Project.objects.create(slug=slug, name=name, description=description.strip(), schema=schema)
    except IntegrityError as error:
        raise UserError(f"there is a project with the address {slug!r} already; choose another") from error
    Membership.objects.create(project=project, user=actor, role=Role.MANAGER)
    _log(project, actor, Event.Verb.PROJECT_CREATED, {"slug": slug, "schema": str(schema), "schema_hash": schema.hash})
    return project


def store_schema(*, source: str) -> LabelSchema:
    """The stored schema that says what `source` says; stored now when it is new."""
    try:
        schema = parse_schema(source)
    except SchemaError as error:
        raise SchemaRejected(error.problems) from error
    if len(schema.cells) > MAX_CELLS:
        raise UserError(f"schema {schema.name} has {len(schema.cells)} cells; at most {MAX_CELLS} can be stored")
    values = {"name": schema.name, "version": schema.version, "source": source}
    try:
        with transaction.atomic():
            return LabelSchema.objects.get_or_create(hash=schema.hash, defaults=values)[0]
    except IntegrityError as error:
        raise UserError(
            f"schema {schema.name} version {schema.version} exists and says something else; "
            f"bump the version (write version: {_highest_version(schema.name) + 1})"
        ) from error


def _highest_version(name: str) -> int:
    return max(LabelSchema.objects.filter(name=name).values_list("version", flat=True), default=0)


@transaction.atomic
def set_member(*, project: Project, user: User, role: str, actor: User | None) -> Membership:
    """Give `user` exactly this role in the project, new or instead of others. The last manager stays one."""
    set_roles(project=project, user=user, roles={role}, actor=actor)
    return Membership.objects.get(project=project, user=user)


@transaction.atomic
def set_roles(*, project: Project, user: User, roles: Collection[str], actor: User | None) -> None:
    """Give `user` exactly these roles in the project, at least one. The last manager stays one.

    Who is no reader any more has no seats left to read.
    """
    wanted = set(roles)
    if unknown := wanted - set(Role.values):
        raise UserError(f"{min(unknown)!r} is not a role; there are {', '.join(Role.values)}")
    if not wanted:
        raise UserError(f"{user.get_username()} needs a role; there are {', '.join(Role.values)}")
    _lock(project)
    mine = Membership.objects.filter(project=project, user=user)
    before = set(mine.values_list("role", flat=True))
    if before == wanted:
        return
    if Role.MANAGER not in wanted:
        _keep_a_manager(project, without=user)
    mine.exclude(role__in=wanted).delete()
    for role in sorted(wanted - before):
        Membership.objects.create(project=project, user=user, role=role)
    payload = {"user": user.get_username(), "role": _words(wanted), "before": _words(before) or None}
    _log(project, actor, Event.Verb.MEMBER_SET, payload)
    if Role.READER in before - wanted:
        release_seats(project=project, user=user, actor=actor, now=timezone.now())


def _words(roles: Collection[str]) -> str:
    return " and ".join(role for role in Role.values if role in roles)


@transaction.atomic
def remove_member(*, project: Project, user: User, actor: User | None) -> int:
    """End a membership; how many seats that were still to be read are released.

    What the user did in the project stays. The last manager stays.
    """
    _lock(project)
    mine = Membership.objects.filter(project=project, user=user)
    roles = set(mine.values_list("role", flat=True))
    if not roles:
        raise UserError(f"{user.get_username()} does not belong to {project.slug}")
    _keep_a_manager(project, without=user)
    mine.delete()
    _log(project, actor, Event.Verb.MEMBER_REMOVED, {"user": user.get_username(), "before": _words(roles)})
    return release_seats(project=project, user=user, actor=actor, now=timezone.now())


def find_user(username: str, *, active: bool = False) -> User:
    """The user called `username`; with `active`, only one who may sign in."""
    user = None if has_unstorable(username) else User.objects.filter(username=username).first()
    if user is None or (active and not user.is_active):
        raise UserError(f"there is no {'active ' if active else ''}user {username!r}; create_user makes accounts")
    return user


def _lock(project: Project) -> None:
    # Not FOR UPDATE: that would also hold up every insert that points to the project.
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)


def _keep_a_manager(project: Project, *, without: User) -> None:
    managers = Membership.objects.filter(project=project, role=Role.MANAGER, user__is_active=True)
    if managers.filter(user=without).exists() and not managers.exclude(user=without).exists():
        raise UserError(f"{without.get_username()} is the last manager of {project.slug}; make another one first")


def _log(project: Project, actor: User | None, verb: str, payload: Mapping[str, object]) -> None:
    Event.objects.create(project=project, actor=actor, verb=verb, payload=dict(payload), at=timezone.now())
