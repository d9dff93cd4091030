"""Label schemas, projects and who may do what in them."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from labeling.core.schema import Schema
from labeling.core.schema_yaml import parse_schema


class LabelSchema(models.Model):
    """One version of a label schema, kept as the YAML it was written in. Never changed: a change is a new version."""

    name = models.CharField(max_length=64)
    version = models.PositiveIntegerField()
    hash = models.CharField(max_length=64, unique=True)
    source = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name", "version"]
        constraints = [models.UniqueConstraint(fields=["name", "version"], name="label_schema_one_per_version")]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"

    def parsed(self) -> Schema:
        """The schema that the YAML says."""
        return parse_schema(self.source)


class ImageDates(models.TextChoices):
    """What becomes of the dates in images: moved by as many days for all of one patient, or kept."""

    SHIFT = "shift", "shifted, all of one patient by the same number of days"
    KEEP = "keep", "kept as they are"


class Project(models.Model):
    """A set of cases read under one schema version, and the people who may see it.

    `image_dates` and `keeps_originals` say how images are stored: what becomes of their dates, and whether the files as
    they came are kept beside the de-identified ones.
    """

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True, default="")
    schema = models.ForeignKey(LabelSchema, on_delete=models.PROTECT, related_name="projects")
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, through="Membership", related_name="projects")
    image_dates = models.CharField(max_length=10, choices=ImageDates, default=ImageDates.SHIFT)
    keeps_originals = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(image_dates__in=ImageDates.values), name="project_image_dates_known")
        ]

    def __str__(self) -> str:
        return self.slug


class Role(models.TextChoices):
    """What a member may do: a reader reads, a manager sets up, imports and exports, an adjudicator decides disputes."""

    MANAGER = "manager", "manager"
    READER = "reader", "reader"
    ADJUDICATOR = "adjudicator", "adjudicator"


class Membership(models.Model):
    """One role of one user in one project; a user may have several."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=11, choices=Role)

    class Meta:
        ordering = ["project", "user"]
        constraints = [
            models.UniqueConstraint(fields=["project", "user", "role"], name="membership_once_per_role"),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="membership_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role} of {self.project_id}"
