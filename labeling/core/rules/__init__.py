"""The `rules` labeler: labels a report by stated rules and a vocabulary in data files, without a model.

Successor of SARLE (METHODS C). `label_report` is the plain function; `label` has the form all labelers share.
"""

import re
from typing import TYPE_CHECKING, Any, Final

from labeling.core.records import LabelSet, ReportText
from labeling.core.rules.assertions import merge_assertions
from labeling.core.rules.data import vocabulary_hash
from labeling.core.rules.engine import ReportReader
from labeling.core.rules.vocabulary import Vocabulary, build_vocabulary
from labeling.core.schema import Schema
from labeling.core.text import structure_report

if TYPE_CHECKING:
    from labeling.core.rules.spine_schema import SpinePlan

__all__ = ["RULES_VERSION", "label", "label_report", "vocabulary_hash"]

RULES_VERSION: Final = "2"
_MOST_VOCABULARIES: Final = 16
_SPINAL: Final = re.compile(r"\d|spin|vertebr|backbone|lumb|sacr|cervic|thorac|dors", re.IGNORECASE)

_vocabularies: dict[str, Vocabulary] = {}
_spine_plans: "dict[str, SpinePlan | None]" = {}


def label_report(text: str, schema: Schema) -> LabelSet:
    """Labels of one report: a value for every cell of `schema`, with evidence and a reason where it is mentioned."""
    structure = structure_report(text)
    plan = _spine_plan_for(schema)
    of_spine = {}
    if plan is not None:
        from labeling.core.rules.spine import label_spine  # noqa: PLC0415 - only schemas with spinal cells need it

        of_spine = label_spine(text, structure, plan)
    if len(of_spine) == len(schema.cells):
        return LabelSet(of_spine)
    reader = ReportReader(text, structure, _vocabulary_for(schema))
    return LabelSet({**merge_assertions(reader.read(), schema).cells, **of_spine})


async def label(report: ReportText, *, backend: Any = None, schema: Schema, config: Any = None) -> LabelSet:
    """Labels of one report; `backend` and `config` are ignored, the rules need neither."""
    return label_report(report.text, schema)


def _vocabulary_for(schema: Schema) -> Vocabulary:
    """The vocabulary for `schema`, built once for each schema hash."""
    if schema.hash not in _vocabularies:
        if len(_vocabularies) >= _MOST_VOCABULARIES:
            _vocabularies.pop(next(iter(_vocabularies)))
        _vocabularies[schema.hash] = build_vocabulary(schema)
    return _vocabularies[schema.hash]


def _spine_plan_for(schema: Schema) -> "SpinePlan | None":
    """The plan for the spinal cells of `schema`, made once for each schema hash; None when it has none."""
    if schema.hash not in _spine_plans:
        if len(_spine_plans) >= _MOST_VOCABULARIES:
            _spine_plans.pop(next(iter(_spine_plans)))
        _spine_plans[schema.hash] = _plan_spine(schema) if _may_be_spinal(schema) else None
    return _spine_plans[schema.hash]


def _plan_spine(schema: Schema) -> "SpinePlan | None":
    from labeling.core.rules.spine_schema import plan_spine  # noqa: PLC0415 - takes time to load

    return plan_spine(schema)


def _may_be_spinal(schema: Schema) -> bool:
    """Whether a target could be the spine or a level of it, by its letters alone."""
    names = (name for target in schema.targets for name in (target.name, target.title, *target.terms))
    return any(_SPINAL.search(name) for name in names)
