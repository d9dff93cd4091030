/** The scores of one cell, as the server embeds them: columns of curves, and figures with intervals. */

import type { Line } from "./types";

export interface Estimate {
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

export interface Condition {
  readonly cell: string;
  readonly name: string;
  readonly scale: "logit_difference" | "probability";
  readonly n: number;
  readonly n_positive: number;
  readonly figures: Readonly<Record<string, Estimate>>;
  readonly roc: Columns;
  readonly reliability: Columns;
  readonly threshold_table: Columns;
  /** The threshold that is kept for the cell. */
  readonly picked: number | null;
}

export type Value = number | boolean | null;
export type Columns = Readonly<Record<string, readonly Value[]>>;

/** What calling all cases above a threshold positive gives; null is undefined. */
export interface OperatingPoint {
  readonly threshold: number;
  readonly called: number;
  readonly recall: number | null;
  readonly specificity: number | null;
  readonly precision: number | null;
  readonly f1: number | null;
  readonly balanced_accuracy: number | null;
  readonly isEqualError: boolean;
}

export const AT_THRESHOLD = ["recall", "specificity", "precision", "f1", "balanced_accuracy"] as const;
export const FIGURE_WORDS: Readonly<Record<(typeof AT_THRESHOLD)[number], string>> = {
  recall: "Recall",
  specificity: "Specificity",
  precision: "Precision",
  f1: "F1",
  balanced_accuracy: "Balanced accuracy",
};

/** Operating points from the lowest threshold to the highest. */
export function operatingPoints(condition: Condition): readonly OperatingPoint[] {
  return linesOf(condition.threshold_table)
    .map((line) => ({
      threshold: Number(line["threshold"]),
      called: Number(line["n_called_positive"]),
      recall: known(line["recall"]),
      specificity: known(line["specificity"]),
      precision: known(line["precision"]),
      f1: known(line["f1"]),
      balanced_accuracy: known(line["balanced_accuracy"]),
      isEqualError: Boolean(line["is_equal_error"]),
    }))
    .sort((a, b) => a.threshold - b.threshold);
}

/** Columns as lines; a claim is 1 or 0. */
export function linesOf(columns: Columns): readonly Line[] {
  const names = Object.keys(columns);
  const first = columns[names[0] ?? ""] ?? [];
  return first.map((_, index) => Object.fromEntries(names.map((name) => [name, plain(columns[name]?.[index])])));
}

/** Where among `points` the highest threshold stands that is not above `threshold`; the first when all are. */
export function placeOf(points: readonly OperatingPoint[], threshold: number): number {
  return Math.max(0, points.findLastIndex((point) => point.threshold <= threshold));
}

/** Three decimals, and a dash for what is undefined; 1 and 0 stand only for all and none. */
export function shown(value: number | null): string {
  if (value === null) return "–";
  const text = Math.abs(value).toFixed(3);
  if (text === "1.000" && value > 0 && value < 1) return "> 0.999";
  if (text === "0.000" && value !== 0) return value < 0 ? "> −0.001" : "< 0.001";
  return value < 0 ? `−${text}` : text;
}

/** "0.840 (0.736 to 0.924)". */
export function withInterval(estimate: Estimate | undefined): string {
  if (!estimate || estimate.value === null) return "undefined";
  if (estimate.low === null || estimate.high === null) return shown(estimate.value);
  return `${shown(estimate.value)} (${shown(estimate.low)} to ${shown(estimate.high)})`;
}

/** The probability of "yes" that a logit difference stands for. */
export function probabilityOf(logitDifference: number): number {
  return 0.5 * (1 + Math.tanh(logitDifference / 2));
}

/** A threshold with the probability that it stands for. */
export function thresholdWords(threshold: number, scale: Condition["scale"]): string {
  return scale === "probability" ? shown(threshold) : `${shown(threshold)} (p ${shown(probabilityOf(threshold))})`;
}

function known(value: string | number | null | undefined): number | null {
  return typeof value === "number" ? value : null;
}

function plain(value: Value | undefined): number | null {
  return typeof value === "boolean" ? Number(value) : (value ?? null);
}
