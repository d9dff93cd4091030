"""Plan who reads what, and apply the plan."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from annotator.core.assignment import AskedPlan, AskedReader, Order, PlanSummary
from annotator.management.console import messages_to_user, named_project, named_user
from annotator.models import Arm
from annotator.selectors.assignment_pages import plan_readers, range_words
from annotator.services.assignments import apply_plan, preview_plan

_ALL: Final = "all"


class Command(BaseCommand):
    """`manage.py assign PROJECT`."""

    help = "Plan who reads which case. Shows the plan; --apply makes its seats beside those that exist."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The plan."""
        parser.add_argument("project", help="address of the project")
        who = parser.add_mutually_exclusive_group(required=True)
        who.add_argument(
            "--readers",
            nargs="+",
            metavar="NAME[:QUOTA]",
            help="who reads, or all; a quota is the most readings of one",
        )
        who.add_argument("--queue", action="store_true", help="whoever is free takes the next case")
        parser.add_argument(
            "--overlap",
            nargs="+",
            default=["1"],
            metavar="N[:SHARE]",
            help="readers for a case, or for a share of the cases: 3, or 3:0.2 1:0.8",
        )
        parser.add_argument("--arms", nargs="+", default=[f"{Arm.PREFILLED}:1"], metavar="ARM:SHARE")
        parser.add_argument("--mix-arms", action="store_true", help="a blank and a pre-filled reader for each case")
        parser.add_argument("--repeats", type=float, default=0.0, metavar="SHARE", help="of each reader's cases again")
        parser.add_argument("--after-days", type=int, default=28)
        parser.add_argument("--after-cases", type=int, default=30)
        parser.add_argument("--by-modality", action="store_true", help="modalities are strata")
        parser.add_argument("--rare-below", type=float, metavar="SHARE", help="predicted rare findings are a stratum")
        parser.add_argument("--rate", nargs="+", default=[], metavar="STRATUM=SHARE", help="of the cases of a stratum")
        parser.add_argument("--cases", type=Path, metavar="FILE", help="keys of the cases that may be read, one a line")
        parser.add_argument("--order", choices=list(Order), default=Order.SHUFFLED)
        parser.add_argument("--patients-together", action="store_true")
        parser.add_argument("--move-unread", action="store_true", help="cases that nobody has begun may move")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--apply", action="store_true", help="make the seats")
        parser.add_argument("--json", action="store_true", help="the summary as JSON")
        parser.add_argument("--user", help="who plans, for the history of the project")

    def handle(self, *args: Any, **options: Any) -> None:
        """Show the plan, or apply it."""
        del args
        project = named_project(options["project"])
        everyone = [reader.get_username() for reader in plan_readers(project)]
        asked = _asked(options, everyone)
        with messages_to_user():
            actor = named_user(options["user"])
            preview = preview_plan(project=project, asked=asked)
            if options["json"]:
                self.stdout.write(json.dumps(asdict(preview.summary), indent=1))
            else:
                self.stdout.write("\n".join(_lines(preview.summary)))
            if options["apply"]:
                plan = apply_plan(project=project, asked=asked, actor=actor, now=timezone.now(), token=preview.token)
                self.stderr.write(f"plan {plan.number} is applied")


def _asked(options: dict[str, Any], everyone: list[str]) -> AskedPlan:
    path = options["cases"]
    if path is not None and not path.is_file():
        raise CommandError(f"there is no file {str(path)!r}")
    keys = tuple(dict.fromkeys(path.read_text(encoding="utf-8").split("\n"))) if path else None
    return AskedPlan(
        readers=_readers(options["readers"] or [], everyone),
        overlap=tuple(map(_overlap, options["overlap"])),
        by_modality=options["by_modality"],
        rare_below=options["rare_below"],
        rates=dict(_pair(each, "=") for each in options["rate"]),
        keys=tuple(key.strip() for key in keys if key.strip()) if keys is not None else None,
        arms=dict(_pair(each, ":") for each in options["arms"]),
        mixes_arms=options["mix_arms"],
        repeats_share=options["repeats"],
        repeats_after_days=options["after_days"],
        repeats_after_cases=options["after_cases"],
        order=options["order"],
        keeps_patients_together=options["patients_together"],
        moves_unread=options["move_unread"],
        seed=options["seed"],
    )


def _readers(said: list[str], everyone: list[str]) -> tuple[AskedReader, ...]:
    if said == [_ALL]:
        if not everyone:
            raise CommandError("the project has no readers; set_member makes them")
        return tuple(AskedReader(name=name) for name in everyone)
    readers = []
    for each in said:
        name, _, quota = each.partition(":")
        if quota and not quota.isdecimal():
            raise CommandError(f"{each!r}: expected a name, or a name, a colon and the most readings")
        readers.append(AskedReader(name=name, quota=int(quota) if quota else None))
    return tuple(readers)


def _overlap(text: str) -> tuple[int, float]:
    """`3`, or `3:0.2`."""
    n, share = _pair(text if ":" in text else f"{text}:1", ":")
    if not n.isdecimal():
        raise CommandError(f"{text!r}: expected a number of readers, such as 3, or 3:0.2")
    return int(n), share


def _pair(text: str, sign: str) -> tuple[str, float]:
    """`name:0.5`."""
    name, _, share = text.rpartition(sign)
    try:
        return name, float(share)
    except ValueError:
        raise CommandError(f"{text!r}: expected a name, {sign!r} and a share such as 0.5") from None


def _lines(summary: PlanSummary) -> list[str]:
    lines = [
        f"{summary.n_cases:,} cases, {summary.n_new:,} new seats, {summary.n_kept:,} kept, {summary.n_moved:,} moved, "
        f"{summary.n_repeats:,} repeats"
    ]
    for load in summary.loads:
        arms = ", ".join(f"{n:,} {arm}" for arm, n in load.arms.items())
        lines.append(f"  {load.reader}: {load.n_cases:,} cases ({arms}), {load.n_repeats:,} of them again")
    if summary.pair_counts:
        lines.append(f"two readers share {range_words(summary.pair_counts)} cases")
    for row in summary.strata:
        lines.append(f"  {row.stratum or 'all cases'}: {row.n_read:,} of {row.n_cases:,} are read")
    return lines + [f"not met: {note}" for note in summary.notes]
