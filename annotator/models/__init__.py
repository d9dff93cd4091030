"""The tables of the people half, split by noun."""

from annotator.models.case import Case, Report, ReportImport, Study
from annotator.models.evaluation import Evaluation
from annotator.models.event import Event
from annotator.models.preferences import Preferences
from annotator.models.project import ImageDates, LabelSchema, Membership, Project, Role
from annotator.models.reading import Arm, Draft, DraftState, Reading
from annotator.models.threshold import PickedThreshold
from annotator.models.user import User

__all__ = [
    "Arm",
    "Case",
    "Draft",
    "DraftState",
    "Evaluation",
    "Event",
    "ImageDates",
    "LabelSchema",
    "Membership",
    "PickedThreshold",
    "Preferences",
    "Project",
    "Reading",
    "Report",
    "ReportImport",
    "Role",
    "Study",
    "User",
]
