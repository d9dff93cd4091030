"""The rules of a study."""

from annotator.core.voices import Rules, Way
from annotator.models import Project, StudyRules


def rules_of(project: Project) -> StudyRules:
    """The stored rules of a project, else the defaults, which are not stored yet."""
    stored = StudyRules.objects.filter(project=project).first()
    return stored if stored is not None else StudyRules(project=project)


def resolution_rules(rules: StudyRules) -> Rules:
    """How the study settles what its readers say."""
    return Rules(
        way=Way(rules.needs_person),
        at_least=rules.majority_of,
        share=rules.weighted_share,
        weights={int(reader): float(weight) for reader, weight in rules.weights.items()},
        by_certainty=rules.disputes_certainty,
        by_urgency=rules.disputes_urgency,
    )
