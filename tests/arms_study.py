"""A made-up study of both arms: readers who keep some of what they are shown, by a plan or without one."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from annotator.models import Arm, AssignmentPlan, Reading, Seat, SeatState, User
from labeling.models import MachineLabel
from tests.study import NOW, Study, made_up_id, make_study

NOTHING = "."
PRESENT = "+"


@dataclass
class ArmsStudy:
    """A study, its plan if it has one, and its readings in the order in which they were made."""

    study: Study
    plan: AssignmentPlan | None
    readings: list[Reading]


def make_arms_study(
    slug: str,
    *,
    preset: str = "spine-mri",
    n_cases: int = 40,
    n_readers: int = 3,
    kept: float = 0.6,
    is_planned: bool = True,
    prefilled_share: float = 0.5,
    seed: int = 0,
) -> ArmsStudy:
    """Every reader reads every case, a share of them pre-filled.

    A pre-filled reader keeps a share of the cells as shown and takes two thirds of the time; blank ones err in 5 %.
    """
    study = make_study(slug, preset=preset, n_cases=n_cases, n_readers=n_readers, n_per_case=0, n_runs=1, seed=seed)
    rng = np.random.default_rng([seed, 1])
    plan = _plan(study) if is_planned else None
    readings = []
    for reader in study.readers:
        prefilled = set(rng.permutation(n_cases)[: int(n_cases * prefilled_share)].tolist())
        arms = [Arm.PREFILLED if index in prefilled else Arm.BLANK for index in range(n_cases)]
        readings += [
            _reading(study, index, arm=arm, reader=reader, kept=kept, rng=rng) for index, arm in enumerate(arms)
        ]
    Reading.objects.bulk_create(readings, batch_size=2000)
    if plan is not None:
        Seat.objects.bulk_create((_seat(plan, reading) for reading in readings), batch_size=2000)
    return ArmsStudy(study, plan, readings)


def _plan(study: Study) -> AssignmentPlan:
    return AssignmentPlan.objects.create(
        project=study.project,
        number=1,
        seed=0,
        request={},
        summary={},
        method_version=1,
        applied_by=study.manager,
        applied_at=NOW,
    )


def _reading(study: Study, index: int, *, arm: Arm, reader: User, kept: float, rng: np.random.Generator) -> Reading:
    case, is_prefilled = study.cases[index], arm == Arm.PREFILLED
    blind = study.truth[index] ^ (rng.random(study.truth.shape[1]) < 0.05)
    keeps = (rng.random(len(blind)) < kept) & is_prefilled
    shown = MachineLabel.objects.get(run=study.runs[0], report=case.report_id).values
    own = [PRESENT if each else NOTHING for each in blind]
    values = "".join(theirs if keep else mine for mine, theirs, keep in zip(own, shown, keeps, strict=True))
    seconds = rng.lognormal(4.5 + 0.2 * study.readers.index(reader), 0.4) * (2 / 3 if is_prefilled else 1)
    return Reading(
        project=study.project,
        case=case,
        reader=reader,
        schema=study.project.schema,
        revision=1,
        submission_id=made_up_id(study.project, "reading", reader.username, index),
        arm=arm,
        prefill_run=study.runs[0].run_id if is_prefilled else None,
        values=values,
        urgencies="_" * len(values),
        active_seconds=max(1, round(seconds)),
        key_presses=int(rng.poisson(4 if is_prefilled else 12)),
        submitted_at=NOW + timedelta(minutes=index),
    )


def _seat(plan: AssignmentPlan, reading: Reading) -> Seat:
    return Seat(
        project=reading.project,
        plan=plan,
        case=reading.case,
        slot=reading.reader_id,
        reader=reading.reader,
        arm=reading.arm,
        place=reading.case.position,
        stratum="CT",
        state=SeatState.SUBMITTED,
        submitted_at=reading.submitted_at,
    )
