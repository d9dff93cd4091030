"""What adjudicators decided, as far as it can judge readers."""

from collections.abc import Iterator

import numpy as np

from annotator.core.arms.readings import Floats, Ints
from annotator.models import Decision, Project, Reading
from annotator.selectors.rules import rules_of
from labeling.core.schema import Schema
from labeling.core.values import CODE_OF_STATE, POSITIVE_VALUES

_POSITIVE = frozenset(CODE_OF_STATE[value] for value in POSITIVE_VALUES)


def decided_values(project: Project, *, schema: Schema, cases: Ints, last: int) -> Floats | None:
    """The decisions up to the key `last`, `(cases, cells)`: 1 positive, 0 not, NaN where nobody decided.

    `cases` are keys, in order. What somebody decided who had read the case counts for nothing, since it may be their
    own reading again; nor does anything where adjudicators see what the machine says. None when nothing counts.
    """
    if rules_of(project).machine_is_voice:
        return None
    found = np.full((len(cases), len(schema.cells)), np.nan)
    column_of = {str(cell): index for index, cell in enumerate(schema.cells)}
    place_of = {int(case): index for index, case in enumerate(cases)}
    for case, cell, value in _standing(project, last=last):
        if case in place_of and cell in column_of:
            found[place_of[case], column_of[cell]] = float(value in _POSITIVE)
    return found if not np.isnan(found).all() else None


def _standing(project: Project, *, last: int) -> Iterator[tuple[int, str, str]]:
    """Case, cell and value of the latest decision on each cell."""
    decisions = Decision.objects.filter(project=project, schema=project.schema, pk__lte=last)
    rows = decisions.order_by("case", "cell", "revision").values_list(
        "case_id", "cell", "value", "is_undo", "decided_by_id"
    )
    latest = {(case, cell): (value, is_undo, by) for case, cell, value, is_undo, by in rows.iterator(chunk_size=20_000)}
    deciders = {by for _, _, by in latest.values()}
    read = Reading.objects.filter(project=project, reader__in=deciders).values_list("case_id", "reader_id")
    own = set(read.order_by())
    for (case, cell), (value, is_undo, by) in latest.items():
        if not is_undo and (case, by) not in own:
            yield case, cell, value
