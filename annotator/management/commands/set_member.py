"""Give a user a role in a project, or end a membership."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from annotator.management.console import messages_to_user, named_project, named_user
from annotator.models import Role
from annotator.services.projects import find_user, remove_member, set_member

NONE = "none"


class Command(BaseCommand):
    """`manage.py set_member PROJECT USER ROLE`."""

    help = "Give a user a role in a project; the role none ends the membership."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Who becomes what."""
        parser.add_argument("project", help="address of the project")
        parser.add_argument("user")
        parser.add_argument("role", choices=[*Role.values, NONE])
        parser.add_argument("--user", dest="actor", help="who decides, for the history of the project")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it."""
        del args
        project = named_project(options["project"])
        with messages_to_user():
            actor = named_user(options["actor"])
            if options["role"] == NONE:
                remove_member(project=project, user=find_user(options["user"]), actor=actor)
            else:
                user = find_user(options["user"], active=True)
                set_member(project=project, user=user, role=options["role"], actor=actor)
        self.stdout.write(f"{options['user']}: {options['role']} of {project.slug}")
