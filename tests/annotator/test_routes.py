"""Who may open what: one table, and one walk over every route there is as every kind of person."""

import pytest
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tests.annotator.worlds import stored_evaluation, stored_release
from tests.vision.stored import stored_mask, stored_series

pytestmark = pytest.mark.django_db

PUBLIC = {"login", "logout", "health"}
SIGNED_IN = {"projects", "password_change", "project_new", "api_preferences"}
READER = {"worklist", "read", "read_next", "schema", "schema_yaml", "api_case", "api_next", "api_draft", "api_submit"}
READER |= {"viewer", "api_skip", "api_jump", "api_summary"}
READER |= {"api_images", "api_series_pack", "api_series_image", "api_series_volume", "api_series_thumbnail"}
READER |= {"api_series_preview", "api_mask", "api_case_labels"}
MANAGER = {
    "images",
    "image_import",
    "image_problems",
    "api_image_upload",
    "api_image_progress",
    "imports",
    "import_preview",
    "import_result",
    "import_problems",
    "exports",
    "export_download",
    "members",
    "runs",
    "run_new",
    "run",
    "run_failures",
    "run_case",
    "run_compare",
    "run_compare_csv",
    "run_prompts",
    "label_import",
    "label_import_preview",
    "label_import_problems",
    "api_run",
    "dashboard",
    "dashboard_scores",
    "dashboard_compare",
    "dashboard_readers",
    "dashboard_urgency",
    "dashboard_gold",
    "dashboard_cases",
    "dashboard_cases_csv",
    "dashboard_report",
    "dashboard_csv",
    "dashboard_scores_csv",
    "dashboard_gold_csv",
    "threshold_pick",
    "thresholds_csv",
    "thresholds_json",
    "dashboard_json",
    "dashboard_again",
    "api_figures",
}
MANAGER |= {"dashboard_arms", "dashboard_training", "dashboard_training_csv"}
ADJUDICATOR: set[str] = set()
# Rules.
MANAGER |= {"rules"}
# Assignment.
MANAGER |= {"assignment", "assignment_seats", "assignment_csv"}
# Cases, notes, guidelines.
MANAGER |= {"cases", "case", "notes", "guidelines", "guideline", "guideline_affected", "guideline_affected_csv"}
READER |= {"api_reopen", "api_notes", "api_guidelines"}
# Seats.
READER |= {"api_heartbeat", "api_give_back", "debrief"}
# Adjudication.
ADJUDICATOR |= {"adjudicate_next", "adjudicate_case", "adjudicate_alike", "adjudicate_batch"}
ADJUDICATOR |= {"api_next_disputed", "api_disputed_case", "api_decide", "api_undo"}
# Managers see its counts, adjudicators decide.
MANAGER |= {"adjudicate", "dashboard_disputes", "dashboard_disputes_csv"}
# Gold.
MANAGER |= {"gold", "gold_counts", "gold_case", "gold_settle"}
# Releases.
MANAGER |= {"releases", "release_new", "release_diff", "release", "release_again", "release_file", "erratum_new"}
MANAGER |= {"api_release"}
# Invitations.
PUBLIC |= {"invitation"}
MANAGER |= {"invitation_new", "invitation_withdraw"}
API = {"api_draft", "api_submit", "api_skip", "api_case", "api_next", "api_jump", "api_summary", "api_preferences"}
METHODS = ("get", "post", "put", "patch", "delete", "head", "options")


def named_routes(resolver=None):
    """Name to the names of its arguments, for every route of the site."""
    routes = {}
    for entry in (resolver or get_resolver()).url_patterns:
        if isinstance(entry, URLResolver):
            routes |= named_routes(entry)
        elif isinstance(entry, URLPattern):
            assert entry.name, f"route {entry.pattern} has no name"
            routes[entry.name] = sorted(entry.pattern.converters)
    return routes


def address(name, world):
    """The address of a route inside `world`."""
    series = stored_series(world.cases[0], source="nifti" if name == "api_series_volume" else "dicom")
    samples = {
        "series_id": series.pk,
        "mask_id": stored_mask(series).pk,
        "number": 1,
        "invitation_id": 1,
        "slug": world.project.slug,
        "case_id": world.cases[0].pk,
        "import_id": series.origin_id if "image" in name else 1,
        "batch": "00000000-0000-0000-0000-000000000000",
        "token": "00000000-0000-0000-0000-000000000000",
        "run_id": str(world.run.run_id),
        "name": stored_release(world.project).name,
        "evaluation_id": stored_evaluation(world.project).pk,
    }
    missing = set(named_routes()[name]) - set(samples)
    assert not missing, f"route {name}: give this test a sample of {missing}"
    return reverse(name, kwargs={argument: samples[argument] for argument in named_routes()[name]})


def call(client, method, url):
    answer = getattr(client, method)(url, {} if method in {"get", "head"} else "{}", content_type="application/json")
    if answer.streaming:
        list(answer.streaming_content)  # closes the file
    return answer


def test_every_route_is_in_the_table():
    assert set(named_routes()) == PUBLIC | SIGNED_IN | READER | MANAGER | ADJUDICATOR


def test_nested_routes_are_those_of_readers_and_managers():
    nested = {name for name, arguments in named_routes().items() if "slug" in arguments}
    assert nested == READER | MANAGER | ADJUDICATOR


@pytest.mark.parametrize("name", sorted(SIGNED_IN | READER | MANAGER | ADJUDICATOR))
def test_a_stranger_gets_nowhere_by_any_method(client, world, name):
    url = address(name, world)
    for method in METHODS:
        answer = call(client, method, url)
        if url.startswith("/api/"):
            assert (method, answer.status_code) == (method, 401)
        else:
            assert (method, answer.status_code) == (method, 302)
            assert answer["Location"].startswith("/login/")


