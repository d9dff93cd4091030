"""What is computed for each kind of figures."""

from dataclasses import asdict
from typing import Any

from annotator.core.arms.results import arms_result
from annotator.core.figure_results import comparison_result, labeler_result, reader_result
from annotator.core.gold_results import learning_points
from annotator.core.score_results import score_result
from annotator.selectors.arm_readings import arm_readings, cell_groups
from annotator.services.figure_sources import Source
from labeling.exceptions import UserError


def labeler_figures(source: Source) -> dict[str, Any]:
    """One run beside the readers."""
    labels = source.labels(source.request.run)
    result = labeler_result(source.read, labels, schema=source.schema, request=source.request)
    learned = learning_points(source.read, labels, schema=source.schema, request=source.request, order=source.order())
    unread = {cell: asdict(each) for cell, each in source.unread(source.request.run).items()}
    return result | {"learning": learned, "unread": unread}


def score_figures(source: Source) -> dict[str, Any]:
    """How well the scores of one run tell present from absent; None when it gave none."""
    scores = source.scores(source.request.run)
    if scores is None:
        return {"scores": None}
    return {"scores": score_result(source.read, scores.values, scale=scores.scale, request=source.request)}


def comparison_figures(source: Source) -> dict[str, Any]:
    """Two runs against the same truth, over the cases that both labeled. Raises `UserError` when there are none."""
    first, second = (source.labels(run) for run in source.request.runs)
    if not (first.rated & second.rated).any():
        raise UserError("the two runs labeled no case in common among those that were read")
    return comparison_result(source.read, first, second, schema=source.schema, request=source.request)


def reader_figures(source: Source) -> dict[str, Any]:
    """How much readers agree."""
    return reader_result(source.read, schema=source.schema, request=source.request)


def arm_figures(source: Source) -> dict[str, Any]:
    """What pre-filling does to readers."""
    request, schema, evaluation = source.request, source.schema, source.evaluation
    found = arm_readings(evaluation.project, schema=schema, run=request.run, inputs=evaluation.inputs)
    scope, groups = cell_groups(schema)
    result = arms_result(found.readings, groups, scope=scope, n_resamples=request.n_resamples, seed=request.seed)
    return result | {"n_other_run": found.n_other_run, "seats": found.seats}
