"""Gold on its pages, in files, from the shell, and as the truth of figures."""

import csv
import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from annotator.core.figure_requests import GOLD, GOLD_ANY, GOLD_ASSISTED, FigureRequest, Kind
from annotator.models import Arm, Evaluation, Exclusion, Gold, Reading, StudyRules
from annotator.selectors.matrices import inputs_of, read_matrix, repeat_matrix
from annotator.selectors.schemas import parsed_schema
from annotator.services.figures import compute
from annotator.services.settling import settle_project
from tests.annotator.test_settling import CELLS, decide, read
from tests.annotator.worlds import NOW, add_case, make_world
from tests.study import make_study

pytestmark = pytest.mark.django_db


@pytest.fixture
def study():
    """Case 1: two blind readers, one cell decided of two that differ. Case 2: assisted. Case 3: nobody."""
    world = make_world("study")
    StudyRules.objects.create(project=world.project, readers_per_case=2)
    body = {"cells": {CELLS[4]: {"evidence": [[29, 40]], "comment": "a clear sentence"}}}
    read(world, "+.0.+.+.", body=body)
    read(world, "0.0.+~+.", reader=world.other_reader)
    for reader in (world.reader, world.other_reader):
        read(world, "+.0.+.+.", reader=reader, case=world.cases[1], arm=Arm.PREFILLED)
    settle_project(world.project, now=NOW)
    decide(world, 0, "?", note="the report hedges")
    settle_project(world.project, now=NOW)
    return world


def got(client, world, name, query=None, **arguments):
    client.force_login(world.manager)
    return client.get(reverse(name, kwargs={"slug": world.project.slug, **arguments}), query or {})


def test_the_page_counts_cells_by_origin_and_leads_to_their_cases(client, study):
    answer = got(client, study, "gold")
    overview = answer.context["overview"]
    assert overview.n_by_state == {"waiting": 0, "in_adjudication": 1, "final": 1, "excluded": 0}
    assert (overview.n_unread, overview.n_old) == (1, 0)
    by_origin = dict(zip("sdmajkux", overview.total.counts, strict=False))
    counts = {code: n for code, _, n in overview.total.by_origin}
    assert by_origin.keys() == set("sdmajkux")
    # Case 1: six cells agreed, one decided, one undecided; case 2: eight assisted.
    assert counts == {"s": 0, "d": 6, "m": 0, "a": 8, "j": 1, "k": 0, "u": 1, "x": 0}
    # Cells 0, 4 and 6 of both cases, cell 0 of case 1 decided to be possible.
    assert overview.total.n_positive == 6
    behind = got(client, study, "gold", {"cell": CELLS[5], "origin": "u"}).context["found"]
    assert [gold.case.key for gold in behind.page.object_list] == [study.cases[0].key]


def test_counts_come_as_a_table(client, study):
    rows = list(csv.DictReader(io.StringIO(got(client, study, "gold_counts").content.decode())))
    assert len(rows) == len(CELLS)
    first = rows[0]
    assert (first["positive"], first["adjudicated_blind"], first["assisted"], first["undecided"]) == (
        "2",
        "1",
        "1",
        "0",
    )


def test_the_story_of_a_case_says_who_said_what_and_what_was_decided(client, study):
    answer = got(client, study, "gold_case", case_id=study.cases[0].pk)
    story = answer.context["story"]
    cells = {cell.key: cell for cell in story.cells}
    decided = cells[CELLS[0]]
    assert (decided.answer.value, decided.origin, decided.n_agreeing, decided.n_voices) == (
        "possible",
        "adjudicated, blind",
        "1",
        "2",
    )
    assert [(voice.name, voice.answer.value) for voice in decided.voices] == [
        (study.reader.username, "present"),
        (study.other_reader.username, "absent"),
    ]
    assert cells[CELLS[5]].answer is None
    assert cells[CELLS[4]].quotes == (study.cases[0].report.text[29:40],)
    assert len(story.quiet) == 4
    page = answer.content.decode()
    assert all(words in page for words in ("the report hedges", "a clear sentence", "reader slip"))


