"""What is asked of both arms."""

from collections.abc import Mapping
from typing import Final

from annotator.core.arms.contrasts import Question
from annotator.core.arms.counts import (
    SCORES,
    UNIT,
    against_reference,
    as_truth,
    said,
    scores,
    share,
    where_wrong,
    with_machine,
)

POSITIVE_RATE: Final = "positive_rate"
MACHINE_AGREEMENT: Final = "machine_agreement"
ANCHORED: Final = "anchored"
SCORE: Final = "score"
INFLATION: Final = "inflation"


QUESTIONS: Final[Mapping[str, Question]] = {
    # How often readers call a cell positive.
    POSITIVE_RATE: Question(said, share, (POSITIVE_RATE,), scarce=(0,)),
    # How often they say what the machine says.
    MACHINE_AGREEMENT: Question(with_machine, share, (MACHINE_AGREEMENT,), scarce=(1,)),
    # ... and how often where independent voices say that it is wrong.
    ANCHORED: Question(where_wrong, share, (ANCHORED,), scarce=(1,), unit=UNIT),
    # How right they are by independent voices.
    SCORE: Question(against_reference, scores, SCORES, scarce=(0, 2), unit=UNIT),
    # How right the machine looks when the readings of an arm are taken for the truth.
    INFLATION: Question(as_truth, scores, tuple(f"machine_{name}" for name in SCORES), scarce=(0, 2)),
}
