"""Check that the stored images are whole."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from vision.services.checking import check_files


class Command(BaseCommand):
    """`manage.py check_images`: compare every stored file with its hash, and list files that belong to nothing."""

    help = "Compare stored images with their hashes, and list files that belong to nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        """One line for each file that is not as it should be; exit code 1 when there is one."""
        del args, options
        n_faults = 0
        for fault in check_files():
            n_faults += 1
            self.stdout.write(f"{fault.path}\t{fault.what}")
        if n_faults:
            raise CommandError(f"{n_faults:,} files are not as they should be")
        self.stdout.write("all stored images are as they were stored")
