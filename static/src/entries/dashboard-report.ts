/** Plots of the report, and its ways onto paper and into a file. */

import "../styles/compare.css";
import "../styles/dashboard-tables.css";
import "../styles/dashboard-readers.css";
import "../styles/dashboard-report.css";
import * as bars from "../figures/bars";
import { domainOf, grouped, linesOf, whiskerOf } from "../figures/cells";
import { save, showPlot } from "../figures/frame";
import { humanPlot, humanRows } from "../figures/humans";
import { inLight, pageOf } from "../figures/report";
import type { Result } from "../figures/types";
import { whiskers } from "../figures/whiskers";
import { embeddedJson } from "../lib/dom";

const SHOWN = { metric: "f1", scope: "cell", order: "schema" } as const;
const LABEL = "F1";

function showCells(figure: HTMLElement, { rows, counts }: Result): void {
  const found = grouped({ rows, places: counts }, SHOWN);
  const shown = found.map(([name, members]) => [name, members.map((each) => whiskerOf(each, { order: SHOWN.order, href: "" }))] as const);
  const domain = domainOf(found.flatMap(([, members]) => members.map(({ row }) => row)));
  showPlot(figure, { draw: (width) => whiskers(shown, { width, label: LABEL, domain }), lines: () => linesOf(found) });
}

function showHumans(figure: HTMLElement, { rows, about }: Result): void {
  const found = humanRows(rows, { metric: SHOWN.metric, readers: Object.keys(about.n_by_reader) });
  showPlot(figure, { draw: (width) => humanPlot(found, { width, label: LABEL }), lines: () => found.map(({ row }) => ({ ...row })) });
}

function showBars(figure: HTMLElement, parts: readonly bars.Part[]): void {
  const label = figure.querySelector("figcaption")?.textContent?.trim() ?? "";
  showPlot(figure, { draw: (width) => bars.bars(parts, { width, label }), lines: () => bars.linesOf(parts) });
}

const report = document.getElementById("report");
if (report) {
  const result = embeddedJson<Result>("figures-data");
  for (const figure of report.querySelectorAll<HTMLElement>("figure[data-plot]")) {
    if (figure.dataset["plot"] === "cells") showCells(figure, result);
    else if (figure.dataset["plot"] === "humans") showHumans(figure, result);
    else showBars(figure, embeddedJson<{ bars: readonly bars.Part[] }>("plots-data").bars);
  }
  for (const button of document.querySelectorAll<HTMLButtonElement>("button[data-report]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      if (button.dataset["report"] === "print") window.print();
      else save(`${report.dataset["name"] ?? "evaluation"}.html`, pageOf(report), "text/html");
    });
  }
  let back = (): void => {};
  window.addEventListener("beforeprint", () => (back = inLight()));
  window.addEventListener("afterprint", () => back());
}
