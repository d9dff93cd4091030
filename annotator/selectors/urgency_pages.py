"""The page about urgency: who gives which level, and how a run orders them beside the readers."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from django.http import Http404
from django.urls import reverse

from annotator.core.agreement_tables import By, sentence
from annotator.core.figure_requests import RequestError
from annotator.core.urgency_tables import (
    METRICS,
    OrderLine,
    RaterShares,
    order_lines,
    pooled_lines,
    rater_shares,
    view_of,
)
from annotator.models import Project
from annotator.selectors.schemas import parsed_schema
from annotator.selectors.view_links import Address
from annotator.services.figures import Figures


def urgency_levels(project: Project) -> tuple[str, ...]:
    """Words of the levels, lowest first; none when the schema asks for no urgency."""
    attribute = parsed_schema(project.schema).urgency
    return attribute.levels if attribute else ()


def urgency_page(project: Project, figures: Figures, query: Mapping[str, str]) -> dict[str, Any]:
    """What the page shows of stored figures. 404 for an address that asks for what they do not hold."""
    if figures.done is None or figures.done.result is None:
        raise ValueError("there are no figures to show")
    result, levels = figures.done.result, urgency_levels(project)
    try:
        by, metric = view_of(query)
    except RequestError as error:
        raise Http404("no such part of the figures") from error
    address = Address(query, "order")
    raters, lines = rater_shares(result, levels), order_lines(result, by)
    page, pooled = reverse("dashboard_cases", args=[project.slug]), pooled_lines(result)
    asked = {name: getattr(figures.request, name) for name in ("run", "truth", "origin", "level")}
    asked |= {"kind": "agreed-positive", "figures": figures.done.pk}
    hrefs = {line.row: f"{page}?{urlencode(asked | {'row': line.row})}" for line in (*pooled, *lines)}
    return {
        "levels": levels,
        "raters": raters,
        "by": by,
        "metric_words": METRICS[metric],
        "links": {
            "by": address.links("by", {each: f"by {each}" for each in By}, chosen=by),
            "metric": address.links("metric", METRICS, chosen=metric),
        },
        "kept": {name: query[name] for name in ("by", "metric") if name in query},
        "heads": list(METRICS.values()),
        "pooled": [{"line": line, "href": hrefs[line.row]} for line in pooled],
        "table": [{"line": line, "href": hrefs[line.row]} for line in lines],
        "plots": {"bars": _bars(raters), "dots": _dots([*pooled, *lines], metric, hrefs)},
    }


def _bars(raters: Iterable[RaterShares]) -> list[dict[str, Any]]:
    return [
        {
            "rater": f"{rater.rater} (n = {rater.n:,})",
            "level": share.level,
            "words": share.words,
            "count": share.count,
            "percent": share.percent,
            "n": rater.n,
        }
        for rater in raters
        for share in rater.shares
    ]


def _dots(lines: Iterable[OrderLine], metric: str, hrefs: Mapping[str, str]) -> list[dict[str, Any]]:
    index = list(METRICS).index(metric)
    return [
        {
            "row": line.name,
            "metric": METRICS[metric],
            **{end: line.records[index][end] for end in ("value", "low", "high", "n")},
            "said": f"{line.name}: {sentence(line.figures[index])}" + ("" if line.n is None else f", n = {line.n:,}"),
            "why": line.figures[index].why,
            "href": hrefs[line.row],
        }
        for line in lines
    ]
