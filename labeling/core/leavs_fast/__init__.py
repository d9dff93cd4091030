"""The `leavs-fast` labeler: labels as `leavs` gives them, in an order of magnitude fewer calls (METHODS A).

For a report the sentences are numbered. One answer sorts them by target, a second looks again at what that left out.
Each target that has sentences takes two answers: the values of all its findings, then their sentences and urgencies.
So N = 2 + 2 * (targets with sentences), one less when the first answer left nothing out; a target without sentences
costs nothing more. A report of more sentences than `Config.portion` is sorted in portions.
"""

from labeling.core.leavs_fast.config import Config
from labeling.core.leavs_fast.judging import CONTRADICTION, EVIDENCE_UNREADABLE, NO_EVIDENCE, URGENCY_UNREADABLE
from labeling.core.leavs_fast.labeler import NAME, RECALL_UNREADABLE, VERSION, label, manifest

__all__ = [
    "CONTRADICTION",
    "EVIDENCE_UNREADABLE",
    "NAME",
    "NO_EVIDENCE",
    "RECALL_UNREADABLE",
    "URGENCY_UNREADABLE",
    "VERSION",
    "Config",
    "label",
    "manifest",
]
