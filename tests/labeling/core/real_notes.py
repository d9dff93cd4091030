"""Real lumbar MRI notes, which are not part of this repository, for tests that read them."""

import csv

from tests.shared_data import shared_data


def load_notes() -> dict[str, str]:
    """Notes by patient number; see `shared_data` for what happens where they are missing."""
    with shared_data("reports/lumbar_mri_notes.csv").open(newline="", encoding="utf-8-sig") as file:
        return {row["patient_id"]: row["report"] for row in csv.DictReader(file)}
