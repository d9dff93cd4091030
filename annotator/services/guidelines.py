"""Write a new version of the words that guide readers."""

from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction

from annotator.core.guidelines import WHOLE_PROJECT, check_text
from annotator.core.refusals import VectorError
from annotator.exceptions import UserError
from annotator.models import Event, Guideline, Project, User
from annotator.selectors.guidelines import latest_guideline
from annotator.selectors.schemas import parsed_schema


@dataclass(frozen=True, slots=True)
class Wording:
    """What a manager writes; `based_on` is the version it was written over, 0 for the first."""

    finding: str
    text: str
    what_changed: str
    based_on: int


def write_guideline(*, project: Project, wording: Wording, actor: User, now: datetime) -> Guideline:
    """Store the next version.

    Raises `UserError` when it is not written over the latest, when nothing changed, and when the schema has no such
    finding or the words cannot be kept.
    """
    finding, what_changed = wording.finding, wording.what_changed.strip()
    text = wording.text.replace("\r\n", "\n").strip()
    _check_finding(project, finding)
    try:
        check_text(text, what_changed=what_changed)
    except VectorError as error:
        raise UserError(str(error)) from error
    before = latest_guideline(project, finding)
    if (before.version if before else 0) != wording.based_on:
        raise UserError("Somebody has written a later version meanwhile: compare, and save again.")
    if (before.text if before else "") == text:
        raise UserError("Nothing was changed.")
    if before is not None and not what_changed:
        raise UserError("Say in a few words what changed: readers are told.")
    made = Guideline(project=project, finding=finding, text=text, what_changed=what_changed)
    made.version = wording.based_on + 1
    try:
        return _store(made, actor=actor, now=now)
    except IntegrityError as error:
        raise UserError(f"Somebody else has just written version {made.version} of this guideline.") from error


def _check_finding(project: Project, finding: str) -> None:
    known = {each.name for each in parsed_schema(project.schema).findings}
    if finding != WHOLE_PROJECT and finding not in known:
        raise UserError(f"The schema of the project has no finding {finding!r}.")


def _store(made: Guideline, *, actor: User, now: datetime) -> Guideline:
    made.written_by, made.written_at = actor, now
    payload = {"finding": made.finding, "version": made.version}
    with transaction.atomic():
        made.save(force_insert=True)
        Event.objects.create(
            project_id=made.project_id, actor=actor, verb=Event.Verb.GUIDELINE_WRITTEN, payload=payload, at=now
        )
    return made
