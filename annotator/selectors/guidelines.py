"""The words that guide readers, in force and as they were, and the past cells that a change may affect."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db.models import Exists, Max, OuterRef

from annotator.core.guidelines import WHOLE_PROJECT, AffectedCell, Read, affected_cells, news
from annotator.models import Arm, Case, Guideline, Project, Reading, User
from annotator.selectors.exclusions import is_excluded
from annotator.selectors.schemas import parsed_schema

_BATCH = 20_000


def latest_versions(project: Project) -> dict[str, int]:
    """The latest version of each guideline, by the name of the finding."""
    rows = Guideline.objects.filter(project=project).order_by().values_list("finding").annotate(latest=Max("version"))
    return dict(rows)


def latest_guideline(project: Project, finding: str) -> Guideline | None:
    """The version in force."""
    return Guideline.objects.filter(project=project, finding=finding).order_by("-version").first()


def versions_of(project: Project, finding: str) -> list[Guideline]:
    """Every version, the latest first."""
    written = Guideline.objects.filter(project=project, finding=finding).select_related("written_by")
    return list(written.order_by("-version"))


def guidelines_in_force(project: Project) -> dict[str, Guideline]:
    """The latest version of each, that of the project first, then in the order of the schema."""
    later = Guideline.objects.filter(project=project, finding=OuterRef("finding"), version__gt=OuterRef("version"))
    latest = Guideline.objects.filter(~Exists(later), project=project).select_related("written_by")
    found = {each.finding: each for each in latest.order_by()}
    names = [WHOLE_PROJECT, *(finding.name for finding in parsed_schema(project.schema).findings)]
    return {name: found[name] for name in names if name in found}


def guidelines_payload(project: Project, *, reader: User) -> dict[str, dict[str, Any]]:
    """As the reading page shows them; new are those written since the reader's last reading."""
    in_force = guidelines_in_force(project)
    if not in_force:
        return {}
    mine = Reading.objects.filter(project=project, reader=reader).order_by("-submitted_at")
    body = mine.values_list("body", flat=True).first()
    last_read = None if body is None else body.get("guidelines", {})
    fresh = set(news({name: each.version for name, each in in_force.items()}, last_read=last_read))
    return {
        name: {
            "version": each.version,
            "text": each.text,
            "what_changed": each.what_changed,
            "written_at": each.written_at.isoformat(),
            "is_new": name in fresh,
        }
        for name, each in in_force.items()
    }


@dataclass(frozen=True, slots=True)
class Affected:
    """A cell that a guideline may change: its case, its key, and the codes of all who read it."""

    case_id: int
    case_key: str
    cell: str
    said: str
    differs: bool


def affected_by(guideline: Guideline) -> list[Affected]:
    """Cells of past readings that `guideline` may change, by the position of the case, then in schema order.

    Readings that do not say which version was shown count as made before it.
    """
    schema = parsed_schema(guideline.project.schema)
    columns = [place for place, cell in enumerate(schema.cells) if guideline.finding in (WHOLE_PROJECT, cell.finding)]
    found = list(affected_cells(_readings(guideline, columns)))
    cases = Case.objects.in_bulk([each.case for each in found])
    return _in_order(found, cases, keys=[str(schema.cells[place]) for place in columns])


def _in_order(found: Iterable[AffectedCell], cases: dict[int, Case], *, keys: list[str]) -> list[Affected]:
    ordered = sorted(found, key=lambda each: (cases[each.case].position, each.column))
    return [Affected(each.case, cases[each.case].key, keys[each.column], each.said, each.differs) for each in ordered]


def _readings(guideline: Guideline, columns: list[int]) -> Read:
    """The latest revisions of all who read, in the columns that the guideline is about."""
    readings = (
        Reading.objects.filter(
            ~is_excluded("case"),
            project=guideline.project_id,
            schema=guideline.project.schema_id,
            round=1,
            superseded_by__isnull=True,
        )
        .exclude(arm=Arm.SEEDED)
        .order_by()
        .values_list("case_id", "values", "body__guidelines")
    )
    case, values, is_older = [], [], []
    for case_id, codes, shown in readings.iterator(chunk_size=_BATCH):
        case.append(case_id)
        values.append(np.frombuffer(codes.encode("ascii"), np.uint8)[columns])
        is_older.append((shown or {}).get(guideline.finding, 0) < guideline.version)
    block = np.stack(values) if values else np.zeros((0, len(columns)), np.uint8)
    return Read(np.array(case, np.int64), block, np.array(is_older, bool))
