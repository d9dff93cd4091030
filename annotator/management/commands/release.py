"""Freeze, list, check and compare releases, and write errata."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.http import Http404
from django.utils import timezone

from annotator.core.releases.differences import difference_json, difference_lines
from annotator.core.releases.formats import FORMATS
from annotator.core.releases.manifest import Verdict, verify
from annotator.core.releases.records import SPLITS, ReleaseError
from annotator.core.releases.requests import ALL, KEPT, ReleaseRequest
from annotator.management.console import messages_to_user, named_project, named_user
from annotator.models import Project, Release
from annotator.release_forms import pair_of
from annotator.selectors.releases import STATE_WORDS, release_for, releases_of
from annotator.services.release_contents import folder_of
from annotator.services.release_files import difference_of, verify_release, write_erratum
from annotator.services.releases import ask_for_release, freeze


class Command(BaseCommand):
    """`manage.py release create|list|verify|diff|erratum PROJECT ...`."""

    help = "Freeze gold into a release; list, check and compare releases; write errata."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """A subcommand for each verb."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        create = verbs.add_parser("create", help="freeze a release here and now, without a worker")
        create.add_argument("project", help="address of the project")
        create.add_argument("name", help="such as v1.0; never used twice")
        create.add_argument("--description", default="")
        create.add_argument(
            "--origins", choices=list(KEPT), default=ALL, help="cells to release (default: %(default)s)"
        )
        create.add_argument("--not-final", action="store_true", help="cases with undecided cells too")
        create.add_argument("--split", nargs=3, type=float, metavar=tuple(SPLITS), help="shares that add up to 1")
        create.add_argument("--seed", type=int, default=0, help="of the splits (default: %(default)s)")
        create.add_argument("--splits-of", default="", help="release whose patients keep their split")
        create.add_argument("--formats", nargs="+", choices=list(FORMATS), default=list(FORMATS))
        create.add_argument("--with-texts", action="store_true", help="include the report texts: patient data")
        create.add_argument("--user", help="who freezes, for the history of the project")
        verbs.add_parser("list", help="all releases of a project").add_argument("project")
        check = verbs.add_parser("verify", help="check every byte of a release, or of a folder with a manifest")
        check.add_argument("project", help="address of the project, or a folder")
        check.add_argument("name", nargs="?", default="", help="the release; left out for a folder")
        diff = verbs.add_parser("diff", help="what changed between two releases")
        for argument in ("project", "before", "after"):
            diff.add_argument(argument)
        diff.add_argument("--format", choices=["text", "csv", "json"], default="text")
        erratum = verbs.add_parser("erratum", help="write down what was found wrong in a release")
        for argument in ("project", "name", "text"):
            erratum.add_argument(argument)
        erratum.add_argument("--cell", action="append", default=[], metavar="'CASE TARGET|FINDING'")
        erratum.add_argument("--user", required=True, help="who writes it")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what the verb says."""
        del args
        with messages_to_user():
            getattr(self, f"_{options['verb']}")(options)

    def _create(self, options: dict[str, Any]) -> None:
        project = named_project(options["project"])
        shares = dict(zip(SPLITS, options["split"] or (), strict=bool(options["split"])))
        try:
            request = ReleaseRequest(
                origins=options["origins"],
                only_final=not options["not_final"],
                with_texts=options["with_texts"],
                fractions={name: share for name, share in shares.items() if share},
                seed=options["seed"],
                splits_of=options["splits_of"],
                formats=tuple(options["formats"]),
            )
        except ReleaseError as error:
            raise CommandError(str(error)) from error
        asked = {"name": options["name"], "description": options["description"], "request": request}
        actor = named_user(options["user"])
        with transaction.atomic():
            release = ask_for_release(project=project, actor=actor, send=lambda _key: None, **asked)
        done = freeze(release.pk)
        if done is None:
            self.stdout.write(f"release {release.name} is being frozen by a worker")
        elif done.state != Release.State.DONE:
            raise CommandError(f"release {done.name} was not frozen: {done.reason}")
        else:
            self.stdout.write(f"release {done.name}: {done.n_cases} cases, {done.n_bytes} bytes, {done.seconds:.1f} s")
            self.stdout.write(f"folder {folder_of(done)}\nmanifest sha256 {done.manifest_sha256}")

    def _list(self, options: dict[str, Any]) -> None:
        for release in releases_of(named_project(options["project"])):
            words = STATE_WORDS[Release.State(release.state)]
            n_cases = "" if release.n_cases is None else f", {release.n_cases} cases"
            self.stdout.write(f"{release.name}: {words}{n_cases}, {release.errata.count()} errata, {release.schema}")

    def _verify(self, options: dict[str, Any]) -> None:
        if options["name"]:
            verdict = verify_release(_named(named_project(options["project"]), options["name"]))
        else:
            try:
                verdict = verify(Path(options["project"]))
            except ReleaseError as error:
                raise CommandError(str(error)) from error
        for words, names in _faults(verdict):
            for name in names:
                self.stdout.write(f"{words}: {name}")
        if not verdict.is_whole:
            raise CommandError("the release is not as it was frozen")
        self.stdout.write(f"all {verdict.n_files} files are as they were frozen, {verdict.n_bytes} bytes")

    def _diff(self, options: dict[str, Any]) -> None:
        project = named_project(options["project"])
        difference = difference_of(_named(project, options["before"]), _named(project, options["after"]))
        if options["format"] == "json":
            self.stdout.write(json.dumps(difference_json(difference), ensure_ascii=False, indent=1))
        elif options["format"] == "csv":
            for line in difference_lines(difference):
                self.stdout.write(line, ending="")
        else:
            n_added, n_removed = len(difference.added), len(difference.removed)
            self.stdout.write(f"cases: {difference.n_shared} in both, {n_added} added, {n_removed} removed")
            self.stdout.write(f"in another split: {len(difference.moved)}; cells changed: {len(difference.changes)}")
            for row in difference.by_finding():
                self.stdout.write(f"  {row.finding}: {row.n_changed} changed, {row.n_flips} positive or not")

    def _erratum(self, options: dict[str, Any]) -> None:
        release = _named(named_project(options["project"]), options["name"])
        actor = named_user(options["user"])
        if actor is None:
            raise CommandError("an erratum needs --user")
        cells = [pair_of(cell) for cell in options["cell"]]
        made = write_erratum(release=release, actor=actor, text=options["text"], cells=cells, now=timezone.now())
        self.stdout.write(f"erratum {made.number} of release {release.name} is written down")


def _named(project: Project, name: str) -> Release:
    try:
        return release_for(project, name)
    except Http404 as error:
        known = ", ".join(releases_of(project).values_list("name", flat=True)[:20]) or "none yet"
        raise CommandError(f"there is no release {name!r}; there are: {known}") from error


def _faults(verdict: Verdict) -> list[tuple[str, tuple[str, ...]]]:
    return [("changed", verdict.changed), ("missing", verdict.missing), ("added", verdict.added)]
