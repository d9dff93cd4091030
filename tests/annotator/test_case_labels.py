"""What other labelers say of a case: to whom it is told, and which runs are among them."""

import json
from datetime import timedelta

import pytest
from django.db.models.signals import post_init

from annotator.models import Draft, LabelSchema, Membership, Reading, Role
from annotator.selectors.case_labels import MOST_RUNS
from labeling.models import Run
from tests.annotator.worlds import NOW, draft_body, label_schema, submission_body
from tests.factories import MachineLabelFactory, MembershipFactory, RunFactory, UserFactory

pytestmark = pytest.mark.django_db

BODY = {"cells": {"spine|cancer": {"reason": "no tumour is named", "logit_difference": -2.53125, "evidence": [[0, 8]]}}}


@pytest.fixture
def reader_client(client, world):
    client.force_login(world.reader)
    return client


def url_of(case):
    return f"/api/projects/{case.project.slug}/cases/{case.pk}/labels"


def asked(client, case):
    answer = client.get(url_of(case))
    assert answer.status_code == 200
    return answer.json()


def names(client, case):
    return [run["name"] for run in asked(client, case)["runs"]]


def add(case, *, labeler="maplez", model="Qwen2.5-72B", hours=1, values="0.0.+.+.", options=(), **changes):
    """A complete run that says `values` of the case, begun that many hours after the pre-fill of the world."""
    more = {"request": {"model": model, "options": list(options)}, "manifest": {"method": {"switches": list(options)}}}
    started = NOW + timedelta(hours=hours)
    run = RunFactory(
        **{"project": case.project, "labeler": labeler, "is_prefill": False, "started_at": started}
        | {"finished_at": started}
        | more
        | changes
    )
    MachineLabelFactory(run=run, report=case.report, values=values, body=BODY)
    return run


def put(client, world, case, **changes):
    body = json.dumps(draft_body(world, **changes))
    return client.put(url_of(case).replace("labels", "draft"), body, content_type="application/json")


def test_a_run_tells_values_and_what_stands_behind_them_and_the_pre_fill_is_not_repeated(reader_client, world):
    run = add(world.cases[0], options=("with_probability=false",))
    assert asked(reader_client, world.cases[0]) == {
        "arm": "prefilled",
        "runs": [
            {
                "run": str(run.run_id),
                "name": "maplez · Qwen2.5-72B",
                "labeler": "maplez",
                "options": ["with_probability=false"],
                "started_at": "2026-03-02T10:00:00+00:00",
                "values": "0.0.+.+.",
                "urgencies": "________",
                "cells": BODY["cells"],
            }
        ],
        "n_more": 0,
    }


def test_the_case_says_where_to_ask_and_names_the_run_that_it_is_filled_by(reader_client, world):
    case = world.cases[0]
    payload = reader_client.get(url_of(case).removesuffix("/labels")).json()
    assert (payload["urls"]["labels"], payload["prefill"]["name"]) == (url_of(case), "rules")


class TestBlankArm:
    @pytest.fixture
    def case(self, world):
        case = world.cases[0]
        add(case)
        return case

    def is_silent(self, client, case):
        payload = client.get(url_of(case).removesuffix("/labels")).json()
        assert (payload["arm"], payload["prefill"]) == ("blank", None)
        return asked(client, case) == {"arm": "blank", "runs": [], "n_more": 0}

    def test_without_a_pre_fill_nothing_is_told(self, reader_client, world, case):
        Run.objects.filter(pk=world.run.pk).update(is_prefill=False)
        assert self.is_silent(reader_client, case)

    def test_a_draft_from_a_blank_form_hears_nothing_though_a_run_pre_fills_by_now(self, reader_client, world, case):
        assert put(reader_client, world, case, prefill_run=None).status_code == 200
        assert self.is_silent(reader_client, case)

    def test_nothing_is_told_after_submitting_either(self, reader_client, world, case):
        body = json.dumps(submission_body(world, prefill_run=None))
        answer = reader_client.post(url_of(case).replace("labels", "submit"), body, content_type="application/json")
        assert (answer.status_code, Reading.objects.get(case=case).arm) == (201, "blank")
        assert self.is_silent(reader_client, case)

    def test_a_manager_who_reads_the_case_hears_nothing_either(self, client, world, case):
        Membership.objects.create(project=world.project, user=world.manager, role=Role.READER)
        client.force_login(world.manager)
        assert put(client, world, case, prefill_run=None).status_code == 200
        assert self.is_silent(client, case)

    def test_the_arm_of_one_reader_says_nothing_of_another(self, client, reader_client, world, case):
        put(reader_client, world, case, prefill_run=None)
        client.force_login(world.other_reader)
        assert asked(client, case)["arm"] == "prefilled"
        assert Draft.objects.count() == 1


