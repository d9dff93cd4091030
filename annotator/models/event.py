"""Who did what, when, and what it was before."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from annotator.models.case import Case
from annotator.models.project import Project


class Event(models.Model):
    """One entry of the audit trail; never changed or deleted. No patient text in `payload`."""

    class Verb(models.TextChoices):
        """What happened."""

        PROJECT_CREATED = "project_created"
        MEMBER_SET = "member_set"
        MEMBER_REMOVED = "member_removed"
        REPORTS_IMPORTED = "reports_imported"
        RUN_CREATED = "run_created"
        RUN_CHANGED = "run_changed"
        PREFILL_CHOSEN = "prefill_chosen"
        DRAFT_SAVED = "draft_saved"
        READING_SUBMITTED = "reading_submitted"
        CASE_SKIPPED = "case_skipped"
        LABELS_IMPORTED = "labels_imported"
        LABELS_EXPORTED = "labels_exported"
        IMAGES_IMPORTED = "images_imported"
        IMAGES_REMOVED = "images_removed"
        IMAGE_RULES_SET = "image_rules_set"
        MEASUREMENTS_EXPORTED = "measurements_exported"
        THRESHOLD_PICKED = "threshold_picked"
        RULES_SET = "rules_set"
        SEATS_PLANNED = "seats_planned"
        SEATS_WITHDRAWN = "seats_withdrawn"
        SEAT_MOVED = "seat_moved"
        SEAT_CLAIMED = "seat_claimed"
        SEAT_GIVEN_BACK = "seat_given_back"
        READING_REOPENED = "reading_reopened"
        READING_RETURNED = "reading_returned"
        NOTE_WRITTEN = "note_written"
        NOTE_SETTLED = "note_settled"
        CASE_EXCLUDED = "case_excluded"
        CASE_INCLUDED = "case_included"
        GUIDELINE_WRITTEN = "guideline_written"
        CELL_DECIDED = "cell_decided"
        DECISION_UNDONE = "decision_undone"
        PROJECT_SETTLED = "project_settled"
        RELEASE_ASKED_FOR = "release_asked_for"
        RELEASE_FROZEN = "release_frozen"
        RELEASE_DOWNLOADED = "release_downloaded"
        ERRATUM_WRITTEN = "erratum_written"
        INVITATION_MADE = "invitation_made"
        INVITATION_USED = "invitation_used"
        INVITATION_WITHDRAWN = "invitation_withdrawn"

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="events")
    case = models.ForeignKey(Case, on_delete=models.PROTECT, null=True, related_name="events")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="events")
    verb = models.CharField(max_length=30, choices=Verb)
    payload = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]
        indexes = [
            models.Index(
                fields=["project"], condition=Q(verb__in=["member_set", "member_removed"]), name="event_of_members"
            ),
            # What a reader was given of a queue is asked for at every claim.
            models.Index(fields=["actor", "case"], condition=Q(verb="seat_claimed"), name="event_of_claim"),
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.pk}"
