"""Fetch studies from a PACS over DICOMweb and import them; a run goes on where the one before stopped."""

import fcntl
import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from django.conf import settings

from annotator.models import Case, Project, User
from labeling.exceptions import UserError
from vision.core.pacs import InstanceName, Pacs, StudyQuery
from vision.core.pacs_http import Credentials, PacsError
from vision.models import ImageImport, Series
from vision.services.imports import import_images
from vision.services.options import ImportOptions

# Names of fetched files are hashes, so they lead to no case.
LINK_BY = ("accession_number", "study_uid", "study_id")
MAX_LISTED = 20
_MIN_FREE_BYTES = 1 << 30
# So many failures in a row, and the rest of the study is not asked for.
_MAX_FAILURES = 3
_UID = re.compile(r"[0-9]+(\.[0-9]+){3,}")


@dataclass(slots=True)
class FetchedStudy:
    """What became of one study: `failed` names instances that did not come, with the reason."""

    n_instances: int
    n_fetched: int = 0
    n_kept: int = 0
    failed: list[str] = field(default_factory=list)
    record: ImageImport | None = None


def open_pacs(url: str) -> Pacs:
    """The PACS at this address, which must be one of OVERREAD_PACS_URLS. Raises `UserError`."""
    if not settings.PACS_URLS:
        raise UserError("no PACS may be asked: list its address in OVERREAD_PACS_URLS")
    credentials = Credentials(
        user=settings.PACS_USER or "", password=settings.PACS_PASSWORD or "", token=settings.PACS_TOKEN or ""
    )
    ca_file = Path(settings.PACS_CA_FILE) if settings.PACS_CA_FILE else None
    if ca_file and not ca_file.is_file():
        raise UserError(f"OVERREAD_PACS_CA_FILE names {ca_file}, which is no file")
    with pacs_messages():
        return Pacs(url, allowed=settings.PACS_URLS, credentials=credentials, ca_file=ca_file)


@contextmanager
def pacs_messages() -> Iterator[None]:
    """Turn what a PACS did wrong into a message to the user that says what to do."""
    try:
        yield
    except PacsError as error:
        raise UserError(f"{error}{_ADVICE.get(error.code, '')}") from error


_ADVICE = {
    "not_allowed": "; OVERREAD_PACS_URLS lists the addresses that may be",
    "not_authorised": "; set OVERREAD_PACS_USER and OVERREAD_PACS_PASSWORD, or OVERREAD_PACS_TOKEN",
    "certificate": "; name the certificates of the hospital's authority in OVERREAD_PACS_CA_FILE",
    "unreachable": "; check the address and the network, then start again: what was fetched is kept for a day",
}


def find_studies(pacs: Pacs, queries: list[StudyQuery]) -> list[str]:
    """UIDs of all studies that match one of the queries."""
    with pacs_messages():
        return list(dict.fromkeys(uid for query in queries for uid in pacs.find_studies(query)))


def cases_without_images(project: Project) -> list[Case]:
    """The cases for which nothing has been imported."""
    with_images = Series.objects.filter(project=project).values("study_id")
    cases = Case.objects.filter(project=project).exclude(study_id__in=with_images)
    return list(cases.select_related("study").order_by("position"))


def find_study_of(pacs: Pacs, case: Case) -> list[str]:
    """UIDs of the studies whose UID, accession number or study id is the study id of the case, else its key."""
    values = dict.fromkeys(([case.study.study_id] if case.study else []) + [case.key])
    for value in values:
        keywords = ["StudyInstanceUID"] if _UID.fullmatch(value) else ["AccessionNumber", "StudyID"]
        for keyword in keywords:
            with suppress(PacsError) if any(sign in value for sign in "*?\\") else pacs_messages():
                if uids := pacs.find_studies(StudyQuery(keyword, value)):
                    return uids
    return []


def import_study(
    pacs: Pacs,
    study_uid: str,
    *,
    project: Project,
    actor: User | None,
    now: datetime,
    accept_partial: bool = False,
    progress: Callable[[int, int | None], None] | None = None,
) -> FetchedStudy:
    """Fetch a study into a private folder, then import it. A study of which a part is missing is not imported, unless
    `accept_partial`: its slices would make another volume. Fetched files stay until the study is imported, or a day.
    """
    with _folder(project, pacs, study_uid) as folder, pacs_messages():
        names = pacs.list_instances(study_uid)
        study = FetchedStudy(n_instances=len(names))
        if not names:
            raise UserError(f"{pacs.host} lists no instances for this study")
        _fetch(pacs, study_uid, names, study=study, folder=folder, progress=progress)
        if study.n_fetched + study.n_kept == 0 or (study.failed and not accept_partial):
            return study
        options = ImportOptions(link_by=LINK_BY, title=f"DICOMweb {pacs.host}")
        study.record = import_images(
            project=project, source=folder / "instances", actor=actor, options=options, now=now
        )
        if not study.failed:
            shutil.rmtree(folder, ignore_errors=True)
    return study


def _fetch(
    pacs: Pacs,
    study_uid: str,
    names: list[InstanceName],
    *,
    study: FetchedStudy,
    folder: Path,
    progress: Callable[[int, int | None], None] | None,
) -> None:
    n_bytes, n_in_a_row, deadline_s = 0, 0, time.monotonic() + pacs.limits.study_timeout_s
    for position, name in enumerate(names, start=1):
        path = folder / "instances" / f"{hashlib.sha256(name.sop_uid.encode()).hexdigest()[:32]}.dcm"
        if path.exists():
            study.n_kept += 1
            n_bytes += path.stat().st_size
            continue
        _check_room(pacs, folder, n_bytes=n_bytes, deadline_s=deadline_s)
        try:
            n_bytes += pacs.retrieve(study_uid, name, path)
        except PacsError as error:
            if error.code in ("not_authorised", "certificate", "not_allowed", "not_kept"):
                raise
            n_in_a_row += 1
            study.failed.append(f"{name.label}: {error}")
            if n_in_a_row == _MAX_FAILURES:
                study.failed += [f"{left.label}: not asked for" for left in names[position:]]
                return
        else:
            n_in_a_row = 0
            study.n_fetched += 1
        if progress:
            progress(position, len(names))


def _check_room(pacs: Pacs, folder: Path, *, n_bytes: int, deadline_s: float) -> None:
    if n_bytes > pacs.limits.max_study_bytes:
        raise UserError(f"the study has more than the {pacs.limits.max_study_bytes:,} bytes that are allowed")
    if time.monotonic() > deadline_s:
        raise UserError(f"the study takes longer than {pacs.limits.study_timeout_s:,.0f} s; start again to go on")
    if shutil.disk_usage(folder).free < _MIN_FREE_BYTES:
        raise UserError("the disk is nearly full; make room, then start again to go on")


@contextmanager
def _folder(project: Project, pacs: Pacs, study_uid: str) -> Iterator[Path]:
    """The private folder of a study, the same for each run, for one run at a time.

    It is named like an upload, so that it is removed a day after the last file came if nobody goes on.
    """
    name = hashlib.sha256(f"{project.pk} {pacs.host} {study_uid}".encode()).hexdigest()[:32]
    folder = Path(settings.UPLOAD_DIR) / name
    (folder / "instances").mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    os.utime(folder)
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise UserError("another run is fetching this study") from error
    try:
        for half in (folder / "instances").glob("*.part"):
            half.unlink()
        yield folder
    finally:
        os.close(handle)
