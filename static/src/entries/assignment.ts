/** The picture of a plan of assignment. */

import "../styles/run-new.css";
import "../styles/dashboard.css";
import "../styles/dashboard-tables.css";
import "../styles/assignment.css";
import { showPlot } from "../figures/frame";
import { heat, type Square } from "../figures/heat";
import { linesOf, loadBars, type Load } from "../figures/loads";
import { embeddedJson } from "../lib/dom";
import { bindSorting } from "../lib/sortTable";

interface Pair {
  readonly row: string;
  readonly column: string;
  readonly n: number | null;
}

interface Picture {
  readonly pairs: readonly Pair[];
  readonly loads: readonly Load[];
}

function squaresOf(pairs: readonly Pair[]): readonly Square[] {
  const most = Math.max(1, ...pairs.map((pair) => pair.n ?? 0));
  return pairs.map(({ row, column, n }) => ({
    row,
    column,
    value: n === null ? null : n / most,
    low: null,
    high: null,
    n_cases: n ?? 0,
    n_units: null,
    text: n === null ? "" : n.toLocaleString("en"),
    said: n === null ? row : `${row} and ${column} share ${n.toLocaleString("en")} cases`,
    href: null,
    is_alone: n === null,
  }));
}

if (document.getElementById("plots-data")) {
  const { pairs, loads } = embeddedJson<Picture>("plots-data");
  for (const figure of document.querySelectorAll<HTMLElement>("figure[data-plot]")) {
    const label = figure.querySelector("figcaption")?.textContent?.trim() ?? "";
    if (figure.dataset["plot"] === "loads") {
      showPlot(figure, { draw: (width) => loadBars(loads, { width, label }), lines: () => linesOf(loads) });
    } else {
      const squares = squaresOf(pairs);
      const lines = pairs.filter((pair) => pair.n !== null).map(({ row, column, n }) => ({ row, column, cases: n }));
      showPlot(figure, { draw: (width) => heat(squares, { width, label, name: "pairs" }), lines: () => lines });
    }
  }
  const preview = document.getElementById("preview");
  preview?.scrollIntoView();
  preview?.focus({ preventScroll: true });
}
for (const table of document.querySelectorAll<HTMLTableElement>("table[data-sortable]")) bindSorting(table);
