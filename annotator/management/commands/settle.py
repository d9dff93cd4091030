"""Make the gold of a project again."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from annotator.management.console import messages_to_user, named_project
from annotator.services.settling import settle_project


class Command(BaseCommand):
    """`manage.py settle PROJECT`: gold and disputes of all its cases, from readings, decisions and rules."""

    help = (
        "Make the gold of a project again from what is stored, and open and withdraw its disputes. Settling twice "
        "changes nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which project."""
        parser.add_argument("project", help="address of the project")

    def handle(self, *args: Any, **options: Any) -> None:
        """Settle and say what changed."""
        del args
        project = named_project(options["project"])
        with messages_to_user():
            n_changed = settle_project(project, now=timezone.now(), on_progress=self._progress)
        self.stdout.write(f"gold of {n_changed:,} cases changed")

    def _progress(self, done: int, total: int) -> None:
        self.stderr.write(f"{done:,} of {total:,} cases settled", ending="\r" if done < total else "\n")
