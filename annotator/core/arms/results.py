"""All figures about arms as plain values that are stored and shown."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from annotator.core.arms.contrasts import contrasts, rows_of
from annotator.core.arms.design import design_of
from annotator.core.arms.questions import QUESTIONS
from annotator.core.arms.readings import ArmReadings, Columns
from annotator.core.arms.shares import error_shares
from annotator.core.arms.times import MEASURES, saved, spreads


def arms_result(
    readings: ArmReadings, groups: Mapping[str, Columns], *, scope: str, n_resamples: int, seed: int
) -> dict[str, Any]:
    """Contrasts, shares of errors and what is saved, overall, for each of `groups` of cells and for each reader.

    `scope` says what the groups are: findings or targets.
    """
    rows = rows_of(readings, groups, scope=scope)
    whose = (None, *range(len(readings.readers)))
    return {
        "design": design_of(readings).as_json(),
        "contrasts": {
            name: [each.as_json() for each in contrasts(readings, rows, question)]
            for name, question in QUESTIONS.items()
        },
        "errors": [each.as_json() for each in error_shares(readings, rows)],
        "saved": [
            saved(readings, measure, reader=reader, n_resamples=n_resamples, seed=seed).as_json()
            for measure in MEASURES
            for reader in whose
        ],
        "spreads": [
            asdict(each)
            for measure in MEASURES
            for reader in whose
            for each in spreads(readings, measure, reader=reader)
        ],
    }
