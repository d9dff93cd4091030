"""What adjudicators decided, as far as it can judge readers."""

import numpy as np

from annotator.core.arms.readings import Floats, Ints
from annotator.core.settled import answers_at, basis_of
from annotator.core.voices import Voices
from annotator.models import Decision, Project, Reading
from annotator.selectors.voices import decided_in
from labeling.core.schema import Schema
from labeling.core.values import CODE_OF_STATE, POSITIVE_VALUES

_POSITIVE = frozenset(CODE_OF_STATE[value] for value in POSITIVE_VALUES)


def decided_values(project: Project, *, schema: Schema, cases: Ints, voices: Voices, last: int) -> Floats | None:
    """The decisions up to the key `last`, `(cases, cells)`: 1 positive, 0 not, NaN where nobody decided.

    `cases` are keys, in order, `voices` what is said of them. A decision counts as long as readers say what they said
    when it was made, if neither they nor who decided saw machine labels, and who decided had not read the case: it may
    be their own reading again. None when nothing counts.
    """
    found = np.full((len(cases), len(schema.cells)), np.nan)
    decisions = Decision.objects.filter(project=project, schema=project.schema, pk__lte=last)
    by = dict(decisions.order_by().values_list("pk", "decided_by_id"))
    own = set(Reading.objects.filter(project=project, reader__in=set(by.values())).values_list("case_id", "reader_id"))
    is_blind = np.all(voices.is_blind | ~voices.is_there, axis=0)
    for each in decided_in(decisions, {int(case): place for place, case in enumerate(cases)}, schema):
        if not (each.is_blind and is_blind[each.case]) or (int(cases[each.case]), by[each.pk]) in own:
            continue
        if each.basis == basis_of(answers_at(voices, case=each.case, cell=each.cell)):
            found[each.case, each.cell] = float(each.value in _POSITIVE)
    return found if not np.isnan(found).all() else None
