"""Starting up: a schema loads only the rules that it needs."""

import subprocess
import sys

import pytest

from labeling.core.rules import _may_be_spinal
from labeling.core.schema_yaml import load_preset, parse_schema

ONE_TARGET = """
format: 1
name: one
version: 1
title: One
modality: MR
targets:
  - {{name: {target}}}
findings:
  - {{name: stenosis, definition: a narrow canal}}
"""


def test_abdominal_report_loads_no_rules_for_the_spine() -> None:
    program = (
        "import sys\n"
        "from labeling.core.rules import label_report\n"
        "from labeling.core.schema_yaml import load_preset\n"
        "label_report('Splenic cyst.', load_preset('abdomen-ct'))\n"
        "print(*(name for name in sys.modules if 'rules.spine' in name or name in ('pysbd', 'openpyxl', 'asyncio')))\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert run.stdout.split() == []


@pytest.mark.parametrize(
    "target", ["L4-L5", "L3/4", "lumbar spine", "spine", "spinal canal", "backbone", "T12-L1", "Cervical spine"]
)
def test_target_in_the_spine_is_recognised_before_its_rules_are_loaded(target: str) -> None:
    assert _may_be_spinal(parse_schema(ONE_TARGET.format(target=target)))


def test_abdominal_targets_are_not_taken_for_the_spine() -> None:
    assert not _may_be_spinal(load_preset("abdomen-ct"))
