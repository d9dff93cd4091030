"""Which readings count: those made without machine labels before those that started from them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from labeling.core.evaluation.ratings import RatingsError
from labeling.core.tables.records import LabeledReport

BLIND_FIRST: Final = "blind-first"
BLIND: Final = "blind"
ALL: Final = "all"
ORIGINS: Final = (BLIND_FIRST, BLIND, ALL)
_BLANK: Final = "blank"
_SEEDED: Final = "seeded"


@dataclass(frozen=True, slots=True)
class Kept:
    """Readings that count, and `(rater, report)` of those that do so only because their rater was named.

    Of readings that name no arm, `has_arms` is false. `n_not_first` are repeats and readings with planted errors.
    """

    reports: tuple[LabeledReport, ...]
    only_named: frozenset[tuple[str, str]]
    n_left_out: int
    has_arms: bool
    n_not_first: int = 0


def by_origin(reports: Sequence[LabeledReport], origin: str, *, named: str | None = None) -> Kept:
    """The readings that count.

    The arm of a reading is `meta.extra["arm"]`, `blank` where the reader saw no machine labels. `blind-first` takes, of
    each report, the blind readings where there are any, else all; `blind` those alone. Files that name no arm are
    taken as they are, and all of the rater `named`, whose readings are the truth. Repeats and readings with planted
    errors never count. Raises `RatingsError` when nothing is blind and blind readings are asked for.
    """
    n_all, reports = len(reports), [report for report in reports if _is_first(report)]
    n_not_first = n_all - len(reports)
    if origin == BLIND and not any(map(_is_blind, reports)):
        raise RatingsError("no reading is known to be made without machine labels; choose another --origin")
    if not any(report.meta.extra.get("arm") for report in reports):
        return Kept(tuple(reports), frozenset(), 0, has_arms=False, n_not_first=n_not_first)
    blind = {report.report_id for report in reports if _is_blind(report)}

    def counts(report: LabeledReport) -> bool:
        return origin == ALL or _is_blind(report) or (origin == BLIND_FIRST and report.report_id not in blind)

    kept = tuple(report for report in reports if counts(report) or report.rater == named)
    only_named = frozenset((report.rater, report.report_id) for report in kept if not counts(report))
    return Kept(kept, only_named, len(reports) - len(kept), has_arms=True, n_not_first=n_not_first)


def truth_notes(kept: Kept, *, truth: str | None = None, adjudicator: str | None = None) -> list[str]:
    """What to tell users about the truth of `kept`: of most raters, of the rater `truth`, or with an adjudicator."""
    if not kept.has_arms:
        return _left_out(kept)
    of_report: dict[str, list[LabeledReport]] = defaultdict(list)
    for report in kept.reports:
        if truth in (None, report.rater):
            of_report[report.report_id].append(report)
    n = sum(_is_assisted(readings, adjudicator) for readings in of_report.values())
    notes = _left_out(kept)
    if kept.only_named:
        notes.append(
            f"{len(kept.only_named):,} readings of {truth or adjudicator!r} are the truth for the labeler alone, not "
            "for humans: they are not known to be made without machine labels"
        )
    if n:
        which = "no reading of them" if truth is adjudicator is None else "no reading that decides it"
        notes.append(f"the truth of {n:,} of {len(of_report):,} reports is assisted: {which} is known to be blind")
    return notes


def reading_notes(kept: Kept) -> list[str]:
    """What to tell users about readings that are laid beside each other."""
    if not kept.has_arms:
        return _left_out(kept)
    n = sum(not _is_blind(report) for report in kept.reports)
    of_all = f"{n:,} of {len(kept.reports):,} readings are not known to be made without machine labels"
    return _left_out(kept) + ([of_all] if n else [])


def _is_first(report: LabeledReport) -> bool:
    return report.meta.round in (None, 1) and report.meta.extra.get("arm") != _SEEDED


def _is_blind(report: LabeledReport) -> bool:
    return report.meta.extra.get("arm") == _BLANK


def _is_assisted(readings: Iterable[LabeledReport], adjudicator: str | None) -> bool:
    """Whether the readings that decide, those of the adjudicator before all others, are none of them blind."""
    listed = list(readings)
    decide = [report for report in listed if report.rater == adjudicator] or listed
    return not any(map(_is_blind, decide))


def _left_out(kept: Kept) -> list[str]:
    counts = {
        "they are not known to be made without machine labels": kept.n_left_out,
        "they are repeats, or began with planted errors": kept.n_not_first,
    }
    return [f"{n:,} readings are left out: {why}" for why, n in counts.items() if n]
