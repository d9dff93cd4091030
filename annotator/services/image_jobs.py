"""Import uploaded images without keeping the browser waiting."""

import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from annotator.models import Event, ImageDates, Project, User
from annotator.services.image_uploads import ImageUpload, claim_images
from labeling.exceptions import UserError
from vision.models import ImageImport, Series
from vision.services.options import ImportOptions
from vision.services.records import end_stale_imports, fail_record, open_record

LOG_NAME = "image_import.log"


def start_image_import(*, project: Project, actor: User, upload: ImageUpload, options: ImportOptions) -> ImageImport:
    """Import the uploaded files in a process of its own; the record that is returned says how far it is.

    Raises `UserError` without files, and for an upload that is being imported already.
    """
    if not upload.n_files:
        raise UserError("no file was sent; choose files, a folder or a ZIP archive")
    upload = claim_images(upload)
    record = open_record(project=project, source_name=upload.name, options=options, actor=actor, now=timezone.now())
    try:
        _start_process(_command(project, actor, upload, options, record), what=f"images of project {project.pk}")
    except OSError as error:
        fail_record(record, "it could not be started")
        shutil.rmtree(upload.folder, ignore_errors=True)
        raise UserError(f"the import could not be started: {error.strerror}") from error
    return record


def set_image_rules(*, project: Project, actor: User | None, dates: str, keeps_originals: bool) -> None:
    """Say how the project stores images. The dates of a project are all shifted or all kept.

    Raises `UserError` while images of the project are imported, and for other dates once it holds some.
    """
    end_stale_imports(project=project)
    with transaction.atomic():
        locked = Project.objects.select_for_update(no_key=True).get(pk=project.pk)
        before = {"dates": locked.image_dates, "keeps_originals": locked.keeps_originals}
        after = {"dates": str(ImageDates(dates)), "keeps_originals": keeps_originals}
        if before == after:
            return
        _check_rules_may_change(project, dates_change=before["dates"] != after["dates"])
        Project.objects.filter(pk=project.pk).update(image_dates=dates, keeps_originals=keeps_originals)
        payload = {"before": before, "after": after}
        verb = Event.Verb.IMAGE_RULES_SET
        Event.objects.create(project=project, actor=actor, verb=verb, payload=payload, at=timezone.now())
    project.image_dates, project.keeps_originals = dates, keeps_originals


def _check_rules_may_change(project: Project, *, dates_change: bool) -> None:
    if ImageImport.objects.filter(project=project, state=ImageImport.State.RUNNING).exists():
        raise UserError("images are being imported by the rules as they are; wait until that has ended")
    if dates_change and Series.objects.filter(project=project).exists():
        raise UserError("the project holds images already: shifted and kept dates of one patient would not agree")


def _command(
    project: Project, actor: User, upload: ImageUpload, options: ImportOptions, record: ImageImport
) -> list[str]:
    command = [sys.executable, "-m", "django", "import_images", f"--user={actor.get_username()}", "--verbosity=0"]
    command += [f"--record={record.pk}", "--remove-source", f"--nifti-as={options.nifti_as}"]
    command += [f"--mapping={options.mapping}"] if options.mapping else []
    command += [f"--class-table={options.class_table}"] if options.class_table else []
    return [*command, "--", project.slug, str(upload.files)]


def _start_process(command: list[str], *, what: str) -> None:
    """What the process says goes to the log file in the data folder, without texts of patients."""
    log_path = Path(settings.DATA_DIR) / LOG_NAME
    with open(log_path, "a", encoding="utf-8", opener=_open_for_owner) as log:
        log.write(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} importing {what}\n")
        log.flush()
        subprocess.Popen(
            command,
            cwd=settings.BASE_DIR,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _open_for_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
