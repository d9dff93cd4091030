"""Links by which people join a project."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from annotator.models.project import Project


class Invitation(models.Model):
    """A link that makes whoever opens it a member, once. Only the SHA-256 of its token is stored.

    `roles` lists what the member will be. `for_whom` is the manager's own note.
    """

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="invitations")
    roles = models.JSONField()
    for_whom = models.CharField(max_length=200, blank=True, default="")
    token_sha256 = models.CharField(max_length=64, unique=True)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    used_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(used_at__isnull=True, used_by__isnull=True)
                | Q(used_at__isnull=False, used_by__isnull=False, withdrawn_at__isnull=True),
                name="invitation_used_once",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True, withdrawn_by__isnull=True)
                | Q(withdrawn_at__isnull=False, withdrawn_by__isnull=False),
                name="invitation_withdrawal_is_signed",
            ),
        ]

    def __str__(self) -> str:
        return f"invitation {self.pk}"
