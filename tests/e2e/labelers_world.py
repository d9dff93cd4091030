"""Four more labelers of a project of `world`, which differ: run as a program with its address."""

import sys
from datetime import timedelta
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.e2e.world import MACHINE, REPORTS

MODEL = "Qwen2.5-72B"
FAST, MAPLEZ, DIRECT = (f"{name} · {MODEL}" for name in ("leavs-fast", "maplez", "direct-query"))
RULES = "rules"
LESION = "The liver contains a 2.1 cm hypodense lesion."
NO_DIFFUSE = "No diffuse liver disease."
CYST = "hepatic cyst"

# By labeler: what it says of cells of E-1, as (value and urgency, words, what else). Of others it says what FILL says.
SAYS = {
    "rules": {
        "liver|focal": ("+_", [LESION], {"reason": "lesion", "flags": ["vague"]}),
        "spleen|normal": ("+_", ["The spleen is normal."], {"reason": "normal"}),
        "gallbladder|absent": ("0_", [], {}),
    },
    "leavs-fast": {
        "liver|focal": ("+3", [LESION, CYST], {"reason": "A 2.1 cm lesion is measured; it is called a cyst later on."}),
        "liver|diffuse": ("0_", [NO_DIFFUSE], {"reason": "It is denied."}),
        "spleen|normal": ("+_", ["The spleen is normal."], {"reason": "It is said so."}),
        "gallbladder|absent": ("+_", ["The gallbladder has been removed."], {"reason": "It was removed."}),
        "pancreas|atrophy": ("!_", ["The pancreas is atrophic."], {"flags": ["urgency_unreadable"]}),
    },
    "maplez": {
        "liver|focal": ("?_", [], {"probability": 0.62, "reason": "N1: 62 %"}),
        "liver|diffuse": ("0_", [], {"probability": 0.0, "reason": "N5: yes"}),
        "spleen|normal": ("+_", [], {"probability": 0.97, "reason": "N1: 97 %"}),
        "gallbladder|absent": ("+_", [], {"probability": 1.0, "reason": "N1: 100 %"}),
        "pancreas|atrophy": ("+_", [], {"probability": 0.9, "reason": "N1: 90 %"}),
    },
    "direct-query": {
        "liver|focal": ("0_", [], {"logit_difference": -1.53125}),
        "liver|diffuse": ("+_", [], {"logit_difference": 0.40625}),
    },
}
FILL = {"direct-query": "_"}


def add_labelers(slug: str) -> None:
    """Complete runs of the four labelers over all reports of the project, and one that failed."""
    from django.utils import timezone

    from annotator.models import Project
    from labeling.models import Run
    from labeling.services import finish_run, start_run

    project = Project.objects.get(slug=slug)
    run = start_run(project=project, labeler="rules", inputs={}, actor=None)
    _label(run)
    finish_run(run, counts={})
    now = timezone.now()
    states = [(labeler, Run.State.COMPLETE) for labeler in SAYS if labeler != "rules"] + [("leavs", Run.State.FAILED)]
    for hours, (labeler, state) in enumerate(states, start=1):
        run = Run.objects.create(
            project=project,
            schema=project.schema,
            labeler=labeler,
            request={"model": MODEL, "options": []},
            state=state,
            started_at=now - timedelta(hours=hours),
            finished_at=now,
        )
        if labeler in SAYS:
            _label(run)


def _label(run) -> None:
    from annotator.models import Report
    from labeling.models import MachineLabel

    schema = run.schema.parsed()
    for report in Report.objects.filter(project=run.project_id):
        key = next(key for key, text in REPORTS.items() if text == report.text)
        others = {cell: (codes, quotes, {}) for cell, (codes, quotes) in MACHINE[key].items()}
        said = SAYS[run.labeler] if key == "E-1" else others
        codes, cells = [], {}
        for cell in map(str, schema.cells):
            code, quotes, more = said.get(cell, (FILL.get(run.labeler, ".") + "_", [], {}))
            codes.append(code)
            spans = [[start, start + len(quote)] for quote in quotes for start in [report.text.index(quote)]]
            if entry := more | ({"evidence": spans} if spans else {}):
                cells[cell] = entry
        values, urgencies = map("".join, zip(*codes, strict=True))
        MachineLabel.objects.create(run=run, report=report, values=values, urgencies=urgencies, body={"cells": cells})


if __name__ == "__main__":
    import django

    django.setup()
    add_labelers(sys.argv[1])
