"""Readings of both arms, written down by hand or drawn."""

from dataclasses import fields

import numpy as np

from annotator.core.arms.readings import ArmReadings


def readings_of(lines, *, n_readers=2, **changed):
    """Readings from lines of reader, patient, arm ("P" or "B"), and what is said, shown and true of each cell.

    The last three are texts of `1`, `0` and `?` (unknown).
    """
    readers, patients, arms, *texts = zip(*lines, strict=True)
    said, machine, true = (np.array([list(line) for line in text]) for text in texts)
    n = len(lines)
    made = {
        "readers": tuple(f"reader-{index}" for index in range(n_readers)),
        "reader": np.array(readers),
        "patient": np.array(patients),
        "stratum": np.zeros(n, np.int64),
        "is_prefilled": np.array(arms) == "P",
        "is_planned": np.ones(n, bool),
        "positive": said == "1",
        "known": said != "?",
        "machine_positive": machine == "1",
        "machine_known": machine != "?",
        "reference": np.where(true == "?", np.nan, (true == "1").astype(float)),
        "seconds": np.full(n, np.nan),
        "key_presses": np.full(n, np.nan),
    }
    assert made.keys() == {each.name for each in fields(ArmReadings)}
    return ArmReadings(**(made | changed))


def drawn_readings(n=120, *, n_patients=40, n_cells=3, seed=0):
    """Readings by three readers of two strata, with arms by chance."""
    rng = np.random.default_rng(seed)
    said, machine, true = (rng.choice(list("01"), (n, n_cells)) for _ in range(3))
    lines = zip(
        rng.integers(3, size=n),
        rng.integers(n_patients, size=n),
        rng.choice(list("PB"), n),
        *(["".join(line) for line in text] for text in (said, machine, true)),
        strict=True,
    )
    stratum = rng.integers(2, size=n)
    return readings_of(list(lines), n_readers=3, stratum=stratum, seconds=rng.integers(20, 300, n).astype(float))