class TestPermission:
    def test_whoever_is_not_signed_in_is_told_so(self, client, world):
        assert client.get(url_of(world.cases[0])).status_code == 401

    def test_members_of_another_project_find_nothing(self, client, world, other_world):
        client.force_login(other_world.manager)
        assert client.get(url_of(world.cases[0])).status_code == 404

    def test_a_case_of_another_project_is_not_found_under_ones_own(self, client, world, other_world):
        person = UserFactory()
        for project in (world.project, other_world.project):
            MembershipFactory(project=project, user=person, role=Role.MANAGER)
        client.force_login(person)
        foreign = other_world.cases[0]
        assert client.get(url_of(world.cases[0]).replace(str(world.cases[0].pk), str(foreign.pk))).status_code == 404

    def test_it_cannot_be_written(self, reader_client, world):
        assert reader_client.post(url_of(world.cases[0])).status_code == 405


class TestWhichRuns:
    @pytest.mark.parametrize("state", ["queued", "running", "paused", "cancelled", "failed"])
    def test_a_run_that_is_not_complete_says_nothing(self, reader_client, world, state):
        is_open = state in ("queued", "running", "paused")
        add(world.cases[0], state=state, **({"finished_at": None} if is_open else {}))
        assert names(reader_client, world.cases[0]) == []

    def test_a_run_under_another_schema_says_nothing(self, reader_client, world):
        other = LabelSchema.objects.create(hash="0" * 64, name="other", version=1, source=label_schema().source)
        add(world.cases[0], schema=other)
        assert names(reader_client, world.cases[0]) == []

    def test_a_run_says_nothing_of_reports_that_it_did_not_label(self, reader_client, world):
        add(world.cases[0])
        assert names(reader_client, world.cases[1]) == []

    def test_only_the_latest_of_a_labeler_model_and_method_speaks(self, reader_client, world):
        case = world.cases[0]
        add(case, hours=1, values="........")
        add(case, hours=3, values="++++++++")
        add(case, hours=2, values="00000000")
        add(case, hours=1, model="Llama-3.3-70B")
        assert names(reader_client, case) == ["maplez · Qwen2.5-72B", "maplez · Llama-3.3-70B"]
        assert asked(reader_client, case)["runs"][0]["values"] == "++++++++"

    def test_the_rules_speak_once_however_often_they_ran(self, reader_client, world):
        case = world.cases[0]
        Run.objects.filter(pk=world.run.pk).update(is_prefill=False)
        add(case, labeler="leavs", is_prefill=True)
        for hours in range(1, 4):
            add(case, labeler="rules", hours=hours, request={}, manifest={"code_version": hours, "n_in": hours})
        assert names(reader_client, case) == ["rules"]

    def test_a_later_run_of_the_pre_fill_s_method_speaks_only_where_it_says_something_else(self, reader_client, world):
        same = "+.0.+.+."  # as the pre-fill of the world
        add(world.cases[0], labeler="rules", request={}, manifest={}, values=same)
        assert names(reader_client, world.cases[0]) == []
        add(world.cases[1], labeler="rules", request={}, manifest={}, values="?.0.+.+.")
        assert names(reader_client, world.cases[1]) == ["rules · 2026-03-02 10:00 UTC"]

    def test_a_draft_keeps_its_pre_fill_and_hears_the_new_one_as_another_labeler(self, reader_client, world):
        case = world.cases[0]
        put(reader_client, world, case)
        Run.objects.filter(pk=world.run.pk).update(is_prefill=False)
        add(case, labeler="leavs", is_prefill=True)
        payload = reader_client.get(url_of(case).removesuffix("/labels")).json()
        assert payload["prefill"]["run"] == str(world.run.run_id)
        assert names(reader_client, case) == ["leavs · Qwen2.5-72B"]

    def test_runs_that_differ_in_options_alone_are_told_apart(self, reader_client, world):
        case = world.cases[0]
        add(case, labeler="leavs", hours=2, options=("cot=false",))
        add(case, labeler="leavs", hours=1)
        assert names(reader_client, case) == ["leavs · Qwen2.5-72B · cot=false", "leavs · Qwen2.5-72B · as published"]

    def test_imported_raters_are_labelers_of_their_own(self, reader_client, world):
        case = world.cases[0]
        for hours, rater in ((1, "report author"), (2, "vendor")):
            add(case, labeler="imported", hours=hours, request={}, manifest={"rater": rater})
        assert names(reader_client, case) == ["imported · vendor", "imported · report author"]

    def test_the_list_ends_at_the_most_that_are_shown_and_counts_the_others(
        self, reader_client, world, django_assert_num_queries
    ):
        case = world.cases[0]
        for number in range(MOST_RUNS + 3):
            add(case, model=f"model {number}", hours=number)
        # Session, user, membership, case, role, decisions, seats, rules, draft, pre-fill, runs, bodies.
        with django_assert_num_queries(12):
            payload = asked(reader_client, case)
        assert (len(payload["runs"]), payload["n_more"]) == (MOST_RUNS, 3)
        assert payload["runs"][0]["name"] == f"maplez · model {MOST_RUNS + 2}"

    def test_only_the_manifests_of_the_runs_that_are_shown_are_read(self, reader_client, world):
        case = world.cases[0]
        for hours in range(30):
            add(case, hours=hours)
        made = []
        post_init.connect(count := lambda instance, **_: made.append("manifest" in instance.__dict__), sender=Run)
        try:
            assert len(asked(reader_client, case)["runs"]) == 1
        finally:
            post_init.disconnect(count, sender=Run)
        assert sum(made) <= 2  # the one that is shown, and the pre-fill
