/** Plots of the scores of one cell. Lines differ in dashes and marks in shape, so that nothing is told by colour alone. */

import { axisX, axisY, dot, gridX, gridY, line, plot, ruleX, ruleY, text, type Markish } from "@observablehq/plot";
import { cleaned } from "./frame";
import { AT_THRESHOLD, FIGURE_WORDS, linesOf, shown, thresholdWords, withInterval, type Condition, type OperatingPoint } from "./scores";
import type { Line } from "./types";

const MOST_SIDE = 430;
const UNIT: [number, number] = [0, 1];
/** The one place of colours and dashes of the figures by threshold. */
const LINES = [
  { figure: "recall", colour: "var(--accent)", dash: "none" },
  { figure: "specificity", colour: "var(--good)", dash: "7 3" },
  { figure: "precision", colour: "var(--ambiguous)", dash: "2 3" },
  { figure: "f1", colour: "var(--ink)", dash: "9 3 2 3" },
] as const;

export interface Place {
  readonly width: number;
  readonly at: OperatingPoint;
}

export function roc(condition: Condition, { width, at }: Place): Element {
  const side = Math.min(width, MOST_SIDE);
  const points = linesOf(condition.roc).map((each) => ({
    x: Number(each["false_positive_rate"]),
    y: Number(each["true_positive_rate"]),
    threshold: Number(each["threshold"]),
  }));
  const equal = points.filter((each) => each.threshold === condition.figures["threshold"]?.value);
  const here = at.specificity === null || at.recall === null ? [] : [{ x: 1 - at.specificity, y: at.recall }];
  const auroc = withInterval(condition.figures["auroc"]);
  return plot({
    ...square(side),
    x: { domain: UNIT, label: "false positive rate (1 − specificity)" },
    y: { domain: UNIT, label: "recall" },
    ariaLabel: `ROC curve of ${condition.name}`,
    ariaDescription: `Area under the curve ${auroc}.`,
    marks: [
      ...frame(),
      line([{ x: 0, y: 0 }, { x: 1, y: 1 }], { x: "x", y: "y", stroke: "var(--line-strong)", strokeDasharray: "4 4" }),
      line(points, { x: "x", y: "y", stroke: "var(--accent)", strokeWidth: 2 }),
      dot(points, { x: "x", y: "y", r: 6, fill: "transparent", title: (each: Line) => thresholdWords(Number(each["threshold"]), condition.scale) }),
      dot(here, { x: "x", y: "y", r: 6, fill: "var(--present)", stroke: "var(--pane)" }),
      dot(equal, { x: "x", y: "y", r: 9, symbol: "diamond", stroke: "var(--ink)", strokeWidth: 2 }),
      text([`AUROC ${auroc}`], { frameAnchor: "bottom-right", dy: -42, dx: -8, fill: "var(--ink)" }),
      text([`◇ EER ${withInterval(condition.figures["eer"])}`], { frameAnchor: "bottom-right", dy: -26, dx: -8, fill: "var(--ink)" }),
      text(["● at the threshold below"], { frameAnchor: "bottom-right", dy: -10, dx: -8, fill: "var(--ink)" }),
    ],
  });
}

export function byThreshold(condition: Condition, points: readonly OperatingPoint[], { width, at }: Place): Element {
  const side = Math.min(width, MOST_SIDE);
  const drawn = LINES.map(({ figure, colour, dash }) => {
    const known = points.filter((point) => point[figure] !== null);
    return line(known, { x: "threshold", y: figure, stroke: colour, strokeWidth: 2, strokeDasharray: dash, curve: "step-after" });
  });
  return plot({
    ...square(side),
    x: { label: condition.scale === "probability" ? "threshold (probability)" : "threshold (logit difference)" },
    y: { domain: UNIT, label: null },
    ariaLabel: `Recall, specificity, precision and F1 of ${condition.name} by threshold`,
    marks: [
      ...frame(),
      ...drawn,
      ruleX([at.threshold], { stroke: "var(--present)", strokeWidth: 2 }),
      dot(
        LINES.filter(({ figure }) => at[figure] !== null),
        { x: at.threshold, y: ({ figure }: (typeof LINES)[number]) => at[figure], r: 4, fill: "var(--present)", stroke: "var(--pane)" },
      ),
    ],
  });
}

