"""End an account: nobody is deleted, because what they read stays evidence."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from annotator.management.console import messages_to_user
from annotator.services.deactivation import deactivate_user, projects_without_manager
from annotator.services.projects import find_user


class Command(BaseCommand):
    """`manage.py deactivate_user NAME`."""

    help = "End an account and its open sessions. Its readings and its entries in the audit trail stay."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whose."""
        parser.add_argument("name")

    def handle(self, *args: Any, **options: Any) -> None:
        """End it, and say which projects need a manager now."""
        del args
        with messages_to_user():
            user = find_user(options["name"])
        n_sessions = deactivate_user(user)
        self.stdout.write(f"user {user.get_username()} can sign in no more; open sessions ended: {n_sessions}")
        for slug in projects_without_manager(user):
            self.stdout.write(f"project {slug} has no manager now; make one: set_member {slug} NAME manager")
