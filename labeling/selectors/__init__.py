"""Read runs and machine labels."""

from labeling.selectors.labels import (
    InputSet,
    LabelingState,
    equal_run,
    input_set,
    labeling_state,
    prefill_run,
    readable_reports,
)
from labeling.selectors.runs import RunProgress, failures_by_kind, run_name, run_of, run_progress

__all__ = [
    "InputSet",
    "LabelingState",
    "RunProgress",
    "equal_run",
    "failures_by_kind",
    "input_set",
    "labeling_state",
    "prefill_run",
    "readable_reports",
    "run_name",
    "run_of",
    "run_progress",
]
