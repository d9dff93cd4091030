"""Runs, their parts, the calls they made, and the machine labels that came of them."""

from labeling.models.call import StoredCall
from labeling.models.chunk import RunChunk
from labeling.models.failure import ReportFailure
from labeling.models.label import MachineLabel
from labeling.models.run import ENDED, OPEN, Run

__all__ = ["ENDED", "OPEN", "MachineLabel", "ReportFailure", "Run", "RunChunk", "StoredCall"]