@pytest.mark.parametrize("name", sorted(READER | MANAGER | ADJUDICATOR))
def test_outsiders_cannot_tell_the_project_from_one_that_does_not_exist(
    client, world, other_world, django_user_model, name
):
    here = address(name, world)
    world.project.slug = "no-such-project"
    nowhere = address(name, world)
    # Members of another project, and a superuser.
    for outsider in (other_world.reader, other_world.manager, django_user_model.objects.create_superuser("root")):
        client.force_login(outsider)
        for method in METHODS:
            answer = call(client, method, here)
            where = (outsider.username, method)
            assert (*where, answer.status_code in {404, 405}) == (*where, True)
            assert (*where, answer.status_code) == (*where, call(client, method, nowhere).status_code)
            assert b"lumbar" not in answer.content


@pytest.mark.parametrize("name", sorted(MANAGER | ADJUDICATOR))
def test_a_reader_is_refused_what_managers_and_adjudicators_do(client, world, name):
    client.force_login(world.reader)
    for method in ("get", "post"):
        assert call(client, method, address(name, world)).status_code in {403, 405}


@pytest.mark.parametrize("name", sorted((READER | MANAGER) - {"debrief"}))
def test_a_manager_of_the_project_is_not_refused(client, world, name):
    client.force_login(world.manager)
    answer = call(client, "get", address(name, world))
    if name == "api_notes":  # those of one's own readings
        assert answer.json()["error"]["code"] == "not_reader"
        return
    assert answer.status_code in {200, 302, 400, 404, 405}
    if answer.status_code == 404:
        assert {"import_id", "token"} & set(named_routes()[name])


@pytest.mark.parametrize("name", sorted(ADJUDICATOR))
def test_a_manager_does_not_decide_cells(client, world, name):
    client.force_login(world.manager)
    for method in ("get", "post"):
        assert call(client, method, address(name, world)).status_code in {403, 405}


@pytest.mark.parametrize("name", sorted(ADJUDICATOR | {"adjudicate"}))
def test_an_adjudicator_of_the_project_is_not_refused(client, world, name):
    world.project.memberships.filter(user=world.reader).update(role="adjudicator")
    client.force_login(world.reader)
    assert call(client, "get", address(name, world)).status_code in {200, 302, 404, 405}


# Of the debrief there is none before a training case is submitted.
NOT_TO_GET = {"api_draft", "api_submit", "api_skip", "api_summary", "api_reopen"}
NOT_TO_GET |= {"api_heartbeat", "api_give_back", "debrief"}


@pytest.mark.parametrize("name", sorted(READER - NOT_TO_GET))
def test_a_reader_of_the_project_may_read(client, world, name):
    client.force_login(world.reader)
    assert call(client, "get", address(name, world)).status_code in {200, 302}


OF_A_CASE = ["read", "viewer", "api_case", "api_draft", "api_submit", "api_skip", "api_heartbeat", "api_give_back"]


@pytest.mark.parametrize("name", OF_A_CASE)
@pytest.mark.parametrize("method", ["get", "put", "post"])
def test_a_case_of_another_project_is_not_found_under_ones_own(client, world, other_world, name, method):
    client.force_login(world.manager)
    world.cases = other_world.cases
    assert call(client, method, address(name, world)).status_code in {404, 405}


@pytest.mark.parametrize("after", ["-1", "x", "1.", "1.x", "٣", "9" * 30])
def test_a_position_that_is_none_is_refused(client, world, after):
    client.force_login(world.reader)
    assert client.get("/api/projects/lumbar/next", {"after": after}).status_code == 400


def test_somebody_who_was_removed_is_an_outsider_at_once(client, world):
    client.force_login(world.reader)
    world.project.memberships.filter(user=world.reader).delete()
    assert client.get(address("worklist", world)).status_code == 404


def test_somebody_who_was_deactivated_is_signed_out(client, world):
    client.force_login(world.reader)
    world.reader.is_active = False
    world.reader.save()
    assert client.get(address("worklist", world)).status_code == 302


@pytest.mark.parametrize("name", sorted(API))
def test_errors_of_the_api_have_one_shape(client, world, name):
    client.force_login(world.reader)
    for answer in (
        call(client, "delete", address(name, world)),
        call(client, "get", address(name, world).replace("lumbar", "nowhere")),
        client.post(address(name, world), "x" * 10, content_type="text/plain"),
    ):
        if answer.status_code >= 400:
            assert set(answer.json()) == {"error"}
            assert set(answer.json()["error"]) == {"code", "message", "details"}


def test_a_write_without_the_token_is_refused(world, client):
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)
    strict.force_login(world.reader)
    for method, name in [("put", "api_draft"), ("post", "api_skip"), ("put", "api_preferences")]:
        answer = call(strict, method, address(name, world))
        assert answer.status_code == 403
        assert answer.json()["error"]["code"] == "csrf"


@pytest.mark.parametrize("name", ["login", "projects", "worklist", "read", "viewer"])
def test_pages_carry_the_rules_for_browsers(client, world, name):
    if name != "login":
        client.force_login(world.reader)
    answer = client.get(address(name, world))
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    # Pages with images decode in WebAssembly and set sizes on elements; nothing else is let loose.
    allowed = ("'wasm-unsafe-eval'", "style-src-attr 'unsafe-inline'") if name in {"read", "viewer"} else ()
    strict = policy
    for exception in allowed:
        strict = strict.replace(exception, "")
    assert "unsafe" not in strict
    assert "http" not in policy.replace("https://", "http")
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"
    assert "no-store" in answer["Cache-Control"] or "no-cache" in answer["Cache-Control"]
