"""The demo: what it holds, that making it again changes nothing, and that no password is kept."""

import re
from dataclasses import replace
from functools import partial
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from annotator.core.figure_requests import FigureRequest, Kind
from annotator.models import Case, Draft, Event, Membership, Project, Reading, Report, User
from annotator.services.demo import ROLES, make_demo
from annotator.services.demo_images import add_images, planned_images
from annotator.services.demo_readers import SIMULATED
from annotator.services.figures import ask, compute
from annotator.services.projects import create_project
from labeling.core.schema_yaml import preset_source
from labeling.models import MachineLabel, Run
from vision.models import Series

make_bare_demo = partial(make_demo, images="none", with_study=False)
TABLES = (User, Project, Membership, Report, Case, Run, MachineLabel, Draft, Reading, Event)


@pytest.fixture
def demo(db):
    return make_bare_demo()


def row_counts():
    return {model.__name__: model.objects.count() for model in TABLES}


def test_demo_has_reports_for_two_schemas_all_prelabeled(demo):
    assert {project.slug for project in demo.projects} == {"abdomen-ct-demo", "spine-mri-demo"}
    assert demo.n_reports == Report.objects.count() >= 36
    for project in demo.projects:
        run = Run.objects.get(project=project, is_prefill=True)
        assert run.labels.count() == project.reports.count() >= 14


def test_two_patients_have_two_reports_each(demo):
    per_patient = [
        Case.objects.filter(project=project, patient_key=key).count()
        for project in demo.projects
        for key in project.cases.values_list("patient_key", flat=True).distinct().order_by()
    ]
    assert sorted(per_patient, reverse=True)[:3] == [2, 2, 1]


def test_screens_are_not_empty(demo):
    for project in demo.projects:
        assert project.readings.filter(reader__username="reader2").count() >= 4
        assert project.drafts.filter(reader__username="reader2", state="draft").exists()
        assert not project.drafts.exclude(reader__username__in=["reader2", *SIMULATED]).exists()
        members = {(m.user.username, m.role) for m in project.memberships.select_related("user")}
        assert members == set(ROLES.items()) | {(name, "reader") for name in SIMULATED}
    assert list(User.objects.filter(is_staff=True)) == [User.objects.get(username="manager")]


def test_simulated_readers_read_most_cases_blind_and_cannot_sign_in(demo):
    for project in demo.projects:
        blind = project.readings.filter(arm="blank")
        assert set(blind.values_list("reader__username", flat=True)) == set(SIMULATED)
        n_cases = blind.values("case").distinct().count()
        assert blind.count() == 3 * n_cases
        assert n_cases == project.cases.count() - project.cases.count() // 3
        assert "drawn at random" in project.description
    for user in User.objects.filter(username__in=SIMULATED):
        assert not user.is_active
        assert not user.has_usable_password()


def test_the_dashboard_of_the_demo_has_figures_that_are_not_perfect(demo):
    for project in demo.projects:
        run = str(Run.objects.get(project=project).run_id)
        request = FigureRequest(Kind.LABELER, run=run, n_resamples=20)
        pending = ask(project=project, actor=None, request=request, send=lambda _: None).pending
        rows = compute(pending.pk).result["rows"]
        [f1] = [row["value"] for row in rows if (row["row"], row["metric"]) == ("micro", "f1")]
        assert 0.6 < f1 < 0.98


def test_making_the_demo_again_changes_nothing(demo):
    before = row_counts(), dict(User.objects.values_list("username", "password"))
    again = make_bare_demo()
    assert (row_counts(), dict(User.objects.values_list("username", "password"))) == before
    assert again.new_passwords == {}
    assert again.n_reports == demo.n_reports


def test_what_people_did_to_the_demo_stays(demo):
    draft = Draft.objects.filter(state="draft").first()
    Draft.objects.filter(pk=draft.pk).update(version=7, active_seconds=999)
    Membership.objects.filter(user__username="reader1").delete()
    make_bare_demo()
    assert Draft.objects.get(pk=draft.pk).version == 7
    assert not Membership.objects.filter(user__username="reader1").exists()


