"""What figures are computed from, loaded once."""

import platform
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from annotator.core.figure_requests import GOLD, FigureRequest, Kind
from annotator.core.figure_results import Read
from annotator.models import Evaluation
from annotator.selectors.matrices import ReadMatrix, label_matrix, read_matrix, repeat_matrix
from annotator.selectors.schemas import parsed_schema
from annotator.selectors.score_matrices import MachineScores, machine_scores, reading_order
from annotator.selectors.unread_cases import Unread, unread_positives
from labeling.core.evaluation.ratings import Ratings
from labeling.core.schema import Schema
from labeling.exceptions import UserError

_NO_GOLD: Final = "no cell has gold of that origin: cases wait for readings, or for an adjudicator"
_NO_BLIND_GOLD: Final = "no cell has gold of blind origin; choose gold of assisted origin to see what there is"


@dataclass(frozen=True, slots=True)
class Source:
    """What an evaluation asks for, and what readers said."""

    evaluation: Evaluation
    request: FigureRequest
    schema: Schema
    matrix: ReadMatrix

    @property
    def read(self) -> Read:
        """Readings with the patients of their cases."""
        return Read(self.matrix.ratings, self.matrix.axis.patients, self.matrix.gold, self._repeats())

    def _repeats(self) -> tuple[Ratings, Ratings] | None:
        """What came back to its reader, for figures that say how much readers agree with themselves."""
        if self.request.kind != Kind.READERS:
            return None
        return repeat_matrix(
            self.evaluation.project, schema=self.schema, axis=self.matrix.axis, inputs=self.evaluation.inputs
        )

    def labels(self, run: str) -> Ratings:
        """What a run says of the cases that were read. Raises `UserError` when it labeled none of them."""
        inputs = self.evaluation.inputs
        labels = label_matrix(
            self.evaluation.project, schema=self.schema, run=run, axis=self.matrix.axis, inputs=inputs
        )
        if not labels.rated.any():
            raise UserError("the run labeled none of the cases that were read")
        return labels

    def scores(self, run: str) -> MachineScores | None:
        """Scores of a run for the cases that were read; None when it gave none."""
        inputs = self.evaluation.inputs
        return machine_scores(
            self.evaluation.project, schema=self.schema, run=run, axis=self.matrix.axis, inputs=inputs
        )

    def order(self) -> NDArray[np.intp]:
        """Places of the cases, first read first."""
        return reading_order(self.evaluation.project, self.matrix.axis, self.evaluation.inputs)

    def unread(self, run: str) -> dict[str, Unread]:
        """Cases that nobody read and that a run calls positive, for each cell."""
        return unread_positives(self.evaluation.project, schema=self.schema, run=run, inputs=self.evaluation.inputs)

    def about(self) -> dict[str, Any]:
        """What the figures were computed on, in numbers and names."""
        rated = self.matrix.ratings.rated
        return {
            "n_cases": len(self.matrix.axis.pks),
            "n_patients": len(set(self.matrix.axis.patients)),
            "n_readings": int(rated.sum()),
            "n_by_reader": dict(zip(self.matrix.ratings.raters, rated.sum(axis=1).tolist(), strict=True)),
            "n_left_out": self.matrix.n_left_out,
            "is_blind": self.matrix.is_blind,
            "n_assisted": self.matrix.n_assisted,
            "software": {"Python": platform.python_version(), "NumPy": np.__version__},
        } | ({"gold": self.matrix.gold.about()} if self.matrix.gold else {})


def open_source(evaluation: Evaluation) -> Source:
    """Load the readings. Raises `UserError` when none count, or none of the reader who is to be the truth."""
    request, schema = FigureRequest.of_json(evaluation.request), parsed_schema(evaluation.schema)
    matrix = read_matrix(evaluation.project, schema=schema, request=request, inputs=evaluation.inputs)
    if request.reader and request.reader not in matrix.ratings.raters:
        raise UserError(f"{request.reader!r} has submitted no case that counts")
    if matrix.gold is not None and not matrix.gold.chosen.known.any():
        raise UserError(_NO_BLIND_GOLD if request.truth == GOLD else _NO_GOLD)
    return Source(evaluation, request, schema, matrix)