/** What the lines of `byThreshold` are, with a piece of each. */
export function legend(): Element {
  const key = document.createElement("ul");
  key.className = "plot-key";
  for (const { figure, colour, dash } of LINES) {
    const piece = plot({
      width: 28,
      height: 10,
      margin: 0,
      axis: null,
      x: { domain: UNIT },
      y: { domain: UNIT },
      marks: [line([{ x: 0, y: 0.5 }, { x: 1, y: 0.5 }], { x: "x", y: "y", stroke: colour, strokeWidth: 2, strokeDasharray: dash })],
    });
    piece.setAttribute("aria-hidden", "true");
    const entry = document.createElement("li");
    entry.append(cleaned(piece), FIGURE_WORDS[figure]);
    key.append(entry);
  }
  return key;
}

export function reliability(condition: Condition, { width }: { width: number }): Element {
  const side = Math.min(width, MOST_SIDE);
  const bins = linesOf(condition.reliability).filter((bin) => Number(bin["n"]) > 0);
  const ece = withInterval(condition.figures["ece"]);
  return plot({
    ...square(side),
    x: { domain: UNIT, label: "mean probability given by the model" },
    y: { domain: UNIT, label: "share of cases that are positive" },
    ariaLabel: `Reliability of ${condition.name}`,
    ariaDescription: `Expected calibration error ${ece}.`,
    marks: [
      ...frame(),
      line([{ x: 0, y: 0 }, { x: 1, y: 1 }], { x: "x", y: "y", stroke: "var(--line-strong)", strokeDasharray: "4 4" }),
      ruleX(bins, { x: "mean_probability", y1: "low", y2: "high", stroke: "var(--accent)", strokeWidth: 1.5 }),
      line(bins, { x: "mean_probability", y: "share_positive", stroke: "var(--accent)", strokeWidth: 1 }),
      dot(bins, { x: "mean_probability", y: "share_positive", r: 4, fill: "var(--accent)", title: binWords }),
      text(bins, { x: "mean_probability", y: "share_positive", text: (bin: Line) => `${bin["n"]}`, dx: 7, dy: -8, textAnchor: "start", fill: "var(--dim)" }),
      text([`ECE ${ece}`], { frameAnchor: "top-left", dy: 8, dx: 8, fill: "var(--ink)" }),
      text([`Brier ${withInterval(condition.figures["brier"])}`], { frameAnchor: "top-left", dy: 24, dx: 8, fill: "var(--ink)" }),
      text(["numbers: cases"], { frameAnchor: "top-left", dy: 40, dx: 8, fill: "var(--dim)" }),
    ],
  });
}

/** The data behind the figures by threshold. */
export function pointLines(points: readonly OperatingPoint[]): readonly Line[] {
  return points.map((point) => ({
    threshold: point.threshold,
    n_called_positive: point.called,
    ...Object.fromEntries(AT_THRESHOLD.map((figure) => [figure, point[figure]])),
    is_equal_error: Number(point.isEqualError),
  }));
}

function binWords(bin: Line): string {
  const [start, end, share, low, high] = ["start", "end", "share_positive", "low", "high"].map((name) => shown(numberOf(bin[name])));
  return `probability ${start} to ${end}: ${bin["n"]} cases, ${share} positive (${low} to ${high})`;
}

function numberOf(value: string | number | null | undefined): number | null {
  return typeof value === "number" ? value : null;
}

function square(side: number): { width: number; height: number; marginLeft: number; marginBottom: number; marginRight: number } {
  return { width: side, height: side, marginLeft: 46, marginBottom: 40, marginRight: 14 };
}

function frame(): Markish[] {
  return [
    gridX({ stroke: "var(--line)", strokeOpacity: 1 }),
    gridY({ stroke: "var(--line)", strokeOpacity: 1 }),
    axisX({ stroke: "var(--line-strong)", fill: "var(--dim)", ticks: 6 }),
    axisY({ stroke: "var(--line-strong)", fill: "var(--dim)", ticks: 6 }),
    ruleY([0], { stroke: "var(--line-strong)" }),
  ];
}
