"""Import images: the entry for the command, the page, DICOMweb and the listener."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.utils import timezone

from annotator.models import Project, User
from labeling.exceptions import UserError
from vision.core.archives import OpenArchives, nothing_read
from vision.core.mask_classes import MaskClass
from vision.core.refusals import ImageRefused
from vision.models import ImageImport
from vision.services.cleaning import Cleaner
from vision.services.context import Context
from vision.services.dicom_series import import_series
from vision.services.links import Linker, read_mapping
from vision.services.mask_files import class_table, import_masks, is_mask
from vision.services.nifti_series import import_volume
from vision.services.options import ImportOptions
from vision.services.records import Tally, fail_record, go_on_with, open_record
from vision.services.scanning import in_order, scan
from vision.services.segmentations import import_segmentations
from vision.services.work_folders import remove_dead_work
from vision.storage import project_folder


def import_images(
    *,
    project: Project,
    source: Path,
    actor: User | None,
    options: ImportOptions,
    now: datetime,
    progress: Callable[[int, int | None], None] | None = None,
    record: ImageImport | None = None,
) -> ImageImport:
    """Store the images and masks under `source` (a folder, a ZIP archive or one file) with the cases they belong to.

    Every file is stored, found unchanged, or refused with a reason while the rest goes on; what links to no case is
    listed and not stored. `progress` is told files done and to do. `record` is a row that was made before, for a page
    to watch. The project's rules for images are read as it is opened. Raises `UserError` when source or mapping cannot
    be read as a whole, when there is no file to read, and when the rules have changed meanwhile.
    """
    name = options.source_name or source.name
    advance: _Advance | None = None
    try:
        mapping, classes = read_mapping(options.mapping), _classes(options)
        if not source.exists():
            raise UserError(f"there is no file or folder {source}")
        if record is None:
            stored = not options.dry_run
            record = open_record(
                project=project, source_name=name, options=options, actor=actor, now=now, stored=stored
            )
        else:
            go_on_with(record, project)
        advance = _Advance(Tally(record, options), progress)
        linker = Linker(project, mapping, source_name=name, link_by=options.link_by)
        schema = project.schema.parsed()
        context = Context(project, schema, options, linker, advance.tally, advance, classes=classes)
        _import(source, context, advance)
    except BaseException as error:
        _say_why_it_ended(error, record, advance)
        raise
    return advance.tally.close(now=timezone.now())


def _say_why_it_ended(error: BaseException, record: ImageImport | None, advance: "_Advance | None") -> None:
    why = str(error) if isinstance(error, UserError) else f"it stopped: {type(error).__name__}"
    if advance is not None:
        advance.tally.fail(why)
    elif record is not None and record.pk:
        fail_record(record, why)


def _import(source: Path, context: Context, advance: "_Advance") -> None:
    remove_dead_work()
    with OpenArchives(project_folder(context.project.pk)) as archives:
        found = scan(source, context=context, archives=archives)
        advance.n_files = found.n_files
        if not found.n_files:
            raise UserError(f"nothing could be imported: {nothing_read(source)}")
        with Cleaner(context.rules, n_images=found.n_images) as cleaner:
            for images in in_order(found):
                import_series(images, context, cleaner)
        for file in found.nifti:
            if not is_mask(file.name, context):
                import_volume(file, context)
                context.advance(1)
        import_segmentations(found.segmentations, context)
        import_masks([file for file in found.nifti if is_mask(file.name, context)], context)


def _classes(options: ImportOptions) -> tuple[MaskClass, ...]:
    try:
        return class_table(options.class_table)
    except (ImageRefused, OSError) as error:
        raise UserError(f"the class table cannot be used: {error}") from error


@dataclass(slots=True)
class _Advance:
    """Tells whoever wants to know how many files are done."""

    tally: Tally
    progress: Callable[[int, int | None], None] | None
    n_done: int = 0
    n_files: int = 0

    def __call__(self, n_files: int) -> None:
        """So many more files are done."""
        self.n_done += n_files
        self.tally.beat(n_done=self.n_done, n_files=max(self.n_files, self.n_done))
        if self.progress:
            self.progress(self.n_done, self.n_files or None)
