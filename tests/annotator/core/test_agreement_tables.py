"""Agreement in words: what is asked, why a figure is undefined, and all of it as CSV. Records are made by hand."""

import pytest

from annotator.core.agreement_tables import (
    COEFFICIENTS,
    By,
    PairFigure,
    View,
    agreement_csv,
    cells_of,
    findings_of,
    lines,
    pair_lines,
    sentence,
)
from annotator.core.figure_requests import RequestError
from annotator.core.figure_tables import csv_lines


def view_of(query):
    return View.of(query, stages=("presence", "certainty", "urgency"), findings=["focal"])


def agreed(name="overall", *, scope="overall", stage="presence", value=0.5, low=0.25, high=0.75, n=40):
    """The records of one scope and stage, all with the same figures."""
    return [
        {
            "scope": scope,
            "name": name,
            "stage": stage,
            "coefficient": coefficient,
            "value": value,
            "low": low,
            "high": high,
            "n_cases": n // 4,
            "n_units": n,
            "n_pairs": n,
            "n_positive": None if stage == "urgency" else 7,
        }
        for coefficient in COEFFICIENTS[stage]
    ]


def pair(*, stage="presence", kappa=(0.5, 0.25, 0.75), n=40, scope="overall", name="overall"):
    return {
        "first": "anna",
        "second": "=bert",
        "scope": scope,
        "name": name,
        "stage": stage,
        **dict(zip(("cohen_kappa", "cohen_kappa_low", "cohen_kappa_high"), kappa, strict=True)),
        **dict.fromkeys(("percent_agreement", "percent_agreement_low", "percent_agreement_high"), 0.75),
        "n_cases": n // 4,
        "n_units": n,
    }


def test_an_address_without_words_asks_for_presence_by_finding_and_kappa_of_all_findings():
    assert view_of({}) == View(By.FINDING, "presence", "krippendorff_alpha", "", PairFigure.KAPPA)
    assert view_of({"stage": "urgency"}).coefficient == "krippendorff_alpha_ordinal"
    asked = {"by": "cell", "stage": "certainty", "coefficient": "gwet_ac1", "finding": "focal"}
    assert view_of(asked) == View(By.CELL, "certainty", "gwet_ac1", "focal")


@pytest.mark.parametrize(
    "query",
    [
        {"by": "reader"},
        {"stage": "size"},
        {"figure": "fleiss"},
        {"finding": "diffuse"},
        {"coefficient": "gwet_ac2"},
        {"stage": "urgency", "coefficient": "fleiss_kappa"},
    ],
)
def test_words_that_the_figures_do_not_hold_are_refused(query):
    with pytest.raises(RequestError):
        view_of(query)


def test_a_schema_without_urgency_has_no_such_stage():
    with pytest.raises(RequestError):
        View.of({"stage": "urgency"}, stages=("presence", "certainty"), findings=[])


def test_lines_are_of_one_scope_and_stage_in_the_order_of_the_schema():
    result = {
        "agreed": [
            *agreed("focal", scope="finding"),
            *agreed("diffuse", scope="finding", value=-0.125, low=-0.5),
            *agreed("focal", scope="finding", stage="certainty", n=8),
            *agreed("liver", scope="target"),
        ]
    }
    found = lines(result, scope="finding", stage="presence")
    assert [(line.name, line.row) for line in found] == [("focal", "finding focal"), ("diffuse", "finding diffuse")]
    assert (found[0].n_units, found[0].n_cases, found[0].n_positive) == (40, 10, 7)
    assert [sentence(figure) for figure in found[1].figures] == ["−0.125 (−0.500 to 0.750)"] * 4
    assert findings_of(result) == ["focal", "diffuse"]
    assert cells_of(result)["liver diffuse"] == ("liver", "diffuse")


@pytest.mark.parametrize(
    ("n", "stage", "why"),
    [
        (0, "presence", "no case was judged by two readers here"),
        (0, "certainty", "nowhere did two readers call it positive"),
        (0, "urgency", "nowhere did two readers give an urgency"),
        (40, "presence", "everybody gave one and the same answer, so that chance alone would explain it"),
    ],
)
def test_an_undefined_figure_is_a_dash_with_a_reason_never_0(n, stage, why):
    result = {"agreed": agreed(stage=stage, value=None, low=None, high=None, n=n)}
    figure = lines(result, scope="overall", stage=stage)[0].figures[-1]
    assert (figure.text, figure.key, figure.why) == ("–", "", why)
    assert sentence(figure) == f"undefined, {why}"


def test_a_figure_whose_resamples_are_undefined_stands_without_interval():
    figure = lines({"agreed": agreed(low=None, high=None)}, scope="overall", stage="presence")[0].figures[0]
    assert (figure.text, figure.interval, sentence(figure)) == ("0.500", "", "0.500 (no interval)")


def test_readers_who_share_no_case_are_shown_as_undefined():
    nothing = pair(kappa=(None, None, None), n=0) | dict.fromkeys(
        ("percent_agreement", "percent_agreement_low", "percent_agreement_high")
    )
    found = pair_lines({"pairs": [nothing, pair(stage="urgency")]}, stage="presence")
    assert [(line.first, line.second, line.n_units) for line in found] == [("anna", "=bert", 0)]
    assert {found[0].kappa.why, found[0].percent.why} == {"they judged no case in common"}
    assert found[0].figure(PairFigure.KAPPA).text == "–"


def test_csv_has_every_coefficient_and_both_figures_of_two_readers():
    result = {"agreed": agreed(stage="urgency", value=None), "pairs": [pair(stage="urgency"), pair(n=0)]}
    written = "".join(agreement_csv(result)).splitlines()
    assert written[0] == (
        "scope,name,stage,coefficient,reader,other_reader,value,low,high,n_cases,n_units,n_pairs,n_positive"
    )
    assert written[1] == "overall,overall,urgency,percent_agreement,,,,0.25,0.75,10,40,40,"
    assert len(written) == 1 + 3 + 4
    # The name of a reader cannot run in a spreadsheet.
    assert written[4] == "overall,overall,urgency,cohen_kappa_quadratic,anna,'=bert,0.5,0.25,0.75,10,40,,"
    assert written[5] == "overall,overall,urgency,percent_agreement,anna,'=bert,0.75,0.75,0.75,10,40,,"
    assert written[6].startswith("overall,overall,presence,cohen_kappa,anna,")
    assert list(csv_lines(result)) == list(agreement_csv(result))
