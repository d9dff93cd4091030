"""Three readers who differ about the cases of a project of `world`, and two adjudicators: run with its address."""

import sys
import uuid
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.e2e.world import PASSWORD, REPORTS

ADJUDICATOR, OTHER_ADJUDICATOR = "adjudicator", "adjudicator2"
READERS = ("dr-one", "dr-two", "dr-three")
LESION = "The liver contains a 2.1 cm hypodense lesion."
ATROPHY = "The pancreas is atrophic."
NO_FOCAL = "No focal liver lesion (series 3, image 45)."
# By case and cell what each of the readers says, and the words that they name for it.
SAYS = {
    "E-1": {
        "liver|focal": [("+1", [LESION]), ("+2", [LESION, "Stable hepatic cyst."]), ("0_", [])],
        "pancreas|atrophy": [("+0", [ATROPHY]), ("+0", [ATROPHY]), ("0_", [])],
        "gallbladder|absent": [("+_", ["The gallbladder has been removed."]), ("?_", []), ("+_", [])],
        "spleen|normal": [("+_", ["The spleen is normal."])] * 3,
    },
    "E-2": {"liver|normal": [("+_", ["The liver and the spleen are normal."]), ("0_", []), ("+_", [])]},
    "E-3": {"liver|normal": [("+_", ["The liver is normal."]), ("0_", []), ("+_", [])]},
    "E-4": {"liver|focal": [("0_", [NO_FOCAL]), ("0_", [NO_FOCAL]), ("+1", [])]},
}
COMMENT = "calcified, see the impression"


def make_disputes(slug: str) -> None:
    """Add the people, their readings and the disputes."""
    from django.utils import timezone

    from annotator.models import Case, Project, StudyRules, User
    from annotator.services.projects import set_member
    from annotator.services.settling import settle_case

    project = Project.objects.get(slug=slug)
    StudyRules.objects.create(project=project, readers_per_case=3, disputes_certainty=True, disputes_urgency=True)
    people = {}
    for name in (*READERS, ADJUDICATOR, OTHER_ADJUDICATOR):
        user = User.objects.filter(username=name).first() or User.objects.create_user(name, password=PASSWORD)
        role = "reader" if name in READERS else "adjudicator"
        set_member(project=project, user=user, role=role, actor=None)
        people[name] = user
    for case in Case.objects.filter(project=project).select_related("report"):
        case.project = project
        for place, name in enumerate(READERS):
            _read(case, people[name], place)
        settle_case(case.pk, now=timezone.now())


def _read(case, reader, place) -> None:
    from django.utils import timezone

    from annotator.models import Arm, Reading

    values, urgencies, cells = [], [], {}
    for cell in map(str, case.project.schema.parsed().cells):
        said, quotes = SAYS[case.key].get(cell, [("._", [])] * len(READERS))[place]
        values.append(said[0])
        urgencies.append(said[1])
        spans = [[start, start + len(quote)] for quote in quotes for start in [REPORTS[case.key].index(quote)]]
        if spans:
            cells[cell] = {"evidence": spans}
    if place == 1 and "liver|focal" in cells:
        cells["liver|focal"]["comment"] = COMMENT
    Reading.objects.create(
        project=case.project,
        case=case,
        reader=reader,
        schema=case.project.schema,
        revision=1,
        submission_id=uuid.uuid4(),
        arm=Arm.BLANK,
        values="".join(values),
        urgencies="".join(urgencies),
        body={"cells": cells},
        active_seconds=40,
        submitted_at=timezone.now(),
    )


if __name__ == "__main__":
    import django

    django.setup()
    make_disputes(sys.argv[1])
