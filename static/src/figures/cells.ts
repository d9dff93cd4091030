/** The figures of a labeler by cell, by finding or by target, in an order that is chosen. */

import type { Line, Place, Row } from "./types";
import type { Whisker } from "./whiskers";
import { said } from "./said";

export const METRICS: Readonly<Record<string, string>> = {
  f1: "F1",
  recall: "Recall",
  precision: "Precision",
  specificity: "Specificity",
  mcc: "MCC",
  balanced_accuracy: "Balanced accuracy",
  coverage: "Coverage",
};
export const ORDERS: Readonly<Record<string, string>> = {
  schema: "as in the schema",
  lowest: "lowest first",
  positives: "fewest positives first",
};
export const SCOPES: Readonly<Record<string, string>> = { cell: "cells", finding: "findings", target: "targets" };
const FEW = 10;

/** A row with what it is about. */
export interface Placed {
  readonly place: Place;
  readonly row: Row;
}

export interface Wanted {
  readonly metric: string;
  readonly order: string;
  readonly scope: string;
}

type Groups<T> = readonly (readonly [string, readonly T[]])[];

/** The rows that are wanted: cells in the order of the schema under their targets, all others as one list. */
export function grouped({ rows, places }: { rows: readonly Row[]; places: readonly Place[] }, { metric, order, scope }: Wanted): Groups<Placed> {
  const rowOf = new Map(rows.filter((row) => row.metric === metric).map((row) => [row.row, row]));
  const found = places.flatMap((place): Placed[] => {
    const row = place.scope === scope ? rowOf.get(place.row) : undefined;
    return row ? [{ place, row }] : [];
  });
  if (order !== "schema") return [["", found.toSorted((a, b) => keyOf(a.row, order) - keyOf(b.row, order))]];
  if (scope !== "cell") return [["", found]];
  const targets = [...new Set(found.map(({ place }) => place.target))];
  return targets.map((target) => [target, found.filter(({ place }) => place.target === target)]);
}

/** What is undefined comes last. */
function keyOf(row: Row, order: string): number {
  return (order === "positives" ? row.n_positive : row.value) ?? Number.MAX_VALUE;
}

export function whiskerOf({ place, row }: Placed, { order, href }: { order: string; href: string }): Whisker {
  const scarce = scarceOf(row);
  const { value, low, high } = row;
  return {
    name: order === "schema" ? place.finding || place.target : [place.target, place.finding].filter(Boolean).join(" "),
    value,
    low,
    high,
    isHollow: scarce !== "",
    title: scarce ? `${said(row)}: few ${scarce}` : said(row),
    why: row.n ? `${row.n_positive ?? "?"} of ${row.n} positive` : "no case",
    href,
  };
}

/** What there is too little of to trust a figure; empty where there is enough of both. */
export function scarceOf({ n, n_positive }: Row): string {
  if (n === null || n_positive === null) return "";
  const counts = { positives: n_positive, negatives: n - n_positive };
  return Object.entries(counts).flatMap(([words, count]) => (count < FEW ? [words] : [])).join(" or ");
}

/** From 0, or from -1 where a figure goes below it. */
export function domainOf(rows: readonly Row[]): readonly [number, number] {
  return rows.some((row) => Math.min(row.value ?? 0, row.low ?? 0) < 0) ? [-1, 1] : [0, 1];
}

export function linesOf(groups: Groups<Placed>): readonly Line[] {
  return groups.flatMap(([, members]) => members.map(({ place: { target, finding }, row }) => ({ target, finding, ...row })));
}
