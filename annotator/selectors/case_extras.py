"""What stands around a case on the reading screen: notes, guidelines, and whether it is excluded."""

from typing import Any

from annotator.models import Case, User
from annotator.selectors.exclusions import open_exclusion
from annotator.selectors.guidelines import latest_versions
from annotator.selectors.notes import own_threads, threads_payload


def case_extras(case: Case, *, reader: User, round: int) -> dict[str, Any]:
    """The reader's own threads, why the case is excluded, and the latest version of each guideline."""
    exclusion = open_exclusion(case)
    return {
        "notes": threads_payload(own_threads(case, reader=reader, round=round)),
        "excluded": exclusion.reason if exclusion else None,
        "guidelines": latest_versions(case.project),
    }
