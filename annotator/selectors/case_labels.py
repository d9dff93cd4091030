"""What the other labelers say of a report, for a reader who started from machine labels."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.db.models.fields.json import KeyTextTransform, KeyTransform

from annotator.models import Arm, Case, User
from annotator.selectors.cases import draft_of, prefill_shown
from annotator.selectors.seats import Sitting
from labeling.models import MachineLabel, Run
from labeling.selectors import run_name
from labeling.services import RULES

MOST_RUNS = 12
# Of a project with more runs than this, the older ones are not looked at.
LOOKED_AT = 400
# What tells methods apart, out of manifests that hold more than that.
_OF_MANIFEST: Final = {
    "method": KeyTransform("method", "run__manifest"),
    **{name: KeyTextTransform(name, "run__manifest") for name in ("model", "rater", "origin_run")},
}


def case_labels_payload(case: Case, *, reader: User, sitting: Sitting | None) -> dict[str, Any]:
    """What complete runs say of the case beside the pre-fill, as docs/api.md describes it.

    Nothing in the blank arm, whoever the reader is and whether or not the case is submitted: the arm is that of
    `case_payload`. Nothing in the seeded arm either, where other labelers would tell the planted errors.
    """
    draft = draft_of(case, reader=reader, sitting=sitting)
    prefill = prefill_shown(case, draft=draft, sitting=sitting)
    if prefill is None:
        return {"arm": Arm.BLANK, "runs": [], "n_more": 0}
    if sitting is not None and sitting.arm == Arm.SEEDED:
        return {"arm": Arm.PREFILLED, "runs": [], "n_more": 0}
    others = _newest_of_each_method(case, prefill)
    found = MachineLabel.objects.select_related("run").in_bulk(others[:MOST_RUNS])
    listed = [found[pk] for pk in others[:MOST_RUNS]]
    names = _distinct_names(listed, prefill)
    return {
        "arm": Arm.PREFILLED,
        "runs": [_run_payload(label, name=name) for label, name in zip(listed, names, strict=True)],
        "n_more": len(others) - len(listed),
    }


def _newest_of_each_method(case: Case, prefill: MachineLabel) -> list[int]:
    """Primary keys of the latest label of each labeler, model and method, newest first.

    A later run of the pre-fill's own method is among them only where it says something else.
    """
    labels = (
        MachineLabel.objects.filter(
            report_id=prefill.report_id,
            run__project_id=case.project_id,
            run__schema_id=case.project.schema_id,
            run__state=Run.State.COMPLETE,
        )
        .order_by("-run__started_at", "-run__pk")
        .annotate(**_OF_MANIFEST)
        .values("pk", "run_id", "values", "urgencies", "run__labeler", "run__request", *_OF_MANIFEST)
    )
    newest: dict[tuple[str, ...], dict[str, Any]] = {}
    for label in labels[:LOOKED_AT]:
        newest.setdefault(_method(label["run__labeler"], label["run__request"], manifest=label), label)
    own_method = _method(prefill.run.labeler, prefill.run.request, manifest=prefill.run.manifest)
    own = newest.get(own_method)
    said = (prefill.values, prefill.urgencies)
    if own is not None and (own["run_id"] == prefill.run_id or (own["values"], own["urgencies"]) == said):
        del newest[own_method]
    return [label["pk"] for label in newest.values()]


def _method(labeler: str, request: Mapping[str, Any], *, manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """What two runs share of which the later one stands for both: labeler, model or rater, and method.

    An older version of the rules says nothing that the newer one leaves open, and each import of reports makes a run.
    """
    if labeler == RULES:
        return (RULES,)
    behind = request.get("model") or manifest.get("model") or manifest.get("rater") or ""
    method = json.dumps(manifest.get("method"), sort_keys=True)
    return (labeler, behind, request.get("revision") or "", manifest.get("origin_run") or "", method)


def _distinct_names(labels: Sequence[MachineLabel], prefill: MachineLabel) -> list[str]:
    """A name for each run: with its options, else with its day and time, where the name alone stands for several."""
    names = [run_name(label.run) for label in labels]
    for more in (_options, _time):
        taken = Counter([*names, run_name(prefill.run)])
        names = [
            f"{run_name(label.run)} · {more(label.run)}" if taken[name] > 1 else name
            for label, name in zip(labels, names, strict=True)
        ]
    return names


def _options(run: Run) -> str:
    """The options that a labeler with a model was given; of other runs their time tells them apart."""
    return ", ".join(run.request.get("options") or ("as published",)) if run.request else _time(run)


def _time(run: Run) -> str:
    return f"{run.started_at:%Y-%m-%d %H:%M} UTC"


def _run_payload(label: MachineLabel, *, name: str) -> dict[str, Any]:
    run = label.run
    return {
        "run": str(run.run_id),
        "name": name,
        "labeler": run.labeler,
        "options": list(run.request.get("options") or ()),
        "started_at": run.started_at.isoformat(),
        "values": label.values,
        "urgencies": label.urgencies,
        "cells": label.body.get("cells", {}),
    }
