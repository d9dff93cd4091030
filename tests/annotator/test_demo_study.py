"""The reader study of the demo: seats in two arms, disputes that are open and decided, gold, and a release."""

from collections import Counter

from annotator.models import Decision, Dispute, Draft, Event, Gold, Note, Project, Reading, Release, Seat, User
from annotator.services.demo import make_demo
from annotator.services.demo_study import DRAWN, SLUG
from annotator.services.release_files import verify_release

TABLES = (Seat, Draft, Reading, Decision, Dispute, Gold, Note, Release, Event)


def test_the_study_of_the_demo_shows_every_step_and_is_made_once(db, settings, tmp_path):
    settings.RELEASE_DIR = tmp_path
    make_demo(images="none")
    project = Project.objects.get(slug=SLUG)
    # Three of five readers for each of 26 reports, every case in both arms.
    assert Seat.objects.filter(project=project).count() == 3 * 26
    arms = Counter(Seat.objects.filter(project=project).values_list("arm", flat=True))
    assert arms["blank"] == arms["prefilled"] == 39
    to_read = Counter(project.seats.filter(submitted_at=None).values_list("reader__username", flat=True))
    assert to_read == {"reader1": 6, "reader2": 2}
    assert set(project.disputes.values_list("state", flat=True)) == {"open", "decided"}
    assert {"reader_slip", "guideline_gap"} <= set(project.decisions.values_list("reason", flat=True))
    assert project.notes.filter(kind="flag", settled_at=None).exists()
    assert set(project.gold.values_list("state", flat=True)) == {"final", "in_adjudication", "waiting"}
    assert verify_release(Release.objects.get(project=project, state="done")).is_whole
    for user in User.objects.filter(username__in=DRAWN):
        assert not user.is_active
        assert not user.has_usable_password()
    before = {model.__name__: model.objects.count() for model in TABLES}
    make_demo(images="none")
    assert {model.__name__: model.objects.count() for model in TABLES} == before
