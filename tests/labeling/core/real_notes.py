"""Real lumbar MRI notes, which are not part of this repository, for tests that read them."""

import csv

from tests.labeling.core.shared_data import shared_file


def load_notes() -> dict[str, str]:
    """Notes by patient number; see `shared_file` for what happens where they are missing."""
    with shared_file("reports/lumbar_mri_notes.csv").open(newline="", encoding="utf-8-sig") as file:
        return {row["patient_id"]: row["report"] for row in csv.DictReader(file)}
