"""Voices written as lines: `B +0~ 1__` is a blind reader's values and urgencies, `P` one who started from labels."""

import numpy as np

from annotator.core.voices import NO_CODE, Rows, Voices


def rows(*lines):
    """The voices of one case; readers are numbered from 1."""
    parts = [(*line.split(), "")[:3] for line in lines]
    codes = [
        [list(text.ljust(len(values), "_").encode()) for text in (values, urgencies)] for _, values, urgencies in parts
    ]
    vectors = np.array(codes, np.uint8)
    return Rows(
        case=np.zeros(len(lines), np.int64),
        reader=np.arange(1, len(lines) + 1),
        is_blind=np.array([arm == "B" for arm, _, _ in parts]),
        values=vectors[:, 0],
        urgencies=vectors[:, 1],
    )


def voices(*lines):
    return Voices.of_rows(rows(*lines), n_cases=1)


def text(codes):
    """The codes of the one case; a blank where there is none."""
    return "".join(" " if code == NO_CODE else chr(code) for code in codes[0])
