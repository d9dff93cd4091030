"""Releases of a project, and the gold that they are made of."""

from collections import Counter
from collections.abc import Iterator
from statistics import median
from typing import Any, Final

from django.db.models import Count, QuerySet
from django.http import Http404

from annotator.core.releases.records import ReleasedCase
from annotator.models import Arm, Gold, Guideline, Project, Reading, Release

_FIELDS: Final = (
    *("case__key", "case__patient_key", "case__study__modality", "case__report__text_sha256"),
    *("values", "urgencies", "origins", "n_voices", "n_agreeing", "body", "rules_version"),
)
_BATCH: Final = 500
STATE_WORDS: Final = {
    Release.State.QUEUED: "waiting",
    Release.State.RUNNING: "being frozen",
    Release.State.DONE: "frozen",
    Release.State.FAILED: "failed",
}


def releases_of(project: Project) -> QuerySet[Release]:
    """All releases, the latest first, without their manifests, and how many errata each has."""
    counted = Release.objects.filter(project=project).annotate(n_errata=Count("errata"))
    return counted.select_related("requested_by", "schema").defer("manifest").order_by("-number")


def release_for(project: Project, name: str) -> Release:
    """The release of this name; 404 for none."""
    found = Release.objects.filter(project=project, name=name).select_related("schema", "project", "requested_by")
    release = found.first()
    if release is None:
        raise Http404("no such release in this project")
    return release


def frozen_releases(project: Project) -> QuerySet[Release]:
    """Those that are done, the latest first."""
    return Release.objects.filter(project=project, state=Release.State.DONE).order_by("-number")


def releasable(project: Project, *, only_final: bool) -> QuerySet[Gold]:
    """Gold under the schema of the project that can be released, in the order of its cases."""
    states = [Gold.State.FINAL] if only_final else [Gold.State.FINAL, Gold.State.IN_ADJUDICATION, Gold.State.WAITING]
    found = Gold.objects.filter(project=project, schema=project.schema, state__in=states, n_readings__gt=0)
    return found.order_by("case__position")


def cases_by_state(project: Project) -> dict[str, int]:
    """How many cases there are by the state of their gold; those that were never settled wait."""
    counted = Gold.objects.filter(project=project, schema=project.schema).order_by().values_list("state")
    counts = dict(counted.annotate(n=Count("pk")))
    known = {str(state): counts.get(str(state), 0) for state in Gold.State}
    known[Gold.State.WAITING] += project.cases.count() - sum(known.values())
    return known


def gold_rows(gold: QuerySet[Gold], *, with_texts: bool) -> Iterator[dict[str, Any]]:
    """What a release holds of each case, one row at a time, all of one moment."""
    fields = (*_FIELDS, "case__report__text") if with_texts else _FIELDS
    yield from gold.values(*fields).iterator(chunk_size=_BATCH)


def released_case(row: dict[str, Any]) -> ReleasedCase:
    """A row of gold as a case of a release, which is in no split yet."""
    return ReleasedCase(
        key=row["case__key"],
        patient_key=row["case__patient_key"],
        values=row["values"],
        urgencies=row["urgencies"],
        origins=row["origins"],
        n_voices=row["n_voices"],
        n_agreeing=row["n_agreeing"],
        evidence=row["body"].get("evidence", {}),
        text_sha256=row["case__report__text_sha256"],
        text=row.get("case__report__text"),
        modality=row["case__study__modality"] or "",
    )


def standing_guidelines(project: Project) -> tuple[tuple[str, str], ...]:
    """The latest text for the project and for each finding, after what it is for and its version."""
    latest = {each.finding: each for each in Guideline.objects.filter(project=project).order_by("version")}
    return tuple(
        (f"{finding or 'the project'}, version {latest[finding].version}", latest[finding].text)
        for finding in sorted(latest)
        if latest[finding].text
    )


def counted_readings(project: Project) -> QuerySet[Reading]:
    """Latest readings that gold is made of: no repeats, none with planted errors, no excluded cases."""
    latest = Reading.objects.filter(project=project, schema=project.schema, round=1, superseded_by__isnull=True)
    return latest.exclude(arm=Arm.SEEDED).exclude(case__gold__state=Gold.State.EXCLUDED).order_by()


def readings_by_arm(project: Project) -> list[tuple[str, int, int, float | None]]:
    """Arm, readings, cases and median active seconds of a reading; None where nobody knows any."""
    found: dict[str, list[tuple[int, int | None]]] = {}
    for arm, case_id, seconds in counted_readings(project).values_list("arm", "case_id", "active_seconds"):
        found.setdefault(arm, []).append((case_id, seconds))
    return [
        (arm, len(rows), len({case_id for case_id, _ in rows}), _median([seconds for _, seconds in rows]))
        for arm, rows in sorted(found.items())
    ]


def _median(numbers: list[int | None]) -> float | None:
    known = [number for number in numbers if number is not None]
    return float(median(known)) if known else None


def readings_by_reader(project: Project) -> Counter[str]:
    """How many readings that count each reader has, by name."""
    names = counted_readings(project).values_list("reader__username", flat=True)
    return Counter(names)
