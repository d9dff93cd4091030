"""Make a project of the published LEAVS study."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from annotator.management.console import messages_to_user
from annotator.services.leavs_study import make_leavs_study
from annotator.services.projects import find_user


class Command(BaseCommand):
    """`manage.py make_leavs_study --data FOLDER --manager USER`."""

    help = (
        "Make the published LEAVS study: 200 cases without text, five readers, 600 readings, LEAVS as a run. "
        "Calling it again adds what is missing and changes nothing else."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where the published files are, and what the project is called."""
        parser.add_argument(
            "--data", type=Path, required=True, help="folder that holds leavs/ with the published files"
        )
        parser.add_argument("--slug", default="leavs", help="address of the project (default: %(default)s)")
        parser.add_argument("--manager", required=True, help="who manages it; create_user makes accounts")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make it, and say what there is."""
        del args
        with messages_to_user():
            manager = find_user(options["manager"], active=True)
            made = make_leavs_study(data=options["data"], slug=options["slug"], manager=manager, now=timezone.now())
        for what, outcome in (("readings", made.readings), ("machine labels", made.labels)):
            self.stdout.write(f"{what}: " + ", ".join(f"{count:,} {name}" for name, count in outcome.counts().items()))
        self.stdout.write(f"{made.project.slug}: {made.n_cases:,} cases, {made.n_seats:,} seats; figures: Dashboard")
