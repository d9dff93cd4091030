"""The tables of the people half, split by noun."""

from annotator.models.case import NO_TEXT, Case, Report, ReportImport, Study
from annotator.models.evaluation import Evaluation
from annotator.models.event import Event
from annotator.models.gold import Decision, Dispute, DisputeKind, Gold, Reason
from annotator.models.invitation import Invitation
from annotator.models.preferences import Preferences
from annotator.models.project import ImageDates, LabelSchema, Membership, Project, Role
from annotator.models.reading import Arm, Draft, DraftState, Reading
from annotator.models.release import Erratum, Release
from annotator.models.seat import AssignmentPlan, Seat, SeatState
from annotator.models.study import Exclusion, Guideline, NeedsPerson, Note, Reads, StudyRules
from annotator.models.threshold import PickedThreshold
from annotator.models.user import User

__all__ = [
    "NO_TEXT",
    "Arm",
    "AssignmentPlan",
    "Case",
    "Decision",
    "Dispute",
    "DisputeKind",
    "Draft",
    "DraftState",
    "Erratum",
    "Evaluation",
    "Event",
    "Exclusion",
    "Gold",
    "Guideline",
    "ImageDates",
    "Invitation",
    "LabelSchema",
    "Membership",
    "NeedsPerson",
    "Note",
    "PickedThreshold",
    "Preferences",
    "Project",
    "Reading",
    "Reads",
    "Reason",
    "Release",
    "Report",
    "ReportImport",
    "Role",
    "Seat",
    "SeatState",
    "Study",
    "StudyRules",
    "User",
]
