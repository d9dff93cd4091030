/** Plots and tables of the agreement of readers. */

import "../styles/compare.css";
import "../styles/dashboard-tables.css";
import "../styles/dashboard-readers.css";
import * as coefficients from "../figures/coefficients";
import { showPlot } from "../figures/frame";
import * as heat from "../figures/heat";
import { embeddedJson } from "../lib/dom";
import { bindSorting } from "../lib/sortTable";

interface Plots {
  readonly dots: readonly coefficients.Point[] | null;
  readonly cells: readonly heat.Square[] | null;
  readonly matrix: readonly heat.Square[];
  readonly pairs: readonly heat.Square[];
}

if (document.getElementById("plots-data")) {
  const plots = embeddedJson<Plots>("plots-data");
  for (const figure of document.querySelectorAll<HTMLElement>("figure[data-plot]")) {
    const plot = figure.dataset["plot"] as keyof Plots;
    const label = figure.querySelector("figcaption")?.textContent?.trim().replace(/\s+/g, " ") ?? plot;
    if (plot === "dots") {
      const points = plots.dots ?? [];
      showPlot(figure, { draw: (width) => coefficients.coefficients(points, { width, label }), lines: () => coefficients.linesOf(points) });
    } else {
      const squares = plots[plot] ?? [];
      showPlot(figure, { draw: (width) => heat.heat(squares, { width, label, name: plot }), lines: () => heat.linesOf(squares) });
    }
  }
  for (const table of document.querySelectorAll<HTMLTableElement>("table[data-sortable]")) bindSorting(table);
}
