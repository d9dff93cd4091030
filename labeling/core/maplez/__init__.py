"""MAPLEZ: a decision tree of yes/no questions for every cell, with a probability (METHODS B)."""

from labeling.core.maplez.labeler import TABLE_1, Config, label, manifest
from labeling.core.maplez.tree import Judgement, TreeConfig, judge

__all__ = ["TABLE_1", "Config", "Judgement", "TreeConfig", "judge", "label", "manifest"]
