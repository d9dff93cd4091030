"""Import reports from a file or a folder."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotator.management.console import Progress, messages_to_user, named_project, named_user
from annotator.models import Project, User
from annotator.selectors.previews import mapping_warnings
from annotator.services.labels import reason_to_keep, rules_state
from annotator.services.outcomes import RowOutcome
from annotator.services.reports import ImportOutcome, chosen_mapping, columns_of, import_reports
from labeling.services import run_rules


class Command(BaseCommand):
    """`manage.py import_reports PROJECT FILE`: store reports, and label them with the rules."""

    help = "Import reports (CSV, TSV, XLSX, JSON, JSON Lines, ZIP, a folder of text files) into a project."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """File and columns."""
        parser.add_argument("project", help="address of the project")
        parser.add_argument("file", type=Path)
        for what in ("id", "text", "patient", "study"):
            parser.add_argument(f"--{what}-column", help="by default recognised from the names of the columns")
        parser.add_argument(
            "--keep-column",
            action="append",
            default=[],
            dest="keep_columns",
            metavar="NAME",
            help="store this column with the reports as it stands; may be given again. Other columns are not stored",
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would happen and store nothing")
        parser.add_argument("--no-labels", action="store_true", help="do not label the reports with the rules")
        parser.add_argument("--user", help="who imports, for the history of the project")

    def handle(self, *args: Any, **options: Any) -> None:
        """Import, then label."""
        del args
        project = named_project(options["project"])
        with messages_to_user():
            actor = named_user(options["user"])
            outcome = self._import(project, actor, options)
        self._show(outcome, dry_run=options["dry_run"])
        if not (options["dry_run"] or options["no_labels"]):
            self._label(project, actor, options["verbosity"])
        if not outcome.created and not outcome.unchanged:
            raise CommandError("nothing could be imported")

    def _import(self, project: Project, actor: User | None, options: dict[str, Any]) -> ImportOutcome:
        path: Path = options["file"]
        columns = {f"{what}_column": options[f"{what}_column"] for what in ("id", "text", "patient", "study")}
        show_all = options["verbosity"] > 1
        progress = Progress("rows read", wanted=not show_all and options["verbosity"] > 0)
        mapping = chosen_mapping(path, file_name=path.name, **columns)
        for warning in mapping_warnings(columns_of(path, file_name=path.name), mapping):
            self.stdout.write(f"note: {warning}")
        self.stdout.write("row\treport\toutcome\treason")
        outcome = import_reports(
            project=project,
            source=path,
            file_name=path.name,
            actor=actor,
            mapping=mapping,
            keep_columns=tuple(options["keep_columns"]),
            dry_run=options["dry_run"],
            progress=progress,
            each_row=lambda row: self._show_row(row) if show_all or row.kind in ("refused", "duplicate") else None,
        )
        progress.end()
        return outcome

    def _show_row(self, row: RowOutcome) -> None:
        self.stdout.write(f"{row.row or ''}\t{row.report_id}\t{row.kind}\t{row.reason}")

    def _show(self, outcome: ImportOutcome, *, dry_run: bool) -> None:
        words = ", ".join(f"{count:,} {name}" for name, count in outcome.counts().items())
        self.stdout.write(f"{'would be: ' if dry_run else ''}{words}")
        if outcome.left_out:
            self.stdout.write(f"not stored, they name patients: {', '.join(sorted(outcome.left_out))}")
        if not outcome.created:
            self.stdout.write("nothing new: the project is as it was")

    def _label(self, project: Project, actor: User | None, verbosity: int) -> None:
        state = rules_state(project)
        if not state.n_waiting:
            return
        if reason := reason_to_keep(state):
            self.stdout.write(reason)
            return
        progress = Progress("reports labeled", wanted=verbosity > 0)
        with messages_to_user():
            run = run_rules(project=project, actor=actor, keep_chosen=True, progress=progress)
        progress.end()
        self.stdout.write(f"{run.manifest['n_out']:,} reports labeled with the rules; readers start from these labels")
