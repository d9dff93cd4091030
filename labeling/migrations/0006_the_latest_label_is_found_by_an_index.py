"""The latest label of a run is found by an index: figures are told by it to be of what there is now."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("labeling", "0005_unreadable_answers_are_found_by_an_index"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="machinelabel",
            index=models.Index(fields=["run", "id"], name="machine_label_latest"),
        ),
    ]
