"""Projects for the browser tests, made once per server. Each test takes a project of its own, so none meets another."""

import csv
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

PASSWORD = "a long pass phrase"
READER = "reader"
MANAGER = "manager"
# A member of the projects who has never seen the reading page.
NEWCOMER = "newcomer"
N_PREFILLED = 64
N_BLANK = 18
N_PICTURED = 6
# Voxels of the images of the pictured projects, as (k, j, i), and their spacing.
PICTURE_SHAPE = (20, 24, 32)
PICTURE_SPACING_MM = (3.0, 3.0, 5.0)

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
    "E-4": (
        "FINDINGS: No focal liver lesion (series 3, image 45). The stomach is normal.\n\nIMPRESSION: No acute finding."
    ),
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
    "E-4": {
        "liver|focal": ("02", ["No focal liver lesion (series 3, image 45)."]),
        "stomach|normal": ("+_", ["The stomach is normal."]),
    },
}


def slug_of(kind: str, number: int) -> str:
    """Address of a project."""
    return f"{kind}-{number}"


def make_world() -> None:
    """Make users and projects in the database that the settings name."""
    from django.utils import timezone

    from annotator.models import User
    from annotator.services.preferences import set_preferences
    from annotator.services.projects import create_project, set_member
    from labeling.core.schema_yaml import preset_source

    manager = User.objects.create_user(username=MANAGER, password=PASSWORD, is_staff=True)
    reader = User.objects.create_user(username=READER, password=PASSWORD)
    newcomer = User.objects.create_user(username=NEWCOMER, password=PASSWORD)
    set_preferences(user=reader, sent={"tour_done": True}, now=timezone.now())
    counts = {"prefilled": N_PREFILLED, "blank": N_BLANK, "pictured": N_PICTURED}
    kinds = [(kind, number) for kind, count in counts.items() for number in range(count)]
    with TemporaryDirectory() as folder:
        file = _reports_file(Path(folder))
        for kind, number in kinds:
            slug = slug_of(kind, number)
            project = create_project(
                name=f"Browser test {slug}", slug=slug, schema_source=preset_source("abdomen-ct"), actor=manager
            )
            for user in (reader, newcomer):
                set_member(project=project, user=user, role="reader", actor=manager)
            _fill(project, file, manager, labels=kind != "blank")
            if kind == "pictured":
                _add_images(project, Path(folder), manager)


def _add_images(project, folder, actor) -> None:
    """A small volume for the first two cases, brighter slice by slice."""
    import numpy as np
    from django.utils import timezone

    from vision.core.nifti import write_nifti_gz
    from vision.services.imports import import_images
    from vision.services.options import ImportOptions

    pictures = folder / "pictures"
    pictures.mkdir(exist_ok=True)
    voxels = np.broadcast_to(np.arange(PICTURE_SHAPE[0], dtype=np.int16)[:, None, None] * 40 - 300, PICTURE_SHAPE)
    affine_lps = np.diag([*PICTURE_SPACING_MM, 1.0])
    for number, key in enumerate(("E-1", "E-2")):  # the same file twice would be stored once
        write_nifti_gz(pictures / f"{key}.nii.gz", voxels + np.int16(number), affine_lps=affine_lps)
    done = import_images(project=project, source=pictures, actor=actor, options=ImportOptions(), now=timezone.now())
    if done.n_refused or done.n_unlinked:
        raise RuntimeError(f"of the images {done.n_refused} were refused and {done.n_unlinked} not linked")


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
