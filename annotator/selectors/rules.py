"""The rules of a study."""

from annotator.models import Project, StudyRules


def rules_of(project: Project) -> StudyRules:
    """The stored rules of a project, else the defaults, which are not stored yet."""
    stored = StudyRules.objects.filter(project=project).first()
    return stored if stored is not None else StudyRules(project=project)
