"""Import images and masks from a folder, a ZIP archive or one file."""

import shutil
from argparse import ArgumentParser
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from annotator.management.console import Progress, messages_to_user, named_project, named_user
from annotator.models import Project, User
from annotator.services.uploads import upload_in_use
from vision.models import ImageImport
from vision.selectors import flags_of
from vision.services.imports import import_images
from vision.services.options import LINKS, FileOutcome, ImportOptions


class Command(BaseCommand):
    """`manage.py import_images PROJECT PATH`: store images with the cases they belong to."""

    help = "Import images (DICOM, NIfTI, ZIP archives and folders of them) and masks into a project."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Source, and what is known about it."""
        parser.add_argument("project", help="address of the project")
        parser.add_argument("path", type=Path)
        parser.add_argument("--mapping", type=Path, help="CSV file that says which images belong to which case")
        parser.add_argument("--class-table", type=Path, help="CSV or JSON file that names the values of masks")
        parser.add_argument(
            "--nifti-as", choices=("auto", "image", "mask"), default="auto", help="what NIfTI files are; by their names"
        )
        parser.add_argument(
            "--link-by",
            action="append",
            choices=LINKS,
            help="what may lead from images to a case; may be given again. By default all of these",
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would happen and store nothing")
        parser.add_argument("--user", help="who imports, for the history of the project")
        parser.add_argument("--record", type=int, help="go on with this record of an import, for the upload page")
        parser.add_argument("--remove-source", action="store_true", help="delete the folder around PATH afterwards")

    def handle(self, *args: Any, **options: Any) -> None:
        """Import, and say what became of the files."""
        del args
        path: Path = options["path"]
        try:
            with messages_to_user(), upload_in_use(path.parent) if options["remove_source"] else nullcontext():
                record = self._import(named_project(options["project"]), named_user(options["user"]), path, options)
        finally:
            if options["remove_source"]:
                shutil.rmtree(path.resolve().parent, ignore_errors=True)
        if options["verbosity"]:
            self._show(record, dry_run=options["dry_run"])
        if not (record.n_images or record.n_masks or record.n_unchanged):
            raise CommandError("nothing could be imported")

    def _import(self, project: Project, actor: User | None, path: Path, options: dict[str, Any]) -> ImageImport:
        show_all = options["verbosity"] > 1
        progress = Progress("files", wanted=options["verbosity"] == 1)
        if options["verbosity"]:
            self.stdout.write("file\toutcome\tcode\treason")
        chosen = ImportOptions(
            mapping=options["mapping"],
            class_table=options["class_table"],
            link_by=tuple(name for name in LINKS if name in (options["link_by"] or LINKS)),
            nifti_as=options["nifti_as"],
            dry_run=options["dry_run"],
            source_name=path.resolve().name,
            each_file=(lambda file: self._show_file(file, show_all=show_all)) if options["verbosity"] else None,
        )
        record = self._record(project, options["record"])
        now = timezone.now()
        made = import_images(
            project=project, source=path, actor=actor, options=chosen, now=now, progress=progress, record=record
        )
        progress.end()
        return made

    def _record(self, project: Project, number: int | None) -> ImageImport | None:
        if number is None:
            return None
        record = ImageImport.objects.filter(project=project, pk=number, state=ImageImport.State.RUNNING).first()
        if record is None:
            raise CommandError(f"import {number} of this project is not waiting")
        return record

    def _show_file(self, file: FileOutcome, *, show_all: bool) -> None:
        if show_all or file.kind in ("refused", "duplicate", "unlinked"):
            self.stdout.write(f"{file.name}\t{file.kind}\t{file.code}\t{file.reason}")

    def _show(self, record: ImageImport, *, dry_run: bool) -> None:
        words = (
            f"{record.n_images:,} images in {record.n_series:,} series, {record.n_masks:,} masks; "
            f"{record.n_unchanged:,} files unchanged, {record.n_refused:,} refused, "
            f"{record.n_unlinked:,} series and masks belong to no case"
        )
        self.stdout.write(f"{'would be: ' if dry_run else ''}{words}")
        for entry in record.warnings:
            for warning in entry["warnings"]:
                self.stdout.write(f"note: {entry['name']}: {warning}")
        for title, count in flags_of(record):
            self.stdout.write(f"note: {title}: {count:,} files")
