"""Tables of the pixels half: imports of images, the series they brought, and the masks on these."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

# What `Series.linked_by` may hold, in words for users.
LINK_WORDS = {
    "mapping": "mapping file",
    "accession_number": "accession number",
    "study_uid": "Study Instance UID",
    "study_id": "study id",
    "name": "file or folder name",
}


class ImageImport(models.Model):
    """One folder, archive or transfer of images that was imported, with what became of its files.

    `problems`, `unlinked` and `warnings` hold the first entries only; the counts are of all. `removed` says what the
    de-identification did, by element, with the number of files. No list holds a value that was removed.
    """

    class State(models.TextChoices):
        """How far an import is."""

        RUNNING = "running"
        FINISHED = "finished"
        FAILED = "failed"

    project = models.ForeignKey("annotator.Project", on_delete=models.PROTECT, related_name="image_imports")
    source_name = models.CharField(max_length=255)
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)
    options = models.JSONField(default=dict)
    n_files = models.PositiveIntegerField(default=0)
    n_done = models.PositiveIntegerField(default=0)
    n_images = models.PositiveIntegerField(default=0)
    n_series = models.PositiveIntegerField(default=0)
    n_masks = models.PositiveIntegerField(default=0)
    n_unchanged = models.PositiveIntegerField(default=0)
    n_refused = models.PositiveIntegerField(default=0)
    n_unlinked = models.PositiveIntegerField(default=0)
    problems = models.JSONField(default=list)
    unlinked = models.JSONField(default=list)
    warnings = models.JSONField(default=list)
    removed = models.JSONField(default=dict)
    error = models.CharField(max_length=300, blank=True, default="")
    imported_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    started_at = models.DateTimeField()
    heartbeat_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-started_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="running", finished_at__isnull=True)
                | Q(state__in=["finished", "failed"], finished_at__isnull=False),
                name="image_import_end_matches_state",
            ),
        ]

    def __str__(self) -> str:
        return f"image import {self.pk}"


class Series(models.Model):
    """Images of one study that belong together: one file on disk, in viewing order, de-identified.

    A DICOM series that cannot be one volume is stored in parts. `manifest` is what the viewer is told of the images
    (`docs/api.md`), without addresses. `series_uid`, `study_uid` and `frame_of_reference_uid` are the replaced ones.
    """

    class Source(models.TextChoices):
        """What the images came as."""

        DICOM = "dicom"
        NIFTI = "nifti"

    class Kind(models.TextChoices):
        """Whether they make a volume that can be cut in any plane."""

        VOLUME = "volume"
        STACK = "stack"

    project = models.ForeignKey("annotator.Project", on_delete=models.PROTECT, related_name="series")
    study = models.ForeignKey("annotator.Study", on_delete=models.PROTECT, related_name="series")
    origin = models.ForeignKey(ImageImport, on_delete=models.PROTECT, related_name="series")
    series_uid = models.CharField(max_length=64)
    study_uid = models.CharField(max_length=64, blank=True, default="")
    frame_of_reference_uid = models.CharField(max_length=64, blank=True, default="")
    part = models.PositiveIntegerField(default=1)
    n_parts = models.PositiveIntegerField(default=1)
    source = models.CharField(max_length=10, choices=Source)
    kind = models.CharField(max_length=10, choices=Kind)
    modality = models.CharField(max_length=16, blank=True, default="")
    number = models.IntegerField(null=True, blank=True)
    description = models.CharField(max_length=200, blank=True, default="")
    n_images = models.PositiveIntegerField()
    n_bytes = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    manifest = models.JSONField(default=dict)
    removed = models.JSONField(default=dict)
    linked_by = models.CharField(max_length=20)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["study", "number", "series_uid", "part"]
        verbose_name_plural = "series"
        constraints = [
            models.UniqueConstraint(fields=["project", "series_uid", "part"], name="series_part_once_per_project"),
            models.CheckConstraint(condition=Q(source__in=["dicom", "nifti"]), name="series_source_known"),
            models.CheckConstraint(condition=Q(kind__in=["volume", "stack"]), name="series_kind_known"),
            models.CheckConstraint(condition=Q(n_images__gte=1) & Q(n_bytes__gte=1), name="series_not_empty"),
            models.CheckConstraint(condition=Q(part__gte=1) & Q(n_parts__gte=F("part")), name="series_part_in_range"),
            models.CheckConstraint(condition=~Q(series_uid="") & ~Q(sha256=""), name="series_named"),
        ]

    def __str__(self) -> str:
        return f"series {self.pk}"

    @property
    def linked_by_words(self) -> str:
        """What led the series to its case, in words."""
        return LINK_WORDS.get(self.linked_by, self.linked_by.replace("_", " "))


class Mask(models.Model):
    """A label map on the grid of a series. `classes` says what its values mean, how many voxels and where.

    `centres` holds the centre of each target of the project's schema as it was at import, in LPS mm, by the values of
    the classes that belong to it ("31,32").
    """

    project = models.ForeignKey("annotator.Project", on_delete=models.PROTECT, related_name="masks")
    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="masks")
    origin = models.ForeignKey(ImageImport, on_delete=models.PROTECT, related_name="masks")
    name = models.CharField(max_length=120)
    source = models.CharField(max_length=10)
    source_sha256 = models.CharField(max_length=64)
    classes = models.JSONField(default=list)
    centres = models.JSONField(default=dict)
    note = models.CharField(max_length=300, blank=True, default="")
    n_bytes = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["series", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["series", "source_sha256"], name="mask_once_per_series"),
            models.CheckConstraint(condition=Q(source__in=["nifti", "seg"]), name="mask_source_known"),
            models.CheckConstraint(condition=~Q(name="") & ~Q(sha256=""), name="mask_named"),
            models.CheckConstraint(condition=Q(n_bytes__gte=1), name="mask_not_empty"),
        ]

    def __str__(self) -> str:
        return f"mask {self.pk}"
