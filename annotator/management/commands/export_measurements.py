"""Export what readers measured in the images."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from annotator.management.console import messages_to_user, named_project, named_user
from annotator.services.measurement_exports import FORMATS, export_measurements
from labeling.core.tables import atomic_output


class Command(BaseCommand):
    """`manage.py export_measurements PROJECT --format csv|sr --out FILE`."""

    help = "Export measurements as CSV, or as a ZIP archive of DICOM structured reports (one per reading)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What, how and where to."""
        parser.add_argument("project", help="address of the project")
        parser.add_argument("--format", choices=FORMATS, default=FORMATS[0], help="default: %(default)s")
        parser.add_argument("--out", default="-", help="file, or - for standard output")
        parser.add_argument("--reader", default="", help="readings of this reader only")
        parser.add_argument("--all-revisions", action="store_true", help="readings that were corrected later, too")
        parser.add_argument("--user", help="who exports, for the history of the project")

    def handle(self, *args: Any, **options: Any) -> None:
        """Export."""
        del args
        with messages_to_user():
            export = export_measurements(
                project=named_project(options["project"]),
                actor=named_user(options["user"]),
                format_name=options["format"],
                reader=options["reader"],
                all_revisions=options["all_revisions"],
            )
        if export.n_left_out:
            self.stderr.write(f"{export.n_left_out} of {export.n_measurements} measurements cannot be said in DICOM")
        if options["out"] == "-":
            sys.stdout.buffer.writelines(export.chunks)
            return
        with atomic_output(options["out"]) as out:
            out.buffer.writelines(export.chunks)
        self.stdout.write(f"{options['out']} is written")
