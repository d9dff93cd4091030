"""Fetch studies from a PACS over DICOMweb and import them."""

from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from annotator.management.console import Progress, messages_to_user, named_project, named_user
from annotator.models import Project, User
from vision.core.pacs import Pacs, StudyQuery
from vision.services.dicomweb import (
    MAX_LISTED,
    FetchedStudy,
    cases_without_images,
    find_studies,
    find_study_of,
    import_study,
    open_pacs,
    pacs_messages,
)

_QUERIES = {"study_uid": "StudyInstanceUID", "accession": "AccessionNumber", "patient": "PatientID"}


class Command(BaseCommand):
    """`manage.py import_dicomweb PROJECT --url BASE ...`: search (QIDO-RS), fetch (WADO-RS), import."""

    help = "Fetch studies from a PACS over DICOMweb and import them. OVERREAD_PACS_URLS lists who may be asked."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where to ask, and for what."""
        parser.add_argument("project", help="address of the project")
        parser.add_argument("--url", required=True, help="base address of the service, such as https://pacs/dicom-web")
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--study-uid", action="append", help="Study Instance UID; may be given again")
        what.add_argument("--accession", action="append", help="accession number; may be given again")
        what.add_argument("--patient", action="append", help="patient id: all studies of the patient")
        what.add_argument("--from-cases", action="store_true", help="the studies of all cases without images")
        parser.add_argument(
            "--accept-partial",
            action="store_true",
            help="import what came of a study even if a part is missing",
        )
        parser.add_argument("--user", help="who imports, for the history of the project")

    def handle(self, *args: Any, **options: Any) -> None:
        """Search, fetch, import, and say what became of each study."""
        del args
        project = named_project(options["project"])
        n_found = n_imported = 0
        with messages_to_user():
            actor = named_user(options["user"])
            with open_pacs(options["url"]) as pacs:
                for name, uid in self._studies(pacs, project, options):
                    study = self._import(pacs, uid, project, actor, options)
                    self._show(name, study)
                    n_found += 1
                    n_imported += study.record is not None and not study.failed
        if not n_found:
            raise CommandError("no study matches")
        if n_imported < n_found:
            raise CommandError(f"{n_found - n_imported} of {n_found} studies are not complete; start again to go on")

    def _import(
        self, pacs: Pacs, uid: str, project: Project, actor: User | None, options: dict[str, Any]
    ) -> FetchedStudy:
        progress = Progress("instances", wanted=options["verbosity"] > 0)
        study = import_study(
            pacs,
            uid,
            project=project,
            actor=actor,
            now=timezone.now(),
            accept_partial=options["accept_partial"],
            progress=progress,
        )
        progress.end()
        return study

    def _studies(self, pacs: Pacs, project: Project, options: dict[str, Any]) -> Iterator[tuple[str, str]]:
        """What to call each study, and its UID."""
        if options["from_cases"]:
            for case in cases_without_images(project):
                uids = find_study_of(pacs, case)
                if not uids:
                    self.stdout.write(f"case {case.key}: no study matches")
                yield from ((f"case {case.key}", uid) for uid in uids)
            return
        with pacs_messages():
            queries = [StudyQuery(tag, value) for name, tag in _QUERIES.items() for value in options[name] or ()]
        yield from ((f"study {number}", uid) for number, uid in enumerate(find_studies(pacs, queries), start=1))

    def _show(self, name: str, study: FetchedStudy) -> None:
        kept = f", {study.n_kept:,} were here already" if study.n_kept else ""
        self.stdout.write(f"{name}: {study.n_fetched:,} of {study.n_instances:,} instances fetched{kept}")
        for line in study.failed[:MAX_LISTED]:
            self.stdout.write(f"  {line}")
        if len(study.failed) > MAX_LISTED:
            self.stdout.write(f"  and {len(study.failed) - MAX_LISTED:,} more")
        record = study.record
        if record is None:
            self.stdout.write("  not imported: a part is missing (--accept-partial imports what came)")
            return
        self.stdout.write(
            f"  {record.n_images:,} images in {record.n_series:,} series imported, {record.n_unchanged:,} unchanged, "
            f"{record.n_refused:,} files refused, {record.n_unlinked:,} series belong to no case"
        )
        for problem in record.problems[:MAX_LISTED]:
            self.stdout.write(f"  refused: {problem['code']}: {problem['reason']}")
