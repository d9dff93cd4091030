"""Import labels that were exported, or made elsewhere."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from annotator.management.console import messages_to_user, named_project, named_user
from annotator.management.label_files import add_file_options, labels_from_file
from annotator.models import Arm
from annotator.services.exports import MACHINE, READINGS


class Command(BaseCommand):
    """`manage.py import_labels PROJECT FILE`."""

    help = (
        "Import readings and machine labels (JSON Lines, long CSV, LEAVS CSV, Label Studio, doccano). "
        "Nothing comes in twice."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The file, and what it may not say itself."""
        parser.add_argument("project", help="address of the project")
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--what", choices=[READINGS, MACHINE], default="", help="needed where the file does not say"
        )
        parser.add_argument("--arm", choices=Arm.values, default="", help="needed for readings in these")
        parser.add_argument("--create-readers", action="store_true", help="make closed accounts for unknown readers")
        parser.add_argument(
            "--reader",
            action="append",
            default=[],
            dest="readers",
            metavar="NAME=USER",
            help="which user here a rater of the file is; may be given again",
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would happen and store nothing")
        parser.add_argument("--prefill", action="store_true", help="readers start from the imported machine labels")
        parser.add_argument("--user", help="who imports, for the history of the project")
        add_file_options(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Import."""
        del args
        project = named_project(options["project"])
        with messages_to_user():
            actor = named_user(options["user"])
        labels_from_file(
            project, options["file"], actor=actor, options=options, out=self.stdout, dry_run=options["dry_run"]
        )
