"""Plans of who reads what: seeded, the same on any machine for the same request."""

from annotator.core.assignment.allotting import apportion
from annotator.core.assignment.asked import AskedPlan, AskedReader
from annotator.core.assignment.planning import METHOD_VERSION, Plan, make_plan
from annotator.core.assignment.requests import (
    HeldSeat,
    Order,
    Overlap,
    PlanCase,
    PlanError,
    PlannedSeat,
    PlanReader,
    PlanRequest,
    Repeats,
)
from annotator.core.assignment.strata import is_rare, stratum_name, wanted_at
from annotator.core.assignment.summary import PlanSummary, StratumCount, summarize

__all__ = [
    "METHOD_VERSION",
    "AskedPlan",
    "AskedReader",
    "HeldSeat",
    "Order",
    "Overlap",
    "Plan",
    "PlanCase",
    "PlanError",
    "PlanReader",
    "PlanRequest",
    "PlanSummary",
    "PlannedSeat",
    "Repeats",
    "StratumCount",
    "apportion",
    "is_rare",
    "make_plan",
    "stratum_name",
    "summarize",
    "wanted_at",
]
