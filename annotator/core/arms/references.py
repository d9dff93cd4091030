"""What a reading is judged by: voices that are independent of it and of the pre-fill.

A reading is never judged by itself: where it stood for the truth of a cell, it would be right there. It is judged by
what others said of the case without machine labels, each voice counting the same, so that a reading of either arm is
judged by one blind colleague on average, whatever the arms of the others. What an adjudicator decided stands in for
them, yet only where there are such others: cells come to an adjudicator because readings differ, and a reading that
is judged in these alone would look worse than it is.
"""

import numpy as np

from annotator.core.arms.readings import Bools, Floats, Ints

_BATCH = 20_000


def independent_reference(
    *, case: Ints, is_blind: Bools, positive: Bools, known: Bools, decided: Floats | None = None
) -> Floats:
    """The share of independent voices that call a cell positive, `(readings, cells)`; NaN where there is none.

    Readings are `(readings,)`, one for a reader and case; `positive` and `known` what they say.
    `decided` `(cases, cells)` is 0 or 1 where somebody decided who saw no machine labels, nor answers of readers who
    did, NaN elsewhere; `case` are places in it.
    """
    n_cases = int(case.max(initial=-1)) + 1
    counts = known & is_blind[:, np.newaxis]
    said = counts & positive
    n_voices, n_positive = (np.zeros((n_cases, known.shape[1]), np.int32) for _ in range(2))
    np.add.at(n_voices, case, counts)
    np.add.at(n_positive, case, said)
    found = np.full(known.shape, np.nan)
    for start in range(0, len(case), _BATCH):
        rows = slice(start, start + _BATCH)
        others = n_voices[case[rows]] - counts[rows]
        yes = n_positive[case[rows]] - said[rows]
        share = np.divide(yes, others, out=np.full(others.shape, np.nan), where=others > 0)
        if decided is not None:
            settled = decided[case[rows]]
            share = np.where((others > 0) & ~np.isnan(settled), settled, share)
        found[rows] = share
    return found
