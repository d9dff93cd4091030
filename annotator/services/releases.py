"""Ask for releases, and freeze them: a row is the truth, a worker holds it, and half a release never stands."""

import logging
import re
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import F, Max, Q
from django.utils import timezone

from annotator.core.releases.records import ReleaseError
from annotator.core.releases.requests import ReleaseRequest
from annotator.core.releases.writing import remove, write_release
from annotator.exceptions import UserError
from annotator.models import Event, Project, Release, User
from annotator.selectors.releases import frozen_releases, releasable
from annotator.services.figure_holds import LEASE_S, held, holding
from annotator.services.release_contents import gather
from labeling.core.intake.records import has_unstorable

logger = logging.getLogger(__name__)

State = Release.State
MAX_ATTEMPTS: Final = 3
MAX_DESCRIPTION_CHARACTERS: Final = 4000
FAULT: Final = f"the program failed {MAX_ATTEMPTS} times; the log of the worker says where"
DIED: Final = f"the worker that froze it died {MAX_ATTEMPTS} times, perhaps for want of memory or of disk"
# A name stands in addresses and file names.
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")
_SWEPT: Final = 100


def check_name(project: Project, name: str) -> None:
    """Raise `UserError` for a name that a release cannot have, or that one has."""
    if not _NAME.fullmatch(name):
        raise UserError("a name has at most 60 letters, digits, dots, dashes and underscores, a letter or digit first")
    if Release.objects.filter(project=project, name=name).exists():
        raise UserError(f"there is a release {name} already; names are never used twice")


@transaction.atomic
def ask_for_release(
    *,
    project: Project,
    actor: User | None,
    name: str,
    description: str,
    request: ReleaseRequest,
    send: Callable[[int], object],
) -> Release:
    """Store what is asked for; `send` gets the key of the release after the transaction, for a worker to freeze it.

    Raises `UserError` for a name that cannot be, and when no case can be released.
    """
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    check_name(project, name)
    if has_unstorable(description) or len(description) > MAX_DESCRIPTION_CHARACTERS:
        raise UserError(f"the description has at most {MAX_DESCRIPTION_CHARACTERS:,} characters, none of them a null")
    if request.splits_of and not frozen_releases(project).filter(name=request.splits_of).exists():
        raise UserError(f"there is no frozen release {request.splits_of[:60]!r} to keep the splits of")
    if not releasable(project, only_final=request.only_final).exists():
        raise UserError("no case can be released yet: none has final gold")
    last = Release.objects.filter(project=project).aggregate(last=Max("number"))["last"] or 0
    now = timezone.now()
    release = Release.objects.create(
        project=project,
        schema=project.schema,
        number=last + 1,
        name=name,
        description=description,
        request=request.as_json(),
        requested_by=actor,
        requested_at=now,
    )
    payload = {"release": name, "request": release.request, "report_texts": request.with_texts}
    _record(release, Event.Verb.RELEASE_ASKED_FOR, actor=actor, payload=payload, now=now)
    transaction.on_commit(lambda: send(release.pk))
    return release


def ask_again(release: Release, *, send: Callable[[int], object]) -> bool:
    """Have a release that failed frozen once more. Whether it had failed."""
    failed = Release.objects.filter(pk=release.pk, state=State.FAILED)
    if not failed.update(state=State.QUEUED, reason="", progress="", seconds=None, finished_at=None, attempts=0):
        return False
    transaction.on_commit(lambda: send(release.pk))
    return True


def waiting(*, now: datetime) -> list[int]:
    """Keys of releases that nobody freezes, oldest first."""
    return list(Release.objects.filter(_free(now)).order_by("pk").values_list("pk", flat=True)[:_SWEPT])


def _free(now: datetime) -> Q:
    return Q(state=State.QUEUED) | Q(state=State.RUNNING, lease_until__lt=now)


