"""Label tables in and out: LEAVS long and wide, a long table, JSON Lines; Label Studio and doccano in."""

from labeling.core.tables.files import FORMATS, atomic_output, read_labels, write_labels
from labeling.core.tables.merging import merged_schema
from labeling.core.tables.records import LabeledReport, LabelMeta, LabelTable, TableError
from labeling.core.tables.studio_names import StudioMapping, parse_mapping

__all__ = [
    "FORMATS",
    "LabelMeta",
    "LabelTable",
    "LabeledReport",
    "StudioMapping",
    "TableError",
    "atomic_output",
    "merged_schema",
    "parse_mapping",
    "read_labels",
    "write_labels",
]
