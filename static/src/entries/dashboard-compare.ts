/** The plot and the table of two labelers against the readers. */

import "../styles/dashboard-tables.css";
import { addChoice } from "../figures/choosing";
import { ORDERS, differences, evenDomain, linesOf, whiskerOf } from "../figures/differences";
import { showPlot } from "../figures/frame";
import type { Compared, Place } from "../figures/types";
import { whiskers } from "../figures/whiskers";
import { embeddedJson } from "../lib/dom";
import { bindFilter } from "../lib/filterTable";
import { bindSorting } from "../lib/sortTable";

interface Drawn {
  readonly compared: readonly Compared[];
  readonly counts: readonly Place[];
}

function showDifferences(figure: HTMLElement, { compared, counts }: Drawn): void {
  const caption = figure.querySelector("figcaption");
  if (!caption) return;
  const { metric = "f1", words = "F1", cases = "" } = figure.dataset;
  const order = addChoice(caption, { label: "Order", options: ORDERS, chosen: () => redraw() });
  const found = () => differences({ rows: compared, places: counts }, { metric, order: order.value });
  const redraw = showPlot(figure, {
    draw: (width) => {
      const groups = found();
      const shown = groups.map(([name, members]) => [name, members.map((each) => whiskerOf(each, { order: order.value, cases }))] as const);
      const domain = evenDomain(groups.flatMap(([, members]) => members.map(({ row }) => row)));
      return whiskers(shown, { width, label: `${words} of A less ${words} of B`, domain, zero: 0 });
    },
    lines: () => linesOf(found()),
  });
}

if (document.getElementById("figures-data")) {
  const result = embeddedJson<Drawn>("figures-data");
  for (const figure of document.querySelectorAll<HTMLElement>("figure[data-plot='differences']")) showDifferences(figure, result);
  for (const table of document.querySelectorAll<HTMLTableElement>("table[data-sortable]")) bindSorting(table);
  for (const input of document.querySelectorAll<HTMLInputElement>("input[data-filters]")) bindFilter(input);
}