def test_a_case_nobody_read_says_so(client, study):
    assert "No gold yet" in got(client, study, "gold_case", case_id=study.cases[2].pk).content.decode()


def test_states_cells_and_origins_that_are_none_are_not_found(client, study):
    for query in ({"state": "lost"}, {"cell": "no|cell"}, {"origin": "d"}, {"cell": CELLS[0], "origin": "?"}):
        assert got(client, study, "gold", query).status_code == 404


def test_gold_can_be_exported_with_what_is_undecided_left_empty(client, study):
    answer = got(client, study, "export_download", {"what": "gold", "format": "long"})
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert len(rows) == 2 * len(CELLS)
    by_cell = {(row["report_id"], f"{row['target']}|{row['finding']}"): row for row in rows}
    undecided, decided = (by_cell[study.cases[0].key, CELLS[place]] for place in (5, 0))
    assert (undecided["value"], undecided["origin"], undecided["n_voices"]) == ("", "undecided", "2")
    assert (decided["value"], decided["origin"]) == ("possible", "adjudicated_blind")
    assert by_cell[study.cases[0].key, CELLS[4]]["evidence"] == "29-40"
    answer = got(client, study, "export_download", {"what": "gold", "format": "jsonl"})
    first = json.loads(b"".join(answer.streaming_content).decode().splitlines()[0])
    assert first["cells"][5]["value"] is None
    assert first["cells"][4] | {"target": "", "finding": ""} == {
        **{"target": "", "finding": "", "value": "present", "urgency": None, "origin": "double_blind"},
        **{"n_agreeing": 2, "n_voices": 2, "evidence": [[29, 40]]},
    }


def test_a_manager_has_all_settled_again(client, study):
    Gold.objects.update(rules_version=9)
    assert got(client, study, "gold").context["overview"].n_old == 2
    call_command("settle", study.project.slug, verbosity=0)
    assert got(client, study, "gold").context["overview"].n_old == 0


# Figures


def request_for(study, truth, **more):
    return FigureRequest(Kind.LABELER, run=str(study.run.run_id), truth=truth, n_resamples=20, **more)


def matrix_of(study, truth=GOLD, **more):
    request = request_for(study, truth)
    inputs = inputs_of(study.project, request)
    return read_matrix(
        study.project, schema=parsed_schema(study.project.schema), request=request, inputs=inputs, **more
    )


def test_figures_see_the_gold_that_is_stored(study):
    matrix = matrix_of(study, GOLD_ANY)
    values = {gold.case.key: gold.values for gold in Gold.objects.select_related("case")}
    ranks = {"+": 5, "?": 4, "~": 2, ".": 1, "0": 0, "_": -1}
    for place, key in enumerate(matrix.axis.keys):
        assert matrix.gold.chosen.ranks[0, place].tolist() == [ranks[code] for code in values[key]]


def test_blind_gold_counts_and_assisted_gold_stands_apart(study):
    about = matrix_of(study).gold.about()
    assert (about["n_cells"], about["n_apart"], about["n_assisted"], about["n_undecided"]) == (7, 8, 0, 1)


def make_unblind(study):
    """Leave only the case that both readers read with machine labels."""
    Exclusion.objects.create(
        project=study.project, case=study.cases[0], reason="no", excluded_by=study.manager, excluded_at=NOW
    )
    settle_project(study.project, now=NOW)


def test_blind_gold_of_figures_is_what_blind_readers_alone_say(study):
    # Case 3: a blind reader, and one who started from labels and follows the machine; they differ in two cells. Case 2
    # has no blind reader, and in case 1 the rule settles neither cell 0 nor 5, of which cell 0 is decided.
    read(study, "..0.0.+.", case=study.cases[2])
    read(study, "+.0.+.+.", case=study.cases[2], reader=study.other_reader, arm=Arm.PREFILLED)
    settle_project(study.project, now=NOW)
    matrix = matrix_of(study)
    place = matrix.axis.keys.index(study.cases[2].key)
    ranks = {"+": 5, ".": 1, "0": 0}
    assert matrix.gold.chosen.ranks[0, place].tolist() == [ranks[code] for code in "..0.0.+."]
    about = matrix.gold.about()
    # Blind: 7 of case 1, 8 of case 3. Of these two are disputed among all voices. Case 2 has none.
    assert (about["n_blind"], about["n_blind_only"], about["n_differs"], about["n_lacking"]) == (15, 2, 0, 8)
    for cell in (0, 4):
        decide(study, cell, "+", case=study.cases[2])
    about = matrix_of(study).gold.about()
    assert (about["n_blind"], about["n_blind_only"], about["n_differs"], about["n_apart"]) == (15, 0, 2, 10)


