/** Plots and tables of urgencies. */

import "../styles/compare.css";
import "../styles/dashboard-tables.css";
import "../styles/dashboard-readers.css";
import * as bars from "../figures/bars";
import * as coefficients from "../figures/coefficients";
import { showPlot } from "../figures/frame";
import { whiskers } from "../figures/whiskers";
import { embeddedJson } from "../lib/dom";
import { bindSorting } from "../lib/sortTable";

interface Plots {
  readonly bars: readonly bars.Part[];
  readonly dots: readonly (coefficients.Point & { readonly why: string; readonly href: string })[];
}

if (document.getElementById("plots-data")) {
  const { bars: parts, dots: points } = embeddedJson<Plots>("plots-data");
  for (const figure of document.querySelectorAll<HTMLElement>("figure[data-plot]")) {
    const label = figure.querySelector("figcaption")?.textContent?.trim().replace(/\s+/g, " ") ?? "";
    if (figure.dataset["plot"] === "bars") {
      showPlot(figure, { draw: (width) => bars.bars(parts, { width, label }), lines: () => bars.linesOf(parts) });
    } else {
      const named = points.map((point) => ({ ...point, name: point.row, title: point.said, isHollow: false }));
      const look = { label: figure.dataset["label"] ?? label, domain: coefficients.domainOf(points), zero: 0 };
      showPlot(figure, { draw: (width) => whiskers([["", named]], { ...look, width }), lines: () => coefficients.linesOf(points) });
    }
  }
  for (const table of document.querySelectorAll<HTMLTableElement>("table[data-sortable]")) bindSorting(table);
}
