/** How the gold set has settled the figures (`figure[data-plot]`). */

import "../styles/dashboard-scores.css";
import { showPlot } from "../figures/frame";
import { halfWidth, linesOfLearning, value, type Learning } from "../figures/learning";
import { embeddedJson } from "../lib/dom";

const DRAWN = { value, "half-width": halfWidth } as const;

if (document.getElementById("figures-data")) {
  const learning = embeddedJson<Learning>("figures-data");
  for (const figure of document.querySelectorAll<HTMLElement>("figure[data-plot]")) {
    const draw = DRAWN[figure.dataset["plot"] as keyof typeof DRAWN];
    showPlot(figure, { draw: (width) => draw(learning, width), lines: () => linesOfLearning(learning) });
  }
}
