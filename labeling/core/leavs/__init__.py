"""The `leavs` labeler: the published pipeline with its switches (METHODS A), without its faults (METHODS H)."""

from labeling.core.leavs.config import Config
from labeling.core.leavs.labeler import VERSION, label, manifest

__all__ = ["VERSION", "Config", "label", "manifest"]
