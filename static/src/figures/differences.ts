/** How two labelers differ, cell by cell. */

import type { Compared, Line, Place } from "./types";
import type { Whisker } from "./whiskers";

export const ORDERS: Readonly<Record<string, string>> = { schema: "as in the schema", largest: "largest difference first" };
const SIGNIFICANT = 0.05;

export interface Placed {
  readonly place: Place;
  readonly row: Compared;
}

type Groups<T> = readonly (readonly [string, readonly T[]])[];

/** The cells in one metric, under their targets or by the size of the difference; what is undefined is last. */
export function differences({ rows, places }: { rows: readonly Compared[]; places: readonly Place[] }, { metric, order }: { metric: string; order: string }): Groups<Placed> {
  const rowOf = new Map(rows.filter((row) => row.metric === metric).map((row) => [row.row, row]));
  const found = places.flatMap((place): Placed[] => {
    const row = place.scope === "cell" ? rowOf.get(place.row) : undefined;
    return row ? [{ place, row }] : [];
  });
  if (order === "largest") return [["", found.toSorted((a, b) => sizeOf(b.row) - sizeOf(a.row))]];
  const targets = [...new Set(found.map(({ place }) => place.target))];
  return targets.map((target) => [target, found.filter(({ place }) => place.target === target)]);
}

function sizeOf({ difference }: Compared): number {
  return difference === null ? -1 : Math.abs(difference);
}

/** Filled where the difference is shown, hollow where it may be chance. */
export function whiskerOf({ place, row }: Placed, { order, cases }: { order: string; cases: string }): Whisker {
  return {
    name: order === "schema" ? place.finding : `${place.target} ${place.finding}`,
    value: row.difference,
    low: row.low,
    high: row.high,
    isHollow: row.holm_permutation === null || row.holm_permutation >= SIGNIFICANT,
    title: saidOf(row),
    why: row.first === null && row.second === null ? "in both" : row.first === null ? "in A" : "in B",
    href: row.difference === null ? "" : `${cases}&${new URLSearchParams({ row: row.row, kind: kindOf(row.difference) }).toString()}`,
  };
}

/** The cases that speak for the higher side: it is right, the other is wrong. */
function kindOf(difference: number): string {
  return difference < 0 ? "second-only" : "first-only";
}

/** "liver focal: A 0.820, B 0.760, difference 0.060 (-0.010 to 0.130), corrected p 0.210". */
function saidOf({ row, first, second, difference, low, high, holm_permutation: p }: Compared): string {
  const [a, b, less, from, to, holm] = [first, second, difference, low, high, p].map((each) => each?.toFixed(3) ?? "undefined");
  return `${row}: A ${a}, B ${b}, difference ${less} (${from} to ${to}), corrected p ${holm}`;
}

/** As far to both sides, so that "no difference" is in the middle. */
export function evenDomain(rows: readonly Pick<Compared, "difference" | "low" | "high">[]): readonly [number, number] {
  const far = Math.max(0.1, ...rows.flatMap((row) => [row.difference, row.low, row.high]).map((each) => Math.abs(each ?? 0)));
  const end = Math.ceil(far * 10) / 10;
  return [-end, end];
}

export function linesOf(groups: Groups<Placed>): readonly Line[] {
  return groups.flatMap(([, members]) => members.map(({ place: { target, finding }, row }) => ({ target, finding, ...row })));
}
