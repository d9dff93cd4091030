/** Curves of one cell (`figure[data-plot]`), and the threshold to pick. */

import "../styles/dashboard-scores.css";
import { showPlot } from "../figures/frame";
import { byThreshold, legend, pointLines, reliability, roc } from "../figures/scorePlots";
import { linesOf, operatingPoints, type Condition } from "../figures/scores";
import { pickThreshold } from "../figures/thresholdPicker";
import { embeddedJson } from "../lib/dom";

const form = document.querySelector<HTMLFormElement>(".threshold-form");

if (form) {
  const condition = embeddedJson<Condition>("figures-data");
  const points = operatingPoints(condition);
  const redraws: (() => void)[] = [];
  const picker = pickThreshold(form, condition, points, () => redraws.forEach((redraw) => redraw()));
  for (const figure of document.querySelectorAll<HTMLElement>("figure[data-plot]")) {
    switch (figure.dataset["plot"]) {
      case "roc":
        redraws.push(showPlot(figure, { draw: (width) => roc(condition, { width, at: picker.at() }), lines: () => linesOf(condition.roc) }));
        break;
      case "thresholds":
        redraws.push(showPlot(figure, { draw: (width) => byThreshold(condition, points, { width, at: picker.at() }), lines: () => pointLines(points) }));
        figure.querySelector("figcaption")?.append(legend());
        break;
      case "reliability":
        showPlot(figure, { draw: (width) => reliability(condition, { width }), lines: () => linesOf(condition.reliability) });
    }
  }
}
