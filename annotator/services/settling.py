"""Keep the gold of cases and their disputed cells in step with readings, decisions and rules.

Both follow from what is stored otherwise, so that settling again changes nothing. Whoever changes readings, decisions,
exclusions or seats settles the case in the same transaction; rules, the project afterwards.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from annotator.models import Case, Event, Exclusion, Gold, Project, User
from annotator.selectors.rules import rules_of
from annotator.selectors.settled_cases import SettledCase, settled_cases
from annotator.selectors.voices import counting
from annotator.services.dispute_rows import write_disputes

_BATCH: Final = 200
_WRITTEN: Final = (
    *("schema_id", "state", "values", "urgencies", "origins", "n_voices", "n_agreeing", "n_readings", "n_open"),
    *("body", "basis", "rules_version"),
)


def lock_case(case_id: int) -> Case:
    """The case, held until the transaction ends against others that settle it; rows that point to it can be added."""
    held = Case.objects.select_for_update(no_key=True, of=("self",))
    return held.select_related("project__schema").get(pk=case_id)


def settle_case(case_id: int, *, now: datetime) -> Gold | None:
    """Make the gold of a case again, and open and withdraw its disputes. Call it in the transaction of the change.

    None for a case that nobody has read.
    """
    with transaction.atomic():
        case = lock_case(case_id)
        written = _write(case.project, [case], now=now)
    return written.gold[0] if written.gold else None


def settle_project(
    project: Project,
    *,
    now: datetime,
    actor: User | None = None,
    on_progress: Callable[[int, int], object] | None = None,
) -> int:
    """Settle every case of a project, some at a time in transactions of their own; of how many the gold changed.

    `on_progress` is told how many of all cases are settled.
    """
    pks = list(cases_to_settle(project))
    n_changed = 0
    for start in range(0, len(pks), _BATCH):
        with transaction.atomic():
            held = Case.objects.select_for_update(no_key=True).filter(pk__in=pks[start : start + _BATCH])
            n_changed += _write(project, list(held.order_by("pk")), now=now).n_changed
        if on_progress is not None:
            on_progress(min(start + _BATCH, len(pks)), len(pks))
    payload = {"n_cases": len(pks), "n_changed": n_changed, "rules_version": rules_of(project).version}
    Event.objects.create(project=project, actor=actor, verb=Event.Verb.PROJECT_SETTLED, payload=payload, at=now)
    return n_changed


def cases_to_settle(project: Project) -> Iterator[int]:
    """Keys of cases that have gold, should have, or had: read, excluded, or settled before."""
    read = counting(project).filter(case=OuterRef("pk"))
    is_excluded = Exclusion.objects.filter(case=OuterRef("pk"), ended_at__isnull=True)
    found = Case.objects.filter(Exists(read) | Exists(is_excluded) | Q(gold__isnull=False), project=project)
    return found.order_by("pk").values_list("pk", flat=True).iterator(chunk_size=10_000)


@dataclass(frozen=True, slots=True)
class _Written:
    """Gold of those cases that have any, and of how many it changed."""

    gold: list[Gold]
    n_changed: int


def _write(project: Project, cases: Sequence[Case], *, now: datetime) -> _Written:
    """Write gold where it changed, and the disputes."""
    stored = {gold.case_id: gold for gold in Gold.objects.filter(case__in=[case.pk for case in cases]).order_by()}
    settled = [each for each in settled_cases(project, cases) if each.is_gold or each.case.pk in stored]
    made: list[Gold] = []
    changed: list[Gold] = []
    for each in settled:
        before, gold = stored.get(each.case.pk), _gold(each, project)
        if before is not None and all(getattr(before, name) == getattr(gold, name) for name in _WRITTEN):
            continue
        gold.version, gold.settled_at = before.version + 1 if before else 1, now
        (changed if before else made).append(gold)
        stored[each.case.pk] = gold
    Gold.objects.bulk_create(made)
    if changed:
        Gold.objects.bulk_update(changed, [*_WRITTEN, "version", "settled_at"])
    write_disputes(settled, now=now)
    return _Written([stored[each.case.pk] for each in settled], len(made) + len(changed))


def _gold(settled: SettledCase, project: Project) -> Gold:
    return Gold(
        case=settled.case,
        project=project,
        schema_id=project.schema_id,
        state=settled.state,
        values=settled.values,
        urgencies=settled.urgencies,
        origins=settled.origins,
        n_voices=settled.n_voices,
        n_agreeing=settled.n_agreeing,
        n_readings=len(settled.reading_pks),
        n_open=len(settled.disputes),
        body={"evidence": settled.evidence},
        basis={"readings": settled.reading_pks, "decisions": [each.pk for each in settled.decided]},
        rules_version=settled.rules_version,
    )
