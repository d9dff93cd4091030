"""The case behind an address, for whoever reads it or may look at it."""

from django.http import Http404

from annotator.models import Case, Project, Reads, User
from annotator.selectors.cases import case_for
from annotator.selectors.permissions import Member, refuse_while_blind
from annotator.selectors.seats import Sitting, check_may_read, reads_of, sitting_for


def case_to_read(project: Project, case_id: int, *, reader: User) -> tuple[Case, Sitting]:
    """The case of this project that `reader` reads, and how; 404 when there is none or it is not theirs.

    Raises `ReadingRefusedError` (403) when they may not read it at all.
    """
    case = case_for(project, case_id)
    sitting = sitting_for(case, reader=reader)
    if sitting is None:
        check_may_read(case, reader)
        raise Http404("this case is not this reader's")
    return case, sitting


def case_to_see(member: Member, case_id: int, *, reader: User, reveals: bool = True) -> tuple[Case, Sitting | None]:
    """The case and how `reader` reads it; None for managers and adjudicators who only look at it, 404 for others.

    Who looks sees machine labels where the page `reveals` them: `BlindedError` while own cases wait in the blank arm.
    """
    case = case_for(member.project, case_id)
    sitting = sitting_for(case, reader=reader)
    if sitting is None:
        if not (member.is_manager or member.is_adjudicator):
            check_may_read(case, reader)
            raise Http404("this case is not this reader's")
        if reveals:
            refuse_while_blind(member)
    return case, sitting


def may_see_study(member: Member, study_id: int, *, reader: User) -> None:
    """404 for images of a study that belongs to no case that the reader reads, or that the member may look at."""
    if member.is_manager or member.is_adjudicator or reads_of(member.project) == Reads.OPEN:
        return
    for case in Case.objects.filter(project=member.project, study=study_id):
        case.project = member.project
        if sitting_for(case, reader=reader) is not None:
            return
    raise Http404("these images belong to no case of this reader")
