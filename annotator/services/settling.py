"""Keep the gold of cases and their disputed cells in step with readings, decisions and rules.

Both follow from what is stored otherwise, so that settling again changes nothing. Whoever changes readings, decisions,
exclusions or seats settles the case in the same transaction, so that nothing of it can be lost. Whoever changes rules,
or a pre-fill that speaks, the project afterwards; a worker does that again when the first one died (`unsettled`).
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from annotator.models import Case, Event, Gold, Project, StudyRules, User
from annotator.selectors.exclusions import is_excluded
from annotator.selectors.rules import rules_of
from annotator.selectors.settled_cases import SettledCase, settled_cases
from annotator.selectors.voices import counting
from annotator.services.dispute_rows import write_disputes

_BATCH: Final = 200
# A worker that has not settled a project by then has died.
_GIVEN_UP: Final = timedelta(minutes=30)
_WRITTEN: Final = (
    *("schema_id", "state", "values", "urgencies", "origins", "n_voices", "n_agreeing", "n_readings", "n_open"),
    *("body", "basis", "rules_version"),
)


def lock_case(case_id: int) -> Case:
    """The case, held until the transaction ends against others that settle it; rows that point to it can be added."""
    held = Case.objects.select_for_update(no_key=True, of=("self",))
    return held.select_related("project__schema").get(pk=case_id)


def lock_cases(pks: Collection[int]) -> list[Case]:
    """Cases held like that, all in one order, so that nobody waits in a circle."""
    return list(Case.objects.select_for_update(no_key=True).filter(pk__in=set(pks)).order_by("pk"))


def settle_case(case_id: int, *, now: datetime) -> Gold | None:
    """Make the gold of a case again, and open and withdraw its disputes. Call it in the transaction of the change.

    None for a case that nobody has read.
    """
    with transaction.atomic():
        case = lock_case(case_id)
        written = _write(case.project, [case], now=now)
    return written.gold[0] if written.gold else None


def settle_cases(project: Project, pks: Collection[int], *, now: datetime) -> int:
    """The same for cases of one project, some at a time; of how many the gold changed."""
    ordered = sorted(set(pks))
    with transaction.atomic():
        held = (lock_cases(ordered[start : start + _BATCH]) for start in range(0, len(ordered), _BATCH))
        return sum(_write(project, cases, now=now).n_changed for cases in held)


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
    version = rules_of(project).version
    of_project = StudyRules.objects.filter(project=project)
    of_project.update(settling_at=now)
    pks = list(cases_to_settle(project))
    n_changed = 0
    for start in range(0, len(pks), _BATCH):
        n_changed += settle_cases(project, pks[start : start + _BATCH], now=now)
        if on_progress is not None:
            on_progress(min(start + _BATCH, len(pks)), len(pks))
    of_project.filter(version=version).update(settled_version=version, settling_at=None)
    payload = {"n_cases": len(pks), "n_changed": n_changed, "rules_version": version}
    Event.objects.create(project=project, actor=actor, verb=Event.Verb.PROJECT_SETTLED, payload=payload, at=now)
    return n_changed


def unsettled(*, now: datetime) -> list[int]:
    """Keys of projects whose rules changed since their gold was made, and where nobody makes it just now."""
    behind = StudyRules.objects.filter(settled_version__lt=F("version"))
    idle = behind.filter(Q(settling_at__isnull=True) | Q(settling_at__lt=now - _GIVEN_UP))
    return list(idle.order_by("pk").values_list("pk", flat=True))


def cases_to_settle(project: Project) -> Iterator[int]:
    """Keys of cases that have gold, should have, or had: read, excluded, or settled before."""
    read = counting(project).filter(case=OuterRef("pk"))
    found = Case.objects.filter(Exists(read) | is_excluded() | Q(gold__isnull=False), project=project)
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
