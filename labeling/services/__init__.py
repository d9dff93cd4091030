"""Make runs, and choose which one readers start from."""

from labeling.services.model_runs import Plan, RunExists, cancel_run, pause_run, resume_run, start_model_run
from labeling.services.prefill import choose_prefill
from labeling.services.rules import RULES, end_stale_runs, finish_run, rules_method, run_rules, start_run
from labeling.services.states import TransitionRefused

__all__ = [
    "RULES",
    "Plan",
    "RunExists",
    "TransitionRefused",
    "cancel_run",
    "choose_prefill",
    "end_stale_runs",
    "finish_run",
    "pause_run",
    "resume_run",
    "rules_method",
    "run_rules",
    "start_model_run",
    "start_run",
]
