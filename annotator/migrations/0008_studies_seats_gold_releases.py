"""Studies: rules, seats, notes, guidelines, disputes, decisions, gold, releases, invitations; several roles a person.

Readings and drafts know their round, and how many keys were pressed.
"""

import django.core.validators
import django.db.models.deletion
import django.db.models.functions.text
import django.db.models.lookups
from django.conf import settings
from django.db import migrations, models

from annotator.models.triggers import SEEDED_READINGS_TRAIN, forbidden, frozen, same_project


class Migration(migrations.Migration):
    dependencies = [
        ("annotator", "0007_thresholds_are_picked"),
    ]

    operations = [
        migrations.CreateModel(
            name="AssignmentPlan",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("seed", models.BigIntegerField()),
                ("request", models.JSONField()),
                ("summary", models.JSONField()),
                ("method_version", models.PositiveIntegerField()),
                ("applied_at", models.DateTimeField()),
                (
                    "applied_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="plans", to="annotator.project"
                    ),
                ),
            ],
            options={
                "ordering": ["project", "number"],
                "constraints": [models.UniqueConstraint(fields=("project", "number"), name="plan_number_once")],
            },
        ),
        migrations.CreateModel(
            name="Decision",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("cell", models.CharField(max_length=200)),
                ("revision", models.PositiveIntegerField()),
                ("is_undo", models.BooleanField(default=False)),
                ("value", models.CharField(blank=True, default="", max_length=1)),
                ("urgency", models.CharField(blank=True, default="", max_length=1)),
                (
                    "reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("ambiguous_report", "ambiguous report"),
                            ("reader_slip", "reader slip"),
                            ("guideline_gap", "guideline gap"),
                            ("certainty_only", "certainty only"),
                            ("urgency_only", "urgency only"),
                            ("machine_invention", "machine invention"),
                            ("machine_omission", "machine omission"),
                            ("agreed", "voices agreed"),
                        ],
                        default="",
                        max_length=20,
                    ),
                ),
                ("note", models.TextField(blank=True, default="")),
                ("evidence", models.JSONField(blank=True, default=list)),
                ("basis", models.CharField(max_length=64)),
                ("voices", models.JSONField(default=dict)),
                ("batch", models.UUIDField(blank=True, null=True)),
                ("decided_at", models.DateTimeField()),
                (
                    "case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="decisions", to="annotator.case"
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="decisions",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="decisions", to="annotator.project"
                    ),
                ),
                (
                    "schema",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="decisions",
                        to="annotator.labelschema",
                    ),
                ),
            ],
            options={
                "ordering": ["case", "cell", "revision"],
                "indexes": [
                    models.Index(fields=["project", "reason", "id"], name="decision_by_reason"),
                    models.Index(
                        condition=models.Q(("batch__isnull", False)), fields=["batch"], name="decision_of_batch"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("case", "cell", "revision"), name="decision_revision_once"),
                    models.CheckConstraint(condition=models.Q(("revision__gte", 1)), name="decision_revision_from_one"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("is_undo", True), ("reason", ""), ("urgency", ""), ("value", "")),
                            models.Q(
                                ("is_undo", False),
                                (
                                    "reason__in",
                                    [
                                        "ambiguous_report",
                                        "reader_slip",
                                        "guideline_gap",
                                        "certainty_only",
                                        "urgency_only",
                                        "machine_invention",
                                        "machine_omission",
                                        "agreed",
                                    ],
                                ),
                                ("urgency__in", ["0", "1", "2", "3", "_"]),
                                ("value__in", ["+", "?", "0", "~", "."]),
                            ),
                            _connector="OR",
                        ),
                        name="decision_is_whole",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Exclusion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reason", models.CharField(max_length=1000)),
                ("excluded_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("end_reason", models.CharField(blank=True, default="", max_length=1000)),
                (
                    "case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="exclusions", to="annotator.case"
                    ),
                ),
                (
                    "ended_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "excluded_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="exclusions", to="annotator.project"
                    ),
                ),
            ],
            options={
                "ordering": ["pk"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("ended_at__isnull", True)), fields=["project"], name="exclusion_open"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at__isnull", True)), fields=("case",), name="exclusion_one_open"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True), name="exclusion_has_reason"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("ended_at__isnull", True), ("ended_by__isnull", True)),
                            models.Q(("ended_at__isnull", False), ("ended_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="exclusion_end_is_signed",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Gold",
            fields=[
                (
                    "case",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="gold",
                        serialize=False,
                        to="annotator.case",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting for readings"),
                            ("in_adjudication", "in adjudication"),
                            ("final", "final"),
                            ("excluded", "excluded"),
                        ],
                        max_length=16,
                    ),
                ),
                ("values", models.CharField(max_length=2000)),
                ("urgencies", models.CharField(max_length=2000)),
                ("origins", models.CharField(max_length=2000)),
                ("n_voices", models.CharField(max_length=2000)),
                ("n_agreeing", models.CharField(max_length=2000)),
                ("n_readings", models.PositiveSmallIntegerField()),
                ("n_open", models.PositiveSmallIntegerField()),
                ("body", models.JSONField(default=dict)),
                ("basis", models.JSONField(default=dict)),
                ("rules_version", models.PositiveIntegerField()),
                ("version", models.PositiveIntegerField()),
                ("settled_at", models.DateTimeField()),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="gold", to="annotator.project"
                    ),
                ),
                (
                    "schema",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="annotator.labelschema"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "gold",
                "ordering": ["project", "case"],
                "indexes": [
                    models.Index(fields=["project", "state"], name="gold_by_state"),
                    models.Index(fields=["project", "case", "state", "n_open"], name="gold_progress"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("values__regex", "^[\\+\\?0\\~\\.!_]+\\Z")), name="gold_value_codes"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("urgencies__regex", "^[0123_]+\\Z")), name="gold_urgency_codes"
                    ),
                    models.CheckConstraint(
                        condition=django.db.models.lookups.Exact(
                            django.db.models.functions.text.Length("values"),
                            django.db.models.functions.text.Length("urgencies"),
                        ),
                        name="gold_vector_lengths",
                    ),
                    models.CheckConstraint(
                        condition=django.db.models.lookups.Exact(
                            django.db.models.functions.text.Length("values"),
                            django.db.models.functions.text.Length("origins"),
                        ),
                        name="gold_length_of_origins",
                    ),
                    models.CheckConstraint(
                        condition=django.db.models.lookups.Exact(
                            django.db.models.functions.text.Length("values"),
                            django.db.models.functions.text.Length("n_voices"),
                        ),
                        name="gold_length_of_n_voices",
                    ),
                    models.CheckConstraint(
                        condition=django.db.models.lookups.Exact(
                            django.db.models.functions.text.Length("values"),
                            django.db.models.functions.text.Length("n_agreeing"),
                        ),
                        name="gold_length_of_n_agreeing",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["waiting", "in_adjudication", "final", "excluded"])),
                        name="gold_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(models.Q(("state", "final"), _negated=True), ("n_open", 0), _connector="OR"),
                        name="gold_final_has_no_open_cell",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Guideline",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("finding", models.CharField(blank=True, default="", max_length=64)),
                ("version", models.PositiveIntegerField()),
                ("text", models.TextField(blank=True, default="")),
                ("what_changed", models.CharField(blank=True, default="", max_length=500)),
                ("written_at", models.DateTimeField()),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="guidelines", to="annotator.project"
                    ),
                ),
                (
                    "written_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "ordering": ["project", "finding", "version"],
                "constraints": [
                    models.UniqueConstraint(fields=("project", "finding", "version"), name="guideline_version_once"),
                    models.CheckConstraint(condition=models.Q(("version__gte", 1)), name="guideline_version_from_one"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Invitation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("roles", models.JSONField()),
                ("for_whom", models.CharField(blank=True, default="", max_length=200)),
                ("token_sha256", models.CharField(max_length=64, unique=True)),
                ("made_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("used_at", models.DateTimeField(blank=True, null=True)),
                ("withdrawn_at", models.DateTimeField(blank=True, null=True)),
                (
                    "made_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="invitations", to="annotator.project"
                    ),
                ),
                (
                    "used_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "withdrawn_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-pk"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("used_at__isnull", True), ("used_by__isnull", True)),
                            models.Q(
                                ("used_at__isnull", False), ("used_by__isnull", False), ("withdrawn_at__isnull", True)
                            ),
                            _connector="OR",
                        ),
                        name="invitation_used_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("withdrawn_at__isnull", True), ("withdrawn_by__isnull", True)),
                            models.Q(("withdrawn_at__isnull", False), ("withdrawn_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="invitation_withdrawal_is_signed",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Note",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("cell", models.CharField(blank=True, default="", max_length=200)),
                ("round", models.PositiveSmallIntegerField(default=1)),
                (
                    "kind",
                    models.CharField(
                        choices=[("comment", "Comment"), ("flag", "Flag"), ("return", "Return")], max_length=10
                    ),
                ),
                ("text", models.TextField()),
                ("created_at", models.DateTimeField()),
                ("settled_at", models.DateTimeField(blank=True, null=True)),
                (
                    "author",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="notes", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="notes", to="annotator.case"
                    ),
                ),
                (
                    "parent",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="answers",
                        to="annotator.note",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="notes", to="annotator.project"
                    ),
                ),
                (
                    "reader",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="threads", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "settled_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["pk"],
                "indexes": [
                    models.Index(fields=["case", "reader"], name="note_of_thread"),
                    models.Index(
                        condition=models.Q(("parent__isnull", True), ("settled_at__isnull", True)),
                        fields=["project", "kind"],
                        name="note_unsettled",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["comment", "flag", "return"])), name="note_kind_known"
                    ),
                    models.CheckConstraint(condition=models.Q(("text", ""), _negated=True), name="note_has_text"),
                    models.CheckConstraint(
                        condition=models.Q(("settled_at__isnull", True), ("parent__isnull", True), _connector="OR"),
                        name="note_thread_is_settled_at_its_start",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Release",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("name", models.CharField(max_length=60)),
                ("description", models.TextField(blank=True, default="")),
                ("request", models.JSONField()),
                (
                    "state",
                    models.CharField(
                        choices=[("queued", "Queued"), ("running", "Running"), ("done", "Done"), ("failed", "Failed")],
                        default="queued",
                        max_length=10,
                    ),
                ),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("lease_until", models.DateTimeField(blank=True, null=True)),
                ("progress", models.CharField(blank=True, default="", max_length=200)),
                ("reason", models.CharField(blank=True, default="", max_length=500)),
                ("folder", models.CharField(blank=True, default="", max_length=200)),
                ("manifest", models.JSONField(blank=True, null=True)),
                ("manifest_sha256", models.CharField(blank=True, default="", max_length=64)),
                ("n_cases", models.PositiveIntegerField(blank=True, null=True)),
                ("n_bytes", models.PositiveBigIntegerField(blank=True, null=True)),
                ("requested_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("seconds", models.FloatField(blank=True, null=True)),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="releases", to="annotator.project"
                    ),
                ),
                (
                    "requested_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "schema",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="releases", to="annotator.labelschema"
                    ),
                ),
            ],
            options={
                "ordering": ["project", "-number"],
                "constraints": [
                    models.UniqueConstraint(fields=("project", "name"), name="release_name_once"),
                    models.UniqueConstraint(fields=("project", "number"), name="release_number_once"),
                    models.CheckConstraint(condition=models.Q(("name", ""), _negated=True), name="release_has_name"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("finished_at__isnull", False),
                                ("manifest__isnull", False),
                                ("n_cases__isnull", False),
                                ("state", "done"),
                                models.Q(("manifest_sha256", ""), _negated=True),
                            ),
                            models.Q(("finished_at__isnull", False), ("manifest__isnull", True), ("state", "failed")),
                            models.Q(
                                ("finished_at__isnull", True),
                                ("manifest__isnull", True),
                                ("state__in", ["queued", "running"]),
                            ),
                            _connector="OR",
                        ),
                        name="release_manifest_matches_state",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("lease_until__isnull", False), ("state", "running")),
                            models.Q(("lease_until__isnull", True), ("state__in", ["queued", "done", "failed"])),
                            _connector="OR",
                        ),
                        name="release_lease_matches_state",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="StudyRules",
            fields=[
                (
                    "project",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="rules",
                        serialize=False,
                        to="annotator.project",
                    ),
                ),
                (
                    "reads",
                    models.CharField(
                        choices=[
                            ("open", "everyone reads every case"),
                            ("assigned", "each reads the cases assigned to them"),
                            ("queue", "each takes the next case from a queue"),
                        ],
                        default="open",
                        max_length=10,
                    ),
                ),
                ("is_training", models.BooleanField(default=False)),
                (
                    "readers_per_case",
                    models.PositiveSmallIntegerField(
                        default=1, validators=[django.core.validators.MinValueValidator(1)]
                    ),
                ),
                (
                    "reservation_s",
                    models.PositiveIntegerField(
                        default=1800, validators=[django.core.validators.MinValueValidator(60)]
                    ),
                ),
                (
                    "needs_person",
                    models.CharField(
                        choices=[
                            ("unanimous", "every cell on which readers differ"),
                            ("majority", "cells without a majority of the stated size"),
                            ("weighted", "cells in which no value has the stated share of the weights"),
                            ("always", "every cell that any reader calls positive"),
                        ],
                        default="unanimous",
                        max_length=10,
                    ),
                ),
                (
                    "majority_of",
                    models.PositiveSmallIntegerField(
                        default=2, validators=[django.core.validators.MinValueValidator(2)]
                    ),
                ),
                ("weights", models.JSONField(blank=True, default=dict)),
                ("weighted_share", models.FloatField(default=0.5)),
                ("disputes_certainty", models.BooleanField(default=False)),
                ("disputes_urgency", models.BooleanField(default=False)),
                ("machine_is_voice", models.BooleanField(default=False)),
                ("readers_may_adjudicate", models.BooleanField(default=False)),
                ("version", models.PositiveIntegerField(default=1)),
                ("changed_at", models.DateTimeField(blank=True, null=True)),
                ("settled_version", models.PositiveIntegerField(default=0)),
                ("settling_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "verbose_name_plural": "study rules",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("reads__in", ["open", "assigned", "queue"])), name="rules_reads_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("needs_person__in", ["unanimous", "majority", "weighted", "always"])),
                        name="rules_needs_person_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("readers_per_case__gte", 1)), name="rules_readers_from_one"
                    ),
                    models.CheckConstraint(condition=models.Q(("majority_of__gte", 2)), name="rules_majority_from_two"),
                    models.CheckConstraint(
                        condition=models.Q(("reservation_s__gte", 60)), name="rules_reservation_from_a_minute"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("weighted_share__gte", 0.5), ("weighted_share__lt", 1)),
                        name="rules_share_at_least_half",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Dispute",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("cell", models.CharField(max_length=200)),
                ("finding", models.CharField(max_length=64)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("presence", "presence"),
                            ("certainty", "certainty"),
                            ("urgency", "urgency"),
                            ("rule", "asked for by the rules"),
                        ],
                        max_length=10,
                    ),
                ),
                ("pattern", models.CharField(max_length=100)),
                ("basis", models.CharField(max_length=64)),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "Open"), ("decided", "Decided"), ("withdrawn", "Withdrawn")],
                        default="open",
                        max_length=10,
                    ),
                ),
                ("opened_at", models.DateTimeField()),
                ("changed_at", models.DateTimeField()),
                (
                    "case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="disputes", to="annotator.case"
                    ),
                ),
                (
                    "decision",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="annotator.decision",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="disputes", to="annotator.project"
                    ),
                ),
            ],
            options={
                "ordering": ["pk"],
                "indexes": [
                    models.Index(fields=["project", "state", "finding", "kind", "pattern"], name="dispute_of_finding"),
                    models.Index(fields=["project", "state", "case"], name="dispute_of_case"),
                    models.Index(fields=["project", "state", "decision"], name="dispute_of_decision"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("case", "cell"), name="dispute_once_per_cell"),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["presence", "certainty", "urgency", "rule"])),
                        name="dispute_kind_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("decision__isnull", True), ("state", "open")),
                            models.Q(("decision__isnull", False), ("state", "decided")),
                            ("state", "withdrawn"),
                            _connector="OR",
                        ),
                        name="dispute_decision_matches_state",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Erratum",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("text", models.TextField()),
                ("cells", models.JSONField(blank=True, default=list)),
                ("written_at", models.DateTimeField()),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="errata", to="annotator.project"
                    ),
                ),
                (
                    "written_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "release",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="errata", to="annotator.release"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "errata",
                "ordering": ["release", "number"],
                "constraints": [
                    models.UniqueConstraint(fields=("release", "number"), name="erratum_number_once"),
                    models.CheckConstraint(condition=models.Q(("text", ""), _negated=True), name="erratum_has_text"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Seat",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slot", models.PositiveSmallIntegerField()),
                ("is_pulled", models.BooleanField(default=False)),
                (
                    "arm",
                    models.CharField(
                        choices=[("prefilled", "pre-filled"), ("blank", "blank"), ("seeded", "seeded with errors")],
                        max_length=10,
                    ),
                ),
                ("round", models.PositiveSmallIntegerField(default=1)),
                ("washout_days", models.PositiveIntegerField(blank=True, null=True)),
                ("after_others", models.PositiveIntegerField(blank=True, null=True)),
                ("place", models.PositiveIntegerField(default=0)),
                ("stratum", models.CharField(blank=True, default="", max_length=100)),
                ("inclusion_probability", models.FloatField(blank=True, null=True)),
                ("prefill_run", models.UUIDField(blank=True, null=True)),
                ("planted", models.JSONField(blank=True, default=dict)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "open"),
                            ("held", "held"),
                            ("submitted", "submitted"),
                            ("withdrawn", "withdrawn"),
                        ],
                        default="open",
                        max_length=10,
                    ),
                ),
                ("reserved_until", models.DateTimeField(blank=True, null=True)),
                ("claimed_at", models.DateTimeField(blank=True, null=True)),
                ("submitted_at", models.DateTimeField(blank=True, null=True)),
                ("withdrawn_because", models.CharField(blank=True, default="", max_length=300)),
                (
                    "case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="seats", to="annotator.case"
                    ),
                ),
                (
                    "plan",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="seats",
                        to="annotator.assignmentplan",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="seats", to="annotator.project"
                    ),
                ),
                (
                    "reader",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="seats",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "repeats",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="repeated_by",
                        to="annotator.seat",
                    ),
                ),
            ],
            options={
                "ordering": ["project", "place", "pk"],
                "indexes": [
                    models.Index(fields=["project", "reader", "place", "id", "state", "round"], name="seat_in_list"),
                    models.Index(fields=["project", "reader", "state", "place"], name="seat_of_reader"),
                    models.Index(
                        condition=models.Q(("reader__isnull", True), ("state", "open")),
                        fields=["project", "place", "id"],
                        name="seat_free_in_queue",
                    ),
                    models.Index(
                        condition=models.Q(("state", "held")), fields=["project", "reserved_until"], name="seat_held"
                    ),
                    models.Index(
                        condition=models.Q(("round__gte", 2)), fields=["project", "reader"], name="seat_of_later_round"
                    ),
                    models.Index(
                        condition=models.Q(("round", 1), ("state__in", ["open", "held", "submitted"])),
                        fields=["project", "case"],
                        name="seat_wanted",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("case", "slot"), name="seat_slot_once_per_case"),
                    models.UniqueConstraint(
                        condition=models.Q(("reader__isnull", False), models.Q(("state", "withdrawn"), _negated=True)),
                        fields=("case", "reader", "round"),
                        name="seat_one_per_reader_and_round",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["open", "held", "submitted", "withdrawn"])),
                        name="seat_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("arm__in", ["prefilled", "blank", "seeded"])), name="seat_arm_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("is_pulled", True),
                                ("reader__isnull", False),
                                ("reserved_until__isnull", False),
                                ("state", "held"),
                            ),
                            models.Q(
                                ("reader__isnull", False),
                                ("reserved_until__isnull", True),
                                ("state", "submitted"),
                                ("submitted_at__isnull", False),
                            ),
                            models.Q(("reserved_until__isnull", True), ("state__in", ["open", "withdrawn"])),
                            _connector="OR",
                        ),
                        name="seat_state_is_whole",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("is_pulled", False),
                            models.Q(("state", "open"), _negated=True),
                            ("reader__isnull", True),
                            _connector="OR",
                        ),
                        name="seat_of_queue_is_free",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("is_pulled", True), ("reader__isnull", False), _connector="OR"),
                        name="seat_outside_queue_has_reader",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("repeats__isnull", True), ("round", 1)),
                            models.Q(("repeats__isnull", False), ("round__gte", 2)),
                            _connector="OR",
                        ),
                        name="seat_repeats_match_round",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("arm", "seeded"), ("prefill_run__isnull", True), _connector="OR"),
                        name="seat_names_run_in_seeded_arm",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("prefill_run__isnull", False), ("planted", {}), _connector="OR"),
                        name="seat_plants_errors_in_its_run",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("inclusion_probability__isnull", True),
                            models.Q(("inclusion_probability__gt", 0), ("inclusion_probability__lte", 1)),
                            _connector="OR",
                        ),
                        name="seat_inclusion_probability",
                    ),
                ],
            },
        ),
        migrations.AlterModelOptions(
            name="draft",
            options={"ordering": ["case", "reader", "round"]},
        ),
        migrations.AlterModelOptions(
            name="reading",
            options={"ordering": ["case", "reader", "round", "revision"]},
        ),
        migrations.RemoveConstraint(
            model_name="draft",
            name="draft_one_per_reader",
        ),
        migrations.RemoveConstraint(
            model_name="draft",
            name="draft_state_known",
        ),
        migrations.RemoveConstraint(
            model_name="membership",
            name="membership_one_per_user",
        ),
        migrations.RemoveConstraint(
            model_name="membership",
            name="membership_role_known",
        ),
        migrations.RemoveConstraint(
            model_name="reading",
            name="reading_revision_once",
        ),
        migrations.RemoveConstraint(
            model_name="reading",
            name="reading_arm_known",
        ),
        migrations.RemoveConstraint(
            model_name="reading",
            name="reading_prefill_named",
        ),
        migrations.AddField(
            model_name="draft",
            name="key_presses",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="draft",
            name="round",
            field=models.PositiveSmallIntegerField(default=1),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                condition=models.Q(("verb", "seat_claimed")), fields=["actor", "case"], name="event_of_claim"
            ),
        ),
        migrations.AddField(
            model_name="draft",
            name="seat",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="drafts",
                to="annotator.seat",
            ),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                condition=models.Q(("verb__in", ["member_set", "member_removed"])),
                fields=["project"],
                name="event_of_members",
            ),
        ),
        migrations.AddField(
            model_name="reading",
            name="is_informed",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="reading",
            name="key_presses",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="reading",
            name="round",
            field=models.PositiveSmallIntegerField(default=1),
        ),
        migrations.AlterField(
            model_name="draft",
            name="state",
            field=models.CharField(
                choices=[
                    ("draft", "draft"),
                    ("skipped", "skipped"),
                    ("returned", "returned"),
                    ("submitted", "submitted"),
                ],
                default="draft",
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="evaluation",
            name="kind",
            field=models.CharField(
                choices=[
                    ("labeler", "labeler"),
                    ("comparison", "comparison"),
                    ("readers", "readers"),
                    ("scores", "scores"),
                    ("arms", "arms"),
                ],
                max_length=12,
            ),
        ),
        migrations.AlterField(
            model_name="event",
            name="verb",
            field=models.CharField(
                choices=[
                    ("project_created", "Project Created"),
                    ("member_set", "Member Set"),
                    ("member_removed", "Member Removed"),
                    ("reports_imported", "Reports Imported"),
                    ("run_created", "Run Created"),
                    ("run_changed", "Run Changed"),
                    ("prefill_chosen", "Prefill Chosen"),
                    ("draft_saved", "Draft Saved"),
                    ("reading_submitted", "Reading Submitted"),
                    ("case_skipped", "Case Skipped"),
                    ("labels_imported", "Labels Imported"),
                    ("labels_exported", "Labels Exported"),
                    ("images_imported", "Images Imported"),
                    ("images_removed", "Images Removed"),
                    ("image_rules_set", "Image Rules Set"),
                    ("measurements_exported", "Measurements Exported"),
                    ("threshold_picked", "Threshold Picked"),
                    ("rules_set", "Rules Set"),
                    ("seats_planned", "Seats Planned"),
                    ("seats_withdrawn", "Seats Withdrawn"),
                    ("seat_moved", "Seat Moved"),
                    ("seat_claimed", "Seat Claimed"),
                    ("seat_given_back", "Seat Given Back"),
                    ("reading_reopened", "Reading Reopened"),
                    ("reading_returned", "Reading Returned"),
                    ("note_written", "Note Written"),
                    ("note_settled", "Note Settled"),
                    ("case_excluded", "Case Excluded"),
                    ("case_included", "Case Included"),
                    ("guideline_written", "Guideline Written"),
                    ("cell_decided", "Cell Decided"),
                    ("decision_undone", "Decision Undone"),
                    ("project_settled", "Project Settled"),
                    ("release_asked_for", "Release Asked For"),
                    ("release_frozen", "Release Frozen"),
                    ("release_downloaded", "Release Downloaded"),
                    ("erratum_written", "Erratum Written"),
                    ("invitation_made", "Invitation Made"),
                    ("invitation_used", "Invitation Used"),
                    ("invitation_withdrawn", "Invitation Withdrawn"),
                ],
                max_length=30,
            ),
        ),
        migrations.AlterField(
            model_name="membership",
            name="role",
            field=models.CharField(
                choices=[("manager", "manager"), ("reader", "reader"), ("adjudicator", "adjudicator")], max_length=11
            ),
        ),
        migrations.AlterField(
            model_name="reading",
            name="arm",
            field=models.CharField(
                choices=[("prefilled", "pre-filled"), ("blank", "blank"), ("seeded", "seeded with errors")],
                max_length=10,
            ),
        ),
        migrations.AddConstraint(
            model_name="draft",
            constraint=models.UniqueConstraint(fields=("case", "reader", "round"), name="draft_one_per_reader"),
        ),
        migrations.AddConstraint(
            model_name="draft",
            constraint=models.CheckConstraint(condition=models.Q(("round__gte", 1)), name="draft_round_from_one"),
        ),
        migrations.AddConstraint(
            model_name="draft",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["draft", "skipped", "returned", "submitted"])),
                name="draft_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.UniqueConstraint(fields=("project", "user", "role"), name="membership_once_per_role"),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.CheckConstraint(
                condition=models.Q(("role__in", ["manager", "reader", "adjudicator"])), name="membership_role_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="reading",
            constraint=models.UniqueConstraint(
                fields=("case", "reader", "round", "revision"), name="reading_revision_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="reading",
            constraint=models.CheckConstraint(condition=models.Q(("round__gte", 1)), name="reading_round_from_one"),
        ),
        migrations.AddConstraint(
            model_name="reading",
            constraint=models.CheckConstraint(
                condition=models.Q(("arm__in", ["prefilled", "blank", "seeded"])), name="reading_arm_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="reading",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("arm", "blank"), ("prefill_run__isnull", True)),
                    models.Q(("arm", "prefilled"), ("prefill_run__isnull", False)),
                    ("arm", "seeded"),
                    _connector="OR",
                ),
                name="reading_prefill_named",
            ),
        ),
        migrations.AddIndex(
            model_name="reading",
            index=models.Index(
                condition=models.Q(("revision", 1), ("round", 1)), fields=["project", "case"], name="reading_first"
            ),
        ),
        migrations.AddIndex(
            model_name="draft",
            index=models.Index(
                condition=models.Q(("round", 1), ("state__in", ["draft", "skipped", "returned"])),
                fields=["project", "case"],
                name="draft_unfinished",
            ),
        ),
        # The tables were rebuilt, which drops their triggers on SQLite.
        frozen("annotator_reading"),
        same_project("annotator_reading", column="case_id", parent="annotator_case"),
        same_project("annotator_draft", column="case_id", parent="annotator_case"),
        frozen("annotator_assignmentplan"),
        frozen("annotator_seat", columns=("project_id", "case_id", "slot", "arm", "round")),
        frozen(
            "annotator_seat",
            columns=("prefill_run", "planted"),
            deletable=True,
            when="OLD.prefill_run IS NOT NULL",
            suffix="_planted",
        ),
        frozen(
            "annotator_seat",
            columns=("reader_id", "repeats_id", "state", "submitted_at"),
            deletable=True,
            when="OLD.state = 'submitted'",
            suffix="_submitted",
        ),
        forbidden(
            "annotator_seat",
            name="annotator_seat_repeats_own",
            when="NEW.repeats_id IS NOT NULL AND NEW.state <> 'withdrawn' AND NOT EXISTS (SELECT 1 FROM annotator_seat "
            "first WHERE first.id = NEW.repeats_id AND first.case_id = NEW.case_id AND first.reader_id = NEW.reader_id)",
            says="repeats is a seat of the same case and reader",
        ),
        frozen("annotator_draft", columns=("seat_id",), deletable=True, when="OLD.seat_id IS NOT NULL", suffix="_seat"),
        forbidden(
            "annotator_draft",
            name="annotator_draft_seat_of_case",
            when="NEW.seat_id IS NOT NULL AND NOT EXISTS "
            "(SELECT 1 FROM annotator_seat WHERE id = NEW.seat_id AND case_id = NEW.case_id AND round = NEW.round)",
            says="seat is one of the same case and round",
        ),
        forbidden(
            "annotator_seat",
            name="annotator_seat_seeded_in_training",
            when="NEW.arm = 'seeded' AND NOT EXISTS "
            "(SELECT 1 FROM annotator_studyrules WHERE project_id = NEW.project_id AND is_training)",
            says="errors are planted in training projects only",
        ),
        forbidden(
            "annotator_studyrules",
            name="annotator_studyrules_keep_training",
            when="NOT NEW.is_training AND EXISTS "
            "(SELECT 1 FROM annotator_seat WHERE project_id = NEW.project_id AND arm = 'seeded')",
            says="a project with planted errors stays a training project",
        ),
        SEEDED_READINGS_TRAIN,
        frozen("annotator_guideline"),
        frozen(
            "annotator_note",
            columns=("project_id", "case_id", "cell", "reader_id", "round", "author_id", "kind", "parent_id", "text"),
        ),
        forbidden(
            "annotator_note",
            name="annotator_note_answers_own_thread",
            when="NEW.parent_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM annotator_note start WHERE "
            "start.id = NEW.parent_id AND start.case_id = NEW.case_id AND start.reader_id = NEW.reader_id "
            "AND start.round = NEW.round AND start.parent_id IS NULL)",
            says="parent is the start of a thread of the same case, reader and round",
        ),
        frozen("annotator_exclusion", columns=("project_id", "case_id", "reason", "excluded_by_id", "excluded_at")),
        frozen("annotator_exclusion", deletable=True, when="OLD.ended_at IS NOT NULL", suffix="_ended"),
        frozen("annotator_decision"),
        frozen("annotator_dispute", columns=("project_id", "case_id", "cell")),
        forbidden(
            "annotator_dispute",
            name="annotator_dispute_decided_own_cell",
            when="NEW.decision_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM annotator_decision made WHERE "
            "made.id = NEW.decision_id AND made.case_id = NEW.case_id AND made.cell = NEW.cell)",
            says="decision is one on the same cell of the same case",
        ),
        frozen("annotator_release", when="OLD.state = 'done'"),
        frozen("annotator_erratum"),
        frozen("annotator_invitation", columns=("project_id", "roles", "token_sha256", "expires_at")),
        same_project("annotator_seat", column="case_id", parent="annotator_case"),
        same_project("annotator_seat", column="plan_id", parent="annotator_assignmentplan"),
        same_project("annotator_note", column="case_id", parent="annotator_case"),
        same_project("annotator_exclusion", column="case_id", parent="annotator_case"),
        same_project("annotator_decision", column="case_id", parent="annotator_case"),
        same_project("annotator_dispute", column="case_id", parent="annotator_case"),
        same_project("annotator_gold", column="case_id", parent="annotator_case"),
        same_project("annotator_erratum", column="release_id", parent="annotator_release"),
    ]