def freeze(release_id: int, *, now: datetime | None = None) -> Release | None:
    """Freeze one release that nobody else freezes; None when there is nothing to do.

    What cannot be released is kept as the reason. Whatever else is raised is a fault: it goes on to the caller, and
    the release is free to be tried again, `MAX_ATTEMPTS` times in all.
    """
    release = _claim(release_id, now=now or timezone.now())
    if release is None:
        return None
    is_over = False
    try:
        with holding(release):
            ended = _frozen(release)
        is_over = True
    finally:
        if not is_over:
            _let_go(release)
    return ended


def _claim(release_id: int, *, now: datetime) -> Release | None:
    found = Release.objects.filter(_free(now), pk=release_id)
    given_up = {"state": State.FAILED, "reason": DIED, "lease_until": None, "finished_at": now}
    if found.filter(attempts__gte=MAX_ATTEMPTS).update(**given_up):
        return None
    until = now + timedelta(seconds=LEASE_S)
    if not found.update(state=State.RUNNING, lease_until=until, attempts=F("attempts") + 1, progress="reading gold"):
        return None
    return Release.objects.select_related("project__schema", "schema").get(pk=release_id)


def _frozen(release: Release) -> Release | None:
    """The release with its files written, or with the reason why there are none."""
    started, now = time.monotonic(), timezone.now()
    place = f"{release.project_id}/{release.pk}-{int(now.timestamp())}-{release.attempts}"
    folder = _fresh_folder(release, place)
    try:
        contents = gather(release, now=now)
        formats = tuple(release.request["formats"])
        manifest, digest = write_release(
            contents, folder, formats=formats, progress=lambda words: held(release).update(progress=f"writing {words}")
        )
    except (UserError, ReleaseError) as error:
        end = {"state": State.FAILED, "reason": str(error)[:500], "progress": "", "lease_until": None}
        held(release).update(**end, finished_at=timezone.now(), seconds=time.monotonic() - started)
        release.refresh_from_db()
        return release
    return _end(release, place, manifest=manifest, digest=digest, seconds=time.monotonic() - started)


def _fresh_folder(release: Release, place: str) -> Path:
    """The folder to be; what workers that died left of this release is taken away."""
    folder = Path(settings.RELEASE_DIR) / place
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    for left in folder.parent.glob(f"{release.pk}-*"):
        remove(left)
    return folder


def _end(release: Release, place: str, *, manifest: dict[str, Any], digest: str, seconds: float) -> Release | None:
    """Write that it is done, unless another worker has taken over meanwhile: then these files are nobody's."""
    now = timezone.now()
    end = {
        "state": State.DONE,
        "manifest": manifest,
        "manifest_sha256": digest,
        "folder": place,
        "n_cases": manifest["counts"]["cases"],
        "n_bytes": sum(said["bytes"] for said in manifest["files"].values()),
        "progress": "",
        "lease_until": None,
    }
    with transaction.atomic():
        is_ours = held(release).update(**end, finished_at=now, seconds=seconds)
        if is_ours:
            payload = {"release": release.name, "manifest_sha256": digest, "cases": manifest["counts"]["cases"]}
            payload |= {"report_texts": manifest["has_report_texts"]}
            _record(release, Event.Verb.RELEASE_FROZEN, actor=release.requested_by, payload=payload, now=now)
    if not is_ours:
        logger.warning("release %s was taken over by another worker", release.pk)
        remove(Path(settings.RELEASE_DIR) / place)
        return None
    release.refresh_from_db()
    return release


def _let_go(release: Release) -> None:
    """After a fault: for the next worker, or for nobody any more."""
    if release.attempts < MAX_ATTEMPTS:
        held(release).update(state=State.QUEUED, lease_until=None, progress="")
    else:
        end = {"state": State.FAILED, "reason": FAULT, "lease_until": None, "progress": ""}
        held(release).update(**end, finished_at=timezone.now())


def _record(release: Release, verb: str, *, actor: User | None, payload: dict[str, Any], now: datetime) -> None:
    Event.objects.create(project_id=release.project_id, actor=actor, verb=verb, payload=payload, at=now)
