"""Projects for the browser tests, made once per server. Each test takes a project of its own, so none meets another."""

import csv
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

PASSWORD = "a long pass phrase"
READER = "reader"
MANAGER = "manager"
N_PREFILLED = 48
N_BLANK = 6

# The heart shifts every later offset when code points and UTF-16 units are mixed up.
REPORTS = {
    "E-1": (
        "CLINICAL HISTORY: 🫀 Weight loss.\n\n"
        "FINDINGS: The liver contains a 2.1 cm hypodense lesion. No diffuse liver disease. The spleen is normal. "
        "The gallbladder has been removed. The pancreas is atrophic.\n\n"
        "IMPRESSION: Stable hepatic cyst."
    ),
    "E-2": "FINDINGS: The liver and the spleen are normal. The kidneys are unremarkable.\n\nIMPRESSION: Normal study.",
    "E-3": "FINDINGS: The colon shows possible wall thickening. The liver is normal.\n\nIMPRESSION: Colitis?",
    "E-4": "FINDINGS: No focal liver lesion. The stomach is normal.\n\nIMPRESSION: No acute finding.",
}
# Value and urgency of a cell, and the words that support it.
MACHINE = {
    "E-1": {
        "liver|focal": ("+1", ["The liver contains a 2.1 cm hypodense lesion.", "Stable hepatic cyst."]),
        "liver|diffuse": ("0_", ["No diffuse liver disease."]),
        "spleen|normal": ("+_", ["The spleen is normal."]),
        "gallbladder|absent": ("+_", ["The gallbladder has been removed."]),
        "pancreas|atrophy": ("+0", ["The pancreas is atrophic."]),
    },
    "E-2": {
        "liver|normal": ("+_", ["The liver and the spleen are normal."]),
        "spleen|normal": ("+_", ["The liver and the spleen are normal."]),
    },
    "E-3": {
        "large bowel|diffuse": ("!_", ["The colon shows possible wall thickening."]),
        "liver|normal": ("+_", ["The liver is normal."]),
    },
    "E-4": {"liver|focal": ("02", ["No focal liver lesion."]), "stomach|normal": ("+_", ["The stomach is normal."])},
}


def slug_of(kind: str, number: int) -> str:
    """Address of a project."""
    return f"{kind}-{number}"


def make_world() -> None:
    """Make users and projects in the database that the settings name."""
    from annotator.models import User
    from annotator.services.projects import create_project, set_member
    from labeling.core.schema_yaml import preset_source

    manager = User.objects.create_user(username=MANAGER, password=PASSWORD, is_staff=True)
    reader = User.objects.create_user(username=READER, password=PASSWORD)
    kinds = [("prefilled", number) for number in range(N_PREFILLED)] + [("blank", number) for number in range(N_BLANK)]
    with TemporaryDirectory() as folder:
        file = _reports_file(Path(folder))
        for kind, number in kinds:
            slug = slug_of(kind, number)
            project = create_project(
                name=f"Browser test {slug}", slug=slug, schema_source=preset_source("abdomen-ct"), actor=manager
            )
            set_member(project=project, user=reader, role="reader", actor=manager)
            _fill(project, file, manager, labels=kind == "prefilled")


def _reports_file(folder: Path) -> Path:
    path = folder / "reports.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["report_id", "patient_id", "text"])
        writer.writerows([key, f"P{key}", text] for key, text in REPORTS.items())
    return path


def _fill(project, file, actor, *, labels) -> None:
    from annotator.models import Report
    from annotator.services.reports import import_reports
    from labeling.models import MachineLabel
    from labeling.services import choose_prefill, finish_run, start_run

    outcome = import_reports(project=project, source=file, file_name=file.name, actor=actor)
    if outcome.created != len(REPORTS):
        raise RuntimeError(f"{outcome.created} of {len(REPORTS)} reports came in: {outcome.problems}")
    if not labels:
        return
    schema = project.schema.parsed()
    run = start_run(project=project, labeler="imported", inputs={}, actor=actor)
    for report in Report.objects.filter(project=project):
        key = next(key for key, text in REPORTS.items() if text == report.text)
        MachineLabel.objects.create(run=run, report=report, **_label(schema, key))
    finish_run(run, counts={})
    choose_prefill(run=run, actor=actor)


def _label(schema, key) -> dict[str, object]:
    values, urgencies, cells = [], [], {}
    for cell in map(str, schema.cells):
        codes, quotes = MACHINE[key].get(cell, ("._", []))
        values.append(codes[0])
        urgencies.append(codes[1])
        if quotes:
            spans = [[start, start + len(quote)] for quote in quotes for start in [REPORTS[key].index(quote)]]
            cells[cell] = {"evidence": spans, "reason": "it says so", "probability": 0.93}
    return {"values": "".join(values), "urgencies": "".join(urgencies), "body": {"cells": cells}}


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    import django

    django.setup()
    make_world()
