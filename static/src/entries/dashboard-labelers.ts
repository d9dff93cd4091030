/** Plots and tables of a labeler against the readers. */

import "../styles/dashboard-tables.css";
import { METRICS, ORDERS, SCOPES, domainOf, grouped, linesOf, whiskerOf } from "../figures/cells";
import { addChoice } from "../figures/choosing";
import { showPlot } from "../figures/frame";
import { humanPlot, humanRows } from "../figures/humans";
import type { Result } from "../figures/types";
import { whiskers } from "../figures/whiskers";
import { embeddedJson } from "../lib/dom";
import { bindFilter } from "../lib/filterTable";
import { bindSorting } from "../lib/sortTable";

const COVERAGE = "coverage";

function showCells(figure: HTMLElement, { rows, counts }: Result): void {
  const caption = figure.querySelector("figcaption");
  if (!caption) return;
  const scopes = Object.entries(SCOPES).filter(([scope]) => counts.filter((place) => place.scope === scope).length > 1);
  const metric = addChoice(caption, { label: "Figure", options: METRICS, chosen: () => redraw() });
  const scope = addChoice(caption, { label: "of", options: Object.fromEntries(scopes.length > 0 ? scopes : [["cell", "cells"]]), chosen: () => redraw() });
  const order = addChoice(caption, { label: "Order", options: ORDERS, chosen: () => redraw() });
  const wanted = () => ({ metric: metric.value, scope: scope.value, order: order.value });
  const found = () => grouped({ rows, places: counts }, wanted());
  const redraw = showPlot(figure, {
    draw: (width) => {
      const groups = found();
      const shown = groups.map(([name, members]) => [name, members.map((each) => whiskerOf(each, { order: order.value, href: casesOf(figure, each.place.row) }))] as const);
      const domain = domainOf(groups.flatMap(([, members]) => members.map(({ row }) => row)));
      return whiskers(shown, { width, label: METRICS[metric.value] ?? "", domain });
    },
    lines: () => linesOf(found()),
  });
}

/** The cases in which the labeler is wrong. */
function casesOf(figure: HTMLElement, row: string): string {
  return `${figure.dataset["cases"]}&${new URLSearchParams({ row, kind: "differ" }).toString()}`;
}

function showHumans(figure: HTMLElement, { rows, about }: Result): void {
  const caption = figure.querySelector("figcaption");
  if (!caption) return;
  const { [COVERAGE]: _, ...metrics } = METRICS;
  const bodies = document.querySelectorAll<HTMLElement>("#humans tbody[data-metric]");
  const metric = addChoice(caption, { label: "Figure", options: metrics, chosen: () => show() });
  const found = () => humanRows(rows, { metric: metric.value, readers: Object.keys(about.n_by_reader) });
  const redraw = showPlot(figure, {
    draw: (width) => humanPlot(found(), { width, label: METRICS[metric.value] ?? "" }),
    lines: () => found().map(({ row }) => ({ ...row })),
  });
  const show = (): void => {
    for (const body of bodies) body.hidden = body.dataset["metric"] !== metric.value;
    redraw();
  };
  show();
}

if (document.getElementById("figures-data")) {
  const result = embeddedJson<Result>("figures-data");
  for (const figure of document.querySelectorAll<HTMLElement>("figure[data-plot='cells']")) showCells(figure, result);
  for (const figure of document.querySelectorAll<HTMLElement>("figure[data-plot='humans']")) showHumans(figure, result);
  for (const table of document.querySelectorAll<HTMLTableElement>("table[data-sortable]")) bindSorting(table);
  for (const input of document.querySelectorAll<HTMLInputElement>("input[data-filters]")) bindFilter(input);
}
