"""Choose the run that readers start from."""

from django.db import transaction

from annotator.models import Event, Project, StudyRules, User
from labeling.exceptions import UserError
from labeling.models import MachineLabel, Run
from labeling.services.states import log


@transaction.atomic
def choose_prefill(*, run: Run, actor: User | None, keep_chosen: bool = False) -> None:
    """Let readers of the project start from `run`, instead of from the run before. Nobody's draft changes.

    With `keep_chosen` a run of another labeler that they start from stays.
    """
    Project.objects.select_for_update(no_key=True).get(pk=run.project_id)
    if run.state != Run.State.COMPLETE:
        raise UserError(f"run {run.run_id} is {run.state}; only a complete run can be the pre-fill")
    if run.schema_id != run.project.schema_id:
        raise UserError(f"run {run.run_id} was made under another schema than the project has")
    if not MachineLabel.objects.filter(run=run).exists():
        raise UserError(f"run {run.run_id} has no labels; readers cannot start from it")
    before = Run.objects.filter(project=run.project_id, is_prefill=True).first()
    if before == run or (keep_chosen and before is not None and before.labeler != run.labeler):
        return
    Run.objects.filter(project=run.project_id, is_prefill=True).update(is_prefill=False)
    run.is_prefill = True
    run.save(update_fields=["is_prefill"])
    # Where the machine is a voice, gold is to be made again.
    StudyRules.objects.filter(project=run.project_id, machine_is_voice=True).update(settled_version=0)
    log(run, actor, Event.Verb.PREFILL_CHOSEN, {"before": str(before.run_id) if before else None})
