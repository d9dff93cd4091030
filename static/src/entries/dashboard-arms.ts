/** Plots and tables of what pre-filling does, and of planted errors. */

import "../styles/compare.css";
import "../styles/dashboard-tables.css";
import "../styles/dashboard-readers.css";
import "../styles/dashboard-arms.css";
import { effectGroups, effectLines, spreadLines, spreadPlot, type Effect, type Spread } from "../figures/arms";
import { evenDomain } from "../figures/differences";
import { showPlot } from "../figures/frame";
import { whiskers } from "../figures/whiskers";
import { embeddedJson } from "../lib/dom";
import { bindSorting } from "../lib/sortTable";

interface Plots {
  readonly effects: readonly Effect[];
  readonly times: readonly Spread[];
}

function labelOf(figure: HTMLElement): string {
  return figure.querySelector("figcaption strong")?.textContent?.trim().replace(/\s+/g, " ") ?? "";
}

if (document.getElementById("plots-data")) {
  const { effects, times } = embeddedJson<Plots>("plots-data");
  for (const figure of document.querySelectorAll<HTMLElement>("figure[data-plot='effects']")) {
    const label = labelOf(figure);
    const look = { label, domain: evenDomain(effects), zero: 0 };
    showPlot(figure, { draw: (width) => whiskers(effectGroups(effects), { width, ...look }), lines: () => effectLines(effects) });
  }
  for (const figure of document.querySelectorAll<HTMLElement>("figure[data-plot='times']")) {
    const words = figure.dataset["words"] ?? "";
    showPlot(figure, { draw: (width) => spreadPlot(times, { width, label: labelOf(figure), words }), lines: () => spreadLines(times) });
  }
}
for (const table of document.querySelectorAll<HTMLTableElement>("table[data-sortable]")) bindSorting(table);
