"""Releases of a project, and the gold that they are made of."""

from collections.abc import Iterable, Iterator, Mapping
from statistics import median
from typing import Any, Final, NamedTuple

import numpy as np
from django.db.models import Count, QuerySet
from django.http import Http404

from annotator.core.reading_origins import Revisions
from annotator.core.releases.records import ReleasedCase
from annotator.models import Arm, Gold, Guideline, Project, Release, Seat, SeatState
from annotator.selectors.voices import counting

_FIELDS: Final = (
    *("case_id", "case__key", "case__patient_key", "case__study__modality", "case__report__text_sha256"),
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
    fields = (*_FIELDS, "case__report__text", "case__report__has_text") if with_texts else _FIELDS
    yield from gold.values(*fields).iterator(chunk_size=_BATCH)


def drawn_cases(project: Project) -> dict[int, tuple[str, float]]:
    """The stratum of each case that a plan drew, and the probability with which it did."""
    seats = Seat.objects.filter(project=project, round=1, inclusion_probability__isnull=False).order_by("pk")
    rows = seats.exclude(state=SeatState.WITHDRAWN).values_list("case_id", "stratum", "inclusion_probability")
    found = rows.iterator(chunk_size=20_000)
    return {case: (stratum, probability) for case, stratum, probability in found if probability is not None}


def released_case(row: dict[str, Any], *, drawn: Mapping[int, tuple[str, float]]) -> ReleasedCase:
    """A row of gold as a case of a release, which is in no split yet; `drawn` as `drawn_cases` gives it."""
    stratum, probability = drawn.get(row["case_id"], ("", None))
    return ReleasedCase(
        key=row["case__key"],
        patient_key=row["case__patient_key"],
        values=row["values"],
        urgencies=row["urgencies"],
        origins=row["origins"],
        n_voices=row["n_voices"],
        n_agreeing=row["n_agreeing"],
        evidence=row["body"].get("evidence", {}),
        text_sha256=row["case__report__text_sha256"] or None,
        text=row["case__report__text"] if row.get("case__report__has_text") else None,
        modality=row["case__study__modality"] or "",
        stratum=stratum,
        probability=probability,
    )


def standing_guidelines(project: Project) -> tuple[tuple[str, str], ...]:
    """The latest text for the project and for each finding, after what it is for and its version."""
    latest = {each.finding: each for each in Guideline.objects.filter(project=project).order_by("version")}
    return tuple(
        (f"{finding or 'the project'}, version {latest[finding].version}", latest[finding].text)
        for finding in sorted(latest)
        if latest[finding].text
    )


class SpeakingReading(NamedTuple):
    """A reading that is a voice of gold: its case, the name of its reader, its arm and its active seconds."""

    case_id: int
    reader: str
    arm: str
    seconds: int | None


def speaking_readings(project: Project) -> list[SpeakingReading]:
    """The readings that gold is made of: of each reader and case one, neither repeats nor those made to train."""
    counts = counting(project).exclude(case__gold__state=Gold.State.EXCLUDED).order_by("pk")
    fields = ("pk", "case_id", "reader_id", "arm", "reader__username", "active_seconds")
    rows = list(counts.values_list(*fields).iterator(chunk_size=20_000))
    numbers = [(pk, case, reader, arm == Arm.BLANK) for pk, case, reader, arm, _, _ in rows]
    pk, case, reader, is_blank = np.array(numbers, np.int64).reshape(-1, 4).T
    speaks = Revisions(pk, case, reader, is_blank == 1).speaking()
    return [
        SpeakingReading(row[1], row[4], row[3], row[5]) for row, is_voice in zip(rows, speaks, strict=True) if is_voice
    ]


def readings_by_arm(spoken: Iterable[SpeakingReading]) -> list[tuple[str, int, int, float | None]]:
    """Arm, readings, cases and median active seconds of a reading; None where nobody knows any."""
    found: dict[str, list[SpeakingReading]] = {}
    for reading in spoken:
        found.setdefault(reading.arm, []).append(reading)
    return [
        (arm, len(rows), len({row.case_id for row in rows}), _median([row.seconds for row in rows]))
        for arm, rows in sorted(found.items())
    ]


def _median(seconds: Iterable[int | None]) -> float | None:
    """The median of those that were measured: no reading takes 0 seconds."""
    known = [number for number in seconds if number]
    return float(median(known)) if known else None
