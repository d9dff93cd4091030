"""Answers that could not be read are found without going through all the others."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    """An index over few of many rows."""

    dependencies = [("labeling", "0004_calls_and_ended_runs_are_evidence")]

    operations = [
        migrations.AddIndex(
            model_name="storedcall",
            index=models.Index(fields=["run"], condition=Q(read="unreadable"), name="stored_call_unreadable"),
        ),
    ]