def test_where_there_is_no_blind_gold_the_page_shows_assisted_gold_by_its_name_and_says_so(client, study):
    make_unblind(study)
    answer = computed(client, study, "dashboard")
    assert answer.context["asked"].truth == GOLD_ASSISTED
    assert "no cell has gold of blind origin" in answer.content.decode()
    assert (answer.context["tables"].micro.n, answer.context["apart"]) == (8, None)


def test_blind_gold_that_is_not_there_is_never_replaced(client, study):
    make_unblind(study)
    got(client, study, "dashboard", {"truth": GOLD})
    evaluation = compute(Evaluation.objects.get().pk)
    assert (evaluation.state, "blind origin" in evaluation.reason) == (Evaluation.State.FAILED, True)


def test_a_reader_with_labels_is_judged_by_blind_gold_as_it_is(study):
    read(study, "..0.0.+.", case=study.cases[2])
    read(study, "+.0.+.+.", case=study.cases[2], reader=study.other_reader, arm=Arm.PREFILLED)
    settle_project(study.project, now=NOW)
    matrix = matrix_of(study)
    place = matrix.axis.keys.index(study.cases[2].key)
    theirs = matrix.gold.without[study.other_reader.username]
    assert theirs.ranks[0, place].tolist() == matrix.gold.chosen.ranks[0, place].tolist()
    assert not matrix.gold.without[study.reader.username].known[0, place].any()


def test_a_reader_is_judged_by_gold_without_their_own_voice(study):
    # Of case 1 without the first reader: the second reader alone, but where somebody decided.
    without = matrix_of(study).gold.without[study.reader.username]
    place = matrix_of(study).axis.keys.index(study.cases[0].key)
    ranks = {"+": 5, "?": 4, "~": 2, ".": 1, "0": 0}
    assert without.ranks[0, place].tolist() == [ranks[code] for code in "?.0.+~+."]


def test_gold_of_some_cells_is_that_of_all(study):
    schema = parsed_schema(study.project.schema)
    some = matrix_of(study, cells=[schema.cells[5], schema.cells[0]]).gold.chosen
    whole = matrix_of(study).gold.chosen
    assert some.ranks.tolist() == whole.ranks[:, :, [0, 5]].tolist()


def test_figures_of_then_are_made_of_the_gold_of_then(study):
    request = request_for(study, GOLD_ANY)
    before = inputs_of(study.project, request)
    decide(study, 5, "+")
    Exclusion.objects.create(
        project=study.project, case=study.cases[1], reason="no", excluded_by=study.manager, excluded_at=NOW
    )
    settle_project(study.project, now=NOW)
    schema = parsed_schema(study.project.schema)
    then, now = (
        read_matrix(study.project, schema=schema, request=request, inputs=inputs).gold.about()
        for inputs in (before, inputs_of(study.project, request))
    )
    assert (then["n_cells"], then["n_undecided"]) == (15, 1)
    assert (now["n_cells"], now["n_undecided"]) == (8, 0)


def test_excluded_cases_and_readings_made_to_train_leave_all_figures(study):
    case = add_case(study.project, 4)
    StudyRules.objects.update_or_create(project=study.project, defaults={"is_training": True})
    read(study, "+.0.+.+.", case=case, arm=Arm.SEEDED)
    Exclusion.objects.create(
        project=study.project, case=study.cases[1], reason="no", excluded_by=study.manager, excluded_at=NOW
    )
    request = FigureRequest(Kind.READERS)
    inputs, schema = inputs_of(study.project, request), parsed_schema(study.project.schema)
    matrix = read_matrix(study.project, schema=schema, request=request, inputs=inputs)
    assert matrix.axis.keys == (study.cases[0].key,)


