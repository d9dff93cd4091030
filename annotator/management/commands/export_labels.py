"""Export labels and reports to a file."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from annotator.management.console import messages_to_user, named_project, named_user
from annotator.services.exports import MACHINE, READINGS, REPORTS, TABLES, Wanted, export
from labeling.core.tables import atomic_output


class Command(BaseCommand):
    """`manage.py export_labels PROJECT --what readings --format jsonl --out FILE`."""

    help = "Export readings, machine labels or reports; the file is complete or not there at all."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What, how and where to."""
        parser.add_argument("project", help="address of the project")
        parser.add_argument("--what", choices=[READINGS, MACHINE, REPORTS], default=READINGS)
        parser.add_argument("--format", choices=list(TABLES), default="jsonl", help="reports: jsonl only")
        parser.add_argument("--out", default="-", help="file, or - for standard output")
        parser.add_argument("--reader", default="", help="readings of this reader only")
        parser.add_argument("--all-revisions", action="store_true", help="readings that were corrected later, too")
        parser.add_argument("--run", default="", help="id of the run (default: the pre-fill)")
        parser.add_argument("--user", help="who exports, for the history of the project")

    def handle(self, *args: Any, **options: Any) -> None:
        """Export."""
        del args
        wanted = Wanted(
            what=options["what"],
            format_name=options["format"],
            reader=options["reader"],
            all_revisions=options["all_revisions"],
            run=options["run"],
        )
        with messages_to_user():
            project = named_project(options["project"])
            file = export(project=project, actor=named_user(options["user"]), wanted=wanted)
        if options["out"] == "-":
            sys.stdout.writelines(file.chunks)
            return
        with atomic_output(options["out"]) as out:
            out.writelines(file.chunks)
        self.stdout.write(f"{options['out']} is written")
