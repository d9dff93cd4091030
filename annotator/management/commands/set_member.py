"""Give a user roles in a project, or end a membership."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotator.management.console import messages_to_user, named_project, named_user
from annotator.models import Role
from annotator.services.projects import find_user, remove_member, set_roles

NONE = "none"


class Command(BaseCommand):
    """`manage.py set_member PROJECT USER ROLE [ROLE ...]`."""

    help = "Give a user exactly these roles in a project; the role none ends the membership."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Who becomes what."""
        parser.add_argument("project", help="address of the project")
        parser.add_argument("user")
        parser.add_argument("roles", nargs="+", choices=[*Role.values, NONE], metavar="role")
        parser.add_argument("--user", dest="actor", help="who decides, for the history of the project")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it."""
        del args
        project = named_project(options["project"])
        roles = list(dict.fromkeys(options["roles"]))
        if NONE in roles and len(roles) > 1:
            raise CommandError(f"the role {NONE} ends the membership, so it stands alone")
        with messages_to_user():
            actor = named_user(options["actor"])
            if roles == [NONE]:
                n_released = remove_member(project=project, user=find_user(options["user"]), actor=actor)
            else:
                user = find_user(options["user"], active=True)
                set_roles(project=project, user=user, roles=roles, actor=actor)
                n_released = 0
        self.stdout.write(f"{options['user']}: {' and '.join(roles)} of {project.slug}")
        if n_released:
            self.stdout.write(f"{n_released:,} cases that waited for them are released")