def test_what_came_back_to_a_reader_is_laid_beside_what_they_said_first(study):
    read(study, "+.0.+.++", round=2)
    read(study, "+.0.+.++", round=2, reader=study.other_reader, arm=Arm.PREFILLED)  # the first time blind: left out
    request = FigureRequest(Kind.READERS)
    inputs, schema = inputs_of(study.project, request), parsed_schema(study.project.schema)
    matrix = read_matrix(study.project, schema=schema, request=request, inputs=inputs)
    first, again = repeat_matrix(study.project, schema=schema, axis=matrix.axis, inputs=inputs)
    assert (first.raters, again.raters, first.case_ids) == ((study.reader.username,),) * 2 + ((study.cases[0].key,),)
    assert (first.ranks != again.ranks).sum() == 1


def computed(client, study, name, **query):
    got(client, study, name, query)
    for evaluation in Evaluation.objects.filter(state=Evaluation.State.QUEUED):
        assert compute(evaluation.pk).state == Evaluation.State.DONE
    return got(client, study, name, query)


def test_gold_is_the_truth_where_there_is_any_and_the_page_shows_assisted_gold_apart(client, study):
    answer = computed(client, study, "dashboard")
    assert answer.context["asked"].truth == GOLD
    page = answer.content.decode()
    assert "Against assisted gold" in page
    assert answer.context["tables"].micro.n == 7
    # The run says +.0.+.+. of case 2, as both assisted readers do: three cells are positive.
    apart = answer.context["apart"]["tables"].micro
    assert (apart.n, apart.n_positive, apart.missed, apart.invented) == (8, 3, 0, 0)
    chosen = {choice.value for choice in answer.context["choices"].truths if choice.is_chosen}
    assert chosen == {GOLD}


def test_what_most_readers_say_can_still_be_asked_for(client, study):
    answer = computed(client, study, "dashboard", truth="")
    assert answer.context["asked"].truth == ""
    assert "truth=" in answer.context["carried"]
    assert answer.context["apart"] is None


@pytest.mark.parametrize("name", ["dashboard_scores", "dashboard_urgency", "dashboard_gold", "dashboard_report"])
def test_the_other_pages_take_gold_too(client, study, name):
    assert computed(client, study, name).status_code == 200


def test_cases_behind_a_figure_against_gold_are_those_it_counts(client, study):
    computed(client, study, "dashboard")
    query = {"run": str(study.run.run_id), "truth": GOLD, "row": "micro", "kind": "agreed-positive"}
    page = got(client, study, "dashboard_cases", query).context["page"]
    # Cells 0, 4 and 6 of case 1, which the run and blind gold both call positive.
    assert (page.found.n_cells, [case.key for case in page.found.rows]) == (3, [study.cases[0].key])


def test_readers_with_themselves_stand_on_the_page_of_readers(client):
    study = make_study("back", n_cases=6)
    first = Reading.objects.filter(reader=study.readers[0], arm=Arm.BLANK)
    for reading in first:
        reading.pk, reading.round, reading.submission_id = None, 2, reading.submission_id.__class__(int=reading.case_id)
        reading.save(force_insert=True)
    answer = computed(client, study, "dashboard_readers")
    repeats = answer.context["repeats"]
    assert [(line.first, line.second, line.percent.text) for line in repeats] == [
        (study.readers[0].username, study.readers[0].username, "1.000")
    ]
    assert "Each reader with themselves" in answer.content.decode()


def test_the_shell_takes_gold_as_the_truth(study, capsys):
    call_command("evaluate", study.project.slug, truth="gold", json="-")
    assert json.loads(capsys.readouterr().out)["request"]["truth"] == GOLD
    study.reader.username = "gold"
    study.reader.save()
    with pytest.raises(CommandError, match="also a reader"):
        call_command("evaluate", study.project.slug, truth="gold")