def test_images_are_made_for_cases_without_and_once_only(demo, tmp_path, settings):
    settings.IMAGE_DIR = tmp_path / "images"
    project = Project.objects.get(slug="abdomen-ct-demo")
    manager = User.objects.get(username="manager")
    plan = planned_images("some")["CT-1001"]
    few = replace(plan, series=(replace(plan.series[0], n_images=5, first_mm=95.0, size=64),))
    assert add_images(project, {"CT-1001": few, "CT-0": few}, actor=manager) == 1
    [series] = Series.objects.filter(project=project)
    assert (series.study.study_id, series.number, series.n_images, series.kind) == ("CTS-1001", 3, 5, "volume")
    [mask] = series.masks.all()
    assert {"liver", "spleen"} <= {each["name"] for each in mask.classes}
    assert mask.centres, "targets of the schema are found by name"
    assert add_images(project, {"CT-1001": few}, actor=manager) == 0
    assert list(Series.objects.values_list("pk", flat=True)) == [series.pk]


def test_plans_are_for_reports_of_the_demo_with_the_series_they_cite(demo):
    plans = planned_images("all")
    assert len(planned_images("some")) == 16
    assert len(plans) == 35
    assert planned_images("none") == {}
    texts = dict(Report.objects.filter(report_id__in=plans).values_list("report_id", "text"))
    assert texts.keys() == plans.keys()
    for name, text in texts.items():
        has = {series.number: series.n_images for series in plans[name].series}
        for number, image in re.findall(r"series (\d+),? image (\d+)", " ".join(text.lower().split())):
            assert int(image) <= has.get(int(number), 0), f"{name}: series {number}, image {image}"


def test_passwords_are_printed_once_and_stored_as_hashes_only(db):
    first, second = StringIO(), StringIO()
    call_command("make_demo", "--without-images", "--without-study", stdout=first)
    call_command("make_demo", "--without-images", "--without-study", stdout=second)
    for user in User.objects.filter(username__in=ROLES):
        [line] = [line for line in first.getvalue().splitlines() if line.split()[:1] == [user.username]]
        password = line.split()[-1]
        assert len(password) >= 15
        assert user.check_password(password)
        assert password not in user.password
        assert password not in second.getvalue()
        assert not Event.objects.filter(payload__icontains=password).exists()
    assert "Passwords were printed at first start" in second.getvalue()


def test_passwords_can_be_drawn_again(demo):
    new = make_bare_demo(reset_passwords=True).new_passwords
    assert new.keys() == demo.new_passwords.keys() == ROLES.keys()
    assert not set(new.values()) & set(demo.new_passwords.values())
    assert User.objects.get(username="manager").check_password(new["manager"])


def test_demo_password_is_set_for_all_and_not_printed(demo, settings):
    settings.DEMO_PASSWORD = "shown-in-a-course"
    said = StringIO()
    call_command("make_demo", "--without-images", "--without-study", stdout=said)
    assert all(user.check_password("shown-in-a-course") for user in User.objects.filter(username__in=ROLES))
    assert "shown-in-a-course" not in said.getvalue()
    assert make_bare_demo().new_passwords == {}


def test_demo_stays_out_of_an_instance_in_use(db):
    manager = User.objects.create(username="someone")
    create_project(name="Real", slug="real", schema_source=preset_source("spine-mri"), actor=manager)
    with pytest.raises(CommandError, match="OVERREAD_DATA=var/demo"):
        call_command("make_demo", stdout=StringIO())
    assert not User.objects.filter(username__in=ROLES).exists()


def test_demo_stays_out_of_a_hospital_server(db, settings):
    settings.DEMO_IS_ALLOWED = False
    with pytest.raises(CommandError, match="local settings only"):
        call_command("make_demo", stdout=StringIO())
    assert not User.objects.exists()
