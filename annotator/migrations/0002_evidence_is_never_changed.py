"""Readings, events and report texts cannot be changed or deleted, and stay inside their project."""

from django.db import migrations

from annotator.models.triggers import frozen, same_project


class Migration(migrations.Migration):
    """Triggers only."""

    dependencies = [("annotator", "0001_projects_cases_readings")]

    operations = [
        frozen("annotator_reading"),
        frozen("annotator_event"),
        frozen("annotator_labelschema"),
        frozen("annotator_report", columns=("project_id", "report_id", "text", "text_sha256")),
        frozen("annotator_case", columns=("project_id", "report_id", "key", "patient_key")),
        same_project("annotator_case", column="report_id", parent="annotator_report"),
        same_project("annotator_case", column="study_id", parent="annotator_study"),
        same_project("annotator_draft", column="case_id", parent="annotator_case"),
        same_project("annotator_reading", column="case_id", parent="annotator_case"),
        same_project("annotator_event", column="case_id", parent="annotator_case"),
    ]
