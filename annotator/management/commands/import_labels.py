"""Import labels that were exported, or made elsewhere."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotator.management.console import Progress, messages_to_user, named_project, named_user
from annotator.models import Arm
from annotator.services.exports import MACHINE, READINGS
from annotator.services.label_imports import LabelImportOptions, import_labels


class Command(BaseCommand):
    """`manage.py import_labels PROJECT FILE`."""

    help = "Import readings and machine labels (JSON Lines, long CSV, LEAVS CSV). Nothing comes in twice."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The file, and what it may not say itself."""
        parser.add_argument("project", help="address of the project")
        parser.add_argument("file", type=Path)
        parser.add_argument("--what", choices=[READINGS, MACHINE], default="", help="needed for CSV")
        parser.add_argument("--arm", choices=Arm.values, default="", help="needed for readings in CSV")
        parser.add_argument("--create-readers", action="store_true", help="make closed accounts for unknown readers")
        parser.add_argument("--prefill", action="store_true", help="readers start from the imported machine labels")
        parser.add_argument("--user", help="who imports, for the history of the project")

    def handle(self, *args: Any, **options: Any) -> None:
        """Import."""
        del args
        if not options["file"].is_file():
            raise CommandError(f"there is no file {str(options['file'])!r}")
        project = named_project(options["project"])
        chosen = {name: options[name] for name in ("what", "arm", "create_readers", "prefill")}
        progress = Progress("label sets", wanted=options["verbosity"] > 0)
        with messages_to_user():
            outcome = import_labels(
                project=project,
                path=options["file"],
                actor=named_user(options["user"]),
                options=LabelImportOptions(**chosen),
                progress=progress,
            )
        progress.end()
        for problem in outcome.problems:
            self.stdout.write(f"{problem.row or ''}\t{problem.report_id}\t{problem.kind}\t{problem.reason}")
        self.stdout.write(", ".join(f"{count:,} {name}" for name, count in outcome.counts().items()))
        if not outcome.created and not outcome.unchanged:
            raise CommandError("nothing could be imported")
